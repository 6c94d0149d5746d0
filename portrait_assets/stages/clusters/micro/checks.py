"""Checks of micro-segments: parts are large enough, and each earns it."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.clustering.asked.support import AGREE_AT
from portrait_assets.stages.clusters.micro.finding import FEWEST, SMALLEST_SHARE
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck

_TAKEN = pl.col("is_taken")
_EARNS_IT = (
    (pl.col("gain_low") > 0)
    & (pl.col("smallest_share") >= SMALLEST_SHARE)
    & (pl.col("bootstrap_agreement") >= AGREE_AT)
)


def _small_parts(subject: Subject) -> Finding:
    sizes = subject.rows.group_by("segment_id", "micro_id").len().sort("segment_id", "micro_id")
    small = sizes.filter(pl.col("len") < FEWEST)
    shown = ", ".join(f"{s}.{m}: {n}" for s, m, n in sizes.iter_rows())
    return Finding(small.height, shown or "no segment has parts")


def _unearned_parts(subject: Subject) -> Finding:
    taken = subject.rows.filter(_TAKEN)
    unearned = taken.filter(~_EARNS_IT)["segment_id"].sort()
    twice = taken.height - taken["segment_id"].n_unique()
    shown = ", ".join(map(str, unearned))
    return Finding(unearned.len() + twice, f"of segments {shown}" if shown else f"{taken.height}")


PARTS_LARGE = TableCheck(
    "parts_large",
    _small_parts,
    f"Every part of a segment has at least {FEWEST} customers.",
    severity=WARN,
)
PARTS_EARN_IT = TableCheck(
    "parts_earn_it",
    _unearned_parts,
    "Parts are taken once of a segment, where the interval of the gain lies above 0, refits agree "
    f"and the smallest has {SMALLEST_SHARE:.0%} of all customers.",
    blocking=True,
)
