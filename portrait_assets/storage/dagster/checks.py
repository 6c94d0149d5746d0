"""Checks of a table, month by month: run as Dagster asset checks and kept in a table."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import dagster as dg
import polars as pl

from portrait_assets.core.machine.bounds import in_batches
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.pandera_schema import AS_CONTRACTED, contract_schema, violations
from portrait_assets.schema.table import Table
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY, WarehouseIOManager
from portrait_assets.storage.duckdb.partitions import partition_column, partition_value
from portrait_assets.storage.duckdb.store import Warehouse

CheckEvent = dg.AssetCheckEvaluation | dg.Output[None]
WARN = dg.AssetCheckSeverity.WARN
"""Of checks that report, and lose no rows where they fail."""


@dataclass(frozen=True)
class Finding:
    """What a check found: nothing wrong when `failures` is 0."""

    failures: int
    detail: str


@dataclass(frozen=True)
class Subject:
    """What a check examines: one month of one table, and the warehouse that holds it."""

    warehouse: Warehouse
    table: Table
    month: str
    read: Callable[[], pl.DataFrame]

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The month's rows as they are stored."""
        return self.read()


FindEach = Callable[[Warehouse, Table, Sequence[str]], Mapping[str, Finding]]
"""Finds by month what a check finds of each of these months of a table."""


@dataclass(frozen=True)
class TableCheck:
    """A check of one month of a table; `severity` is ERROR where rows would be lost.

    Its description is the first paragraph of what `find` is documented by, unless it is given.
    One that `holds_together` passes for each of several months when it passes for all their rows,
    and finds as much in parts of a month, split by key, as in the whole. `find_each` finds the same
    as `find`, of several months at once, where to plan a statement takes longer than to run it.
    """

    name: str
    find: Callable[[Subject], Finding]
    description: str = ""
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    blocking: bool = False
    holds_together: bool = False
    find_each: FindEach | None = None

    def __post_init__(self) -> None:
        if not self.description:
            documented, _, _ = ((self.find_each or self.find).__doc__ or "").partition("\n\n")
            object.__setattr__(self, "description", " ".join(documented.split()))

    @classmethod
    def of_each(cls, name: str, find_each: FindEach, blocking: bool = False) -> Self:
        """A check that looks at several months at once."""

        def find(subject: Subject) -> Finding:
            return find_each(subject.warehouse, subject.table, [subject.month])[subject.month]

        return cls(name, find, blocking=blocking, find_each=find_each)


def _as_contracted(subject: Subject) -> Finding:
    """Columns, types, nulls, the key and every value's domain are as the contract says."""
    stored, rows = subject.table.stored, subject.rows
    # Two thirds of a small source's tables have no row, and pandera takes 10 ms for each.
    if rows.is_empty() and rows.schema == stored.polars_schema:
        return Finding(*AS_CONTRACTED)
    return Finding(*violations(contract_schema(stored), rows))


CONTRACT = TableCheck("contract", _as_contracted, blocking=True, holds_together=True)


def run_checks(
    checks: Sequence[TableCheck], warehouse: Warehouse, table: Table, months: Sequence[str]
) -> list[dict[str, object]]:
    """The rows of `validation.check_results` that the checks give for these months of a table."""
    rows_by_month = warehouse.materialized(table)
    results = []
    most = warehouse.bounds.rows_of(len(table.stored.column_names))
    for batch in in_batches(months, rows_by_month, most):
        parts = -(-sum(rows_by_month[month] for month in batch) // most)
        if parts > 1:
            results += [_check_large(c, warehouse, table, batch[0], parts) for c in checks]
            continue
        rows = warehouse.read_stored(table, batch)
        for check in checks:
            results += _check_batch(check, warehouse, table, batch, rows)
    return results


def _check_batch(
    check: TableCheck, warehouse: Warehouse, table: Table, months: list[str], rows: pl.DataFrame
) -> list[dict[str, object]]:
    if check.holds_together:
        finding = check.find(Subject(warehouse, table, months[0], lambda: rows))
        if finding.failures == 0:
            return [_result(check, table, month, finding) for month in months]
    if check.find_each is not None:
        found = check.find_each(warehouse, table, months)
        return [_result(check, table, month, found[month]) for month in months]
    column = partition_column(table)

    def of(month: str) -> Callable[[], pl.DataFrame]:
        return lambda: rows.filter(pl.col(column) == pl.lit(partition_value(table, month)))

    return [
        _result(check, table, month, check.find(Subject(warehouse, table, month, of(month))))
        for month in months
    ]


def _check_large(
    check: TableCheck, warehouse: Warehouse, table: Table, month: str, parts: int
) -> dict[str, object]:
    """The result for a month too large to be read at once."""
    if not check.holds_together:
        whole = Subject(warehouse, table, month, lambda: warehouse.read_stored(table, [month]))
        return _result(check, table, month, check.find(whole))

    def of(part: int) -> Callable[[], pl.DataFrame]:
        return lambda: warehouse.read_part(table, month, part, parts)

    findings = [check.find(Subject(warehouse, table, month, of(part))) for part in range(parts)]
    failed = [finding for finding in findings if finding.failures]
    detail = (failed or findings)[0].detail
    return _result(check, table, month, Finding(sum(f.failures for f in findings), detail))


def _result(check: TableCheck, table: Table, month: str, finding: Finding) -> dict[str, object]:
    return {
        "month": month,
        "table_name": table.full_name,
        "check_name": check.name,
        "severity": check.severity.value,
        "is_blocking": check.blocking,
        "passed": finding.failures == 0,
        "failures": finding.failures,
        "detail": finding.detail,
    }


def room_checks(
    room: str,
    tables: Iterable[Table],
    own: Mapping[Table, Sequence[TableCheck]],
    partitions_def: dg.PartitionsDefinition,
) -> dg.AssetChecksDefinition:
    """The checks of all tables of a room, as one step that gives a result per month.

    A step per check would cost more time than the checks themselves.

    Args:
        room: the room's name.
        tables: all its tables; of each the contract is checked.
        own: what is checked of a table besides.
        partitions_def: the source's months.
    """
    named = {table.full_name: table for table in tables}
    applied = {name: (CONTRACT, *own.get(table, ())) for name, table in named.items()}
    specs = [
        _spec(check, named[name], partitions_def)
        for name, checks in applied.items()
        for check in checks
    ]

    @dg.multi_asset_check(
        name=f"check_{room}",
        specs=specs,
        can_subset=True,
        required_resource_keys={RESOURCE_KEY},
    )
    def check_room(context: dg.AssetCheckExecutionContext) -> Iterator[CheckEvent]:
        manager: WarehouseIOManager = context.resources.warehouse
        warehouse = manager.warehouse
        months = list(context.partition_keys)
        rows = []
        for name, wanted in _by_table(context.selected_asset_check_keys).items():
            checks = [check for check in applied[name] if check.name in wanted]
            with warehouse.place.noted(name, months):
                rows += run_checks(checks, warehouse, named[name], months)
        results = pl.DataFrame(rows, schema=CHECK_RESULTS.polars_schema)
        checked = [(key.asset_key.path, key.name) for key in context.selected_asset_check_keys]
        within = [(".".join(path), name) for path, name in checked]
        warehouse.write(CHECK_RESULTS, months, results, within)
        for row in rows:
            yield _evaluation(row, named)
        # Besides its evaluation, Dagster expects an output of every check that it has selected.
        for spec in specs:
            if spec.key in context.selected_asset_check_keys:
                yield dg.Output(None, output_name=spec.get_python_identifier())

    return check_room


def _spec(
    check: TableCheck, table: Table, partitions_def: dg.PartitionsDefinition
) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Partitions on a check are marked preview; a test holds Dagster to them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            check.name,
            asset=asset_key(table),
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_def,
        )


def _by_table(selected: set[dg.AssetCheckKey]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for key in sorted(selected):
        wanted.setdefault(".".join(key.asset_key.path), set()).add(key.name)
    return wanted


def _evaluation(row: Mapping[str, object], tables: Mapping[str, Table]) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(tables[str(row["table_name"])]),
        check_name=str(row["check_name"]),
        passed=bool(row["passed"]),
        severity=dg.AssetCheckSeverity(str(row["severity"])),
        blocking=bool(row["is_blocking"]),
        description=str(row["detail"]),
        metadata={"failures": int(str(row["failures"]))},
        partition=str(row["month"]),
    )
