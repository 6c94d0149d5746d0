"""Checks of a table, month by month: run as Dagster asset checks and kept in a table."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import polars as pl

from portrait_assets.warehouse.contract import Column, Table, Type
from portrait_assets.warehouse.describe import asset_key
from portrait_assets.warehouse.io_manager import RESOURCE_KEY, WarehouseIOManager
from portrait_assets.warehouse.schema import (
    has_domains,
    shape_schema,
    value_schema,
    violations,
)
from portrait_assets.warehouse.store import Warehouse

CHECK_RESULTS = Table(
    schema="validation",
    name="check_results",
    en="What each check found, per table and month",
    zh="检查结果",
    columns=(
        Column("table_name", Type.TEXT, "Table", "表", nullable=False),
        Column("check_name", Type.TEXT, "Check", "检查项", nullable=False),
        Column(
            "severity",
            Type.TEXT,
            "What a failure means: ERROR stops, WARN tells",
            "级别",
            nullable=False,
            allowed=("ERROR", "WARN"),
        ),
        Column("is_blocking", Type.BOOLEAN, "Whether a failure stops what follows", "是否阻断",
               nullable=False),  # fmt: skip
        Column("passed", Type.BOOLEAN, "Whether it passed", "是否通过", nullable=False),
        Column("failures", Type.INTEGER, "Failures found", "失败数", nullable=False, minimum=0),
        Column("detail", Type.TEXT, "What was found", "说明", nullable=False),
    ),
    key=("month", "table_name", "check_name"),
    published=True,
)


CheckEvent = dg.AssetCheckEvaluation | dg.Output[None]


@dataclass(frozen=True)
class Finding:
    """What a check found: nothing wrong when `failures` is 0."""

    failures: int
    detail: str


@dataclass(frozen=True)
class Subject:
    """What a check looks at: one month of one table, and the warehouse that it stands in."""

    warehouse: Warehouse
    table: Table
    month: str
    rows: pl.DataFrame


@dataclass(frozen=True)
class TableCheck:
    """A check of one month of a table; `severity` is ERROR where rows would be lost."""

    name: str
    description: str
    find: Callable[[Subject], Finding]
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    blocking: bool = False


def _shape(subject: Subject) -> Finding:
    return Finding(*violations(shape_schema(subject.table), subject.rows))


def _values(subject: Subject) -> Finding:
    return Finding(*violations(value_schema(subject.table), subject.rows))


SHAPE = TableCheck(
    "shape",
    "Columns, types, nulls and the key are as the contract says.",
    _shape,
    blocking=True,
)
VALUES = TableCheck("values", "Every value lies in the domain that its contract states.", _values)


def run_check(check: TableCheck, subject: Subject) -> dict[str, object]:
    """The row of `validation.check_results` that the check gives."""
    finding = check.find(subject)
    return {
        "month": subject.month,
        "table_name": subject.table.full_name,
        "check_name": check.name,
        "severity": check.severity.value,
        "is_blocking": check.blocking,
        "passed": finding.failures == 0,
        "failures": finding.failures,
        "detail": finding.detail,
    }


def room_checks(
    room: str,
    checks: Mapping[Table, Sequence[TableCheck]],
    partitions_def: dg.PartitionsDefinition,
) -> dg.AssetChecksDefinition:
    """The checks of all tables of a room, as one step that gives a result per month.

    A step per check would cost more time than the checks themselves.
    """
    tables = {table.full_name: table for table in checks}
    # Where no column has a domain, the value check could not fail.
    applied = {
        table.full_name: [c for c in own if c is not VALUES or has_domains(table)]
        for table, own in checks.items()
    }
    specs = [
        _spec(check, tables[name], partitions_def)
        for name, own in applied.items()
        for check in own
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
        for key, wanted in _by_table(context.selected_asset_check_keys).items():
            table = tables[key]
            for month in months:
                subject = Subject(warehouse, table, month, warehouse.read(table, [month]))
                rows += [run_check(c, subject) for c in applied[key] if c.name in wanted]
        for table_name in {str(row["table_name"]) for row in rows}:
            mine = [row for row in rows if row["table_name"] == table_name]
            warehouse.write(
                CHECK_RESULTS,
                months,
                pl.DataFrame(mine, schema=CHECK_RESULTS.polars_schema),
                within={
                    "table_name": [table_name],
                    "check_name": sorted({str(row["check_name"]) for row in mine}),
                },
            )
        for row in rows:
            yield _evaluation(row, tables)
        # Dagster takes a check without an output for one that said nothing.
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
