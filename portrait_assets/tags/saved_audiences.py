"""Audiences that are kept under a name, and who belongs to them month by month."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.tags.audience import parse_audience
from portrait_assets.tags.contract import AUDIENCE_MEMBERSHIP
from portrait_assets.tags.expression import Expression, suggestion
from portrait_assets.tags.tag import Place, TagError
from portrait_assets.tags.yaml_lines import Entry, read_yaml
from portrait_assets.warehouse.connection import literal
from portrait_assets.warehouse.contract import Column, Sensitivity

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
    return tuple(found.values())


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


def membership(
    audiences: Sequence[SavedAudience],
    matrix: pl.DataFrame,
    previous: pl.DataFrame | None,
    as_of: date,
    con: duckdb.DuckDBPyConnection | None = None,
) -> pl.DataFrame:
    """Members of each audience, and who left it, with the columns of AUDIENCE_MEMBERSHIP.

    Args:
        audiences: the saved audiences.
        matrix: the portrait matrix of the month.
        previous: the membership of the month before; None for the first month.
        as_of: the last day of the month.
        con: the connection to compute in; one in memory when None.

    Raises:
        TagError: when an expression does not fit the types of the matrix.
    """
    if not audiences:
        return AUDIENCE_MEMBERSHIP.empty()
    own = con is None
    con = con if con is not None else duckdb.connect()
    try:
        con.register("membership_matrix", matrix)
        selects = [
            f"SELECT {literal(a.code)} AS audience_code, customer_id FROM membership_matrix "
            f"WHERE {a.where.sql}"
            for a in audiences
        ]
        now: pl.DataFrame = con.sql(" UNION ALL ".join(selects)).pl()
    except duckdb.BinderException as error:
        reason = str(error).splitlines()[0].removeprefix("Binder Error: ")
        raise TagError(f"A saved audience has types that clash ({reason}).") from None
    finally:
        con.unregister("membership_matrix")
        if own:
            con.close()
    before = AUDIENCE_MEMBERSHIP.empty() if previous is None else previous
    before = before.filter("is_member").select("audience_code", "customer_id", was=True)
    # An audience that is no longer saved has no members that could leave it.
    before = before.filter(pl.col("audience_code").is_in([a.code for a in audiences]))
    both = now.with_columns(is_member=True).join(
        before, on=["audience_code", "customer_id"], how="full", coalesce=True
    )
    member = pl.col("is_member").fill_null(False)
    change = (
        pl.when(~member)
        .then(pl.lit("left"))
        .when(pl.col("was").is_null())
        .then(pl.lit("entered"))
        .otherwise(pl.lit("stayed"))
    )
    return both.select(
        pl.lit(as_of).alias("as_of"),
        "audience_code",
        "customer_id",
        change.alias("change"),
        member.alias("is_member"),
    ).sort("audience_code", "customer_id")
