"""The shop as if its customers were a secret, and named by their telephone numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.stages.mart.pseudonyms import pseudonyms_of
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import publish

PHONES = re.compile(rb"1380000\d{4}")
_AS_PHONE = "'1380000' || lpad(regexp_extract({0}, '\\d+'), 4, '0')"


@contextmanager
def opened(settings: Settings) -> Iterator[Warehouse]:
    warehouse = Warehouse(settings.warehouse_file, settings.source, "run-2")
    try:
        yield warehouse
    finally:
        warehouse.close()


def named_by_phone(settings: Settings) -> None:
    """Give every customer in every table of the warehouse a telephone number as identifier."""
    with opened(settings) as warehouse:
        for table in context_of(settings).tables:
            for column in table.stored.all_columns:
                if column.identifies and warehouse.materialized(table):
                    phone = _AS_PHONE.format(column.name)
                    warehouse.con.execute(
                        f"UPDATE {table.stored.full_name} SET {column.name} = {phone} "
                        f"WHERE {column.name} IS NOT NULL"
                    )


def published(settings: Settings) -> Path:
    """Publish what the warehouse of the settings has."""
    context = context_of(settings)
    source, tables = load_source(settings.source_dir), [*context.tables, CHECK_RESULTS]
    with opened(settings) as warehouse:
        under = pseudonyms_of(settings, source, warehouse, tables)
        publish(warehouse, tables, context.views, settings.portrait_file, source.name, under)
    return settings.portrait_file


def copy_of(settings: Settings, folder: Path, is_public: bool) -> Settings:
    """A copy of a shop, its customers named by phones, and nothing published of it."""
    own = settings.model_copy(update={"data_dir": folder})
    shutil.copytree(settings.source_dir, own.source_dir)
    own.warehouse_dir.mkdir(parents=True)
    shutil.copy(settings.warehouse_file, own.warehouse_file)
    definition = own.source_dir / "source.yaml"
    if not is_public:
        definition.write_text(definition.read_text().replace("public: true\n", ""))
    return own


def texts_in(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every text in every table of a file, by table and column; views show no others."""
    with duckdb.connect(str(path), read_only=True) as con:
        columns = con.execute(
            "SELECT concat_ws('.', schema_name, table_name), column_name FROM duckdb_columns() "
            "JOIN duckdb_tables() USING (schema_name, table_name) WHERE data_type LIKE 'VARCHAR%'"
        ).fetchall()
        for table, column in columns:
            found = con.execute(
                f'SELECT DISTINCT CAST("{column}" AS VARCHAR) FROM {table} '
                f'WHERE "{column}" IS NOT NULL'
            ).fetchall()
            yield f"{table}.{column}", [text for (text,) in found]


def naming(path: Path) -> set[str]:
    """The columns of a file in which a telephone number stands."""
    return {where for where, texts in texts_in(path) if PHONES.search("\n".join(texts).encode())}


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()
