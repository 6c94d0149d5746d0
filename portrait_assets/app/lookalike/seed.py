"""The members of a seed audience: those of a file, or of a saved audience as of a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.lookalike.errors import LookalikeError
from portrait_assets.core.errors import suggestion
from portrait_assets.core.months import last_day, parse_month
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import source_file
from portrait_assets.privacy.pseudonyms import identifiers_of, is_pseudonym, keys
from portrait_assets.schema.csv_text import restored
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.stages.tags.audiences.audience import everyone_of
from portrait_assets.stages.tags.audiences.condition import (
    MATRIX,
    check_condition,
    latest_month,
    matrix_columns,
)
from portrait_assets.stages.tags.audiences.saved_audiences import AUDIENCES_FILE, load_audiences

ID, AS_OF = "customer_id", "as_of"
_WRITTEN_BY = "portrait audience"


@dataclass(frozen=True)
class Seed:
    """A seed audience: the month, what it is called, and its members.

    `members` are identifiers of customers, as of the month or as known today; `named` is how many
    different ones the file has, or the audience.
    """

    as_of: date
    name: str
    members: pl.Series
    named: int


def read_seed(
    con: duckdb.DuckDBPyConnection, settings: Settings, seed: str, month: str | None
) -> Seed:
    """The seed of that name.

    Args:
        con: the warehouse.
        settings: name the source, and where the keys of pseudonyms are.
        seed: a file as `portrait audience --out` writes it, or the code of a saved audience.
        month: as YYYY-MM; that of the file, or the newest, when None.

    Raises:
        LookalikeError: when it is neither, has no identifiers, or is of another month.
        TagError: when the saved audiences cannot be used.
    """
    path = Path(seed)
    if path.suffix in (".csv", ".parquet") or path.is_file():
        return _of_file(con, settings, path, month)
    saved = load_audiences(source_file(settings.source_dir, AUDIENCES_FILE), matrix_columns(con))
    by_code = {each.code: each.where for each in saved}
    if seed not in by_code:
        codes = ", ".join(by_code) or "none yet"
        raise LookalikeError(
            f"'{seed}' is neither a .csv or .parquet file nor a saved audience of "
            f"{settings.source}{suggestion(seed, by_code)}; its saved audiences are: {codes}."
        )
    as_of = _month(con, month)
    check_condition(con, by_code[seed])
    everyone = everyone_of(con, as_of, by_code[seed])
    found: pl.DataFrame = everyone.select("SELECT customer_id FROM everyone WHERE in_audience").pl()
    return Seed(as_of, seed, found[ID], found.height)


def _of_file(
    con: duckdb.DuckDBPyConnection, settings: Settings, path: Path, month: str | None
) -> Seed:
    rows = _read(path)
    if ID not in rows.columns:
        raise LookalikeError(
            f"{path.name} has no column {ID}; name a file that `{_WRITTEN_BY}` wrote, or "
            "one with a column of that name."
        )
    stated = _stated_months(rows)
    asked = {parse_month(month)} if month is not None else stated
    if len(asked) > 1 or (stated and asked != stated):
        raise LookalikeError(
            f"{path.name} has customers as of {', '.join(sorted(stated))}; give a seed of one "
            "month, and no other --month than its own."
        )
    as_of = _month(con, next(iter(asked), None))
    ids = rows[ID].cast(pl.String).str.strip_chars().drop_nulls().unique().sort()
    return Seed(as_of, "a file", _identified(con, settings, ids), len(ids))


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise LookalikeError(f"There is no file {path}; name a seed that `{_WRITTEN_BY}` wrote.")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return restored(pl.read_csv(path, infer_schema=False))
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError):
        raise LookalikeError(
            f"{path.name} cannot be read as {path.suffix.removeprefix('.') or 'a table'}; write it "
            f"again with `{_WRITTEN_BY}`."
        ) from None


def _stated_months(rows: pl.DataFrame) -> set[str]:
    if AS_OF not in rows.columns:
        return set()
    return set(rows[AS_OF].cast(pl.String).str.slice(0, 7).drop_nulls())


def _identified(con: duckdb.DuckDBPyConnection, settings: Settings, ids: pl.Series) -> pl.Series:
    """The identifiers, where pseudonyms stand for them those of the source."""
    hidden = ids.filter(pl.Series([is_pseudonym(each) for each in ids], dtype=pl.Boolean))
    if hidden.is_empty():
        return ids
    known = con.sql(f"SELECT source_customer_id FROM ({KNOWN_SQL})").pl()["source_customer_id"]
    found = [identifiers_of(key, known, hidden)["identifier"] for key in keys(settings)]
    return pl.concat([ids, *found]).unique().sort()


def _month(con: duckdb.DuckDBPyConnection, month: str | None) -> date:
    newest = latest_month(con)
    if month is None:
        return newest
    as_of = last_day(parse_month(month))
    there = {row[0] for row in con.execute(f"SELECT DISTINCT as_of FROM {MATRIX}").fetchall()}
    if as_of not in there:
        raise LookalikeError(
            f"There is no portrait of {as_of:%Y-%m}; choose a month from {min(there):%Y-%m} to "
            f"{newest:%Y-%m}."
        )
    return as_of


def is_member(base: pl.DataFrame, seed: Seed, today: Mapping[str, str]) -> pl.Series:
    """Whether each customer of the base is in the seed, by either identifier of theirs.

    Args:
        base: with `customer_id` as of the month and `today`.
        seed: what `read_seed` gave.
        today: by identifier whose customer it is by now.

    Raises:
        LookalikeError: when none of the seed's identifiers is a customer's of the month.
    """
    members = pl.Series(list(_with_today(seed.members, today)), dtype=pl.String)
    found = base[ID].is_in(members.implode()) | base["today"].is_in(members.implode())
    if not found.any():
        raise LookalikeError(
            f"None of the {seed.named:,} identifiers of the seed is of a customer of "
            f"{seed.as_of:%Y-%m} who allows profiling; name a seed of this source and of its month."
        )
    return found


def _with_today(ids: Iterable[str], today: Mapping[str, str]) -> set[str]:
    every = set(ids)
    return every | {today[each] for each in every if each in today}
