"""Saved audiences, and their members month by month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ConfigDict

from portrait_assets.core.source_folder import source_file
from portrait_assets.core.yaml.file import (
    Code,
    Entry,
    Formula,
    Line,
    Words,
    check_unique,
    read_yaml,
)
from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.schema.table import Column
from portrait_assets.stages.tags.audiences.condition import MATRIX, check_condition, parse_audience
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.rules import day
from portrait_assets.storage.duckdb.connection import literal, literals, quote, scratch_database

AUDIENCES_FILE = "audiences.yaml"


class _Audience(Entry):
    model_config = ConfigDict(title="audience")
    code: Code
    name: Words
    owner: Line
    where: Formula


class _Audiences(Entry):
    audiences: tuple[_Audience, ...] = ()


@dataclass(frozen=True)
class SavedAudience:
    """One entry of audiences.yaml: code, names, owner and the expression."""

    code: str
    name_en: str
    name_zh: str
    owner: str
    where: Expression
    place: Place


def source_audiences(folder: Path, catalogue: Catalogue) -> tuple[SavedAudience, ...]:
    """The saved audiences of a source's folder, over the portrait matrix of its catalogue.

    Raises:
        TagError: as `load_audiences`.
    """
    columns = {column.name: column for column in portrait_matrix_table(catalogue).all_columns}
    return load_audiences(
        source_file(folder, AUDIENCES_FILE), columns, elsewhere=catalogue.elsewhere
    )


def load_audiences(
    path: Path,
    columns: Mapping[str, Column],
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[SavedAudience, ...]:
    """The saved audiences of the source's audiences.yaml; none where there is no file.

    Each entry has `code`, `name` (en, zh), `owner` and `where`, an expression over the portrait
    matrix, whose columns are given by name. `elsewhere` gives the pack by code of the tags of packs
    that the source does not have.

    Raises:
        TagError: naming the audience and the line, for anything that could not be selected.
    """
    if not path.exists():
        return ()
    written = read_yaml(path, _Audiences, TagError).audiences
    check_unique(((f"audience {each.code}", each.place) for each in written), TagError)
    audiences = tuple(_saved(entry, columns, elsewhere or {}) for entry in written)
    _check_types(audiences, columns)
    return audiences


def _check_types(audiences: Iterable[SavedAudience], columns: Mapping[str, Column]) -> None:
    """Have DuckDB bind each expression to an empty matrix of these columns."""
    with scratch_database() as con:
        con.execute(f"CREATE SCHEMA {quote(MATRIX.split('.')[0])}")
        typed = ", ".join(f"{quote(name)} {column.type}" for name, column in columns.items())
        con.execute(f"CREATE TABLE {MATRIX} ({typed})")
        for audience in audiences:
            try:
                check_condition(con, audience.where)
            except TagError as error:
                raise TagError(f"{audience.place}: audience {audience.code}: {error}") from None


def _saved(
    entry: _Audience,
    columns: Mapping[str, Column],
    elsewhere: Mapping[str, str],
) -> SavedAudience:
    try:
        where = parse_audience(entry.where, columns, elsewhere=elsewhere)
    except TagError as error:
        raise TagError(f"{entry.place_of('where')}: audience {entry.code}: {error}") from None
    return SavedAudience(entry.code, entry.name.en, entry.name.zh, entry.owner, where, entry.place)


def membership_sql(
    audiences: Sequence[SavedAudience], matrix_sql: str, previous_sql: str | None, as_of: date
) -> str:
    """The SELECT of the members of each audience and those who left, as AUDIENCE_MEMBERSHIP.

    An audience that is no longer saved has no members that could leave it.

    Args:
        audiences: the saved audiences.
        matrix_sql: the SELECT of the portrait matrix of the month.
        previous_sql: the SELECT of the membership of the month before; None for the first month.
        as_of: the last day of the month.
    """
    selects = [
        f"SELECT {literal(a.code)} AS audience_code, customer_id FROM matrix WHERE {a.where.sql}"
        for a in audiences
    ]
    codes = literals(audience.code for audience in audiences)
    return (
        f"WITH matrix AS MATERIALIZED ({matrix_sql}), "
        f"now AS ({' UNION ALL '.join(selects)}), "
        f"was AS (SELECT audience_code, customer_id FROM ({previous_sql or _NOBODY}) "
        f"WHERE is_member AND audience_code IN ({codes})) "
        f"SELECT {day(as_of)} AS as_of, audience_code, customer_id, CASE WHEN now.customer_id IS "
        "NULL THEN 'left' WHEN was.customer_id IS NULL THEN 'entered' ELSE 'stayed' END AS change, "
        "now.customer_id IS NOT NULL AS is_member "
        "FROM now FULL JOIN was USING (audience_code, customer_id) ORDER BY ALL"
    )


_NOBODY = "SELECT '' AS audience_code, '' AS customer_id, false AS is_member LIMIT 0"
