"""Audiences that are kept under a name, and who belongs to them month by month."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from portrait_assets.core.source_folder import source_file
from portrait_assets.methods.expressions.expression import Expression, suggestion
from portrait_assets.schema.table import Column, Sensitivity
from portrait_assets.stages.tags.audiences.audience import MATRIX, check_condition, parse_audience
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Place, TagError
from portrait_assets.stages.tags.catalogue.yaml_lines import Entry, read_yaml
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.rules import day
from portrait_assets.storage.duckdb.connection import literal, literals, quote

AUDIENCES_FILE = "audiences.yaml"
_FIELDS = ("code", "name", "owner", "where")
_CODE = re.compile(r"[a-z][a-z0-9_]{1,62}")


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
    return load_audiences(source_file(folder, AUDIENCES_FILE), columns)


def load_audiences(
    path: Path, columns: Mapping[str, Column], clearance: Sensitivity = Sensitivity.C2
) -> tuple[SavedAudience, ...]:
    """The saved audiences of the source's audiences.yaml; none where there is no file.

    Each entry has `code`, `name` (en, zh), `owner` and `where`, an expression over the portrait
    matrix, whose columns are given by name.

    Raises:
        TagError: naming the audience and the line, for anything that could not be selected.
    """
    if not path.exists():
        return ()
    fields = read_yaml(path).fields("the file of audiences")
    for name, entry in fields.items():
        if name != "audiences":
            raise TagError(f"{entry.place}: audiences.yaml has no part '{name}'; use 'audiences'.")
    found: dict[str, SavedAudience] = {}
    for entry in fields["audiences"].items("audiences") if "audiences" in fields else []:
        audience = _saved(entry, columns, clearance)
        if audience.code in found:
            raise TagError(
                f"{entry.place}: audience {audience.code} stands twice, first on line "
                f"{found[audience.code].place.line}; rename or remove one."
            )
        found[audience.code] = audience
    _check_types(found.values(), columns)
    return tuple(found.values())


def _check_types(audiences: Iterable[SavedAudience], columns: Mapping[str, Column]) -> None:
    """Have DuckDB bind each expression to an empty matrix of these columns."""
    with duckdb.connect() as con:
        con.execute(f"CREATE SCHEMA {quote(MATRIX.split('.')[0])}")
        typed = ", ".join(f"{quote(name)} {column.type}" for name, column in columns.items())
        con.execute(f"CREATE TABLE {MATRIX} ({typed})")
        for audience in audiences:
            try:
                check_condition(con, audience.where)
            except TagError as error:
                raise TagError(f"{audience.place}: audience {audience.code}: {error}") from None


def _saved(entry: Entry, columns: Mapping[str, Column], clearance: Sensitivity) -> SavedAudience:
    fields = entry.fields("an audience")
    for name, field in fields.items():
        if name not in _FIELDS:
            raise TagError(
                f"{field.place}: an audience has no field '{name}'{suggestion(name, _FIELDS)}."
            )
    for name in _FIELDS:
        if name not in fields:
            raise TagError(f"{entry.place}: an audience has no {name}; give it one.")
    code = fields["code"].text("code")
    if not _CODE.fullmatch(code):
        raise TagError(
            f"{entry.place}: '{code}' is no code for an audience; use small letters, digits and _."
        )
    names = fields["name"].fields(f"the name of audience {code}")
    if not {"en", "zh"} <= names.keys():
        raise TagError(f"{entry.place}: the name of audience {code} needs both en and zh.")
    try:
        where = parse_audience(fields["where"].text("where"), columns, clearance)
    except TagError as error:
        raise TagError(f"{fields['where'].place}: audience {code}: {error}") from None
    return SavedAudience(
        code,
        names["en"].text("name"),
        names["zh"].text("name"),
        fields["owner"].text("owner"),
        where,
        entry.place,
    )


def membership_sql(
    audiences: Sequence[SavedAudience], matrix_sql: str, previous_sql: str | None, as_of: date
) -> str:
    """The SELECT of members of each audience, and who left it, as AUDIENCE_MEMBERSHIP has them.

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
