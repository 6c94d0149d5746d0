"""Which windows are over, learned from and recent in a month, and how many customers are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.past.labels import INPUT_TYPES, INPUTS, LOT, LOTS
from portrait_assets.stages.predictions.learning.past.windows import Windows
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.storage.steps import Scope, Step

SILENCE = outcome("silence")


def past_of(months: Sequence[str], month: str = "2024-06", rows: int = 100) -> Past:
    counts = {each: rows * number for number, each in enumerate(months, 1)}
    windows = Windows(cast(Any, None), month, counts, frozenset(months))
    return Past(windows, month, [Asked(SILENCE, 1)])


@pytest.mark.parametrize(
    ("horizon", "closed", "learned", "recent"),
    [
        (1, ["01", "02", "03", "04", "05"], ["01", "02", "03", "04"], ["03", "04", "05"]),
        (3, ["01", "02", "03"], [], ["01", "02", "03"]),
        (6, [], [], []),
    ],
)
def test_windows_that_are_over_and_those_that_were_over_when_the_newest_began(
    horizon: int, closed: list[str], learned: list[str], recent: list[str]
):
    past = past_of([f"2024-{month:02}" for month in range(1, 7)])
    assert [base[-2:] for base in past.closed(horizon)] == closed
    assert [base[-2:] for base in past.recent(horizon)] == recent
    if closed:
        assert [base[-2:] for base in past.learned_from(horizon)] == learned
        assert past.rows(past.closed(horizon)) == sum(100 * int(base) for base in closed)


def test_so_many_windows_are_looked_back_on_and_only_closed_by_known_months():
    months = [f"{2021 + m // 12}-{m % 12 + 1:02}" for m in range(42)]
    past = past_of(months)
    assert past.closed(1)[0] == "2022-06"
    assert past.closed(1)[-1] == "2024-05"
    assert len(past.closed(1)) == RULE.most_windows == 24
    past.windows.known_months = frozenset(months) - {"2024-06", "2023-01"}
    assert past.closed(1)[-1] == "2024-04"
    assert "2022-12" not in past.closed(1)


@pytest.mark.parametrize(
    ("rows", "share"), [(1, 1.0), (198_000, 1.0), (200_000, 0.99), (400_000, 0.495)]
)
def test_of_many_rows_a_share_is_drawn(rows: int, share: float):
    past = past_of(["2024-01"], rows=rows)
    assert past._most(("2024-01",)) == pytest.approx(share * LOTS, abs=1)


@pytest.mark.parametrize(("more", "has_all"), [(0, True), (1, False)])
def test_of_a_month_all_are_drawn_for_whom_there_is_room(more: int, has_all: bool):
    room = int(0.99 * RULE.window_rows) + more
    windows = past_of(["2024-01"], rows=room).windows
    assert windows.has_all("2024-01") is has_all
    assert windows.lots(["2024-01"], most=7) == {"2024-01": 7}
    assert (windows.lots(["2024-01"])["2024-01"] == LOTS) is has_all


@pytest.mark.parametrize(("room", "reads"), [(4, 2), (3, 4)])
def test_inputs_of_few_customers_are_read_once_for_all_months(
    monkeypatch: pytest.MonkeyPatch, room: int, reads: int
):
    """What nobody has a value of in a month is a column of it all the same."""
    counts = {"2024-01": 2, "2024-02": 2}
    read: list[str] = []

    def frame(step: Step, scope: Scope) -> pl.DataFrame:
        (base,) = (each for each in counts if f"{each}-" in str(step.sql))
        read.append(base)
        return pl.DataFrame(
            {
                "base_month": base,
                "customer_id": ["c1", "c2"],
                LOT: [7, 9],
                **dict.fromkeys(INPUTS),
                "recency_days": [3, 4] if base == "2024-02" else None,
            },
            schema_overrides=INPUT_TYPES,
        )

    rule = replace(RULE, kept_rows=room, read_together=0)
    monkeypatch.setattr("portrait_assets.stages.predictions.learning.past.windows.RULE", rule)
    windows = Windows(cast(Any, SimpleNamespace(frame=frame)), "2024-06", counts, frozenset())
    for month in ("2024-05", "2024-06"):
        for base, days in (("2024-01", [None, None]), ("2024-02", [3, 4])):
            found = windows.features((base,))
            assert found.schema == INPUT_TYPES
            assert found["recency_days"].to_list() == days
        windows.forget(month)
    assert len(read) == reads
