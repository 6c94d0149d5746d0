"""Parts of segments: taken only where they predict a later outcome better, out of time."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.months import month_range
from portrait_assets.methods.clustering.asked.outcomes import Gain, gain
from portrait_assets.stages.clusters.micro import finding
from portrait_assets.stages.clusters.micro.checks import PARTS_EARN_IT, PARTS_LARGE
from portrait_assets.stages.clusters.micro.contract import MICRO_PROOF, MICRO_SEGMENT
from portrait_assets.stages.clusters.micro.finding import Time, Tried, _labelled, taken, tried
from portrait_assets.stages.clusters.micro.run import MicroRun
from portrait_assets.stages.clusters.month_run import MonthRun
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse

HABITS = ("rate", "phone_share", "evening_share")


def month(
    seed: int, apart: float = 4.0, risk: float = 0.4, share: float = 0.4, count: int = 1200
) -> tuple[Time, list[int]]:
    """A segment of which a part telephones, and leaves more often by `risk`; and one more."""
    rng = np.random.default_rng(seed)
    part = (rng.random(count) < share).astype(int)
    ids = [f"c{n:05d}" for n in range(count + 500)]
    habits = rng.normal(0, 1, (count + 500, 3))
    habits[:count, :2] += apart * part[:, None]
    left = rng.random(count + 500) < 0.1
    left[:count] = rng.random(count) < 0.1 + risk * part
    rows = pl.DataFrame({"customer_id": ids, **dict(zip(HABITS, habits.T, strict=True))})
    segments = pl.DataFrame({"customer_id": ids, "segment_id": [1] * count + [2] * 500})
    gone = pl.DataFrame({"customer_id": ids, "did": np.where(left, "true", "false")})
    return Time(rows, segments, {"silence": gone}), part.tolist()


def found(**more: Any) -> tuple[list[Tried], dict[int, Tried]]:
    divisions = tried(month(1, **more)[0], month(2, **more)[0], HABITS)
    return divisions, taken(divisions)


def test_parts_that_leave_more_often_are_found_and_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[float] = []

    def noted(losses: np.ndarray, alone: np.ndarray, level: float) -> Gain:
        levels.append(level)
        return gain(losses, alone, level)

    monkeypatch.setattr(finding, "gain", noted)
    divisions, best = found()
    assert levels == [1 - 0.05 / len(divisions)] * len(divisions)
    assert len(divisions) > 1
    assert [*best] == [1]
    now, part = month(3)
    members = now.habits.join(now.segments.filter(segment_id=1), on="customer_id", how="semi")
    parts = best[1].model.assign(members)["segment_id"]
    assert adjusted_rand_score(part, parts.to_list()) > 0.95
    # Against 0.26 of everybody one part has 0.1 and the other 0.5.
    rates = np.array([0.1, 0.5])
    entropy = -(rates * np.log(rates) + (1 - rates) * np.log(1 - rates)) @ [0.6, 0.4]
    alone = -(0.26 * np.log(0.26) + 0.74 * np.log(0.74))
    assert best[1].saved.mean == pytest.approx(alone - entropy, abs=0.03)
    assert {each.tests for each in divisions} == {len(divisions)}


def test_parts_that_predict_nothing_are_not_taken() -> None:
    divisions, best = found(risk=0.0)
    assert divisions
    assert best == {}
    assert {each.reason[0] for each in divisions if each.is_large} <= {
        "no sure gain out of time: the interval reaches 0",
        *(each.reason[0] for each in divisions if each.agreement < 0.8),
    }


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.slow
def test_where_there_is_no_structure_nothing_is_taken(seed: int) -> None:
    before, after = (month(10 * seed + n, apart=0.0, risk=0.0)[0] for n in (1, 2))
    assert taken(tried(before, after, HABITS)) == {}


def test_a_part_of_few_customers_is_not_taken() -> None:
    divisions, best = found(share=0.1)
    assert best == {}
    two = next(each for each in divisions if each.model.segments == 2)
    assert two.smallest < 200
    assert two.reason[0].startswith("its smallest part is too small")
    assert two.reason[1].startswith("最小部分过小")


def test_a_small_segment_and_a_rare_outcome_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = month(1, count=390)[0], month(2, count=390)[0]
    assert {each.segment for each in tried(before, after, HABITS)} == {2}
    nobody = before.labels["silence"].with_columns(did=pl.lit("false"))
    # Nor are parts looked for that no outcome could prove.
    monkeypatch.setattr("portrait_assets.stages.clusters.micro.finding.fit_each", pytest.fail)
    assert tried(before._replace(labels={"silence": nobody}), after, HABITS) == []


NOWHERE = cast(Warehouse, None)


@pytest.mark.parametrize(("rare", "is_tried"), [(0, False), (19, False), (20, True), (281, False)])
def test_an_outcome_is_tried_with_twenty_of_either_kind_in_both_times(
    rare: int, is_tried: bool
) -> None:
    ids = pl.DataFrame({"customer_id": [f"c{n}" for n in range(300)]})
    often, seldom = (
        Time(
            ids,
            ids,
            {"silence": ids.with_columns(did=pl.Series(["true"] * n + ["false"] * (300 - n)))},
        )
        for n in (150, rare)
    )
    for earlier, later in ((often, seldom), (seldom, often)):
        assert (_labelled([ids, ids], earlier, later, "silence") is not None) == is_tried


def test_parts_are_looked_for_at_the_ends_of_quarters(tmp_path: Path) -> None:
    """Counted from the first month of the source, whichever months are materialized together."""
    months, looked = month_range("2024-02", "2024-10"), []

    class Looks(MicroRun):
        def _segments_of(self, month: str) -> tuple[str, pl.DataFrame]:
            return "cluster", pl.DataFrame({"customer_id": ["c1"], "segment_id": [1]})

        def _search(self, month: str) -> None:
            looked.append(month)

    warehouse = SmallWarehouse(tmp_path / "w.duckdb", "bank", "run")
    assert all(each.is_empty() for each in Looks(warehouse, months[1:], months, (), 1).segments())
    warehouse.close()
    assert looked == ["2024-04", "2024-07", "2024-10"]


def test_rows_put_aside_are_those_of_all_months(tmp_path: Path) -> None:
    class Notes(MonthRun):
        def _of_month(self, month: str) -> pl.DataFrame:
            self._put(MICRO_PROOF, pl.DataFrame({"segment_id": [1]}), month)
            return pl.DataFrame({"month": [month]})

    warehouse = SmallWarehouse(tmp_path / "w.duckdb", "bank", "run")
    run = Notes(warehouse, ["2024-02", "2024-03"], ["2024-01", "2024-02", "2024-03"], 1)
    assert pl.concat(run.segments())["month"].to_list() == ["2024-02", "2024-03"]
    rows = run.rows(MICRO_PROOF)
    warehouse.close()
    assert rows["as_of"].dt.strftime("%Y-%m").to_list() == ["2024-02", "2024-03"]


def test_a_part_that_shrank_fails_the_check() -> None:
    rows = pl.DataFrame({"segment_id": [1] * 399, "micro_id": [1] * 200 + [2] * 199})
    subject = Subject(NOWHERE, MICRO_SEGMENT, "2024-03", lambda: rows)
    assert PARTS_LARGE.find(subject) == Finding(1, "1.1: 200, 1.2: 199")


def test_parts_that_do_not_earn_it_or_are_taken_twice_fail_the_check() -> None:
    def found(gain_low: float, share: float = 0.1, agreement: float = 0.9, times: int = 1) -> int:
        rows = pl.DataFrame(
            {
                "segment_id": [1] * times,
                "is_taken": [True] * times,
                "gain_low": [gain_low] * times,
                "smallest_share": [share] * times,
                "bootstrap_agreement": [agreement] * times,
            }
        )
        subject = Subject(NOWHERE, MICRO_PROOF, "2024-03", lambda: rows)
        return PARTS_EARN_IT.find(subject).failures

    assert found(0.01) == 0
    assert found(0.0) == found(0.01, share=0.009) == found(0.01, agreement=0.7) == 1
    assert found(0.01, times=2) == 1
