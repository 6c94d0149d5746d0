"""All that is held of one person, with where it came from and what is decided by it.

What a person has a right to be given: Personal Information Protection Law, articles 24, 44, 45 and
48; GB/T 35273-2020, 8.1 and 8.6; GDPR, articles 15 and 20. Only columns above the clearance are
left out, and it names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from portrait_assets.app.erasure.people.undated import lines_of, person_in_no_month
from portrait_assets.app.subject.person import Person, UnknownPersonError, find_person
from portrait_assets.app.subject.records import CLEANED, Holding, Row, holdings, origins
from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.described.catalogue import FEATURE_CATALOGUE
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.raw.amendments import added_lines
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.definition import Title
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.raw.tables.persons import CONSENTS, CUSTOMERS, REQUESTS
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences
from portrait_assets.stages.tags.cards.card import customer_card
from portrait_assets.stages.tags.catalogue.classes.deciding import deciding
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.contract import AUDIENCE_MEMBERSHIP, TAG_CATALOGUE
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.exclusive import exclusive_reader

MATRIX = "tags.portrait_matrix"
_READER = "portrait subject"


@dataclass(frozen=True)
class Account:
    """What is held of a person, by part; each part is plain data, ready for JSON.

    `columns` are what it shows; `held_back` names those that are of a class above the clearance.
    """

    title: Title
    source: str
    written_at: datetime
    person: Person
    columns: tuple[Column, ...]
    held_back: tuple[str, ...]
    parts: Mapping[str, Any] = field(repr=False)


def account_of(
    settings: Settings, known_as: str, clearance: str, rooms: tuple[Room, ...] = ROOMS
) -> Account:
    """All that is held of the person whose identifier this is.

    The warehouse is opened to read, while no run holds it.

    Args:
        settings: the warehouse's.
        known_as: the identifier.
        clearance: the highest class of columns that is shown.
        rooms: of which tables it is.

    Raises:
        UnknownPersonError: when nothing is held under the identifier.
        WarehouseError: when there is no warehouse, it cannot be opened, or a run holds it.
        SourceError: when the source cannot be used.
    """
    with commands_for(settings):
        context = context_of(settings, rooms)
        with exclusive_reader(settings, _READER) as con:
            return _account(con, context, known_as, clearance)


def require_customer(settings: Settings, known_as: str, rooms: tuple[Room, ...] = ROOMS) -> Person:
    """The customer whose identifier this is.

    Raises:
        UnknownPersonError: when it is nobody's, or a prospect's.
        WarehouseError: as `account_of`.
        SourceError: as `account_of`.
    """
    with commands_for(settings):
        tables = context_of(settings, rooms).tables
        with exclusive_reader(settings, _READER) as con:
            person = find_person(con, known_as, tables)
    if person.is_prospect:
        raise UnknownPersonError(
            "That identifier is not a customer's; name that of a customer or of their records."
        )
    return person


def _account(
    con: duckdb.DuckDBPyConnection, context: Context, known_as: str, clearance: str
) -> Account:
    tables = context.tables
    source = context.folder.read(load_source)
    person, lines = _found(con, context, source, known_as)
    whole = holdings(con, person, tables, lines)
    found = tuple(holding.up_to(clearance) for holding in whole)
    by_table = {holding.table.full_name: holding for holding in found}
    tags = list(_tags(con, _rows_of(by_table, MATRIX), clearance))
    parts = {
        "identity": _plain(_rows_of(by_table, IDENTITY_MAP.full_name)),
        "golden_record": list(_golden(by_table, person)),
        "features": list(_features(con, by_table)),
        "segments": list(_segments(by_table)),
        "tags": tags,
        "audiences": list(_audiences(context, by_table)),
        "consents": _of_table(by_table, CONSENTS.name),
        "requests": _of_table(by_table, REQUESTS.name),
        "corrections": [
            line
            for line in _added(context, CUSTOMERS.name, person)
            if CUSTOMERS.column(line["column"]).sensitivity <= clearance
        ],
        "objections": _added(context, REQUESTS.name, person),
        "automated_decisions": list(_decisions(con, context, tags)),
        "sources": [
            {
                "file": origin.file,
                "table": origin.table.full_name,
                "en": origin.table.en,
                "zh": origin.table.zh,
                "rows": origin.rows,
                "first_day": plain(origin.first_day),
                "last_day": plain(origin.last_day),
            }
            for origin in origins(found)
        ],
        "provided": [_of_holding(holding) for holding in found if _is_provided(holding.table)],
        "records": [_of_holding(holding) for holding in found],
    }
    columns = tuple(column for holding in found for column in holding.columns)
    held_back = tuple(
        f"{holding.table.full_name}.{column.name}"
        for holding in whole
        for column in holding.columns
        if column.sensitivity > clearance
    )
    title, name = source.definition.title, source.name
    return Account(title, name, datetime.now(UTC), person, columns, held_back, parts)


def _found(
    con: duckdb.DuckDBPyConnection, context: Context, source: Source, known_as: str
) -> tuple[Person, pl.DataFrame]:
    """The person, and their lines that stand in no month, where they may stand alone."""
    try:
        person = find_person(con, known_as, context.tables)
    except UnknownPersonError:
        undated = person_in_no_month(context.settings, source, con, known_as)
        if undated is None:
            raise
        person = undated
    return person, lines_of(context.settings, source, con, person)


def plain(value: object) -> Any:
    """The value as JSON has it: days in ISO 8601, exact amounts as numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def _plain(rows: Sequence[Row]) -> list[Row]:
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def _rows_of(by_table: Mapping[str, Holding], table: str) -> tuple[Row, ...]:
    return by_table[table].rows if table in by_table else ()


def _is_provided(table: Table) -> bool:
    """Whether it holds what the person gave or did, typed, and nothing that is computed of it."""
    return table.schema == CLEANED and table.name in CANONICAL_BY_NAME


def _of_table(by_table: Mapping[str, Holding], name: str) -> list[Row]:
    return _plain(_rows_of(by_table, f"{CLEANED}.{name}"))


def _of_holding(holding: Holding) -> Row:
    columns = holding.columns
    return {
        "table": holding.table.full_name,
        "en": holding.table.en,
        "zh": holding.table.zh,
        "columns": [_described(column) for column in columns],
        "rows": [{c.name: plain(row[c.name]) for c in columns} for row in holding.rows],
    }


def _described(column: Column) -> Row:
    return {
        "name": column.name,
        "en": column.en,
        "zh": column.zh,
        "unit": column.unit,
        "class": str(column.sensitivity),
    }


def _golden(by_table: Mapping[str, Holding], person: Person) -> Iterator[Row]:
    """The newest best record, attribute by attribute, with the file and row of each value."""
    rows = _rows_of(by_table, GOLDEN_RECORD.full_name)
    own = [row for row in rows if row["customer_id"] == person.customer_id] or list(rows)
    if not own:
        return
    newest = max(own, key=lambda row: str(row["month"]))
    places = dict(each.split(": ", 1) for each in newest["origins"] or ())
    for column in CUSTOMERS.columns:
        if newest.get(column.name) is not None:
            value = plain(newest[column.name])
            yield _described(column) | {"value": value, "origin": places.get(column.name)}


def _features(con: duckdb.DuckDBPyConnection, by_table: Mapping[str, Holding]) -> Iterator[Row]:
    """The features of the newest month, with their names and units."""
    rows = _rows_of(by_table, FEATURE_MATRIX.full_name)
    if not rows:
        return
    newest = max(rows, key=lambda row: str(row["as_of"]))
    named = con.execute(
        f"SELECT feature, name_en, name_zh, unit FROM {FEATURE_CATALOGUE.full_name} "
        "WHERE as_of = ?",
        [newest["as_of"]],
    ).fetchall()
    names = {feature: rest for feature, *rest in named}
    for column in FEATURE_MATRIX.columns:
        if newest.get(column.name) is None or column.identifies:
            continue
        en, zh, unit = names.get(column.name, (column.en, column.zh, column.unit))
        yield {
            "name": column.name,
            "en": en,
            "zh": zh,
            "unit": unit,
            "class": str(column.sensitivity),
            "as_of": plain(newest["as_of"]),
            "value": plain(newest[column.name]),
        }


def _segments(by_table: Mapping[str, Holding]) -> Iterator[Row]:
    """The segment of each month: its name, and how far from its prototype the person is."""
    assigned = {row["as_of"]: row for row in _rows_of(by_table, CLUSTER_ASSIGNMENT.full_name)}
    for row in _rows_of(by_table, MATRIX):
        if row.get("segment_id") is None:
            continue
        own = assigned.get(row["as_of"], {})
        yield {
            "as_of": plain(row["as_of"]),
            "segment_id": row["segment_id"],
            "en": row.get("segment_name_en"),
            "zh": row.get("segment_name_zh"),
            "distance": own.get("distance"),
            "confidence": own.get("confidence"),
        }


def _tags(con: duckdb.DuckDBPyConnection, months: Sequence[Row], clearance: str) -> Iterator[Row]:
    """The tags of each month, with the rule and the inputs that decided each."""
    for month in months:
        card = customer_card(con, month["customer_id"], month["as_of"], 0, clearance)
        for tag in card.tags:
            yield {
                "as_of": plain(card.as_of),
                "tag": tag.code,
                "en": tag.name_en,
                "zh": tag.name_zh,
                "value": tag.value,
                "value_en": tag.value_en,
                "value_zh": tag.value_zh,
                "confidence": tag.confidence,
                "version": tag.version,
                "decided_as_of": plain(tag.decided_as_of),
                "rule": tag.rule,
                "evidence": dict(tag.evidence),
            }


def _audiences(context: Context, by_table: Mapping[str, Holding]) -> Iterator[Row]:
    saved = context.folder.read(source_audiences, context.folder.read(source_catalogue))
    names = {audience.code: (audience.name_en, audience.name_zh) for audience in saved}
    for row in _rows_of(by_table, AUDIENCE_MEMBERSHIP.full_name):
        code = row["audience_code"]
        en, zh = names.get(code, (code, code))
        yield {"audience": code, "en": en, "zh": zh} | {
            name: plain(row[name]) for name in ("as_of", "change", "is_member")
        }


def _added(context: Context, table: str, person: Person) -> list[Row]:
    """What the operator added to the table on the person's behalf, by whom and why."""
    lines = added_lines(context.folder.read(load_source).own_folder, table)
    if lines is None:
        return []
    return lines.filter(pl.col("customer_id").is_in(person.ids)).to_dicts()


def _decisions(
    con: duckdb.DuckDBPyConnection, context: Context, tags: Sequence[Row]
) -> Iterator[Row]:
    """The tags of the person's newest month that something is decided by, and what that is."""
    newest = max((row["as_of"] for row in tags), default=None)
    if newest is None:
        return
    catalogue = context.folder.read(source_catalogue)
    saved = context.folder.read(source_audiences, catalogue)
    decides = deciding(
        catalogue, newest[:7], {audience.code: audience.where.columns for audience in saved}
    )
    described = {
        code: rest
        for code, *rest in con.execute(
            f"SELECT tag_code, description_en, description_zh FROM {TAG_CATALOGUE.full_name} "
            "WHERE as_of = ? AND in_force",
            [date.fromisoformat(newest)],
        ).fetchall()
    }
    for row in tags:
        if row["as_of"] == newest and row["tag"] in decides:
            en, zh = described.get(row["tag"], ("", ""))
            kept = ("tag", "en", "zh", "value", "value_en", "value_zh", "rule", "evidence")
            yield {name: row[name] for name in kept} | {
                "purpose_en": en,
                "purpose_zh": zh,
                "read_by": list(decides[row["tag"]]),
            }


def portable(account: Account) -> Account:
    """Of the account only what the person provided, for another controller (the right to move)."""
    kept = ("provided", "sources")
    return replace(account, parts={name: account.parts[name] for name in kept})
