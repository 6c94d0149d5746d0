"""A contract as Dagster's metadata."""

from __future__ import annotations

import dagster as dg

from portrait_assets.schema.sensitivity import operation_of
from portrait_assets.schema.table import Column, Table


def _column(table: Table, column: Column) -> dg.TableColumn:
    operation = operation_of(table, column)
    lowered = f" ({operation.name})" if operation else ""
    return dg.TableColumn(
        name=column.name,
        type=str(column.type),
        description=f"{column.comment} · {column.sensitivity}{lowered}",
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
    )


def column_schema(table: Table) -> dg.TableSchema:
    """Dagster's column schema of the table."""
    return dg.TableSchema(columns=[_column(table, column) for column in table.all_columns])


def asset_key(table: Table) -> dg.AssetKey:
    """The asset that the table is: ["cleaned", "transactions"] is cleaned.transactions."""
    return dg.AssetKey([table.schema, table.name])


def table_spec_metadata(table: Table) -> dict[str, object]:
    """The metadata that every table asset carries in its definition."""
    return {
        "dagster/column_schema": column_schema(table),
        "dagster/table_name": table.full_name,
        "key": ", ".join(table.key),
    }
