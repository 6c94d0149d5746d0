"""Optimisation proposals (优化建议): thresholds that separate where the active ones no longer do.

A draft is fitted on earlier months, and proposed only when it was also better in the newest one,
which it was not fitted on, by more than chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.expressions.expression import RANK_PREFIX
from portrait_assets.methods.statistics import resampling
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.discrimination.roc import auc_gain
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.validation.backtests.claims import CLAIMS, Claim
from portrait_assets.stages.validation.contract import TAG_PROPOSAL
from portrait_assets.stages.validation.proposals.drafts import Sample, Seen, draft_row
from portrait_assets.stages.validation.proposals.thresholds import (
    Threshold,
    thresholds,
    with_number,
)
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse

QUARTER = 3
FIT_MONTHS = 3
LEAST_SHARE = 0.01  # Of customers: a value that had some must keep this many.
FEWEST_HITS = 20


@dataclass(frozen=True)
class _Improvement:
    """A draft that separates better; each AUC as that of the active version and of the draft."""

    draft: Tag
    fit_auc: tuple[float, float]
    test_auc: tuple[float, float]
    gain: Interval


def is_due(months: Sequence[str]) -> bool:
    """Whether tags are looked at in the last of the source's months: at a quarter's end."""
    return len(months) % QUARTER == 0


def propose(
    warehouse: Warehouse,
    catalogue: Catalogue,
    month: str,
    months: Sequence[str],
    weak: Collection[str] = (),
    claims: Sequence[Claim] = CLAIMS,
    smallest: int = EVERY_CELL,
) -> pl.DataFrame:
    """The proposals of a month, with the columns of TAG_PROPOSAL; none except at a quarter's end.

    Args:
        warehouse: nothing later than the month is read.
        catalogue: the tags, of which those active in the month are tried.
        month: the month.
        months: all months of the source up to it, in order.
        weak: names of the claims that failed a test before the one that a draft is tried on, so
            that a tag is not chosen by the month in which it happened to do badly; thresholds that
            still separate are tried only for these.
        claims: the outcomes that tags are to predict.
        smallest: fewest customers of a value that is listed by itself.
    """
    fit = [m for m in months if next_month(month, -FIT_MONTHS - 1) <= m < next_month(month, -1)]
    test = next_month(month, -1)
    if not is_due(months) or not fit or test not in months:
        return TAG_PROPOSAL.empty()
    active = {tag.code: tag for tag in catalogue.active(month)}
    wanted = [
        (claim, active[claim.tag])
        for claim in claims
        if claim.is_tunable
        and claim.tag in active
        and _reads_features(active[claim.tag], catalogue)
    ]
    if not wanted:
        return TAG_PROPOSAL.empty()
    rows = []
    sample = Sample.of(warehouse, wanted, (*fit, test))
    for claim, tag in wanted:
        better = _improved(sample, catalogue, claim, tag, (*fit, test), claim.name in weak)
        if better is not None:
            moved = _effect(warehouse, tag, better.draft, month)
            row = _row(claim, tag, catalogue, better, moved, smallest)
            rows.append(row | {"as_of": last_day(month)})
    return pl.DataFrame(rows, schema=TAG_PROPOSAL.polars_schema)


def _reads_features(tag: Tag, catalogue: Catalogue) -> bool:
    known = set(FEATURE_MATRIX.column_names) & set(catalogue.columns)
    return bool(tag.values) and set(tag.reads) <= known


# -- searching -----------------------------------------------------------------------------


def _improved(
    sample: Sample,
    catalogue: Catalogue,
    claim: Claim,
    tag: Tag,
    months: Sequence[str],
    is_weak: bool,
) -> _Improvement | None:
    """The best draft out of time with its numbers; None where none is needed or none is better.

    It is fitted on all but the last of the months, and tried on the last.
    """
    *fit, test = months
    order = [value for value in claim.order if value in {v.value for v in tag.values}]
    seen = sample.seen(claim, [tag], order, fit)[0]
    if _too_few(seen) or (_separates(seen) and not is_weak):
        return None
    best, best_seen = tag, seen
    for threshold in thresholds(tag):
        drafts = list(_drafts(tag, best, threshold, catalogue))
        if not drafts:
            continue
        tried = sample.seen(claim, drafts, order, fit)
        for draft, candidate in zip(drafts, tried, strict=True):
            emptied = (candidate.shares < LEAST_SHARE) & (seen.shares >= LEAST_SHARE)
            has_fewer = candidate.cells[0].sum() < seen.cells[0].sum()
            if not emptied.any() and not has_fewer and _auc(candidate) > _auc(best_seen):
                best, best_seen = draft, candidate
    if best is tag:
        return None
    before, after = sample.seen(claim, [tag, best], order, [test])
    gain = auc_gain(after.cells[:, :, ::-1], before.cells[:, :, ::-1])
    if _too_few(after) or not gain.low > 0:
        return None
    return _Improvement(
        best,
        fit_auc=(_auc(seen), _auc(best_seen)),
        test_auc=(_auc(before), _auc(after)),
        gain=gain,
    )


def _drafts(tag: Tag, best: Tag, threshold: Threshold, catalogue: Catalogue) -> Iterator[Tag]:
    """The best so far with other numbers in the threshold's place."""
    # In a rule that was changed, the positions of its numbers are others.
    rules = {value.value: value.when.text for value in tag.values}
    if any(v.value == threshold.value and v.when.text != rules[v.value] for v in best.values):
        return
    for number in threshold.alternatives():
        yield with_number(best, threshold, number, catalogue)


def _auc(seen: Seen) -> float:
    """The area under the curve of the sample itself, without its redraws."""
    return float(scores.auc(scores.sampled(seen.cells[:, :, ::-1]))[0])


def _too_few(seen: Seen) -> bool:
    customers, hits = seen.cells.sum(axis=(1, 2))
    return bool(min(hits, customers - hits) < FEWEST_HITS)


def _separates(seen: Seen) -> bool:
    """Whether each value's rate is surely above that of the next."""
    rate = seen.counts.rates
    low, _ = resampling.bounds(np.diff(rate, axis=1))
    is_present = ~np.isnan(rate[0])
    between = is_present[1:] & is_present[:-1]
    return bool((low[between] > 0).all())


# -- rows of TAG_PROPOSAL ------------------------------------------------------------------


def _effect(warehouse: Warehouse, before: Tag, after: Tag, month: str) -> pl.DataFrame:
    """Customers of the month by value before and after."""
    ranks = sorted({name for tag in (before, after) for v in tag.values for name in v.when.ranks})
    ranked = "".join(
        f", CASE WHEN {quote(name)} IS NOT NULL THEN percent_rank() OVER "
        f"(PARTITION BY {quote(name)} IS NULL ORDER BY {quote(name)}) END "
        f"AS {quote(RANK_PREFIX + name)}"
        for name in ranks
    )
    return warehouse.select(
        f"SELECT {_value(before)} AS before, {_value(after)} AS after, count(*) AS customers "
        f"FROM (SELECT *{ranked} FROM {FEATURE_MATRIX.full_name} "
        f"WHERE as_of = DATE '{last_day(month)}') GROUP BY ALL"
    )


def _value(tag: Tag) -> str:
    whens = " ".join(
        f"WHEN ({v.when.sql}) THEN {literal(v.value)} WHEN ({v.when.sql}) IS NULL THEN NULL"
        for v in tag.values
    )
    return f"CASE {whens} END"


def _row(
    claim: Claim,
    tag: Tag,
    catalogue: Catalogue,
    better: _Improvement,
    moved: pl.DataFrame,
    smallest: int,
) -> dict[str, object]:
    gain = better.gain
    return draft_row(claim, tag, better.draft, catalogue, moved, smallest) | {
        "fit_auc_before": round(better.fit_auc[0], 6),
        "fit_auc_after": round(better.fit_auc[1], 6),
        "auc_before": round(better.test_auc[0], 6),
        "auc_after": round(better.test_auc[1], 6),
        "gain_low": round(gain.low, 6),
        "gain_high": round(gain.high, 6),
    }
