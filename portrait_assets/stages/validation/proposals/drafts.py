"""Draft versions of tags: how customers fall into their values, and how they are proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import indent

import duckdb
import numpy as np
import polars as pl
import yaml

from portrait_assets.core.arrays import Floats
from portrait_assets.core.invocation import command
from portrait_assets.core.months import next_month
from portrait_assets.methods.expressions.expression import RANK_PREFIX
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.discrimination.scores import Counts
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.privacy.cells import are_pooled, pooled_name
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets.stages.validation.backtests.predicted import with_targets
from portrait_assets.storage.duckdb.connection import literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step

MOST_CUSTOMERS = 50_000  # Of each month; an interval is then narrow enough.
_APPROVE = ("tags", "approve", "CODE", "--by", "NAME", "--reason", "WHY", "--from", "YYYY-MM")


@dataclass(frozen=True)
class Seen:
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
class Sample:
    """Customers of some months with columns that tags read, ranks, groups and targets."""

    step: Step
    rows: pl.DataFrame

    @classmethod
    def of(
        cls, warehouse: Warehouse, wanted: Sequence[tuple[Claim, Tag]], months: Sequence[str]
    ) -> Sample:
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
    ) -> list[Seen]:
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
        return [Seen(each) for each in cells]


def _position(tag: Tag, order: Sequence[str]) -> str:
    """CASE that gives the position of the value; null where a rule is unknown or of no claim."""
    whens = []
    for value in tag.values:
        place = str(order.index(value.value)) if value.value in order else "NULL"
        whens.append(
            f"WHEN ({value.when.sql}) THEN {place} WHEN ({value.when.sql}) IS NULL THEN NULL"
        )
    return f"CASE {' '.join(whens)} END"


def draft_row(
    claim: Claim,
    tag: Tag,
    draft: Tag,
    catalogue: Catalogue,
    moved: pl.DataFrame,
    smallest: int,
) -> dict[str, object]:
    """The columns of TAG_PROPOSAL that do not depend on how well the draft separates.

    Args:
        claim: what the tag is to predict.
        tag: its active version.
        draft: the version proposed.
        catalogue: the tags.
        moved: `customers` of the month by value `before` and `after`.
        smallest: fewest customers of a value that is listed by itself.
    """
    version = catalogue.tag(tag.code).version + 1
    rules = [_rules(each) for each in (tag, draft)]
    changed = [name for name in rules[1] if rules[0].get(name) != rules[1][name]]
    changing = moved.filter(~pl.col("before").eq_missing(pl.col("after")))["customers"].sum()
    return {
        "tag_code": tag.code,
        "tag_version": tag.version,
        "draft_version": version,
        "outcome": str(claim.outcome),
        "rule_before": "\n".join(f"{name}{rules[0].get(name, '')}" for name in changed),
        "rule_after": "\n".join(f"{name}{rules[1][name]}" for name in changed),
        "customers": int(moved["customers"].sum()),
        "customers_changing": int(changing),
        "effect": _effect_text(moved, [value.value for value in tag.values], smallest),
        "draft": draft_yaml(replace(draft, version=version)),
    }


def _rules(tag: Tag) -> dict[str, str]:
    """The text of its rules by what stands before it: the value, or nothing."""
    if tag.expression is not None:
        return {"": tag.expression.text}
    return {f"{value.value}: ": value.when.text for value in tag.values}


def _effect_text(moved: pl.DataFrame, values: Sequence[str], smallest: int) -> str:
    def count(column: str, value: str) -> int:
        return int(moved.filter(pl.col(column) == value)["customers"].sum())

    if not values:
        means = moved.select(
            (pl.col(side).cast(pl.Float64) * pl.col("customers")).sum() / pl.col("customers").sum()
            for side in ("before", "after")
        ).row(0)
        return f"mean: {means[0]:.3g} -> {means[1]:.3g}"
    sides = ("before", "after")
    counts = pl.DataFrame({"value": values} | {s: [count(s, v) for v in values] for s in sides})
    few = are_pooled(counts, "before", smallest) | are_pooled(counts, "after", smallest)
    lines = counts.filter(~few).rows()
    if few.any():
        together = counts.filter(few)
        lines.append((pooled_name(int(few.sum())), *(together[side].sum() for side in sides)))
    return "; ".join(f"{value}: {before} -> {after}" for value, before, after in lines)


def draft_yaml(tag: Tag) -> str:
    """The entry of a tags.yaml that makes this version of the tag a draft."""
    entry: dict[str, object] = {"code": tag.code, "version": tag.version, "status": "draft"}
    if tag.expression is not None:
        entry["expression"] = tag.expression.text
    else:
        entry["values"] = [
            {"value": v.value, "en": v.en, "zh": v.zh, "when": v.when.text} for v in tag.values
        ]
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
