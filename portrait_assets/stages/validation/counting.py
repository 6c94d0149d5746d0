"""What was predicted at a month's end beside what happened in the months after, counted in SQL.

The steps are computed for a month that closes windows, and for any windows that were closed before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.bounds import in_batches
from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, TARGET
from portrait_assets.stages.targets.outcomes import FACTS, Fact, Outcome, facts_of
from portrait_assets.stages.targets.windows import (
    Lag,
    Window,
    base_months,
    closing_months,
    windows_sql,
)
from portrait_assets.stages.validation.claims import Claim
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Source, Step, read

BINS = 20  # Of a predicted number; ties within one blur an area under the curve by about 0.002.

SUMS = ("customers", "hits", "amount", "predicted", "predicted_squared", "predicted_of_hits")
COUNTED = {
    "base_month": pl.String(),
    "horizon": pl.Int64(),
    "test": pl.String(),
    "outcome": pl.String(),
    "side": pl.String(),  # 'tag', or 'baseline': the last month repeated
    "bucket": pl.String(),
    "grp": pl.Int64(),
    **{name: pl.Float64() for name in SUMS},
}


def count_outcomes(
    warehouse: Warehouse, matrix: Table, claims: Sequence[Claim], windows: Sequence[Window]
) -> pl.DataFrame:
    """Customers and hits by base month, horizon, test, bucket and group, columns as COUNTED.

    Args:
        warehouse: nothing later than each window's last month is read.
        matrix: the contract of the portrait matrix; a claim of a tag it lacks has no row.
        claims: what is tested.
        windows: in which windows.

    Raises:
        WarehouseError: when the targets of a window have not been materialized.
    """
    tested = [
        claim
        for claim in claims
        if claim.tag in matrix.column_names and _has_rows(warehouse, claim.outcome)
    ]
    if not tested or not windows:
        return pl.DataFrame(schema=COUNTED)
    warehouse.require(TARGET, sorted({window.month for window in windows}))
    materialized = warehouse.materialized(matrix)
    sizes = {window: materialized.get(window.base_month, 0) for window in windows}
    engine = Engine(warehouse.con)
    counted = []
    for batch in in_batches(windows, sizes, warehouse.bounds.joined_rows):
        month = max(window.month for window in batch)
        step = counts(matrix, tested, [window.before(month) for window in batch])
        counted.append(engine.frame(step, Scope(month)))
    return pl.concat(
        frame.select(pl.col(name).cast(kind) for name, kind in COUNTED.items()) for frame in counted
    )


def _has_rows(warehouse: Warehouse, outcome: Outcome) -> bool:
    """Whether the table that the outcome is derived from has any row."""
    return sum(warehouse.materialized(CLEANED[outcome.needs]).values()) > 0


def counts(matrix: Table, claims: Sequence[Claim], lags: Sequence[Lag]) -> Step:
    """Customers and hits of these windows, columns as COUNTED."""
    outcomes = [claim.outcome for claim in claims]
    numbers = {claim.tag for claim in claims if _is_number(claim)}
    bins = {_bin(tag): quote(tag) for tag in sorted(numbers)} | {
        _baseline_bin(outcome): outcome.baseline
        for outcome in dict.fromkeys(outcomes)
        if outcome.baseline and outcome.baseline_is_amount
    }
    tags = [f"p.{quote(tag)}" for tag in sorted({claim.tag for claim in claims})]
    reads: list[Source] = [with_targets(matrix, tags, outcomes, lags, bins)]
    if any(outcome.is_named_by_source for outcome in outcomes):
        reads.append(_answers(lags))
    return Step(
        "counts", tuple(reads), " UNION ALL ".join(map(_counts_sql, claims)), grain=Grain.ALL
    )


def with_targets(
    predicted: Table,
    columns: Sequence[str],
    outcomes: Sequence[Outcome],
    lags: Sequence[Lag],
    bins: Mapping[str, str] | None = None,
    one_in: int = 1,
) -> Step:
    """What was predicted of customers, and the facts that outcomes are computed from.

    Args:
        predicted: the as-of table, called p in `columns`, that holds what was predicted.
        columns: which of its columns to keep, as SQL.
        outcomes: whose facts are added.
        lags: in which windows; each customer of a base month has a row for each.
        bins: numbers to be put into bins, as SQL by name.
        one_in: take one in so many customers, drawn by a hash.

    Returns:
        A step named `followed` with `base_month`, `horizon`, `customer_id`, `grp` from 0 to GROUPS
        less one, the columns and bins, and all names that the outcomes' SQL refers to.
    """
    in_window, before = facts_of(outcomes)
    compared = {name: sql for outcome in outcomes for name, sql in outcome.compared.items()}
    facts = "".join(f", coalesce(t.{fact.name}, 0) AS {fact.name}" for fact in in_window)
    ranked = "".join(f", {sql} AS {name}" for name, sql in compared.items())
    predictions = _predictions(predicted, columns, before, lags, bins or {}, one_in)
    return Step(
        "followed",
        (predictions, read(TARGET, closing_months(lags))),
        lambda scope: (
            f"""
        SELECT *{ranked} FROM (
            SELECT p.*, w.horizon{facts}
            FROM predictions AS p JOIN {windows_sql(lags, scope.month)} AS w USING (base_month)
            LEFT JOIN target AS t USING (base_month, horizon, customer_id)
        )
        """
        ),
        grain=Grain.ALL,
    )


def _answers(lags: Sequence[Lag]) -> Step:
    return Step(
        "answers",
        (read(SOURCE_OUTCOME, closing_months(lags)),),
        "SELECT base_month, horizon, customer_id, outcome AS answer_of, value AS answer "
        "FROM source_outcome",
        is_view=True,
    )


def _predictions(
    predicted: Table,
    columns: Sequence[str],
    before: Sequence[Fact],
    lags: Sequence[Lag],
    bins: Mapping[str, str],
    one_in: int,
) -> Step:
    # Not DuckDB's own hash, which may differ between versions.
    digest = "md5_number_lower(p.customer_id)"
    drawn = f"AND ({digest} // {GROUPS}) % {one_in} = 0" if one_in > 1 else ""
    facts = [f"coalesce(m.{fact.before}, 0) AS {fact.before}" for fact in before]
    selected = ", ".join([*columns, *facts])
    binned = "".join(f", {_bin_sql(sql)} AS {quote(name)}" for name, sql in bins.items())
    last_month = Step(
        "last_month",
        (read(CUSTOMER_MONTH, base_months(lags)),),
        f"SELECT month AS base_month, customer_id, {_OF_MONTH} FROM customer_month",
        is_view=True,
    )

    def days(scope: Scope) -> str:
        return literals({last_day(lag.of(scope.month).base_month) for lag in lags})

    return Step(
        "predictions",
        (read(predicted, base_months(lags), "predicted"), last_month),
        lambda scope: (
            f"""
        SELECT *{binned} FROM (
            SELECT p.base_month, p.customer_id, ({digest} % {GROUPS})::INTEGER AS grp, {selected}
            FROM (SELECT *, strftime(as_of, '%Y-%m') AS base_month FROM predicted) AS p
            LEFT JOIN last_month AS m USING (base_month, customer_id)
            WHERE p.as_of IN ({days(scope)}) {drawn}
        )
        """
        ),
        grain=Grain.ALL,
    )


_OF_MONTH = ", ".join(f"{fact.of_month} AS {fact.before}" for fact in FACTS)


def _is_number(claim: Claim) -> bool:
    return not claim.order and not claim.learned


def _bin(name: str) -> str:
    """The column of a number's bins."""
    return f"{name}:bin"


def _baseline_bin(outcome: Outcome) -> str:
    """The column of the bins of an outcome's baseline."""
    return f"{outcome.code}:baseline"


def _bin_sql(value: str) -> str:
    """One of BINS bins by the share of customers with a lower value; null stays null."""
    rank = f"percent_rank() OVER (PARTITION BY base_month ORDER BY {value} NULLS LAST)"
    return f"CASE WHEN {value} IS NOT NULL THEN least(floor({rank} * {BINS}), {BINS - 1}) END"


def _counts_sql(claim: Claim) -> str:
    outcome = claim.outcome
    bucket = quote(_bin(claim.tag)) if _is_number(claim) else quote(claim.tag)
    baseline = quote(_baseline_bin(outcome)) if outcome.baseline_is_amount else outcome.baseline
    rows, name = "followed", literal(outcome.code)
    if outcome.is_named_by_source:
        rows, name = "followed JOIN answers USING (base_month, horizon, customer_id)", "answer_of"
    predicted = "NULL"
    if claim.is_probability:
        # Months are taken as alike: once in h months is 1 less the probability of never.
        predicted = f"1 - power(1 - {quote(claim.tag)}::DOUBLE, horizon)"
    judged = (
        f"SELECT base_month, horizon, {literal(claim.name)} AS test, {name} AS outcome, grp, "
        f"{bucket}::VARCHAR AS tag_bucket, ({baseline or '0'})::VARCHAR AS base_bucket, "
        f"({outcome.hit})::INTEGER AS hit, {outcome.amount or 'NULL'}::DOUBLE AS amount, "
        f"{predicted} AS predicted FROM {rows} WHERE ({outcome.eligible}) AND {bucket} IS NOT NULL"
    )
    return (
        "SELECT base_month, horizon, test, outcome, "
        "CASE WHEN grouping(tag_bucket) = 0 THEN 'tag' ELSE 'baseline' END AS side, "
        "coalesce(tag_bucket, base_bucket) AS bucket, grp, count(*) AS customers, "
        "sum(hit) AS hits, coalesce(sum(amount), 0) AS amount, "
        "coalesce(sum(predicted), 0) AS predicted, "
        "coalesce(sum(predicted * predicted), 0) AS predicted_squared, "
        f"coalesce(sum(predicted * hit), 0) AS predicted_of_hits FROM ({judged}) "
        "GROUP BY GROUPING SETS ((base_month, horizon, test, outcome, grp, tag_bucket), "
        "(base_month, horizon, test, outcome, grp, base_bucket))"
    )
