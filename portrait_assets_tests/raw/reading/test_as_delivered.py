"""In which type a column of added rows is read, by that of the source's own rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.raw.reading.received import _as_delivered
from portrait_assets.stages.raw.tables.persons import CUSTOMERS


def read_as(type_: Type, kind: str | None, *values: str) -> tuple[str, list[object]]:
    """The type in which these texts are read, and what they become."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; CREATE TABLE added (x VARCHAR)")
        con.executemany("INSERT INTO added VALUES (?)", [[value] for value in values])
        reader: Any = SimpleNamespace(
            query=lambda sql: con.execute(sql).fetchall(),
            source=SimpleNamespace(
                definition=SimpleNamespace(time_zone="Asia/Shanghai"), conventions=Conventions()
            ),
        )
        added: Any = SimpleNamespace(table="added")
        column = Column("x", type_, "X", "甲")
        shown = _as_delivered(reader, CUSTOMERS, added, column, kind)
        rows = con.execute(f"SELECT typeof(x), x FROM (SELECT {shown} FROM added)").fetchall()
    return rows[0][0], [row[1] for row in rows]


@pytest.mark.parametrize(
    ("type_", "kind", "value", "read", "found"),
    [
        (Type.NUMBER, None, "1.5", "VARCHAR", "1.5"),
        (Type.NUMBER, "VARCHAR", "1.5", "VARCHAR", "1.5"),
        (Type.TEXT, "BIGINT", "17", "VARCHAR", "17"),
        (Type.NUMBER, "FLOAT", "1.5", "FLOAT", 1.5),
        (Type.NUMBER, "DOUBLE", "1.5", "DOUBLE", 1.5),
        (Type.INTEGER, "BIGINT", "17", "BIGINT", 17),
        (Type.BOOLEAN, "INTEGER", "true", "INTEGER", 1),
        (Type.BOOLEAN, "BOOLEAN", "no", "BOOLEAN", False),
    ],
)
def test_a_value_is_read_as_the_source_has_it(
    type_: Type, kind: str | None, value: str, read: str, found: object
):
    assert read_as(type_, kind, value) == (read, [found])


def test_an_amount_is_not_rounded_to_the_whole_numbers_of_the_source():
    kind, (value,) = read_as(Type.MONEY, "BIGINT", "1.25")
    assert kind.startswith("DECIMAL")
    assert float(str(value)) == 1.25
    assert read_as(Type.NUMBER, "INTEGER", "1.25") == ("DOUBLE", [1.25])


def test_what_does_not_fit_leaves_all_as_text_to_be_reported():
    assert read_as(Type.INTEGER, "BIGINT", "17", "many") == ("VARCHAR", ["17", "many"])


def test_a_time_without_a_zone_is_of_the_sources():
    _, (at,) = read_as(Type.TIMESTAMP, "TIMESTAMP WITH TIME ZONE", "2024-01-05 10:00:00")
    assert f"{at}".startswith("2024-01-05 02:00:00")
