"""Optimisation proposals (优化建议): thresholds that separate where the active ones no longer do.

A draft is fitted on earlier months, and proposed only when it was also better in the newest one,
which it was not fitted on, by more than chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import indent

import duckdb
import numpy as np
import polars as pl
import yaml

from portrait_assets.core.invocation import command
from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.expressions.expression import RANK_PREFIX
from portrait_assets.methods.statistics import resampling, scores
from portrait_assets.methods.statistics.resampling import GROUPS, Floats, Interval
from portrait_assets.methods.statistics.scores import Counts
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.claims import CLAIMS, Claim
from portrait_assets.stages.validation.contract import TAG_PROPOSAL
from portrait_assets.stages.validation.counting import with_targets
from portrait_assets.stages.validation.thresholds import Threshold, thresholds, with_number
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step

QUARTER = 3
FIT_MONTHS = 3
MOST_CUSTOMERS = 50_000  # Of each month; an interval is then narrow enough.
LEAST_SHARE = 0.01  # Of customers: a value that had some must keep this many.
FEWEST_HITS = 20
_APPROVE = ("tags", "approve", "CODE", "--by", "NAME", "--reason", "WHY", "--from", "YYYY-MM")


@dataclass(frozen=True)
class _Seen:
    """How the customers of some months fell into a tag's values, and what happened to them.

    `cells` are customers and hits of shape (2, groups, values), the likeliest value first.
    """

    cells: Floats

    @property
    def counts(self) -> Counts:
        """As a score, the lowest first, with its redraws."""
        return scores.resampled(self.cells[:, :, ::-1])

    @property
    def shares(self) -> Floats:
        """Share of customers by value."""
        sizes = self.cells[0].sum(axis=0)
        shares: Floats = sizes / max(float(sizes.sum()), 1.0)
        return shares


@dataclass(frozen=True)
class _Sample:
    """Customers of some months with columns that tags read, ranks, groups and targets."""

    step: Step
    rows: pl.DataFrame

    @classmethod
    def of(
        cls, warehouse: Warehouse, wanted: Sequence[tuple[Claim, Tag]], months: Sequence[str]
    ) -> _Sample:
        """The sample of these months, drawn by a hash, for these claims and tags."""
        warehouse.require(TARGET, [next_month(month) for month in months])
        tags = [tag for _, tag in wanted]
        names = sorted({name for tag in tags for name in tag.reads} - {"as_of"})
        ranks = sorted({name for tag in tags for v in tag.values for name in v.when.ranks})
        columns = [f"p.{quote(name)}" for name in names] + [
            f"CASE WHEN p.{quote(name)} IS NOT NULL THEN percent_rank() OVER (PARTITION BY "
            f"p.as_of, p.{quote(name)} IS NULL ORDER BY p.{quote(name)}) END "
            f"AS {quote(RANK_PREFIX + name)}"
            for name in ranks
        ]
        outcomes = [claim.outcome for claim, _ in wanted]
        most = max(warehouse.materialized(FEATURE_MATRIX)[month] for month in months)
        closing = next_month(max(months))
        lags = [Window(month, 1).before(closing) for month in months]
        one_in = -(-most // MOST_CUSTOMERS)
        step = with_targets(FEATURE_MATRIX, columns, outcomes, lags, one_in=one_in)
        return cls(step, Engine(warehouse.con).frame(step, Scope(closing)))

    def seen(
        self, claim: Claim, tags: Sequence[Tag], order: Sequence[str], months: Sequence[str]
    ) -> list[_Seen]:
        """How the customers of the months fall into each tag's values."""
        names = [f"d{number}" for number in range(len(tags))]
        columns = ", ".join(
            f"{_position(tag, order)} AS {name}" for name, tag in zip(names, tags, strict=True)
        )
        outcome = claim.outcome
        seen = Step(
            "seen",
            (self.step,),
            "SELECT draft, position, grp, count(*) AS customers, sum(hit) AS hits FROM "
            f"(SELECT grp, ({outcome.hit})::INTEGER AS hit, {columns} FROM {self.step.name} "
            f"WHERE ({outcome.eligible}) AND base_month IN ({literals(months)})) "
            f"UNPIVOT (position FOR draft IN ({', '.join(names)})) GROUP BY ALL",
            grain=Grain.PARTIAL,
        )
        with duckdb.connect() as con:
            con.register("sample", self.rows)
            frame = Engine(con, {self.step: "sample"}).frame(seen, Scope(months[-1]))
        cells = np.zeros((len(tags), 2, GROUPS, len(order)))
        for draft, position, group, customers, hits in frame.iter_rows():
            cells[int(draft[1:]), :, group, position] = customers, hits
        return [_Seen(each) for each in cells]


@dataclass(frozen=True)
class _Improvement:
    """A draft that separates better; each AUC as that of the active version and of the draft."""

    draft: Tag
    fit_auc: tuple[float, float]
    test_auc: tuple[float, float]
    gain: Interval


def propose(
    warehouse: Warehouse,
    catalogue: Catalogue,
    month: str,
    months: Sequence[str],
    weak: Collection[str] = (),
    claims: Sequence[Claim] = CLAIMS,
) -> pl.DataFrame:
    """The proposals of a month, with the columns of TAG_PROPOSAL; none except at a quarter's end.

    Args:
        warehouse: nothing later than the month is read.
        catalogue: the tags, of which those active in the month are tried.
        month: the month.
        months: all months of the source up to it, in order.
        weak: names of the claims that failed their test; thresholds that still separate are
            tried only for these.
        claims: the outcomes that tags are to predict.
    """
    fit = [m for m in months if next_month(month, -FIT_MONTHS - 1) <= m < next_month(month, -1)]
    test = next_month(month, -1)
    if len(months) % QUARTER or not fit or test not in months:
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
    sample = _Sample.of(warehouse, wanted, (*fit, test))
    for claim, tag in wanted:
        better = _improved(sample, catalogue, claim, tag, (*fit, test), claim.name in weak)
        if better is not None:
            moved = _effect(warehouse, tag, better.draft, month)
            rows.append(_row(claim, tag, catalogue, better, moved) | {"as_of": last_day(month)})
    return pl.DataFrame(rows, schema=TAG_PROPOSAL.polars_schema)


def _reads_features(tag: Tag, catalogue: Catalogue) -> bool:
    known = set(FEATURE_MATRIX.column_names) & set(catalogue.columns)
    return bool(tag.values) and set(tag.reads) <= known


# -- searching -----------------------------------------------------------------------------


def _improved(
    sample: _Sample,
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
    gain = resampling.interval(scores.auc(after.counts) - scores.auc(before.counts))
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


def _auc(seen: _Seen) -> float:
    """The area under the curve of the sample itself, without its redraws."""
    return float(scores.auc(scores.sampled(seen.cells[:, :, ::-1]))[0])


def _too_few(seen: _Seen) -> bool:
    customers, hits = seen.cells.sum(axis=(1, 2))
    return bool(min(hits, customers - hits) < FEWEST_HITS)


def _separates(seen: _Seen) -> bool:
    """Whether each value's rate is surely above that of the next."""
    rate = seen.counts.rates
    low, _ = resampling.bounds(np.diff(rate, axis=1))
    is_present = ~np.isnan(rate[0])
    between = is_present[1:] & is_present[:-1]
    return bool((low[between] > 0).all())


def _position(tag: Tag, order: Sequence[str]) -> str:
    """CASE that gives the position of the value; null where a rule is unknown or of no claim."""
    whens = []
    for value in tag.values:
        place = str(order.index(value.value)) if value.value in order else "NULL"
        whens.append(
            f"WHEN ({value.when.sql}) THEN {place} WHEN ({value.when.sql}) IS NULL THEN NULL"
        )
    return f"CASE {' '.join(whens)} END"


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
) -> dict[str, object]:
    draft, gain = better.draft, better.gain
    version = catalogue.tag(tag.code).version + 1
    pairs = [
        (old, new)
        for old, new in zip(tag.values, draft.values, strict=True)
        if old.when.text != new.when.text
    ]
    changing = moved.filter(~pl.col("before").eq_missing(pl.col("after")))["customers"].sum()
    customers = int(moved["customers"].sum())
    return {
        "tag_code": tag.code,
        "tag_version": tag.version,
        "draft_version": version,
        "outcome": str(claim.outcome),
        "rule_before": "\n".join(f"{old.value}: {old.when.text}" for old, _ in pairs),
        "rule_after": "\n".join(f"{new.value}: {new.when.text}" for _, new in pairs),
        "fit_auc_before": round(better.fit_auc[0], 6),
        "fit_auc_after": round(better.fit_auc[1], 6),
        "auc_before": round(better.test_auc[0], 6),
        "auc_after": round(better.test_auc[1], 6),
        "gain_low": round(gain.low, 6),
        "gain_high": round(gain.high, 6),
        "customers": customers,
        "customers_changing": int(changing),
        "effect": _effect_text(moved, [value.value for value in tag.values]),
        "draft": draft_yaml(replace(draft, version=version)),
    }


def _effect_text(moved: pl.DataFrame, values: Sequence[str]) -> str:
    def count(column: str, value: str) -> int:
        return int(moved.filter(pl.col(column) == value)["customers"].sum())

    return "; ".join(f"{v}: {count('before', v)} -> {count('after', v)}" for v in values)


def draft_yaml(tag: Tag) -> str:
    """The entry of a tags.yaml that makes this version of the tag a draft."""
    entry = {
        "code": tag.code,
        "version": tag.version,
        "status": "draft",
        "values": [
            {"value": v.value, "en": v.en, "zh": v.zh, "when": v.when.text} for v in tag.values
        ],
    }
    return yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, width=10_000)


def draft_file(drafts: Sequence[str]) -> str:
    """The drafts as a file to copy from."""
    header = (
        "# Draft versions of tags, proposed by the validation report. None of them is active.\n"
        "# To use one: copy its entry under `tags:` of the source's tags.yaml, then\n"
        f"#   {command('tags', 'diff', 'CODE')}\n"
        f"#   {command(*_APPROVE)}\n"
    )
    if not drafts:
        return header + "tags: []\n"
    return header + "tags:\n" + indent("".join(drafts), "  ")
