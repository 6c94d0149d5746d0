"""The quality card of a tag (标签质量): coverage, stability, overlap with other tags, and lift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.agreement import mutual_information_matrix
from portrait_assets.methods.statistics.distributions.binning import (
    by_frequency,
    counts_by_tenth,
    counts_by_value,
)
from portrait_assets.methods.statistics.distributions.stability import (
    ks,
    psi,
    psi_by_chance,
    smoothed_shares,
)
from portrait_assets.privacy.cells import EVERY_CELL, pooled_counts
from portrait_assets.stages.features.given import need_in_chinese
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.contract import TAG_QUALITY
from portrait_assets.stages.tags.quality.advice import Lift, Measures, advise
from portrait_assets.stages.tags.quality.distributions import TagDistributions, is_number
from portrait_assets.stages.tags.quality.lift import most_significant_lifts

OVERLAP_SAMPLE = 20_000  # Customers; enough to distinguish 0.9 from 0.95.
MOST_VALUES = 200  # Rarer values count as one when tags are compared.
SHOWN = 10


def tag_quality(
    catalogue: Catalogue,
    now: TagDistributions,
    before: TagDistributions | None,
    as_of: date,
    outcomes: pl.DataFrame | None = None,
    lacking: Mapping[str, Sequence[str]] | None = None,
    smallest: int = EVERY_CELL,
) -> pl.DataFrame:
    """One row per active tag, with the columns of TAG_QUALITY; none of too few customers.

    Args:
        catalogue: the catalogue, of which the tags active in the month are measured.
        now: the distributions of the month.
        before: those of the month before; None leaves drift, stability and lift null.
        as_of: the last day of the month.
        outcomes: customer_id and a column per name of OUTCOMES, true or false, null where it
            is unknown: what followed in the month upon the tags of `before`. None leaves lift
            null. Never an input of tags.
        lacking: by tag that nobody has a value of what the source does not give for it.
        smallest: fewest customers of a month that is described, and of a value that is listed by
            itself.
    """
    if 0 < now.customers < smallest:
        return TAG_QUALITY.empty()
    tags = catalogue.active(f"{as_of:%Y-%m}")
    overlaps = _overlaps(now, [tag.code for tag in tags if not is_number(tag)])
    changed = _shares_changed(tags, now, before)
    lifts = {}
    if before is not None and outcomes is not None:
        lifts = most_significant_lifts(tags, before, outcomes)
    lacks, drifts = lacking or {}, _drifts(tags, now, before)
    rows = [
        _card(
            tag,
            now,
            drifts.get(tag.code, _NO_DRIFT),
            lifts.get(tag.code),
            changed.get(tag.code),
            overlaps.get(tag.code),
            smallest,
        )
        | (_not_judged(lacks[tag.code]) if tag.code in lacks else {})
        for tag in tags
    ]
    return pl.DataFrame([{"as_of": as_of, **row} for row in rows], schema=TAG_QUALITY.polars_schema)


def _not_judged(lacks: Sequence[str]) -> dict[str, object]:
    """The advice on a tag that the source gives no evidence for."""
    missing = ", ".join(lacks)
    in_chinese = "、".join(map(need_in_chinese, lacks))
    return {
        "recommendation": "keep",
        "reason_en": f"not judged: the source gives no {missing}",
        "reason_zh": f"无法判断：数据源未提供{in_chinese}",
    }


def _card(
    tag: Tag,
    now: TagDistributions,
    drift: _Drift,
    lift: Lift | None,
    changed: float | None,
    overlap: tuple[str, float] | None,
    smallest: int,
) -> dict[str, object]:
    holders = now.holders[tag.code]
    numbers = _numbers(now, tag) if is_number(tag) else None
    distinct, top, top_share, distribution = _distribution(tag, now, numbers, smallest)
    measures = Measures(
        customers=now.customers,
        coverage=holders / now.customers if now.customers else 0.0,
        distinct_values=distinct,
        top_share=top_share,
        psi=drift.psi,
        psi_by_chance=drift.psi_by_chance,
        share_changed=changed,
        age_months=now.age_months.get(tag.code),
        overlap=overlap,
        lift=lift,
    )
    recommendation, reason_en, reason_zh = advise(tag, measures)
    return {
        "tag_code": tag.code,
        "tag_version": tag.version,
        "customers": measures.customers,
        "coverage": round(measures.coverage, 6),
        "distinct_values": distinct,
        "top_value": top,
        "top_share": _rounded(top_share),
        "distribution": distribution,
        "psi": _rounded(drift.psi),
        "ks": _rounded(drift.ks),
        "share_changed": _rounded(changed),
        "age_months": _rounded(measures.age_months),
        "overlap_tag": overlap[0] if overlap else None,
        "overlap": _rounded(overlap[1]) if overlap else None,
        "lift_outcome": lift.outcome if lift else None,
        "lift_value": lift.value if lift else None,
        "lift": _rounded(lift.lift) if lift else None,
        "lift_low": _rounded(lift.low) if lift else None,
        "lift_high": _rounded(lift.high) if lift else None,
        "recommendation": recommendation,
        "reason_en": reason_en,
        "reason_zh": reason_zh,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _numbers(month: TagDistributions, tag: Tag) -> Floats:
    values: Floats = month.sample[tag.code].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values


def _distribution(
    tag: Tag, now: TagDistributions, numbers: Floats | None, smallest: int
) -> tuple[int, str | None, float | None, str | None]:
    """Number of values, the most frequent one, its share of the holders, and a summary."""
    if numbers is None:
        counts, holders = now.counts[tag.code], now.holders[tag.code]
        if not counts:
            return 0, None, None, None
        listed = pooled_counts(counts, smallest)
        summary = "; ".join(f"{v} {n / holders:.1%}" for v, n in list(listed.items())[:SHOWN])
        most = next(iter(listed), None)
        # Whether nearly all have one value is known of the values as they are.
        share = max(counts.values()) / holders
        return len(counts), most, share, summary or None
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return 0, None, None, None
    if len(known) < smallest:
        return len(np.unique(known)), None, None, None
    values, counted = np.unique(known, return_counts=True)
    top = int(np.argmax(counted))
    top_value = f"{values[top]:.6g}" if counted[top] >= smallest else None
    tenths = np.quantile(known, [0.1, 0.5, 0.9])
    summary = "; ".join(
        f"{name} {v:.4g}" for name, v in zip(("p10", "p50", "p90"), tenths, strict=True)
    )
    return len(values), top_value, float(counted[top] / len(known)), summary


@dataclass(frozen=True)
class _Drift:
    psi: float | None = None
    psi_by_chance: float | None = None
    ks: float | None = None


_NO_DRIFT = _Drift()
_REFERENCE, _CURRENT = pl.col("reference"), pl.col("current")
_COUNTED = (_REFERENCE.cast(pl.Int64), _CURRENT.cast(pl.Int64))


def _drifts(
    tags: Sequence[Tag], now: TagDistributions, before: TagDistributions | None
) -> dict[str, _Drift]:
    """By tag, its distances from the month before, where it has holders in both; KS of numbers."""
    if before is None:
        return {}
    counts, distances = dict[str, pl.DataFrame](), dict[str, float]()
    for tag in tags:
        if not (before.holders.get(tag.code, 0) and now.holders[tag.code]):
            continue
        if not is_number(tag):
            counts[tag.code] = _counts_by_value(tag, now, before)
            continue
        reference, current = _numbers(before, tag), _numbers(now, tag)
        if not (np.isnan(reference).all() or np.isnan(current).all()):
            counts[tag.code] = counts_by_tenth(reference, current)
            by_value = counts_by_value(reference, current)
            distances[tag.code] = by_value.select(ks(_REFERENCE, _CURRENT)).item()
    if not counts:
        return {}
    # One query for all tags: hundreds of small ones cost more than what they compute.
    shifts = (
        pl.concat([f.select(*_COUNTED, pl.lit(code).alias("tag")) for code, f in counts.items()])
        .group_by("tag", maintain_order=True)
        .agg(
            psi(smoothed_shares(_REFERENCE), smoothed_shares(_CURRENT)).alias("psi"),
            pl.len().alias("bins"),
            *(counted.sum() for counted in _COUNTED),
        )
    )
    return {
        code: _Drift(shift, float(psi_by_chance(bins, *sums)), distances.get(code))
        for code, shift, bins, *sums in shifts.iter_rows()
    }


def _counts_by_value(tag: Tag, now: TagDistributions, before: TagDistributions) -> pl.DataFrame:
    old, new = (
        {**month.counts[tag.code], "": month.customers - month.holders[tag.code]}
        for month in (before, now)
    )
    counts = [(old.get(value, 0), new.get(value, 0)) for value in dict.fromkeys((*old, *new))]
    return pl.DataFrame(counts, schema=["reference", "current"], orient="row")


def _shares_changed(
    tags: Sequence[Tag], now: TagDistributions, before: TagDistributions | None
) -> dict[str, float]:
    """By tag, the share of its holders in both months whose value changed."""
    if before is None:
        return {}
    codes = [tag.code for tag in tags if not is_number(tag) and tag.code in before.sample.columns]
    if not codes:
        return {}
    both = now.sample.join(before.sample, on="customer_id", suffix=":was")
    shares = both.select(
        (pl.col(code).cast(pl.String) != pl.col(f"{code}:was").cast(pl.String)).mean().alias(code)
        for code in codes
    )
    return {
        code: share for code, share in zip(codes, shares.row(0), strict=True) if share is not None
    }


def _overlaps(now: TagDistributions, names: Sequence[str]) -> dict[str, tuple[str, float]]:
    """For each tag the one that shares the most information with it, and the share."""
    coded = {
        name: by_frequency(now.codes[name][:OVERLAP_SAMPLE], MOST_VALUES) for name in sorted(names)
    }
    coded = {name: codes for name, codes in coded.items() if len(codes) and codes.max() > 0}
    if len(coded) < 2:
        return {}
    shared = mutual_information_matrix(list(coded.values()))
    np.fill_diagonal(shared, -1)
    closest, codes = shared.argmax(axis=1), list(coded)
    return {code: (codes[closest[i]], float(shared[i, closest[i]])) for i, code in enumerate(codes)}
