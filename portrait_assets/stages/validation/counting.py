"""What was predicted at a month's end beside what happened in the months after, counted in SQL.

The steps are computed for a month that closes windows, and for any windows that were closed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from portrait_assets.core.bounds import in_batches
from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, TARGET
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.labels import tables_read
from portrait_assets.stages.targets.outcome import Baseline, Outcome
from portrait_assets.stages.targets.outcomes import OF_SOURCE, Targets, packaged_targets
from portrait_assets.stages.targets.windows import Lag, Window, base_months, closing_months
from portrait_assets.stages.validation.buckets import Bucketed, bounds_of, level, number
from portrait_assets.stages.validation.claims import Buckets, Claim
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Source, Step, read

_AT_ONCE = 16  # Claims counted in one pass: each has its own counts in memory.

SUMS = ("customers", "hits", "amount", "predicted", "predicted_squared", "predicted_of_hits")
COUNTED = {
    "base_month": pl.String(),
    "horizon": pl.Int64(),
    "test": pl.String(),
    "outcome": pl.String(),
    "side": pl.String(),  # 'tag', or the name of a baseline
    "bucket": pl.String(),
    "grp": pl.Int64(),
    **{name: pl.Float64() for name in SUMS},
}


def count_outcomes(
    warehouse: Warehouse,
    matrix: Table,
    claims: Sequence[Claim],
    windows: Sequence[Window],
    targets: Targets | None = None,
) -> Iterator[pl.DataFrame]:
    """Customers and hits by base month, horizon, test, bucket and group, columns as COUNTED.

    Each frame has some of the windows whole; the frames are in their order.

    Args:
        warehouse: nothing later than each window's last month is read.
        matrix: the contract of the portrait matrix; a claim of a tag it lacks has no row.
        claims: what is tested.
        windows: in which windows, in order; each claim in those of its outcome's horizons.
        targets: those of the source; the package's when None.

    Raises:
        WarehouseError: when the targets of a window have not been materialized.
    """
    tested = [
        claim
        for claim in claims
        if claim.tag in matrix.column_names and _has_rows(warehouse, claim.outcome)
    ]
    if not tested or not windows:
        return
    closing = sorted({window.month for window in windows})
    read_from = [table for claim in tested for table in tables_read(claim.outcome)]
    for table in dict.fromkeys([TARGET, *read_from]):
        warehouse.require(table, closing)
    materialized = warehouse.materialized(matrix)
    sizes = {window: materialized.get(window.base_month, 0) for window in windows}
    engine = Engine(warehouse.con)
    for batch in in_batches(windows, sizes, warehouse.bounds.joined_rows):
        month = max(window.month for window in batch)
        lags = [window.before(month) for window in batch]
        followed, steps = counts(matrix, tested, lags, targets)
        with engine.shared(followed, Scope(month)):
            frames = [engine.frame(step, Scope(month)) for step in steps]
        yield pl.concat(
            frame.select(pl.col(name).cast(kind) for name, kind in COUNTED.items())
            for frame in frames
        )


def _has_rows(warehouse: Warehouse, outcome: Outcome) -> bool:
    """Whether the table that the outcome is derived from has any row."""
    return sum(warehouse.materialized(CLEANED[outcome.needs]).values()) > 0


def counts(
    matrix: Table, claims: Sequence[Claim], lags: Sequence[Lag], targets: Targets | None = None
) -> tuple[Step, list[Step]]:
    """What followed on these windows' predictions, and the steps that count it.

    Args:
        matrix: the contract of the portrait matrix.
        claims: what is tested.
        lags: in which windows.
        targets: those of the source; the package's when None.

    Returns:
        The step that all others read, and those with columns as COUNTED.
    """
    outcomes = [claim.outcome for claim in claims]
    kinds = {(claim.tag, claim.counted_by) for claim in claims}
    buckets = {
        _bucket(tag, kind): number(quote(tag)) if kind is Buckets.BINS else level(matrix, tag)
        for tag, kind in sorted(kinds)
        if kind is not Buckets.VALUES
    }
    orders = {rule.column: rule for claim in claims for rule in claim.baselines}
    tags = [f"p.{quote(tag)}" for tag in sorted({claim.tag for claim in claims})]
    followed = with_targets(matrix, tags, outcomes, lags, buckets, list(orders.values()))
    answers = _answers(lags, targets or packaged_targets())
    return followed, [
        Step(
            "counts",
            (followed, answers) if together[0].outcome.is_named_by_source else (followed,),
            _counts_sql(together),
            grain=Grain.ALL,
        )
        for together in _together(claims)
    ]


def _together(claims: Sequence[Claim]) -> Iterator[Sequence[Claim]]:
    """The claims that one pass counts: those on all customers whom an outcome is known of."""
    described: dict[Outcome, list[Claim]] = {}
    for claim in claims:
        if claim.baselines or claim.is_probability:
            yield [claim]
        else:
            described.setdefault(claim.outcome, []).append(claim)
    for alike in described.values():
        yield from (alike[at : at + _AT_ONCE] for at in range(0, len(alike), _AT_ONCE))


def with_targets(
    predicted: Table,
    columns: Sequence[str],
    outcomes: Sequence[Outcome],
    lags: Sequence[Lag],
    buckets: Mapping[str, Bucketed] | None = None,
    rules: Sequence[Baseline] = (),
    one_in: int = 1,
) -> Step:
    """What was predicted of customers, and the facts that outcomes are computed from.

    Args:
        predicted: the as-of table, called p in `columns`, that holds what was predicted.
        columns: which of its columns to keep, as SQL.
        outcomes: whose facts are added.
        lags: in which windows; each customer of a base month has a row for each.
        buckets: by what they are counted, by name, of the columns that are kept.
        rules: baselines whose bins are added.
        one_in: take one in so many customers, drawn by a hash.

    Returns:
        A step named `followed` with `base_month`, `horizon`, `customer_id`, `grp` from 0 to GROUPS
        less one, the columns and buckets, and all names that the outcomes' SQL refers to.
    """
    predictions = _predictions(predicted, columns, lags, buckets or {}, rules, one_in)
    return with_facts(predictions, outcomes, lags)


def _answers(lags: Sequence[Lag], targets: Targets) -> Step:
    # A source may name an outcome as the package names one of its own.
    name = (
        f"CASE WHEN outcome IN ({literals(targets.derived)}) "
        f"THEN outcome || {literal(OF_SOURCE)} ELSE outcome END"
    )
    return Step(
        "answers",
        (read(SOURCE_OUTCOME, closing_months(lags)),),
        f"SELECT base_month, horizon, customer_id, {name} AS answer_of, value AS answer "
        "FROM source_outcome",
        is_view=True,
    )


def _predictions(
    predicted: Table,
    columns: Sequence[str],
    lags: Sequence[Lag],
    buckets: Mapping[str, Bucketed],
    rules: Sequence[Baseline],
    one_in: int,
) -> Step:
    # Not DuckDB's own hash, which may differ between versions.
    digest = "md5_number_lower(p.customer_id)"
    drawn = f"AND ({digest} // {GROUPS}) % {one_in} = 0" if one_in > 1 else ""
    ruled = [f"{rule.sql('r')} AS {quote(rule.column)}" for rule in rules]
    binned = dict(buckets) | {_baseline_bin(r): number(quote(r.column)) for r in rules}
    months = base_months(lags)
    judged: list[Source] = [read(predicted, months, "predicted")]
    beside = ""
    if ruled:
        judged.append(read(FEATURE_MATRIX, months))
        features = ", ".join(sorted({rule.feature for rule in rules}))
        beside = (
            f" LEFT JOIN (SELECT {_BASE_MONTH}, customer_id, {features} FROM feature_matrix) AS r "
            "USING (base_month, customer_id)"
        )

    def rows(scope: Scope, selected: Sequence[str]) -> str:
        days = literals({last_day(lag.of(scope.month).base_month) for lag in lags})
        return (
            f"SELECT {', '.join(['p.base_month', *selected])} FROM (SELECT *, {_BASE_MONTH} FROM "
            f"predicted) AS p {beside} WHERE p.as_of IN ({days}) {drawn}"
        )

    reads: list[Source] = [*judged]
    shown, bounded = "", ""
    if binned:
        reads.append(bounds_of(binned, judged, lambda scope: rows(scope, [*columns, *ruled])))
        bounded = "LEFT JOIN bounds AS b USING (base_month)"
        shown = "".join(
            f", {bucket.of_row(f'b.{quote(name)}')} AS {quote(name)}"
            for name, bucket in binned.items()
        )
    selected = [
        "p.customer_id",
        f"({digest} % {GROUPS})::INTEGER AS grp",
        *columns,
        *ruled,
    ]
    return Step(
        "predictions",
        tuple(reads),
        lambda scope: f"SELECT s.*{shown} FROM ({rows(scope, selected)}) AS s {bounded}",
        grain=Grain.ALL,
    )


_BASE_MONTH = "strftime(as_of, '%Y-%m') AS base_month"


def _bucket(tag: str, kind: Buckets) -> str:
    """The column by which a tag's customers are counted."""
    return tag if kind is Buckets.VALUES else f"{tag}:{kind}"


def _baseline_bin(rule: Baseline) -> str:
    """The column of the bins of a baseline."""
    return f"{rule.column}:bin"


def _counts_sql(claims: Sequence[Claim]) -> str:
    """Counts by each bucket of these claims, which are on one outcome.

    Only one claim alone is compared with baselines, or predicts a probability.
    """
    outcome, first = claims[0].outcome, claims[0]
    rows, name = "followed", literal(outcome.code)
    if outcome.is_named_by_source:
        rows, name = "followed JOIN answers USING (base_month, horizon, customer_id)", "answer_of"
    predicted = "NULL"
    if first.is_probability:
        # Months are taken as alike: once in h months is 1 less the probability of never.
        predicted = f"1 - power(1 - {quote(first.tag)}::DOUBLE, horizon)"
    own = [(claim.name, "tag", quote(_bucket(claim.tag, claim.counted_by))) for claim in claims]
    compared = [(first.name, r.name, quote(_baseline_bin(r))) for r in first.baselines]
    has_value = "true" if len(own) > 1 else f"{own[0][2]} IS NOT NULL"
    counted = {f"bucket_{number}": side for number, side in enumerate([*own, *compared])}
    bucketed = ", ".join(f"({sql})::VARCHAR AS {column}" for column, (*_, sql) in counted.items())
    tests, sides = (
        " ".join(
            f"WHEN grouping({column}) = 0 THEN {literal(side[at])}"
            for column, side in counted.items()
        )
        for at in (0, 1)
    )
    keys = "base_month, horizon, outcome, grp"
    horizons = ", ".join(map(str, outcome.horizons))
    sets = ", ".join(f"({keys}, {column})" for column in counted)
    return (
        f"SELECT base_month, horizon, CASE {tests} END AS test, outcome, CASE {sides} END AS side, "
        f"coalesce({', '.join(counted)}) AS bucket, grp, count(*) AS customers, "
        "sum(hit) AS hits, coalesce(sum(amount), 0) AS amount, "
        "coalesce(sum(predicted), 0) AS predicted, "
        "coalesce(sum(predicted * predicted), 0) AS predicted_squared, "
        "coalesce(sum(predicted * hit), 0) AS predicted_of_hits "
        f"FROM (SELECT base_month, horizon, {name} AS outcome, grp, {bucketed}, "
        f"({outcome.hit})::INTEGER AS hit, {outcome.amount or 'NULL'}::DOUBLE AS amount, "
        f"{predicted} AS predicted FROM {rows} WHERE ({outcome.eligible}) "
        f"AND ({outcome.hit}) IS NOT NULL AND horizon IN ({horizons}) AND {has_value}) "
        f"GROUP BY GROUPING SETS ({sets}) HAVING bucket IS NOT NULL"
    )
