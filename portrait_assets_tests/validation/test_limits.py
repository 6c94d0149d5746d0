"""Verdicts at each limit and just beside it, and what findings say, from rows written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.validation.backtests import measures
from portrait_assets.stages.validation.backtests.buckets import OTHERS
from portrait_assets.stages.validation.backtests.claims import CLAIMS
from portrait_assets.stages.validation.backtests.measures import (
    Judged,
    _calibration,
    _too_few,
    _verdict,
)
from portrait_assets.stages.validation.contract import (
    BACKTEST,
    FAIRNESS,
    Attribute,
    Parity,
    Verdict,
)
from portrait_assets.stages.validation.fairness import parity
from portrait_assets.stages.validation.fairness.parity import (
    COUNTED,
    MOST_LEVELS,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.stages.validation.findings import data as findings
from portrait_assets.stages.validation.findings.backtest import _of_source, _tests
from portrait_assets.stages.validation.findings.data import LOWEST_TAG_COVERAGE
from portrait_assets.stages.validation.findings.fairness import (
    LEAST_KNOWN,
    _differing,
    fairness_findings,
)


class Stated:
    """A test whose counts are as stated."""

    def __init__(self, hits: int = 50, others: int = 50, **differing: Any) -> None:
        self.is_of_one_value = differing.get("is_of_one_value", False)
        self.is_found = differing.get("is_found", True)
        self.counts = type(
            "Counts",
            (),
            {"hits": np.array([[hits]]), "customers": np.array([[hits + others]])},
        )()


def verdict(gain: tuple[float, float], value: tuple[float, float], **of: Any) -> Verdict:
    ends = Interval(sum(gain) / 2, *gain), Interval(sum(value) / 2, *value)
    judged: Any = Stated(**of)
    return _verdict(judged, *ends, 0.5)


@pytest.mark.parametrize(
    ("gain", "value", "of", "expected"),
    [
        ((0.01, 0.2), (0.51, 0.7), {}, Verdict.PASS),
        ((0.0, 0.2), (0.51, 0.7), {}, Verdict.WARN),
        ((0.01, 0.2), (0.5, 0.7), {}, Verdict.WARN),
        ((0.01, 0.2), (0.51, 0.7), {"is_found": False}, Verdict.WARN),
        ((-0.2, 0.0), (0.51, 0.7), {}, Verdict.WARN),
        ((-0.2, -0.01), (0.51, 0.7), {}, Verdict.FAIL),
        ((-0.2, 0.1), (0.3, 0.5), {}, Verdict.FAIL),
        ((-0.2, 0.1), (0.3, 0.501), {}, Verdict.WARN),
        ((0.01, 0.2), (0.51, 0.7), {"is_of_one_value": True}, Verdict.NOT_JUDGED),
        ((float("nan"), 0.2), (0.51, 0.7), {}, Verdict.NOT_JUDGED),
        ((0.01, 0.2), (0.51, 0.7), {"hits": measures.FEWEST - 1}, Verdict.NOT_JUDGED),
        ((0.01, 0.2), (0.51, 0.7), {"hits": measures.FEWEST}, Verdict.PASS),
        ((0.01, 0.2), (0.51, 0.7), {"others": measures.FEWEST - 1}, Verdict.NOT_JUDGED),
    ],
)
def test_a_test_passes_where_it_is_surely_better(
    gain: tuple[float, float], value: tuple[float, float], of: dict[str, Any], expected: Verdict
):
    assert verdict(gain, value, **of) == expected


@pytest.mark.parametrize(
    ("error", "by_chance", "hits", "expected"),
    [
        (measures.LARGEST_CALIBRATION_ERROR, 0.01, 50, Verdict.PASS),
        (measures.LARGEST_CALIBRATION_ERROR + 0.001, 0.01, 50, Verdict.WARN),
        (0.2, 0.2, 50, Verdict.PASS),  # no more than chance gives
        (0.2, 0.01, measures.FEWEST - 1, Verdict.NOT_JUDGED),
    ],
)
def test_a_probability_is_warned_of_where_it_is_off_beyond_chance_and_by_enough(
    monkeypatch: pytest.MonkeyPatch, error: float, by_chance: float, hits: int, expected: Verdict
):
    monkeypatch.setattr(scores, "calibration_error", lambda counts: np.array([error]))
    monkeypatch.setattr(
        scores, "calibration_error_by_chance", lambda counts: np.full(99, by_chance)
    )
    monkeypatch.setattr(measures, "_row", lambda *arguments: arguments[-1])
    judged: Any = Stated(hits)
    found: Any = _calibration(judged)
    assert found == expected
    assert _too_few(judged.counts) is (expected == Verdict.NOT_JUDGED)


@pytest.mark.parametrize(("cells", "is_one"), [([[3, 0], [1, 0]], True), ([[3, 1], [1, 0]], False)])
def test_one_value_ranks_nobody(cells: list[list[int]], is_one: bool):
    order: Any = type("Order", (), {"value_of": staticmethod(lambda bucket: bucket)})()
    judged = Judged(CLAIMS[0], "o", None, order, np.array([cells]).astype(float))  # type: ignore[arg-type]
    assert judged.is_of_one_value is is_one


# -- parity ------------------------------------------------------------------------------------


def counted(*groups: tuple[str | None, int, int], **differing: Any) -> pl.DataFrame:
    """Groups by level: customers, and of these the selected."""
    row = {
        **{"attribute": "region", "tag_code": "offer", "tag_value": "yes", "outcome": None},
        **{"measure": "selection rate", "is_descriptive": False},
    }
    rows = [
        row | differing | {"level": level, "customers": size, "selected": hits}
        for level, size, hits in groups
    ]
    return pl.DataFrame(rows, schema=COUNTED)


def parity_of(*groups: tuple[str | None, int, int], **differing: Any) -> dict[str, Any]:
    found = with_verdicts(parity.judged(counted(*groups, **differing)), "2024-03")
    return {row["level"]: row for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("east", "west", "expected"),
    [
        ((10_000, 8_000), (10_000, 9_990), Parity.PARITY),
        ((10_000, 4_000), (10_000, 5_000), Parity.PARITY),  # just four fifths
        ((10_000, 3_999), (10_000, 5_000), Parity.DIFFERS),
        ((10_000, 5_000), (10_000, 3_999), Parity.DIFFERS),
        ((30, 30), (10_000, 100), Parity.DIFFERS),
        ((29, 29), (10_000, 100), Parity.TOO_FEW),
        ((10_000, 100), (29, 0), Parity.TOO_FEW),
        ((100, 10), (100, 5), Parity.PARITY),  # by chance
    ],
)
def test_groups_differ_by_more_than_a_fifth_and_beyond_chance(
    east: tuple[int, int], west: tuple[int, int], expected: Parity
):
    found = parity_of(("east", *east), ("west", *west))
    assert {row["verdict"] for row in found.values()} == {str(expected)}


def test_a_description_is_shown_without_a_verdict_and_of_few_nothing():
    found = parity_of(("east", 1_000, 900), ("west", 1_000, 100), is_descriptive=True)
    assert {row["verdict"] for row in found.values()} == {str(Parity.NOT_JUDGED)}
    assert found["east"]["p_value"] is None
    assert found["east"]["difference"] == 0.8
    assert found["east"]["ratio"] == 9.0
    for size, is_shown in ((SMALLEST_CELL, True), (SMALLEST_CELL - 1, False)):
        few = parity_of(("east", size, 1), ("west", 1_000, 100))
        assert (few["east"]["rate"] is not None) is is_shown
        assert (few["west"]["rest_rate"] is not None) is is_shown
    assert parity_of(("east", 1_000, 9), ("west", 1_000, 0))["east"]["ratio"] is None


def test_who_was_predicted_was_so_a_month_before():
    now = parity_of(("east", 100, 9), ("west", 100, 9))["east"]
    measure = "true positive rate"
    before = parity_of(("east", 100, 9), ("west", 100, 9), measure=measure)["east"]
    assert (f"{now['said_as_of']}", f"{before['said_as_of']}") == ("2024-03-31", "2024-02-29")
    assert f"{now['as_of']}" == f"{before['as_of']}" == "2024-03-31"


def test_groups_beyond_the_largest_and_small_ones_are_counted_together():
    within = ["attribute", "tag_code", "tag_value", "measure", "outcome", "is_descriptive"]
    many = [(f"r{n:02}", 1_000 - n, 10) for n in range(MOST_LEVELS + 2)]
    found = with_small_groups_together(counted(*many, (None, 5_000, 1)), within)
    sizes = dict(found.select("level", "customers").iter_rows())
    assert len(sizes) == MOST_LEVELS + 1
    assert sizes[OTHERS] == (1_000 - MOST_LEVELS) + (1_000 - MOST_LEVELS - 1)
    exact = with_small_groups_together(counted(*many[:MOST_LEVELS]), within)
    assert OTHERS not in set(exact["level"])
    # One small group alone would follow from the total: the next smallest goes with it.
    few = counted(("a", 500, 1), ("b", 400, 1), ("c", SMALLEST_CELL - 1, 1))
    sizes = dict(with_small_groups_together(few, within).select("level", "customers").iter_rows())
    assert sizes == {"a": 500, OTHERS: 400 + SMALLEST_CELL - 1}


# -- what findings say -------------------------------------------------------------------------


def rows_of(**columns: list[Any]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    row: dict[str, list[Any]] = {
        **{"attribute": ["region"] * count, "tag_value": ["yes"] * count},
        **{"rate": [0.5] * count, "rest_rate": [0.12345] * count},
    }
    return pl.DataFrame(row | columns, schema_overrides=FAIRNESS.polars_schema)


def test_how_many_groups_of_a_tag_differ_is_said_with_the_largest_first():
    names = [f"r{n}" for n in range(6)]
    verdicts = ["differs"] * 5 + ["parity"]
    many = rows_of(
        tag_code=["offer"] * 6,
        level=names,
        verdict=verdicts,
        difference=[0.1, -0.9, 0.3, 0.2, None, 0.8],
    )
    found = _differing(many)
    assert found.select("subject", "value", "verdict").rows() == [("offer", 5.0, "warn")]
    text = found["advice_en"].item()
    assert text.startswith("Differs for region r1 yes (0.5 against 0.123); region r2 yes ")
    assert "; and 2 more; see" in text
    assert _differing(many.head(4).drop_nulls()).height == 1
    three = _differing(many.filter(pl.col("level").is_in(["r0", "r1", "r2"])))
    assert "more; see" not in three["advice_en"].item()


@pytest.mark.parametrize(
    ("verdicts", "value", "verdict_of_tag", "text"),
    [
        (["parity", "too few"], 0.0, "pass", "No group was found to get it less or more often by"),
        (["too few", "not judged"], None, "not judged", "Too few customers by group are known"),
        (["differs", "too few"], 1.0, "warn", "Differs for region a yes"),
    ],
)
def test_a_tag_is_judged_by_groups_that_are_large_enough(
    verdicts: list[str], value: float | None, verdict_of_tag: str, text: str
):
    rows = rows_of(
        tag_code=["offer"] * 2, level=["a", "b"], verdict=verdicts, difference=[0.3, 0.1]
    )
    (found,) = _differing(rows).iter_rows(named=True)
    assert (found["value"], found["verdict"]) == (value, verdict_of_tag)
    assert found["advice_en"].startswith(text)
    segments = rows.with_columns(tag_code=pl.lit("segment_id"))
    assert _differing(segments).is_empty(), "a segment only describes"


@pytest.mark.parametrize(
    ("share", "verdict_of_it", "text"),
    [
        (None, "not judged", "of no customer is known"),
        (0.0, "not judged", "of no customer is known"),
        (LEAST_KNOWN - 0.001, "not judged", "% of customers is known; what is found is of these"),
        (LEAST_KNOWN, "pass", f"of {LEAST_KNOWN * 100} % of customers is known."),
    ],
)
def test_fairness_is_judged_by_what_is_known_of_enough(
    share: float | None, verdict_of_it: str, text: str
):
    empty = rows_of(tag_code=[], level=[], verdict=[], difference=[])
    (found,) = fairness_findings(empty, {Attribute.REGION: share}).iter_rows(named=True)
    assert found["verdict"] == verdict_of_it
    assert text in found["advice_en"]


def areas(**columns: list[Any]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    given: dict[str, list[Any]] = {
        **{"metric": ["auc"] * count, "horizon_months": [1] * count, "hits": [30] * count},
        **{"customers": [900] * count, "baseline": ["base rate"] * count},
        **{"test": ["t"] * count, "outcome": ["default"] * count},
    }
    empty = pl.DataFrame(schema=BACKTEST.polars_schema)
    own = pl.DataFrame(given | columns, schema_overrides=BACKTEST.polars_schema)
    return pl.concat([empty, own], how="diagonal")


@pytest.mark.parametrize(
    ("verdict_of_it", "value", "judgement"),
    [
        ("pass", 0.71239, "It tells them apart, better than the baseline."),
        ("warn", 0.71239, "Not surely better than the baseline: use either."),
        ("fail", 0.71239, "Worse than the baseline: see the proposals, or use the baseline."),
        ("not judged", 0.71239, "Too few to judge."),
        ("not judged", None, "Everyone has the same value: there is nothing to judge."),
    ],
)
def test_an_area_is_said_with_its_interval_and_the_baseline(
    verdict_of_it: str, value: float | None, judgement: str
):
    low, high = (None, None) if value is None else (0.65, 0.77)
    rows = areas(
        verdict=[verdict_of_it],
        value=[value],
        low=[low],
        high=[high],
        baseline_value=[0.5],
        horizon_months=[3],
    )
    (found,) = _tests(rows, {"base rate": "总体比率"}).iter_rows(named=True)
    area = "" if value is None else "; AUC 0.712 (0.65 to 0.77)"
    assert found["advice_en"] == f"{judgement} 30 of 900 customers{area}, base rate 0.5."
    assert "总体比率0.5。" in found["advice_zh"]
    assert ("AUC 0.712（0.65至0.77）" in found["advice_zh"]) is (value is not None)
    assert found["metric"] == "AUC, 3 months on"
    assert (found["low"], found["high"]) == (low, high)


@pytest.mark.parametrize(
    ("hits", "customers", "is_one_value"), [(0, 9, False), (9, 9, False), (1, 9, True)]
)
def test_where_it_happened_to_all_or_none_there_are_too_few(
    hits: int, customers: int, is_one_value: bool
):
    rows = areas(verdict=["not judged"], value=[None], hits=[hits], customers=[customers])
    text = _tests(rows, {})["advice_en"].item()
    assert text.startswith("Everyone has the same" if is_one_value else "Too few")


def test_the_tags_that_tell_an_outcome_apart_are_named_the_best_first():
    tags = ["d", "c", "b", "a", "e", "f", "g"]
    rows = areas(
        tag_code=tags,
        value=[0.6, 0.7, 0.7, 0.9, None, 0.55, 0.8],
        verdict=["pass", "pass", "pass", "warn", "not judged", "pass", "pass"],
        hits=[30, 31, 30, 30, 30, 30, 30],
    )
    (found,) = _of_source(rows).iter_rows(named=True)
    assert found["verdict"] == "pass"
    assert found["value"] == 5.0
    assert found["metric"] == "tags that separate, 1 month on"
    assert found["subject"] == "every tag / default"
    named = found["advice_en"].partition("(AUC: ")[2].partition(")")[0]
    assert named.split(", ")[:3] == ["g 0.8", "b 0.7", "c 0.7"]
    assert "it happened to 31 of 900 customers" in found["advice_en"]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["not judged", "not judged"], "not judged"),
        (["not judged", "warn"], "warn"),
        (["not judged", "pass"], "pass"),
    ],
)
def test_an_outcome_that_no_tag_could_be_judged_on(verdicts: list[str], expected: str):
    rows = areas(tag_code=["a", "b"], value=[0.6, 0.7], verdict=verdicts)
    found = _of_source(rows)
    assert found["verdict"].to_list() == [expected]
    assert ("AUC: -)" in found["advice_en"].item()) is (expected != "pass")


@pytest.mark.parametrize(
    ("share", "customers", "verdict_of_it"),
    [
        (findings.SMALLEST_SEGMENT_SHARE, 100, "pass"),
        (findings.SMALLEST_SEGMENT_SHARE - 0.0001, 100, "warn"),
        (findings.LARGEST_SEGMENT_SHARE, 100, "pass"),
        (findings.LARGEST_SEGMENT_SHARE + 0.0001, 100, "warn"),
        (0.3, 10, "pass"),
        (0.3, 9, "warn"),
    ],
)
def test_a_segment_is_neither_small_nor_large(share: float, customers: int, verdict_of_it: str):
    segments = pl.DataFrame(
        {"segment_id": [1], "name_en": ["a"], "customers": [customers], "share": [share]}
    )
    (found,) = findings.segment_sizes(segments, smallest=10).iter_rows(named=True)
    assert found["verdict"] == verdict_of_it
    assert (found["value"] is None) is (customers < 10)


@pytest.mark.parametrize(
    ("holders", "verdict_of_it"),
    [(LOWEST_TAG_COVERAGE, "pass"), (LOWEST_TAG_COVERAGE - 0.0001, "warn"), (None, "warn")],
)
def test_a_tag_is_held_by_enough(holders: float | None, verdict_of_it: str):
    having = pl.DataFrame(
        {"tag_code": ["t"], "holders": [None if holders is None else round(holders * 10_000)]},
        schema={"tag_code": pl.String, "holders": pl.Int64},
    )
    found = findings.tag_coverage(having.drop_nulls(), ["t"], 10_000)
    assert found.select("verdict", "value").rows() == [(verdict_of_it, holders or 0.0)]
    assert findings.tag_coverage(having.clear(), ["t"], 0)["value"].to_list() == [0.0]
