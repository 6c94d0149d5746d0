from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.tags.advice import Lift, Measures, advise
from portrait_assets.tags.changes import tag_changes
from portrait_assets.tags.contract import TAG_CHANGES, TAG_QUALITY
from portrait_assets.tags.evaluate import evaluate
from portrait_assets.tags.quality import ks, psi, shared_information, tag_quality, wilson
from portrait_assets.tags.significance import two_proportions
from portrait_assets_tests.tags.world import (
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    TIER,
    catalogue_of,
    features,
)

NUMBER = "  - {code: amount, expression: spend, type: money}\n"


def test_changes_tell_who_gained_lost_and_changed(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, INTERESTS, NUMBER)
    may = features(MAY, spend=[150, 150, None, 5], visits=[20, 1, 1, 1], member=[True] * 4)
    june = features(JUNE, spend=[150, 50, 50, None], visits=[1, 1, 1, 1], member=[True] * 4)
    before = evaluate(catalogue, may, None, None, MAY).tag_table
    after = evaluate(catalogue, june, None, before, JUNE).tag_table

    changes = tag_changes(catalogue, before, after, JUNE)

    # Amounts move every month by nature and are no change of a tag.
    assert changes.drop("as_of").rows() == [
        ("a", "interests", "lost", "often", None),
        ("b", "tier", "changed", "high", "low"),
        ("c", "tier", "gained", None, "low"),
        ("d", "tier", "lost", "low", None),
    ]
    assert changes.schema == TAG_CHANGES.polars_schema
    assert tag_changes(catalogue, None, after, JUNE).is_empty()


def test_a_quality_card_per_tag_conforms_and_says_why(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, HOME, INTERESTS, NUMBER)
    spread = [10.0 * step for step in range(10)]
    may = evaluate(catalogue, features(MAY, spend=spread, visits=[12] * 10), None, None, MAY)
    june = evaluate(
        catalogue,
        features(JUNE, spend=[s + 60 for s in spread], visits=[12] * 10),
        None,
        may.tag_table,
        JUNE,
    )
    cards = tag_quality(catalogue, june.portrait_matrix, june.tag_table, may.portrait_matrix, JUNE)

    assert cards.schema == TAG_QUALITY.polars_schema
    by_code = {row["tag_code"]: row for row in cards.iter_rows(named=True)}
    assert by_code["tier"]["coverage"] == 1.0
    assert by_code["tier"]["share_changed"] == 0.6
    assert by_code["tier"]["recommendation"] == "review"
    assert "shifted" in by_code["tier"]["reason_en"]
    assert by_code["amount"]["ks"] == pytest.approx(0.6)
    assert by_code["home"]["recommendation"] == "retire"
    assert by_code["interests"]["recommendation"] == "retire"
    assert "tells nobody apart" in by_code["interests"]["reason_en"]


def test_lift_follows_the_outcome_and_has_an_interval(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER)
    world = features(spend=[1])
    world = pl.concat([world] * 400).with_columns(
        customer_id=pl.int_range(400).cast(pl.String),
        spend=pl.when(pl.int_range(400) < 100).then(500).otherwise(5).cast(pl.Decimal(18, 2)),
    )
    june = evaluate(catalogue, world, None, None, JUNE)
    outcome = world.select("customer_id", outcome=pl.col("customer_id").cast(pl.Int64) < 150)

    card = tag_quality(catalogue, june.portrait_matrix, june.tag_table, None, JUNE, outcome).row(
        0, named=True
    )

    assert card["lift_value"] == "high"
    assert card["lift"] == pytest.approx(1 / (150 / 400))
    assert 1 < card["lift_low"] < card["lift"] <= card["lift_high"]
    assert card["recommendation"] == "keep"


GOOD = Measures(1000, 0.9, 3, 0.5, 0.01, 0.1, 0.0, ("other", 0.2), Lift("high", 2.0, 1.5, 2.5))


@pytest.mark.parametrize(
    ("measured", "advice", "why"),
    [
        ({}, "keep", "steady"),
        ({"coverage": 0.005}, "retire", "under 1%"),
        ({"top_share": 1.0}, "retire", "nobody apart"),
        ({"coverage": 0.2}, "review", "under 30%"),
        ({"psi": 0.3}, "review", "shifted"),
        ({"share_changed": 0.6}, "review", "changed value"),
        ({"age_months": 0.9}, "review", "months old"),
        ({"overlap": ("twin", 0.95)}, "review", "same as twin"),
    ],
)
def test_the_advice_gives_its_reason(
    tmp_path: Path, measured: dict[str, object], advice: str, why: str
):
    tag = catalogue_of(tmp_path, TIER).tag("tier")
    measures = Measures(**{**GOOD.__dict__, **measured})  # type: ignore[arg-type]

    found, reason_en, reason_zh = advise(tag, measures)

    assert found == advice
    assert why in reason_en
    assert reason_zh


def test_a_prediction_that_tells_nothing_apart_is_reviewed(tmp_path: Path):
    tag = catalogue_of(tmp_path, TIER.replace("code: tier", "code: tier\n    kind: predictive"))
    measures = Measures(**{**GOOD.__dict__, "lift": Lift("high", 1.1, 0.8, 1.4)})

    assert advise(tag.tag("tier"), measures)[0] == "review"


_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50)


@given(_NUMBERS, _NUMBERS)
def test_distances_are_zero_for_the_same_and_never_negative(one: list[float], two: list[float]):
    first, second = pl.Series(one), pl.Series(two)

    assert psi(first, first) == pytest.approx(0)
    assert psi(first, second) >= 0
    assert ks(first, first) == 0
    assert 0 <= ks(first, second) <= 1


def test_psi_of_a_known_shift():
    before = pl.Series(["a"] * 50 + ["b"] * 50)
    after = pl.Series(["a"] * 80 + ["b"] * 20)

    # (0.8 - 0.5) ln 1.6 + (0.2 - 0.5) ln 0.4
    assert psi(before, after) == pytest.approx(0.415888, abs=1e-6)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_a_coding_shares_all_information_with_its_renaming(codes: list[int]):
    one = np.array(codes)
    assert shared_information(one, 3 - one) == pytest.approx(1.0 if len(set(codes)) > 1 else 0.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_rate(case: tuple[int, int]):
    hits, n = case
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1


def test_small_counts_use_the_exact_test():
    # Fisher's tea: 3 of 4 against 1 of 4.
    assert two_proportions(3, 4, 1, 4) == pytest.approx(0.4857142857)
    assert two_proportions(300, 400, 100, 400) == pytest.approx(0, abs=1e-12)
    assert two_proportions(4, 4, 4, 4) is None
