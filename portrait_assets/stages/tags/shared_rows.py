"""Rows of the portrait matrix that may leave the house: k-anonymous, under new pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.anonymity.anonymise import Anonymous, ColumnLoss, K, anonymise
from portrait_assets.methods.anonymity.hierarchy import AS_RECORDED, QuasiIdentifier
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL, USED_FEATURES
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.predictions.contract import PREDICTION_MODEL
from portrait_assets.stages.predictions.lifecycle.staging import SILENCE, SPEND
from portrait_assets.stages.tags.audiences.condition import matrix_columns
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.tags.catalogue.inputs.predicted import OF_STAGES
from portrait_assets.stages.tags.catalogue.inputs.predicted_names import names_of
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.tables import existing_types

LEAST_K = 2
ROWS = "shared_rows"
"""The temporary table that holds the rows."""
CLASS = "class_no"
_LEFT_OUT = ("as_of", "customer_id", "customer_no", PROFILING_ALLOWED.name)
_CHARACTERS = 32
"""Hexadecimal digits of a pseudonym: of 10 M customers no two are likely to share one."""
_COMPARED = re.compile(r"^(?P<value>.+?)\s*(?:<=|>=|<|>)\s*-?\d+(?:\.\d+)?$")
_LEADING = re.compile(r"^\W*(\d+)")
_SCALE = ("very_low", "low", "medium", "high", "very_high")


class SharingError(PortraitError):
    """A shared file that cannot be made as asked for."""


@dataclass(frozen=True)
class SharedRows:
    """What `shared_rows` put into the temporary table.

    `columns` are those of the table but for `class_no`, the number of a customer's class.
    `quasi_identifiers` are among them. `texts` is what was suppressed of texts of any content.
    `anonymous` is None for a public source, whose rows are as they were.
    """

    columns: tuple[Column, ...]
    quasi_identifiers: tuple[str, ...]
    texts: tuple[ColumnLoss, ...]
    anonymous: Anonymous | None

    def loss(self, k: int) -> dict[str, str]:
        """What the register has of what was taken off; nothing of a public source."""
        if (anonymous := self.anonymous) is None:
            return {}
        return {
            "k": str(k),
            "classes": str(anonymous.classes),
            "smallest_class": str(anonymous.smallest_class),
            "information_loss": f"{anonymous.loss:.4f}",
            "generalised_cells": str(sum(each.generalised for each in anonymous.columns)),
            "suppressed_cells": str(sum(e.suppressed for e in (*anonymous.columns, *self.texts))),
        }


def shared_rows(
    con: duckdb.DuckDBPyConnection,
    selected: str,
    columns: Mapping[str, Column],
    quasi: frozenset[str],
    catalogue: Catalogue,
    k: int = K,
    is_public: bool = False,
) -> SharedRows:
    """Put the selected rows, as they may leave the house, into the temporary table `shared_rows`.

    Every combination of quasi-identifiers is had by at least k of the rows. A text of any content
    is shown where at least k customers have it. Pseudonyms are made under a random key that is
    thrown away, and the rows are in their order, so that neither joins two files.

    Args:
        con: any connection.
        selected: SELECT of rows of a portrait matrix, all of one month; its rows of nulls are left
            out.
        columns: the matrix's, by name.
        quasi: those that rest on quasi-identifiers.
        catalogue: its tags have the order of values.
        k: the fewest customers of a combination.
        is_public: whether the source is a public one, which needs none of this.

    Raises:
        SharingError: when k is less than two, or no row is selected.
    """
    if k < LEAST_K:
        raise SharingError(f"k is {k}, by which nobody is hidden; choose {LEAST_K} or more.")
    kept = {name: column for name, column in columns.items() if name not in _LEFT_OUT}
    if PROFILING_ALLOWED.name in columns:
        selected = f"SELECT * FROM ({selected}) WHERE {PROFILING_ALLOWED.name} IS NOT FALSE"
    if is_public:
        rest = ", ".join(map(quote, kept))
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {ROWS} AS SELECT as_of, customer_id, {rest}, "
            f"0 AS {CLASS} FROM ({selected}) ORDER BY customer_id"
        )
        _require_rows(con)
        return SharedRows((columns["customer_id"], *kept.values()), (), (), None)
    known = [name for name in kept if name in quasi]
    people = con.sql(_people_sql(selected, [kept[name] for name in known])).pl()
    if people.is_empty():
        raise SharingError("No customer is selected; choose a month or an audience that has some.")
    orders = {tag.code: value_order(tag.code, catalogue) for tag in catalogue.published}
    anonymous = anonymise(
        people,
        [QuasiIdentifier(name, orders.get(name) or order_of(people[name])) for name in known],
        k,
    )
    hidden = _texts_lost(con, selected, kept, known, k)
    con.register("anonymous_people", _with_pseudonyms(people, anonymous))
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {ROWS} AS "
            + _joined_sql(selected, list(kept), known, [each.column for each in hidden], k)
        )
    finally:
        con.unregister("anonymous_people")
    shown = tuple(_as_shown(column, anonymous) for column in kept.values())
    return SharedRows((columns["customer_id"], *shown), tuple(known), hidden, anonymous)


def quasi_columns(
    con: duckdb.DuckDBPyConnection, as_of: date, quasi: QuasiIdentifiers
) -> frozenset[str]:
    """The columns of a month's portrait matrix that rest on quasi-identifiers.

    A column of which neither the catalogue nor the file states what it reads counts as one.

    Args:
        con: a published file.
        as_of: the month.
        quasi: the source's quasi-identifiers.
    """
    listed = con.execute(
        "SELECT tag_code, list_distinct(flatten(list(inputs))) FROM tags.tag_catalogue GROUP BY 1"
    ).fetchall()
    found = quasi.of_matrix(_fitted_features(con, as_of), dict(listed), predicted_from(con, as_of))
    stated = {*quasi.reads, *(code for code, _ in listed), *(c.name for c in SEGMENT_COLUMNS)}
    return found | {name for name in matrix_columns(con) if name not in {*stated, *_LEFT_OUT}}


def _fitted_features(con: duckdb.DuckDBPyConnection, as_of: date) -> frozenset[str]:
    """The features by which the month's segments are decided; all where the file has no model."""
    if not existing_types(con, CLUSTER_MODEL.full_name):
        return frozenset(feature.name for feature in USED_FEATURES)
    rows = con.execute(
        f"SELECT DISTINCT item FROM {CLUSTER_MODEL.full_name} WHERE as_of = ? "
        "AND part IN ('numeric', 'category')",
        [as_of],
    ).fetchall()
    return frozenset(name for (name,) in rows)


def predicted_from(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, list[str]]:
    """By column of predictions that tags read the features of the month's models."""
    if not existing_types(con, PREDICTION_MODEL.full_name):
        return {}
    rows = con.execute(
        "SELECT target, list(DISTINCT feature ORDER BY feature) "
        f"FROM {PREDICTION_MODEL.full_name} WHERE as_of = ? AND feature IS NOT NULL GROUP BY 1",
        [as_of],
    ).fetchall()
    found = {name: features for target, features in rows for name, _ in names_of(target)}
    by_target = dict(rows)
    of_stages = [*by_target.get(SILENCE, ()), *by_target.get(SPEND, ())]
    return found | dict.fromkeys(OF_STAGES, of_stages)


def value_order(code: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The values of a tag in order, where each is a comparison of one thing with a number."""
    values = catalogue.tag(code).values
    found = [_COMPARED.match(value.when.text.strip()) for value in values]
    things = {match["value"] for match in found if match}
    if len(values) > 1 and all(found) and len(things) == 1:
        return tuple(value.value for value in values)
    return ()


def order_of(values: pl.Series) -> tuple[str, ...]:
    """The values of a text column in order, where all begin with a number or are of one scale."""
    if values.dtype.base_type() not in (pl.String, pl.Enum, pl.Categorical):
        return ()
    names = values.cast(pl.String).drop_nulls().unique().sort().to_list()
    if names and set(names) <= set(_SCALE):
        return _SCALE
    numbers = [(_LEADING.match(name), name) for name in names]
    if len(names) < 2 or not all(match for match, _ in numbers):
        return ()
    return tuple(n for _, n in sorted((int(m[1]), name) for m, name in numbers if m))


def _people_sql(selected: str, known: Sequence[Column]) -> str:
    # Numbers of segments are names, not amounts.
    shown = (
        f"CAST({quote(each.name)} AS VARCHAR) AS {quote(each.name)}"
        if each.name == "segment_id"
        else quote(each.name)
        for each in known
    )
    return f"SELECT {', '.join(('customer_id', *shown))} FROM ({selected}) ORDER BY customer_id"


def new_pseudonyms(identifiers: pl.Series) -> list[str]:
    """A pseudonym for each identifier, under a random key that nobody has afterwards."""
    key = secrets.token_bytes(32)
    return [
        hmac.digest(key, each.encode(), hashlib.sha256).hex()[:_CHARACTERS] for each in identifiers
    ]


def _with_pseudonyms(people: pl.DataFrame, anonymous: Anonymous) -> pl.DataFrame:
    ids = people["customer_id"]
    named = pl.DataFrame({"own_id": ids, "pseudonym": new_pseudonyms(ids)})
    return named.hstack(anonymous.rows.get_columns())


def _texts_lost(
    con: duckdb.DuckDBPyConnection,
    selected: str,
    kept: Mapping[str, Column],
    known: Sequence[str],
    k: int,
) -> tuple[ColumnLoss, ...]:
    """The texts of any content, and how many of their cells fewer than k customers have."""
    found = []
    for name, column in kept.items():
        is_open = column.type in (Type.TEXT, Type.TEXTS) and column.allowed is None
        if name in known or not is_open or name.startswith("segment_"):
            continue
        row = con.execute(
            f"SELECT coalesce(sum(n) FILTER (value IS NULL), 0)::BIGINT, "
            f"coalesce(sum(n) FILTER (value IS NOT NULL AND n >= {k}), 0)::BIGINT, "
            f"coalesce(sum(n) FILTER (value IS NOT NULL AND n < {k}), 0)::BIGINT "
            f"FROM (SELECT {quote(name)} AS value, count(*) AS n FROM ({selected}) GROUP BY 1)"
        ).fetchall()[0]
        unknown, shown, rare = row
        found.append(ColumnLoss(name, AS_RECORDED, unknown, shown, 0, rare))
    return tuple(found)


def _joined_sql(
    selected: str, kept: Sequence[str], known: Sequence[str], texts: Sequence[str], k: int
) -> str:
    shown = [f"a.{quote(n)}" if n in known else _cell(n, texts, k) for n in kept]
    alike = f"dense_rank() OVER (ORDER BY {', '.join(f'a.{quote(n)}' for n in known)})"
    return (
        f"SELECT m.as_of, a.pseudonym AS customer_id, {', '.join(shown)}, "
        f"{alike if known else 1} AS {CLASS} FROM ({selected}) AS m "
        "JOIN anonymous_people AS a ON a.own_id = m.customer_id ORDER BY a.pseudonym"
    )


def _cell(name: str, texts: Sequence[str], k: int) -> str:
    cell = f"m.{quote(name)}"
    if name not in texts:
        return cell
    counted = f"count(*) OVER (PARTITION BY {cell})"
    return f"CASE WHEN {counted} >= {k} THEN {cell} END AS {quote(name)}"


def _as_shown(column: Column, anonymous: Anonymous) -> Column:
    """The contract of the column as it now is: what is generalised is text."""
    if column.name not in anonymous.rows.columns:
        return column
    kind = anonymous.rows.schema[column.name]
    is_text = kind.base_type() in (pl.String, pl.Enum, pl.Categorical)
    return replace(column, type=Type.TEXT, unit=None, allowed=None) if is_text else column


def _require_rows(con: duckdb.DuckDBPyConnection) -> None:
    if not con.execute(f"SELECT count(*) FROM {ROWS}").fetchall()[0][0]:
        raise SharingError("No customer is selected; choose a month or an audience that has some.")
