"""Checks of names: distinct within a month, true, and changed only with an event."""

from __future__ import annotations

import re

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.clusters.contract import CLUSTER_SEGMENT
from portrait_assets.stages.clusters.names.contract import FREE, SEGMENT_EVENT
from portrait_assets.stages.clusters.names.history.lasting import STILL_TRUE_OF
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck


def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[\s,、]+", name.casefold()))


def same_names(subject: Subject, *columns: str) -> Finding:
    """Names of a month's segments in these columns that consist of the same words."""
    shown = []
    for language in columns:
        by_words: dict[frozenset[str], list[str]] = {}
        for name in subject.rows.sort("segment_id")[language]:
            by_words.setdefault(_words(name), []).append(name)
        shown += [" = ".join(names) for names in by_words.values() if len(names) > 1]
    return Finding(len(shown), "; ".join(shown) or f"{subject.rows.height} names")


def _untrue_words(subject: Subject) -> Finding:
    untrue = subject.rows.filter(pl.col("true_share") < STILL_TRUE_OF).sort(
        "segment_id", "position"
    )
    shown = "; ".join(
        f"'{row['en']}' of {row['true_share']:.0%} of segment {row['segment_id']}"
        for row in untrue.iter_rows(named=True)
    )
    return Finding(untrue.height, shown or f"{subject.rows.height} words")


def _unexplained_names(subject: Subject) -> Finding:
    """A segment whose name is another than in the month before has an event that says why."""
    warehouse, month = subject.warehouse, subject.month
    now = subject.rows.select("segment_id", "name_en", "name_zh")
    before_month = next_month(month, -1)
    if before_month not in warehouse.materialized(CLUSTER_SEGMENT):
        return Finding(0, "no month before")
    warehouse.require(SEGMENT_EVENT, [month])
    before = warehouse.read(CLUSTER_SEGMENT, [before_month])
    events = warehouse.read(SEGMENT_EVENT, [month]).filter(pl.col("as_of") == last_day(month))
    return unexplained(now, before, events.filter(pl.col("division").fill_null(FREE) == FREE))


def unexplained(now: pl.DataFrame, before: pl.DataFrame, events: pl.DataFrame) -> Finding:
    """Segments whose name, name_en and name_zh, is another than before, and that have no event."""
    both = now.join(
        before.select("segment_id", "name_en", "name_zh"),
        on="segment_id",
        how="full",
        suffix="_before",
        coalesce=True,
    ).sort("segment_id")
    same = pl.col("name_en").eq_missing(pl.col("name_en_before")) & pl.col("name_zh").eq_missing(
        pl.col("name_zh_before")
    )
    changed = both.filter(~same).join(events, on="segment_id", how="anti").sort("segment_id")
    shown = ", ".join(map(str, changed["segment_id"]))
    return Finding(changed.height, f"without an event: {shown}" if shown else "all have an event")


NAMES_DISTINCT = TableCheck(
    "names_distinct",
    lambda subject: same_names(subject, "name_en", "name_zh"),
    "No two segments of a month have the same name, nor the same words in another order.",
    blocking=True,
)
NAMES_EXPLAINED = TableCheck("names_explained", _unexplained_names, severity=WARN)
NAMES_TRUE = TableCheck(
    "names_true",
    _untrue_words,
    f"Each word of a derived name is true of at least {STILL_TRUE_OF:.0%} of the segment.",
    severity=WARN,
)
