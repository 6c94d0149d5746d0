"""What became of the customers of past months: for models to be fitted on and judged by.

A target is known of a base month once its window is over, and unknown before. The rows of a base
month are the customers of its feature matrix, less those who objected to profiling since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.declared.needs import AMOUNT
from portrait_assets.stages.features.given import given_in
from portrait_assets.stages.targets.contract import (
    CAMPAIGN_TARGET,
    PRODUCT_TARGET,
    SOURCE_OUTCOME,
    STORED,
)
from portrait_assets.stages.targets.declared.outcome import Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import TAKEN, Targets, facts_read
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.windows import Window, base_months
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step, read

LABELS = pl.Schema(
    {
        "base_month": pl.String(),
        "customer_id": pl.String(),
        "eligible": pl.Boolean(),
        "hit": pl.Boolean(),
        "amount": pl.Float64(),
    }
)
_NAMED_IN = {
    Kind.CAMPAIGN: (CAMPAIGN_TARGET, "campaign_type"),
    Kind.PRODUCT: (PRODUCT_TARGET, "category"),
    Kind.SOURCE: (SOURCE_OUTCOME, "outcome"),
}
SPEND = "spend"
"""The fact that is a sum of amounts."""
_NO_KIND = "unknown"  # Campaigns whose kind the source does not tell.


def tables_read(outcome: Outcome) -> tuple[Table, ...]:
    """The tables of targets that the outcome is read from."""
    of = {fact.of for fact in facts_read(outcome)}
    own = [table for name, table in STORED.items() if name in of]
    return tuple([SOURCE_OUTCOME, *own] if outcome.is_of_source else own)


def label_step(outcome: Outcome, base_months_: Sequence[str], month: str) -> Step:
    """The labels of the base months, as a step of the month: columns as LABELS.

    `eligible` says whether the customer is counted, and `hit` is null of those who are not.
    `amount` is what the window amounts to, null where the target has none.

    Args:
        outcome: with a prediction horizon; of those by kind, one of one kind.
        base_months_: whose windows are over by the month's end.
        month: the month that the step is computed for.

    Raises:
        ValueError: when a window is not over, or the outcome stands for several.
    """
    windows = [Window(base, _horizon(outcome)) for base in base_months_]
    later = [window.base_month for window in windows if window.month > month]
    if later or not windows or outcome.is_several:
        raise ValueError(f"{outcome} is not known of {', '.join(later) or 'no month'} by {month}.")
    lags = [window.before(month) for window in windows]
    days = literals(last_day(window.base_month) for window in windows)
    customers = Step(
        "predicted_of",
        (read(FEATURE_MATRIX, base_months(lags)),),
        "SELECT strftime(as_of, '%Y-%m') AS base_month, customer_id FROM feature_matrix "
        f"WHERE as_of IN ({days})",
        in_table=False,
    )
    followed = with_facts(customers, [outcome], lags)
    # What is not known, such as of whom nothing is reported, is neither yes nor no.
    return Step(
        "labels",
        (followed,),
        "SELECT base_month, customer_id, is_counted AS eligible, "
        "CASE WHEN is_counted THEN is_hit END AS hit, "
        "CASE WHEN is_counted THEN amount END AS amount FROM (SELECT base_month, customer_id, "
        f"({outcome.hit}) AS is_hit, {outcome.amount or 'NULL'}::DOUBLE AS amount, "
        f"coalesce(({outcome.eligible}) AND ({outcome.hit}) IS NOT NULL, false) AS is_counted "
        "FROM followed)",
        grain=Grain.ALL,
    )


def labels(
    warehouse: Warehouse, outcome: Outcome, base_months_: Sequence[str], month: str
) -> pl.DataFrame:
    """The rows of `label_step`, columns as LABELS, in the order of base month and customer.

    Raises:
        WarehouseError: when the feature matrix or the targets have not been materialized.
        ValueError: as `label_step`.
    """
    step = label_step(outcome, base_months_, month)
    closing = sorted({Window(base, _horizon(outcome)).month for base in base_months_})
    for table in tables_read(outcome):
        warehouse.require(table, closing)
    warehouse.require(FEATURE_MATRIX, sorted(base_months_))
    rows = Engine(warehouse.con).frame(step, Scope(month))
    return rows.cast(LABELS).sort("base_month", "customer_id")


def predicted(warehouse: Warehouse, targets: Targets, month: str) -> list[Outcome]:
    """The targets that models predict as of the month, each of one kind or name.

    A target by kind stands for each that the data name up to the month, less those that a target
    of their own names. What nothing is stored of is left out, and so is what is counted in amounts
    where none is known.
    """
    found: dict[str, Outcome] = {}
    for outcome in targets.outcomes:
        if outcome.prediction_horizon is None or not _has_rows(warehouse, outcome, month):
            continue
        for one in _each(warehouse, outcome, targets, month):
            found.setdefault(one.code, one)
    return list(found.values())


def _each(
    warehouse: Warehouse, outcome: Outcome, targets: Targets, month: str
) -> Iterator[Outcome]:
    if not outcome.is_several or outcome.by is None:
        yield outcome
        return
    table, column = _NAMED_IN[outcome.by]
    rows = warehouse.con.execute(
        f"SELECT DISTINCT {column} FROM {table.full_name} "
        f"WHERE month <= {literal(month)} ORDER BY 1"
    ).fetchall()
    for (name,) in rows:
        if outcome.is_of_source:
            if name not in targets.named:
                yield outcome.for_one(name, targets.code_of(name))
        elif name != _NO_KIND:
            yield outcome.for_one(name)


def with_own_conditions(
    warehouse: Warehouse, targets: Targets, closing: Sequence[str]
) -> list[Outcome]:
    """The outcomes named by the source of which more is known than what it reports.

    They are those that are targets of their own, and all others where silence means no.

    Args:
        warehouse: with the outcomes that the source reports.
        targets: those of the source.
        closing: the months that close the windows.
    """
    found = list(targets.named.values())
    silent = [each for each in targets.outcomes if each.is_named_by_source]
    if not any(each.unreported_is_no for each in silent):
        return found
    rows = warehouse.con.execute(
        f"SELECT DISTINCT outcome FROM {SOURCE_OUTCOME.full_name} "
        f"WHERE month IN ({literals(closing)}) ORDER BY 1"
    ).fetchall()
    others = [name for (name,) in rows if name not in targets.named]
    return [*found, *(each.for_one(name) for each in silent for name in others)]


def _has_rows(warehouse: Warehouse, outcome: Outcome, month: str) -> bool:
    tables = [*tables_read(outcome)]
    facts = facts_read(outcome)
    if TAKEN not in facts:
        tables.append(CLEANED[outcome.needs])
    if any(fact.name == SPEND for fact in facts):
        given = given_in(warehouse, [month]).get(month)
        if given is not None and AMOUNT.name not in given:
            return False
    return all(
        any(rows for of, rows in warehouse.materialized(table).items() if of <= month)
        for table in tables
    )


def _horizon(outcome: Outcome) -> int:
    if outcome.prediction_horizon is None:
        raise ValueError(f"{outcome} has no prediction horizon.")
    return outcome.prediction_horizon
