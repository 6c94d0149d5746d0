"""Whether what analysts open is what was materialized, and can be published again."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from portrait_assets.app.examined.issue import Examination, Issue, run_again
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import BrokenRegisterError, Register
from portrait_assets.privacy.keys import KeyFileError, KeyName, key_place
from portrait_assets.privacy.pseudonyms import may_be_published
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.storage.duckdb.connection import noted_key, open_published, qualified
from portrait_assets.storage.duckdb.partitions import WHOLE
from portrait_assets.storage.duckdb.tables import existing_types
from portrait_assets.storage.publishing.empty_rows import count_empty_rows

PARTITIONS_SQL = "SELECT table_name, month, row_count, epoch_us(made_at) FROM {} ORDER BY ALL"


def published(exam: Examination) -> Iterator[Issue]:
    """Whether the published file can be read and holds what was materialized last."""
    path = exam.settings.portrait_file
    if not path.exists():
        yield Issue(path.name, "is not there", run_again())
        return
    with open_published(path) as con:
        yield from key_of_pseudonyms(exam.settings, noted_key(con))
        noted = con.execute(PARTITIONS_SQL.format("mart.table_rows")).fetchall()
        yield from _published_rows(exam, con)
    stored = exam.warehouse.con.execute(PARTITIONS_SQL.format("meta.partitions")).fetchall()
    changed = sorted({row[1] for row in set(stored) ^ set(noted) if row[1] != WHOLE})
    if changed:
        span = changed[0] if len(changed) == 1 else f"{changed[0]} to {changed[-1]}"
        yield Issue(
            path.name,
            f"does not hold what was materialized last of {span}",
            run_again(changed[0], changed[-1]),
        )
    report = exam.settings.warehouse_dir / REPORT_FILE
    if not report.exists() or report.stat().st_mtime < path.stat().st_mtime:
        yield Issue(f"report/{report.name}", f"is older than {path.name} or missing", run_again())


def register(settings: Settings) -> Iterator[Issue]:
    """Whether every line of the register of what left is as it was written."""
    try:
        Register.of(settings).verify()
    except BrokenRegisterError as error:
        yield Issue(error.subject, error.what, error.remedy)


def key_of_pseudonyms(settings: Settings, fingerprint: str | None) -> Iterator[Issue]:
    """Whether the next publication will find the key of the file's pseudonyms."""
    if fingerprint is None:
        return
    try:
        is_usable = may_be_published(settings, fingerprint)
    except KeyFileError as error:
        yield Issue("key of pseudonyms", str(error).rstrip("."), "nothing is published before")
        return
    if not is_usable:
        yield Issue(
            "key of pseudonyms",
            f"is not in {key_place(settings, KeyName.PSEUDONYMS)}",
            f"put it back, or have another one with `{command('pseudonyms', 'rotate')}`",
        )


def _published_rows(exam: Examination, con: duckdb.DuckDBPyConnection) -> Iterator[Issue]:
    noted: dict[str, tuple[int, list[str]]] = {
        name: (rows, months)
        for name, rows, months in con.execute(
            "SELECT table_name, sum(row_count)::BIGINT, list(month) FROM mart.table_rows GROUP BY 1"
        ).fetchall()
    }
    for table in exam.tables:
        if table.published and table.full_name in noted:
            file, stored = exam.settings.portrait_file.name, table.stored.full_name
            if not existing_types(con, stored):
                yield Issue(file, f"lacks {stored} of this version", run_again())
                continue
            rows = con.execute(f"SELECT count(*) FROM {qualified(stored)}").fetchall()[0][0]
            noted_rows, months = noted[table.full_name]
            noted_rows += count_empty_rows(exam.warehouse.con, table, months)
            if rows != noted_rows:
                what = f"holds {rows:,} rows of {table.full_name}, {noted_rows:,} were materialized"
                remedy = f"remove the file and {run_again()}"
                yield Issue(file, what, remedy)
