"""Prospects: the customers among them are found, and so is who is going to join."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.settings import Life, Prospects, Settings
from portrait_assets_tests.generate.conftest import Query, queries

MANY = 4_000
JOINING = 0.5
PLANTED = Prospects(listed=0.5, known=0.2)
RECORDED_BEFORE = """
SELECT DISTINCT prospect_id, c.customer_id FROM prospects p JOIN customers c
ON (p.phone = c.phone OR p.email = c.email
    OR (p.birth_date = c.birth_date
        AND translate(p.full_name, ' ', '') = translate(c.full_name, ' ', '')))
WHERE c.joined_on <= p.recorded_on AND c.customer_id LIKE 'C%'
"""
"""Who was a customer when listed: the same telephone number or mail, or name and birth."""


def bank(folder: pytest.TempPathFactory, prospects: Prospects) -> Query:
    out = folder.mktemp("prospects") / "bank"
    settings = Settings(life=Life(joining=JOINING), prospects=prospects)
    generate_bank(out, MANY, 10, seed=3, settings=settings)
    return queries(out)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Query:
    return bank(tmp_path_factory, PLANTED)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """No customers among the prospects, and all of them as likely to join."""
    return bank(tmp_path_factory, Prospects(listed=0.5, known=0.0, lookalike=0.0))


def test_prospects_are_the_set_share_of_customers(listed: Query, query: Query) -> None:
    # Of the customers chosen a few have left or joined too late to be listed.
    assert 0.42 < listed("SELECT count(*) FROM prospects").item() / MANY < 0.52
    assert 0.04 < query("SELECT count(*) FROM prospects").item() / 4_000 < 0.07
    unknown = "SELECT count(*) FROM prospects ANTI JOIN truth_prospects USING (prospect_id)"
    assert listed(unknown).item() == 0
    assert listed("SELECT count(*) - count(DISTINCT prospect_id) FROM prospects").item() == 0


def test_customers_are_found_under_another_spelling(listed: Query, alike: Query) -> None:
    truth = set(
        listed("SELECT prospect_id, customer_id FROM truth_prospects WHERE was_customer").rows()
    )
    found = set(listed(RECORDED_BEFORE).rows())
    assert len(truth) > 200
    assert len(found & truth) > 0.95 * len(truth)
    assert not found - truth
    assert len(alike(RECORDED_BEFORE)) == 0


def test_they_are_spelt_otherwise(listed: Query) -> None:
    changed = listed(
        "WITH c AS (SELECT DISTINCT ON (customer_id) * FROM customers "
        "ORDER BY customer_id, recorded_on) "
        "SELECT avg((t.changes <> '')::INT), avg((p.full_name <> c.full_name)::INT), "
        "avg((p.phone <> c.phone)::INT) FROM truth_prospects t "
        "JOIN prospects p USING (prospect_id) JOIN c ON c.customer_id = t.customer_id "
        "WHERE was_customer"
    ).row(0)
    assert changed[0] > 0.8
    assert 0.1 < changed[1] < 0.5
    assert 0.2 < changed[2] < 0.35


def test_who_joins_becomes_a_customer_and_nobody_else_does(listed: Query) -> None:
    wrong = listed(
        "SELECT count(*) FROM truth_prospects t JOIN prospects p USING (prospect_id) "
        "LEFT JOIN (SELECT customer_id, min(joined_on) AS joined FROM customers GROUP BY 1) c "
        "ON c.customer_id = t.customer_id "
        "WHERE joined_on IS DISTINCT FROM joined OR was_customer <> (joined < p.recorded_on) "
        "OR joined_on > p.recorded_on + 180"
    ).item()
    assert wrong == 0
    strangers = listed(
        "SELECT count(*) FROM truth_prospects t JOIN prospects p USING (prospect_id) "
        "JOIN customers c ON c.phone = p.phone OR c.email = p.email WHERE t.customer_id IS NULL"
    ).item()
    assert strangers == 0


def test_joining_has_its_true_probability(listed: Query) -> None:
    fifths = listed(
        "SELECT ntile(5) OVER (ORDER BY join_probability) AS fifth, join_probability AS p, "
        "(joined_on IS NOT NULL)::INT AS joined FROM truth_prospects WHERE NOT was_customer"
    )
    means = fifths.group_by("fifth").agg(pl.mean("p", "joined"), pl.len()).sort("fifth")
    assert means["p"].max() > 10 * means["p"].min()  # type: ignore[operator]
    for expected, observed, count in means.select("p", "joined", "len").iter_rows():
        assert abs(observed - expected) < 4.5 * math.sqrt(expected * (1 - expected) / count)


def auc_by_attributes(query: Query) -> float:
    """How well a logistic regression on what is known of prospects orders them by joining."""
    known = query(
        "SELECT p.*, joined_on IS NOT NULL AS joined FROM prospects p "
        "JOIN truth_prospects USING (prospect_id) WHERE NOT was_customer ORDER BY prospect_id"
    ).with_columns(pl.col("age").fill_null(40))
    words = ["income_band", "education", "occupation", "home_ownership"]
    features = known.select("age", *(pl.col(name).fill_null("none") for name in words))
    model = make_pipeline(
        make_column_transformer(
            (SplineTransformer(n_knots=4), [0]),
            (OneHotEncoder(handle_unknown="ignore"), [1, 2, 3, 4]),
        ),
        LogisticRegression(max_iter=500),
    )
    joined = known["joined"].to_numpy()
    chance = cross_val_predict(model, features.to_numpy(), joined, cv=5, method="predict_proba")
    return float(roc_auc_score(joined, chance[:, 1]))


def test_who_will_join_is_found_by_attributes_where_it_depends_on_them(
    listed: Query, alike: Query
) -> None:
    truth = listed(
        "SELECT join_probability AS p, joined_on IS NOT NULL AS joined FROM truth_prospects "
        "WHERE NOT was_customer"
    )
    best = roc_auc_score(truth["joined"].to_numpy(), truth["p"].to_numpy())
    assert best > 0.78
    assert best - 0.04 < auc_by_attributes(listed) < best + 0.03
    assert alike("SELECT count(DISTINCT join_probability) FROM truth_prospects").item() == 1
    assert abs(auc_by_attributes(alike) - 0.5) < 0.06


def test_value_is_what_is_held_six_months_after_joining(listed: Query) -> None:
    differing, count = listed(
        "WITH held AS (SELECT customer_id, balance_on, "
        "sum(balance) FILTER (credit_limit IS NULL)::DOUBLE AS held FROM balances GROUP BY ALL) "
        "SELECT count(*) FILTER (abs(value_after_six_months - coalesce(held, 0)) > 0.005), "
        "count(value_after_six_months) FROM truth_prospects t LEFT JOIN held h "
        "ON h.customer_id = t.customer_id AND balance_on = last_day(joined_on + INTERVAL 6 MONTH) "
        "WHERE NOT was_customer"
    ).row(0)
    assert differing == 0
    assert count > 60
    early = listed(
        "SELECT count(*) FROM truth_prospects WHERE (value_after_six_months IS NULL) <> "
        "(was_customer OR joined_on IS NULL OR joined_on >= DATE '2023-05-01')"
    ).item()
    assert early == 0


def test_who_resembles_those_who_join_is_worth_more(listed: Query) -> None:
    joined = listed(
        "SELECT join_probability AS p, value_after_six_months AS v FROM truth_prospects "
        "WHERE value_after_six_months > 0 AND NOT was_customer"
    )
    ranks = [joined[name].rank().to_numpy() for name in ("p", "v")]
    assert np.corrcoef(ranks)[0, 1] > 0.25
