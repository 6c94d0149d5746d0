"""From a contract to the pandera schema of what the table must be and may hold."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.schema.resting import Resting, counts_of, resting_of
from portrait_assets.schema.table import Column, Table, Type

AS_CONTRACTED = (0, "all as the contract says")
"""What `violations` gives where there is none."""


def contract_schema(table: Table) -> pa.DataFrameSchema:
    """Columns, types, what may be null, the domain of each column, and the key within a month.

    Where types are as received, neither they nor the domains are looked at. A table whose rows rest
    on enough customers counts no fewer, unless it counts none.
    """
    enough = counts_of(table) if resting_of(table) is Resting.ENOUGH else ()
    month = [table.partition_by.value] if table.partition_by else []
    key = list(dict.fromkeys([*month, *table.key])) if table.key else None
    return pa.DataFrameSchema(
        {
            column.name: pa.Column(
                dtype=None if table.types_as_received else column.polars_type,
                checks=[
                    *([] if table.types_as_received else _domain(column)),
                    *([_OF_ENOUGH] if column.name in enough else []),
                ],
                nullable=column.nullable,
            )
            for column in table.all_columns
        },
        strict=True,
        unique=key,
        name=table.full_name,
    )


def _domain(column: Column) -> list[pa.Check]:
    checks = []
    if column.allowed is not None and column.type is Type.TEXTS:
        checks.append(_each_in(column.allowed))
    elif column.allowed is not None:
        checks.append(pa.Check.isin(list(column.allowed)))
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum))
    return checks


def _each_in(allowed: tuple[str, ...]) -> pa.Check:
    """Every element of a list is one of these; pandera's own isin compares whole lists."""

    def each_is_allowed(data: pa.PolarsData) -> pl.LazyFrame:
        listed = pl.element().is_in(list(allowed)).fill_null(False)
        return data.lazyframe.select(pl.col(data.key).list.eval(listed).list.all().fill_null(True))

    return pa.Check(each_is_allowed, name=f"each of {', '.join(allowed)}")


def _rests_on_enough(data: pa.PolarsData) -> pl.LazyFrame:
    count = pl.col(data.key)
    return data.lazyframe.select(((count <= 0) | (count >= SMALLEST_CELL)).fill_null(True))


_OF_ENOUGH = pa.Check(_rests_on_enough, name=f"none or at least {SMALLEST_CELL} customers")
_KEY_CHECK, _NULL_CHECK = "multiple_fields_uniqueness", "not_nullable"


def _key_of(schema: pa.DataFrameSchema) -> str:
    """The columns of the key within a month, in words."""
    *others, last = [name for name in schema.unique or [] if name not in ("month", "as_of")] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def violations(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> tuple[int, str]:
    """How many failures the schema finds in the frame, and what they are, values left out.

    The frame must be eager: on a lazy one pandera looks at the schema only, and a value check
    could never fail.
    """
    try:
        # pandera collects for each check of each column; polars' streaming engine, its default,
        # takes about four times as long to start.
        # Of no rows only columns and types can fail, and most tables of a small source have none.
        depth = ValidationDepth.SCHEMA_ONLY if frame.is_empty() else None
        with pl.Config(set_engine_affinity="in-memory"), config_context(validation_depth=depth):
            schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        of_column = pl.col("column").fill_null("a column or key")
        sentence = (
            pl.when(pl.col("check") == _KEY_CHECK)
            .then(pl.format(f"{{}} rows have the {_key_of(schema)} of another", "len"))
            .when(pl.col("check") == _NULL_CHECK)
            .then(pl.format("{} is empty in {} rows", of_column, "len"))
            .otherwise(pl.format("{} fails {} ({}x)", of_column, "check", "len"))
        )
        found = cases.group_by("column", "check", maintain_order=True).len().select(sentence)
        return cases.height, "; ".join(found.to_series())
    return AS_CONTRACTED
