"""Demotions (降级建议): where a tag that decides others has not beaten its baseline.

A prediction that other tags rest on has to have been better than the best rule of one line in the
months before. Otherwise a draft puts that rule in its place, which takes effect by approval. Where
the best baseline predicts already in the place of a model, there is nothing to put there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.expressions.expression import RANK, RANK_PREFIX, parse
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.inputs.predicted import rests_on, targets_of
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag, TagValue
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets.stages.validation.contract import TAG_PROPOSAL, Verdict
from portrait_assets.stages.validation.proposals.drafts import Sample, draft_row
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.store import Warehouse

FIFTHS = (0.2,) * 5
"""The groups of customers by a baseline for whom a number is their rate."""


def drivers(
    catalogue: Catalogue,
    month: str,
    claims: Sequence[Claim],
    by_baseline: Collection[str] = (),
) -> dict[Claim, Tag]:
    """The tags active in the month that stand for a target with baselines, by what they claim.

    Args:
        catalogue: the tags.
        month: the month.
        claims: which tag predicts what.
        by_baseline: the targets that the best baseline predicts in the month; of tags that rest on
            their predictions there is none.
    """
    active = {tag.code: tag for tag in catalogue.active(month)}
    reads = {code: tag.inputs for code, tag in active.items()}
    rests = rests_on(reads, catalogue.predicted)

    def is_baseline(claim: Claim) -> bool:
        of_tag = targets_of(rests[claim.tag], catalogue.predicted)
        return claim.outcome.code in {target for target, _ in of_tag}.intersection(by_baseline)

    return {
        claim: active[claim.tag]
        for claim in claims
        if claim.tag in active
        and claim.baselines
        and active[claim.tag].target == claim.outcome.code
        and not is_baseline(claim)
    }


def demotions(
    warehouse: Warehouse,
    matrix: Table,
    catalogue: Catalogue,
    month: str,
    tests: pl.DataFrame,
    claims: Mapping[Claim, Tag],
    smallest: int,
) -> pl.DataFrame:
    """The demotions of a month, with the columns of TAG_PROPOSAL.

    Args:
        warehouse: nothing later than the month is read.
        matrix: the contract of the portrait matrix.
        catalogue: the tags.
        month: the month.
        tests: rows of BACKTEST of the months before and of the month, on the area under the curve
            one month on.
        claims: the tags that decide others, as `drivers` gives them.
        smallest: fewest customers of a value that is listed by itself.
    """
    rows = []
    for claim, tag in claims.items():
        own = tests.filter(
            (pl.col("test") == claim.name) & (pl.col("verdict") != Verdict.NOT_JUDGED)
        ).sort("as_of")
        if not _has_not_beaten(own):
            continue
        newest = own.row(-1, named=True)
        rule = next(each for each in claim.baselines if each.name == newest["baseline"])
        if set(tag.reads) == {rule.feature}:
            continue
        draft, by_value = _draft(warehouse, matrix, catalogue, claim, tag, rule, month)
        areas = _areas(warehouse, claim, by_value, own)
        if areas[-1] > newest["value"]:
            moved = _moved(warehouse, matrix, tag, draft, month)
            row = draft_row(claim, tag, draft, catalogue, moved, smallest)
            rows.append(row | _gain(own, areas) | {"as_of": last_day(month)})
    return pl.DataFrame(rows, schema=TAG_PROPOSAL.polars_schema)


def _has_not_beaten(tests: pl.DataFrame) -> bool:
    """Whether no month found the tag better than the baseline, which was as good on average."""
    if tests.is_empty() or (tests["verdict"] == Verdict.PASS).any():
        return False
    return bool(tests.select(pl.col("baseline_value").mean() >= pl.col("value").mean()).item())


# -- the draft -----------------------------------------------------------------------------


def conditions(rule: Baseline, shares: Sequence[float]) -> list[str]:
    """Conditions over ranks of the rule's feature, the likeliest customers first.

    Args:
        rule: the baseline.
        shares: of the customers for whom each holds, if those before it do not.
    """
    unknown = 0 if rule.unknown_is_likely is rule.falls else 1
    score = f"coalesce({RANK}({rule.feature}), {unknown})"
    found = []
    for reached in np.cumsum(shares)[:-1]:
        limit = round(float(reached), 3)
        found.append(f"{score} < {limit:g}" if rule.falls else f"{score} >= {1 - limit:g}")
    last = found[-1].replace(" < ", " >= ") if rule.falls else found[-1].replace(" >= ", " < ")
    return [*found, last]


def _draft(
    warehouse: Warehouse,
    matrix: Table,
    catalogue: Catalogue,
    claim: Claim,
    tag: Tag,
    rule: Baseline,
    month: str,
) -> tuple[Tag, Tag]:
    """The tag with the baseline as its rule, and the same with a value for each group.

    Values keep their shares of customers; a number is the rate of the group, a fifth.
    """
    columns, nowhere = catalogue.columns, Place("", 0)
    if claim.order:
        shares = _shares(warehouse, matrix, tag, claim.order, month)
        texts = dict(zip(shares, conditions(rule, list(shares.values())), strict=True))
        known = {value.value: value for value in tag.values}
        values = (replace(known[name], when=parse(text, columns)) for name, text in texts.items())
        draft = replace(tag, values=tuple(values))
        return draft, draft
    texts = {f"fifth {at}": text for at, text in enumerate(conditions(rule, FIFTHS), start=1)}
    fifths = (
        TagValue(name, name, name, parse(text, columns), nowhere) for name, text in texts.items()
    )
    by_value = replace(tag, expression=None, values=tuple(fifths))
    base = next_month(month, -1)
    seen = Sample.of(warehouse, [(claim, by_value)], [base]).seen(
        claim, [by_value], list(texts), [base]
    )
    customers, hits = seen[0].cells.sum(axis=1)
    rates = np.divide(hits, customers, out=np.zeros_like(hits), where=customers > 0)
    cases = " ".join(
        f"WHEN {text} THEN {rate:.3f}" for text, rate in zip(texts.values(), rates, strict=True)
    )
    return replace(tag, expression=parse(f"CASE {cases} END", columns)), by_value


def _shares(
    warehouse: Warehouse, matrix: Table, tag: Tag, order: Sequence[str], month: str
) -> dict[str, float]:
    """Share of customers by value in the month, the likeliest value first."""
    code = quote(tag.code)
    counted = warehouse.select(
        f"SELECT {code}::VARCHAR AS value, count(*) AS n FROM {matrix.full_name} "
        f"WHERE as_of = DATE '{last_day(month)}' AND {code} IS NOT NULL GROUP BY ALL"
    )
    customers = dict(counted.iter_rows())
    own = {value.value for value in tag.values}
    sizes = {value: customers.get(value, 0) for value in order if value in own}
    everyone = max(sum(sizes.values()), 1)
    return {value: size / everyone for value, size in sizes.items()}


# -- its row -------------------------------------------------------------------------------


def _moved(warehouse: Warehouse, matrix: Table, tag: Tag, draft: Tag, month: str) -> pl.DataFrame:
    """Customers of the month by value before and after."""
    ranks = sorted({name for rule in draft.expressions for name in rule.ranks})
    ranked = "".join(
        f", CASE WHEN {quote(name)} IS NOT NULL THEN percent_rank() OVER "
        f"(PARTITION BY {quote(name)} IS NULL ORDER BY {quote(name)}) END "
        f"AS {quote(RANK_PREFIX + name)}"
        for name in ranks
    )
    whens = " ".join(f"WHEN {value.when.sql} THEN '{value.value}'" for value in draft.values)
    after = f"CASE {whens} END" if draft.expression is None else draft.expression.sql
    return warehouse.select(
        f"SELECT p.{quote(tag.code)}::VARCHAR AS before, f.after::VARCHAR AS after, "
        f"count(*) AS customers FROM {matrix.full_name} p JOIN (SELECT as_of, customer_id, {after} "
        f"AS after FROM (SELECT *{ranked} FROM {FEATURE_MATRIX.full_name} "
        f"WHERE as_of = DATE '{last_day(month)}')) f USING (as_of, customer_id) GROUP BY ALL"
    )


def _areas(warehouse: Warehouse, claim: Claim, by_value: Tag, tests: pl.DataFrame) -> list[float]:
    """The area under the curve of the draft in each of the tests' windows."""
    bases = [f"{day:%Y-%m}" for day in tests["said_as_of"]]
    order = [value.value for value in by_value.values]
    sample = Sample.of(warehouse, [(claim, by_value)], bases)
    found = []
    for base in bases:
        cells = sample.seen(claim, [by_value], order, [base])[0].cells
        found.append(float(scores.auc(scores.sampled(cells[:, :, ::-1]))[0]))
    return found


def _gain(tests: pl.DataFrame, areas: Sequence[float]) -> dict[str, object]:
    """How well tag and draft separate; the interval is that of the baseline, less what cutting it
    into values costs."""
    newest, before = tests.row(-1, named=True), tests[:-1]
    cost = newest["baseline_value"] - areas[-1]
    return {
        "fit_auc_before": _rounded(before["value"].mean()),
        "fit_auc_after": _rounded(np.mean(areas[:-1]) if len(areas) > 1 else None),
        "auc_before": newest["value"],
        "auc_after": _rounded(areas[-1]),
        "gain_low": _rounded(-newest["gain_high"] - cost),
        "gain_high": _rounded(-newest["gain_low"] - cost),
    }


def _rounded(value: object) -> float | None:
    return round(float(value), 6) if isinstance(value, float) else None
