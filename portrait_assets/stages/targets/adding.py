"""Steps that add up what was done in the windows which a month closes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import (
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
)
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.features.monthly.purchases import as_known, net_months
from portrait_assets.stages.targets import contract
from portrait_assets.stages.targets.declared.entries import MONTHLY
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.declared.outcomes import FACTS, TAKEN, Targets
from portrait_assets.stages.targets.declared.permitted import PROFILING, ReportedFor, permitted
from portrait_assets.stages.targets.windows import Lag, base_months, closing, windows_sql
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.steps import THE_MONTH, Scope, Source, Span, Step, read, window

HELD_MONTHS = 3
"""So many months up to the base month in one of which a product was held that the customer had."""
BOUGHT_MONTHS = 12
"""The same of a category that was bought, where there are no balances."""


def target_steps(targets: Targets) -> tuple[Step, ...]:
    """The steps that write the tables of targets, with the windows that these ask for.

    A table that no target reads has no rows.
    """
    return (
        _added_up(targets, contract.TARGET),
        source_outcome(targets),
        _added_up(targets, contract.BALANCE_TARGET),
        _added_up(targets, contract.CAMPAIGN_TARGET),
        product_target(targets.horizons(TAKEN.of)),
    )


def _month(scope: Scope) -> str:
    return f"{literal(scope.month)} AS month"


@cache
def base(horizons: tuple[int, ...]) -> Step:
    """The base months that have a feature matrix: the source's months from the first one on."""
    return Step(
        "base",
        (read(FEATURE_MATRIX, base_months(closing(horizons))),),
        "SELECT DISTINCT strftime(as_of, '%Y-%m') AS base_month FROM feature_matrix",
    )


@cache
def closed(horizons: tuple[int, ...]) -> Step:
    """The windows of these lengths that the month closes."""
    return Step(
        "closed",
        (base(horizons),),
        lambda scope: (
            f"FROM {windows_sql(closing(horizons), scope.month)} SEMI JOIN base USING (base_month)"
        ),
    )


@cache
def net_month(longest: int) -> Step:
    """Customers' months of the longest window, without purchases cancelled within it."""
    return as_known(
        read(CUSTOMER_MONTH, window(longest), "month_then"),
        net_months(read(CLEANED["transactions"], window(longest))),
        "customer_month",
    )


def _added_up(targets: Targets, table: Table) -> Step:
    """What each customer did in each window, under the identifier of that time."""
    of = next(name for name, stored in contract.STORED.items() if stored is table)
    return added_up(table, of, targets.horizons(of))


@cache
def added_up(table: Table, of: str, horizons: tuple[int, ...]) -> Step:
    """The facts of the customers' months of that name, added up over windows of these lengths."""
    if not horizons:
        return _nothing(table)
    longest = max(horizons)
    months: Source = read(MONTHLY[of], window(longest))
    if of == CUSTOMER_MONTH.name:
        months = net_month(longest)
    kinds = [name for name in table.key if name not in ("month", "horizon", "customer_id")]
    keys = ", ".join(["w.base_month", "w.horizon", "c.customer_id", *kinds])
    order = ", ".join(["w.horizon", "c.customer_id", *kinds])
    sums = ", ".join(fact.added_up for fact in FACTS if fact.of == of)
    return Step(
        table.name,
        (months, closed(horizons)),
        lambda scope: (
            f"""
    SELECT {_month(scope)}, {keys}, {sums}
    FROM closed AS w JOIN {of} AS c ON c.month > w.base_month
    GROUP BY {keys} ORDER BY {order}
    """
        ),
        writes=table,
    )


def _nothing(table: Table) -> Step:
    """No rows, for a table that no target reads."""
    columns = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in table.columns)
    return Step(
        table.name,
        (read(FEATURE_MATRIX, THE_MONTH),),
        f"SELECT CAST(NULL AS VARCHAR) AS month, {columns} FROM feature_matrix WHERE false",
        writes=table,
    )


def source_outcome(targets: Targets) -> Step:
    """What the source reported of customers in each window.

    A window that only targets of one name ask for has the outcomes of these names alone. What is
    reported for another purpose than profiling stands there of who allows that as of the month.
    """
    of_source = tuple(each for each in targets.outcomes if each.is_of_source)
    return _source_outcome(of_source, targets.reported_for)


@cache
def _source_outcome(outcomes: tuple[Outcome, ...], purposes: ReportedFor) -> Step:
    of_all = {months for each in outcomes if each.is_several for months in each.windows}
    of_some = {
        months: sorted(each.of for each in outcomes if each.of and months in each.windows)
        for each in outcomes
        for months in each.windows
        if months not in of_all
    }
    horizons = tuple(sorted({*of_all, *of_some}))
    if not horizons:
        return _nothing(contract.SOURCE_OUTCOME)
    asked = "".join(
        f" AND (w.horizon <> {months} OR o.outcome IN ({literals(names)}))"
        for months, names in sorted(of_some.items())
    )
    reported = read(CLEANED["outcomes"], window(max(horizons)))
    reads: list[Source] = [reported, closed(horizons)]
    if purposes.purposes:
        reads.append(permitted(reported, purposes.purposes, THE_MONTH))
        purpose = purposes.sql("o.outcome")
        asked += (
            f" AND ({purpose} = {literal(PROFILING)} OR ({purpose}, o.customer_id) IN "
            "(SELECT (purpose, customer_id) FROM permitted))"
        )
    return Step(
        "source_outcome",
        tuple(reads),
        lambda scope: (
            f"""
    SELECT {_month(scope)}, w.base_month, w.horizon, o.customer_id, o.outcome,
        max(o.value) AS value
    FROM closed AS w JOIN outcomes AS o ON o.month > w.base_month
    WHERE o.value IS NOT NULL{asked}
    GROUP BY w.base_month, w.horizon, o.customer_id, o.outcome
    ORDER BY w.horizon, o.customer_id, o.outcome
    """
        ),
        writes=contract.SOURCE_OUTCOME,
    )


def categories(first: int, last: int = 0) -> Step:
    """The categories of product that each customer had in each month.

    Where there are balances a customer has what they hold; otherwise they have what they buy, for
    what the customer of a bank pays for is no product of the bank. A product has the category of
    its newest row.

    Args:
        first: so many months before the step's own is the first base month.
        last: so many before it is the last month that is read.
    """
    holding = Step(
        "holding",
        (read(CLEANED["balances"], Span(first + HELD_MONTHS - 1, last)), PRODUCT),
        "SELECT b.month, b.customer_id, p.category FROM balances AS b "
        "JOIN product AS p USING (product_id) WHERE p.category IS NOT NULL",
        in_table=False,
    )
    return Step(
        "categories",
        (holding, read(CUSTOMER_CATEGORY_MONTH, Span(first + BOUGHT_MONTHS - 1, last))),
        f"SELECT *, {HELD_MONTHS} AS had_for FROM holding UNION ALL "
        f"SELECT month, customer_id, category, {BOUGHT_MONTHS} FROM "
        "customer_category_month WHERE category IS NOT NULL AND lines > 0 "
        "AND NOT EXISTS (FROM holding LIMIT 1)",
        in_table=False,
    )


@cache
def product_target(horizons: tuple[int, ...]) -> Step:
    """The categories that each customer took in each window."""
    if not horizons:
        return _nothing(contract.PRODUCT_TARGET)
    # The months in which a customer had a category are bits, the month that closes the lowest.
    seen = Step(
        "seen",
        (categories(max(horizons)),),
        lambda scope: (
            f"""
    SELECT customer_id, category, max(had_for) AS had_for,
        bit_or(CAST(1 AS BIGINT) << datediff('month', CAST(month || '-01' AS DATE), {scope.day}))
            AS months
    FROM categories GROUP BY customer_id, category
    """
        ),
    )
    return Step(
        "product_target",
        (seen, closed(horizons)),
        lambda scope: (
            f"""
    SELECT {_month(scope)}, w.base_month, w.horizon, s.customer_id, s.category
    FROM closed AS w JOIN seen AS s ON s.months & ((CAST(1 AS BIGINT) << w.horizon) - 1) <> 0
        AND (s.months >> w.horizon) & ((CAST(1 AS BIGINT) << s.had_for) - 1) = 0
    ORDER BY w.horizon, s.customer_id, s.category
    """
        ),
        writes=contract.PRODUCT_TARGET,
    )


def had(category: str, lags: Sequence[Lag]) -> Step:
    """Who had the category at each base month of the windows."""
    bases = base_months(lags)
    first = bases.first or 0
    return Step(
        "had",
        (categories(first, bases.last),),
        lambda scope: (
            f"""
    SELECT DISTINCT w.base_month, c.customer_id
    FROM {windows_sql(lags, scope.month)} AS w JOIN categories AS c ON c.month <= w.base_month
        AND c.month > strftime(CAST(w.base_month || '-01' AS DATE)
            - to_months(CAST(c.had_for AS INTEGER)), '%Y-%m')
    WHERE c.category = {literal(category)}
    """
        ),
    )
