"""A feature without information of its own is left out, with the reason in the table."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.declared.feature import Element, Feature
from portrait_assets.stages.features.described import selection
from portrait_assets.stages.features.described.selection import SAMPLE, select_features
from portrait_assets.stages.features.given import EVIDENCE, SOURCE_EVIDENCE
from portrait_assets.storage.steps import Read, Scope, Source, upstream
from portrait_assets.testing.steps import run_step

CUSTOMERS = 500
MAY = date(2024, 5, 31)


def feature(name: str, type_: Type = Type.NUMBER) -> Feature:
    return Feature(name, Element.SYMBOL, type_, name, name, "as given", "never null")


def verdicts(**columns: object) -> dict[str, tuple[object, ...]]:
    matrix = pl.DataFrame({"customer_id": [f"{i:04d}" for i in range(CUSTOMERS)], **columns})
    types = {
        name: Type.TEXT if dtype == pl.String else Type.NUMBER
        for name, dtype in matrix.schema.items()
    }
    features = [feature(name, types[name]) for name in columns]
    rows = select_features(matrix, features).iter_rows(named=True)
    return {
        row["feature"]: (row["is_kept"], row["reason"], row["value"], row["other_feature"])
        for row in rows
    }


@pytest.fixture
def spend() -> np.ndarray:
    return np.random.default_rng(1).lognormal(3, 1, CUSTOMERS)


def test_a_feature_that_varies_on_its_own_is_kept(spend):
    noise = np.random.default_rng(2).normal(size=CUSTOMERS)
    selected = verdicts(spend=spend, noise=noise, region=["east", "west"] * (CUSTOMERS // 2))
    assert set(selected.values()) == {(True, None, None, None)}


def test_a_feature_that_is_empty_or_near_constant_is_left_out(spend):
    rare = [1.0] * 3 + [0.0] * (CUSTOMERS - 3)
    selected = verdicts(spend=spend, nothing=[None] * CUSTOMERS, rare=rare)
    assert selected["nothing"] == (False, "empty", 1.0, None)
    assert selected["rare"] == (False, "near-constant", 1 - 3 / CUSTOMERS, None)


def test_a_feature_that_is_not_read_for_want_of_evidence_is_empty():
    evidence = pl.DataFrame(
        [
            {"evidence": each.name, "is_given": each.table == "transactions"} | {"as_of": MAY}
            for each in EVIDENCE
        ]
    )
    empty = FEATURE_MATRIX.empty()
    rows = pl.DataFrame({"customer_id": ["ann", "bob"], "recency_days": [1, 2]})
    matrix = pl.concat([empty, rows], how="diagonal_relaxed").with_columns(as_of=pl.lit(MAY))
    steps = {read.table: read for read in upstream(SAMPLE) if isinstance(read, Read)}
    scope = Scope("2024-05")
    read_all: dict[Source, pl.DataFrame] = {
        steps[FEATURE_MATRIX]: matrix,
        steps[SOURCE_EVIDENCE]: evidence.clear(),
    }
    read_known = {**read_all, steps[SOURCE_EVIDENCE]: evidence}
    whole, known = (run_step(SAMPLE, scope, inputs) for inputs in (read_all, read_known))
    assert set(whole.columns) - set(known.columns) >= {"total_balance", "age"}
    assert {"customer_id", "recency_days", "spend_12m"} <= set(known.columns)
    assert select_features(whole, FEATURES).equals(select_features(known, FEATURES))
    by_feature = dict(select_features(known, FEATURES).select("feature", "reason").iter_rows())
    assert (by_feature["recency_days"], by_feature["age"]) == (None, "empty")


@pytest.mark.parametrize(("others", "is_kept"), [(CUSTOMERS // 100, False), (6, True)])
def test_a_feature_is_near_constant_when_99_of_100_have_one_value_or_none(others, is_kept, spend):
    of_few = np.arange(CUSTOMERS)[::-1] < others
    number = np.where(of_few, spend, np.nan)
    selected = verdicts(number=pl.Series(number, nan_to_null=True), same=of_few.astype(float))
    assert [selected[name][0] for name in ("number", "same")] == [is_kept, is_kept]


def test_a_value_that_is_mostly_missing_is_near_constant(spend):
    selected = verdicts(spend=spend, seldom=[1.0, 2.0, 3.0] + [None] * (CUSTOMERS - 3))
    assert selected["seldom"][1] == "near-constant"


@pytest.mark.parametrize(("strength", "is_kept"), [(0.95, False), (-0.95, False), (0.949, True)])
def test_a_feature_is_collinear_from_a_rank_correlation_of_95_of_100_on(
    monkeypatch: pytest.MonkeyPatch, strength: float, is_kept: bool, spend
):
    matrix = np.array([[1.0, strength], [strength, 1.0]])
    monkeypatch.setattr(selection, "rank_correlation_matrix", lambda *_: matrix)
    selected = verdicts(spend=spend, other=spend[::-1].copy())
    expected = (True, None, None, None) if is_kept else (False, "collinear", 0.95, "spend")
    assert selected["other"] == expected
    assert selected["spend"][0]


def test_a_copy_names_the_one_it_copies(spend):
    selected = verdicts(
        spend=spend, copy=spend.copy(), name=["a", "b"] * 250, alias=["a", "b"] * 250
    )
    assert selected["copy"] == (False, "duplicated", 1.0, "spend")
    assert selected["alias"] == (False, "duplicated", 1.0, "name")


def test_a_feature_that_follows_an_earlier_one_in_rank_is_collinear(spend):
    selected = verdicts(spend=spend, logarithm=-np.log(spend))
    assert selected["spend"] == (True, None, None, None)
    assert selected["logarithm"] == (False, "collinear", 1.0, "spend")


def test_only_features_that_are_kept_push_others_out(spend):
    """c follows b, but b is gone already: c is measured against what is left."""
    rng = np.random.default_rng(3)
    ranks = stats.rankdata(spend)
    b = ranks + rng.normal(scale=35, size=CUSTOMERS)
    c = b + rng.normal(scale=35, size=CUSTOMERS)
    selected = verdicts(spend=ranks, b=b, c=c)
    assert selected["b"][1:] == ("collinear", selected["b"][2], "spend")
    assert selected["c"][3] in (None, "spend")


def test_a_few_pairs_prove_nothing(spend):
    few = [float(x) if i < 20 else None for i, x in enumerate(spend)]
    assert verdicts(spend=spend, few=few)["few"][0]
