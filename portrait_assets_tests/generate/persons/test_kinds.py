"""Wealth kinds can be found in what they were drawn as; of nested kinds some can, some cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner, Result

from portrait_assets.app.cli import app
from portrait_assets.core.errors import PortraitError
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.common.columns import fixed_text, prefixed
from portrait_assets.synthetic.common.randomness import Floats, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.borrowing import make_borrowing
from portrait_assets.synthetic.persons.kinds import (
    ALIKE,
    KIND_CODES,
    NESTED,
    NESTED_CODES,
    kind_columns,
    latent_variables,
    people_of,
)
from portrait_assets.synthetic.persons.lifecycle import make_lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, People, make_people
from portrait_assets.synthetic.settings import Kinds, Life, Settings

TWELVE = Kinds(12)
NUMBER = np.arange(1, 6_001)


def people(kinds: Kinds) -> People:
    return people_of(3, NUMBER, Life(), REGION_WEIGHTS, kinds)


@pytest.fixture(scope="module")
def twelve() -> People:
    return people(TWELVE)


def habits(of: People) -> Floats:
    """The latent variables, amounts and shares by their logarithm, and how customers transact."""
    frame = pl.DataFrame(
        pl.from_arrow(latent_variables(of, fixed_text(prefixed("C", of.number, 7))))
    ).drop("customer_id")
    skewed = pl.exclude("risk_appetite", "monthly_flow", "^uses_.*$")
    logs = frame.with_columns(skewed.log1p(), pl.col("^uses_.*$").log()).to_numpy()
    spending = np.log(of.category / of.category.sum(axis=1, keepdims=True))
    return np.hstack([logs, np.log1p(of.rate)[:, None], spending])


def clusters(of: People, number: int) -> Floats:
    latent = StandardScaler().fit_transform(habits(of)[:, :12])
    mixture = GaussianMixture(
        number, n_init=3, covariance_type="diag", random_state=0, reg_covar=0.05
    )
    found: Floats = mixture.fit_predict(latent)
    return found


@pytest.mark.parametrize("number", [2, 5, 8, 12])
def test_an_oracle_finds_the_kinds_that_customers_were_drawn_from(number: int) -> None:
    drawn = people(Kinds(number))
    assert set(drawn.wealth_kind) == set(range(number))
    assert adjusted_rand_score(drawn.wealth_kind, clusters(drawn, number)) >= 0.85


def test_without_kinds_there_are_the_segments_alone() -> None:
    plain, before = people(Kinds()), make_people(3, NUMBER, Life(), REGION_WEIGHTS)
    assert (plain.segment == before.segment).all()
    assert (plain.deposit == before.deposit).all()
    columns = kind_columns(plain, Kinds())
    assert {column.null_count for column in columns.values()} == {len(NUMBER)}
    # Twelve clusters of the same variables, where no kinds were planted, are chance.
    kinds = people(TWELVE).wealth_kind
    amounts = StandardScaler().fit_transform(np.log(np.stack([plain.deposit, plain.wealth], 1)))
    found = KMeans(12, n_init=2, random_state=0).fit_predict(amounts)
    assert abs(adjusted_rand_score(kinds, found)) < 0.02


def test_kinds_differ_in_what_the_bank_records(tmp_path: Path) -> None:
    bank = generate_bank(tmp_path / "bank", 1_500, 4, seed=3, settings=Settings(kinds=TWELVE))
    con = scratch_database()
    found = con.sql(
        "SELECT wealth_kind, median(balance) FILTER (product_id = 'P101')::DOUBLE AS current, "
        "median(balance) FILTER (product_id IN ('P102', 'P103', 'P104'))::DOUBLE AS term, "
        "median(balance) FILTER (product_id LIKE 'P4%')::DOUBLE AS fund, "
        "count(*) FILTER (product_id LIKE 'P4%') / count(*) FILTER (product_id = 'P101') AS funds, "
        "mode(risk_grade) FILTER (product_id LIKE 'P4%') AS grade "
        f"FROM '{bank.folder}/balances/2023-04.parquet' JOIN '{bank.folder}/products.parquet' "
        f"USING (product_id) JOIN '{bank.folder}/truth/segments.parquet' USING (customer_id) "
        "GROUP BY 1"
    ).pl()
    of = {row["wealth_kind"]: row for row in found.iter_rows(named=True)}
    assert set(of) == set(KIND_CODES)
    assert 0.8e6 < of["growth"]["fund"] < 1.8e6
    assert 0.7e6 < of["preserver"]["term"] < 1.4e6
    assert 1e6 < of["liquid"]["current"] < 2e6
    assert (of["growth"]["grade"], of["young_trader"]["grade"]) == ("R4", "R5")
    assert of["pension_fund"]["funds"] > 0.8 > 0.2 > of["pension_saver"]["funds"]
    assert bank.truth["latents"] == 1_500
    joined = con.sql(
        "SELECT wealth_kind, median(joined_on) AS joined FROM "
        f"'{bank.folder}/customers.parquet' JOIN '{bank.folder}/truth/segments.parquet' "
        "USING (customer_id) GROUP BY 1"
    ).fetchall()
    since = dict(joined)
    assert since["pension_saver"] < since["preserver"] < since["growth"] < since["starter"]


def of_kind(everyone: People, kind: str) -> tuple[Mask, Mask]:
    """Who is of the kind, and which of these are of the second of its nested kinds."""
    among = everyone.wealth_kind == KIND_CODES.index(kind)
    first = min(n for n, each in enumerate(NESTED) if each.of == kind)
    return among, everyone.nested_kind[among] == first + 1


def distinguished(everyone: People, kind: str) -> float:
    """AUC of a model of the nested kind, on customers whom it has not seen."""
    among, second = of_kind(everyone, kind)
    variables, half = habits(everyone)[among], np.arange(among.sum()) % 2 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    model.fit(variables[half], second[half])
    scores = model.predict_proba(variables[~half])[:, 1]
    return float(roc_auc_score(second[~half], scores))


def outcomes(everyone: People, kind: str) -> list[tuple[float, float]]:
    """Shares of who leaves and of who defaults within 24 months, of each nested kind."""
    lives = make_lifecycle(everyone, Calendar("2023-01", 24), Life())
    left = lives.leave_month < 24
    defaulted = make_borrowing(everyone, lives).default_month < 24
    among, second = of_kind(everyone, kind)
    return [
        (float(left[among][each].mean()), float(defaulted[among][each].mean()))
        for each in (~second, second)
    ]


def test_nested_kinds_differ_in_habits_and_in_a_later_outcome(twelve: People) -> None:
    assert distinguished(twelve, "growth") > 0.95
    assert distinguished(twelve, "business") > 0.95
    (loyal, _), (restless, _) = outcomes(twelve, "growth")
    assert restless > 0.25 > 0.05 > loyal
    (_, sound), (_, stretched) = outcomes(twelve, "business")
    assert stretched > 0.05 > 0.025 > sound


def test_nested_kinds_that_are_alike_cannot_be_distinguished(twelve: People) -> None:
    for kind in ALIKE:
        assert abs(distinguished(twelve, kind) - 0.5) < 0.1
        (left, defaulted), (left_too, defaulted_too) = outcomes(twelve, kind)
        assert abs(left - left_too) < 0.03
        assert abs(defaulted - defaulted_too) < 0.02
    columns = kind_columns(twelve, TWELVE)
    listed = dict(
        zip(
            columns["nested_kind"].to_pylist(),
            columns["is_distinguishable"].to_pylist(),
            strict=True,
        )
    )
    assert listed.pop(None) is None
    assert set(listed) == set(NESTED_CODES)
    assert {code for code, apart in listed.items() if not apart} == {"pension_even", "pension_odd"}


def test_nested_kinds_that_do_not_differ_are_not_found() -> None:
    alike = people(Kinds(12, differing=0.0))
    for kind in ("growth", "business"):
        assert abs(distinguished(alike, kind) - 0.5) < 0.1
    (loyal, _), (restless, _) = outcomes(alike, "growth")
    assert abs(loyal - restless) < 0.04
    columns = kind_columns(alike, Kinds(12, differing=0.0))
    assert set(columns["is_distinguishable"].to_pylist()) == {None, False}


@pytest.mark.parametrize("number", [-1, 0, 1, 13])
def test_a_number_of_kinds_that_there_is_not(tmp_path: Path, number: int) -> None:
    with pytest.raises(
        PortraitError, match=f"{number} wealth kinds cannot be made; ask for 2 to 12"
    ):
        generate_bank(tmp_path / "out", 10, 2, seed=1, settings=Settings(kinds=Kinds(number)))
    assert not (tmp_path / "out").exists()


def test_kinds_are_asked_for_on_the_command_line(tmp_path: Path) -> None:
    def generate(kinds: str, to: str) -> Result:
        size = ["--customers", "60", "--months", "2", "--out", str(tmp_path / to)]
        return CliRunner().invoke(app, ["generate", "bank", "--kinds", kinds, *size])

    assert generate("3", "three").exit_code == 0
    truth = pl.read_parquet(tmp_path / "three" / "truth" / "segments.parquet")
    assert set(truth["wealth_kind"]) == set(KIND_CODES[:3])
    refused = generate("40", "forty")
    assert isinstance(refused.exception, PortraitError)
    assert not (tmp_path / "forty").exists()
