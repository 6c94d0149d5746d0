"""The tables hold what truth/ records."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.synthetic.bank import BankSummary, generate_bank
from portrait_assets.synthetic.common.randomness import Draws
from portrait_assets.synthetic.persons.records.duplicates import _masks
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets_tests.generate.conftest import Query

PLANTED = {
    "impossible date": r"\d{4}-02-30",
    "wrong check digit": r"\d{17}[56]",
    "full width": r"[0-9]{11}",
    "in groups": r"154-\d{4}-\d{4}",
    "full-width space": r".\u3000.+",
    "money in words": r"[\d.]+万|¥\d+",
    "unusual form: slashes": r"\d{4}/\d{1,2}/\d{1,2}",
    "unusual form: digits only": r"\d{8}",
    "unusual form: excel serial": r"-?\d{1,5}",
}


def test_bad_values_stand_where_the_truth_says(bank: BankSummary, query: Query) -> None:
    bad = query("FROM truth_bad_values")
    kinds = set(bad["kind"])
    assert {"sentinel", "missing", "repeated", *PLANTED} <= kinds
    for (file, column, kind), rows in bad.group_by("source_file", "column_name", "kind"):
        if column is None:
            continue
        received = pl.read_parquet(bank.folder / str(file), columns=[str(column)]).to_series()
        values = received.gather(rows["source_row"] - 1)
        if kind in ("missing", "unreadable"):
            assert values.null_count() == len(values)
        elif kind in PLANTED:
            assert values.str.contains(f"^(?:{PLANTED[str(kind)]})$").all(), kind
        else:
            assert (values.cast(pl.String) != rows["true_value"]).all(), (column, kind)


def test_repeated_rows_are_repeated(bank: BankSummary, query: Query) -> None:
    repeated = query("FROM truth_bad_values WHERE kind = 'repeated'")
    assert len(repeated) > 0
    for (file,), rows in repeated.group_by("source_file"):
        table = pl.read_parquet(bank.folder / str(file))
        twice = table.filter(table.is_duplicated())
        assert len(twice) == 2 * len(rows)
        marked = table[rows["source_row"] - 1]
        assert len(marked.join(twice, on="transaction_id", how="semi")) == len(rows)
    ids = query("SELECT count(*) - count(DISTINCT transaction_id) FROM transactions").item()
    assert ids == len(repeated)


def test_what_is_not_planted_is_clean(query: Query) -> None:
    missing_times = query("SELECT count(*) FROM transactions WHERE occurred_at IS NULL").item()
    planted = query(
        "SELECT count(*) FROM truth_bad_values "
        "WHERE kind = 'unreadable' AND column_name = 'occurred_at'"
    ).item()
    assert missing_times == planted
    unknown = query("SELECT count(*) FROM transactions WHERE channel = 'unknown'").item()
    assert (
        unknown
        == query("SELECT count(*) FROM truth_bad_values WHERE column_name = 'channel'").item()
    )
    genders = query("SELECT count(*) FROM customers WHERE gender NOT IN ('F', 'M')").item()
    assert (
        genders
        == query("SELECT count(*) FROM truth_bad_values WHERE column_name = 'gender'").item()
    )


def test_nobody_pays_with_a_card_before_it_is_issued(query: Query) -> None:
    """Some cards are issued later than their customers joined, and paid with from then on."""
    later, before, after = query(
        "WITH line AS (SELECT customer_id, product_id, date_trunc('month', occurred_at) AS month "
        "FROM transactions WHERE product_id LIKE 'P20_'), "
        "card AS (SELECT customer_id, product_id, date_trunc('month', min(balance_on)) AS since "
        "FROM balances WHERE product_id LIKE 'P20_' GROUP BY ALL) "
        "SELECT count(DISTINCT customer_id) FILTER (since > (SELECT min(since) FROM card)), "
        "count(*) FILTER (month < since), count(*) FILTER (month >= since) "
        "FROM line JOIN card USING (customer_id, product_id)"
    ).row(0)
    assert before == 0
    assert later > 50
    assert after > 1_000


def test_duplicates_are_second_records_of_their_person(query: Query) -> None:
    pairs = query(
        "SELECT d.*, a.full_name AS name, b.full_name AS other_name, a.national_id AS id, "
        "b.national_id AS other_id, a.phone AS phone, b.phone AS other_phone, "
        "a.recorded_on AS first_known, b.recorded_on AS second_known "
        "FROM truth_duplicates d JOIN customers b ON b.customer_id = d.duplicate_id "
        "JOIN (SELECT DISTINCT ON (customer_id) * FROM customers ORDER BY recorded_on) a "
        "ON a.customer_id = d.customer_id"
    )
    assert len(pairs) == query("SELECT count(*) FROM truth_duplicates").item() > 20
    assert (pairs["second_known"] > pairs["first_known"]).all()
    assert (pairs["other_id"].null_count()) > 0
    agree = (pairs["id"] == pairs["other_id"]) | (pairs["phone"] == pairs["other_phone"])
    assert agree.fill_null(False).sum() > 0.7 * len(pairs)
    unlisted = query(
        "SELECT count(*) FROM customers WHERE customer_id LIKE 'K%' AND customer_id NOT IN "
        "(SELECT duplicate_id FROM truth_duplicates)"
    ).item()
    assert unlisted == 0
    in_use = query("SELECT count(*) FROM interactions WHERE customer_id LIKE 'K%'").item()
    assert in_use > 0


def test_a_day_and_month_are_swapped_where_that_is_another_date() -> None:
    births = ["1990-05-12", "1990-05-13", "1990-05-05"]
    draws = Draws.of(1, "second record", np.arange(3_000))
    swapped = _masks(draws, pl.Series(births * 1_000))["birth_date", "day and month swapped"]
    assert 20 < swapped[0::3].sum() < 100
    assert (swapped[1::3].sum(), swapped[2::3].sum()) == (0, 0)


def test_the_control_group_is_random(query: Query) -> None:
    groups = query(
        "SELECT is_control, count(*) AS n, avg(probability_without_contact) AS p, "
        "stddev(probability_without_contact) AS sd, avg(treatment_effect) AS t, "
        "stddev(treatment_effect) AS sdt FROM truth_responses GROUP BY 1 ORDER BY 1"
    )
    treated, control = groups.rows(named=True)
    share = control["n"] / (control["n"] + treated["n"])
    assert abs(share - 0.3) < 4 * math.sqrt(0.21 / (control["n"] + treated["n"]))
    for mean, spread in (("p", "sd"), ("t", "sdt")):
        error = math.hypot(
            treated[spread] / math.sqrt(treated["n"]), control[spread] / math.sqrt(control["n"])
        )
        assert abs(treated[mean] - control[mean]) < 4 * error
    by_segment = query(
        "SELECT segment, count(*) AS n, avg(is_control::INT) AS share FROM contacts "
        "JOIN truth_segments USING (customer_id) GROUP BY 1"
    )
    assert set(by_segment["segment"]) == set(SEGMENT_CODES)
    for row in by_segment.iter_rows(named=True):
        assert abs(row["share"] - 0.3) < 4 * math.sqrt(0.21 / row["n"])


def test_control_customers_were_not_reached(query: Query) -> None:
    assert query("SELECT count(channel) FROM contacts WHERE is_control").item() == 0
    assert (
        query("SELECT count(*) FROM contacts WHERE NOT is_control AND channel IS NULL").item() == 0
    )


def test_observed_effect_of_contact_is_the_true_one(query: Query) -> None:
    arms = query(
        "WITH answered AS (SELECT DISTINCT customer_id, campaign_id, 1 AS yes FROM responses) "
        "SELECT is_control, count(*) AS n, avg(coalesce(yes, 0)) AS rate, "
        "avg(treatment_effect) AS effect FROM contacts "
        "JOIN truth_responses USING (customer_id, campaign_id, is_control) "
        "LEFT JOIN answered USING (customer_id, campaign_id) GROUP BY 1 ORDER BY 1"
    )
    treated, control = arms.rows(named=True)
    observed = treated["rate"] - control["rate"]
    error = math.sqrt(
        treated["rate"] * (1 - treated["rate"]) / treated["n"]
        + control["rate"] * (1 - control["rate"]) / control["n"]
    )
    assert treated["effect"] > 0.03
    assert abs(observed - treated["effect"]) < 4 * error


def test_answers_follow_their_true_probabilities(query: Query) -> None:
    tenths = query(
        "SELECT ntile(5) OVER (ORDER BY response_probability) AS fifth, response_probability AS p, "
        "responded::INT AS yes FROM truth_responses"
    )
    for _, rows in tenths.group_by("fifth"):
        expected, count = float(rows["p"].mean() or 0), len(rows)  # type: ignore[arg-type]
        error = math.sqrt(expected * (1 - expected) / count)
        assert abs(float(rows["yes"].mean() or 0) - expected) < 4.5 * error  # type: ignore[arg-type]


def test_answers_come_after_the_contact_unless_planted(query: Query) -> None:
    too_early = query(
        "SELECT count(*) FROM responses JOIN contacts USING (customer_id, campaign_id) "
        "WHERE responded_on < contacted_on"
    ).item()
    planted = query("SELECT count(*) FROM truth_bad_values WHERE kind = 'before_contact'").item()
    assert too_early == planted


def test_outcomes_of_offers_are_the_answers(query: Query) -> None:
    differing = query(
        "SELECT count(*) FROM outcomes o JOIN campaigns c ON c.ended_on = o.observed_on "
        "JOIN truth_responses r ON r.customer_id = o.customer_id AND r.campaign_id = c.campaign_id "
        "WHERE outcome = 'term_deposit' AND (value = 1) <> responded"
    ).item()
    assert differing == 0


@pytest.mark.slow
def test_default_rate_is_near_the_true_probability(tmp_path: Path) -> None:
    bank = generate_bank(tmp_path / "bank", 12_000, 12, seed=4)
    truth = pl.read_parquet(bank.folder / "truth" / "defaults.parquet")
    expected = float(truth["default_probability_12m"].mean())  # type: ignore[arg-type]
    observed = 1 - truth["defaulted_on"].null_count() / len(truth)
    # Joining and leaving within the year make the observed rate a little smaller.
    assert 0.75 * expected < observed < 1.1 * expected
