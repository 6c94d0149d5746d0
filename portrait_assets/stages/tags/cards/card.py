"""One customer's card, read from the published file.

Imports no frame library, no parser and no scheduler, so that it is printed in under a second.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from portrait_assets.core.errors import PortraitError
from portrait_assets.privacy.consent import PROFILING, Permission, Use, not_asked, permissions_of
from portrait_assets.privacy.egress import (
    HIGHEST,
    LOWEST,
    Departure,
    Door,
    Outlet,
    Purpose,
    Shown,
    digest_of,
)
from portrait_assets.privacy.pseudonyms import is_pseudonym, key_of, pseudonym
from portrait_assets.stages.tags.cards.predictions import CardPrediction, predicted_of
from portrait_assets.stages.tags.catalogue.inputs.predicted_names import is_band
from portrait_assets.storage.duckdb.connection import has_table, noted_key, open_published, quote

_CATALOGUES = (("features.feature_catalogue", "feature"), ("tags.tag_catalogue", "tag_code"))
"""The catalogues of what a card shows, each with its column of names."""


@dataclass(frozen=True)
class CardTag:
    """A customer's value of a tag; `evidence` are the `inputs` that decided it, as text.

    `predictions` are those among them.
    """

    code: str
    name_en: str
    name_zh: str
    element: str
    value: str
    value_en: str
    value_zh: str
    confidence: float
    version: int
    decided_as_of: date
    rule: str
    evidence: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...] = ()
    predictions: tuple[CardPrediction, ...] = ()

    @property
    def is_by_rank(self) -> bool:
        """Whether a fixed share of customers has the value, by its rule."""
        return "rank_share(" in self.rule or any(map(is_band, self.inputs))


@dataclass(frozen=True)
class CardChange:
    """A tag that was gained, lost or changed in the month of `as_of`."""

    as_of: date
    code: str
    change: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Card:
    """What is known of one customer in one month, up to a class.

    `customer_id` is the identifier, or the pseudonym, that was asked for. `columns` are what it
    shows; `held_back` counts those of a higher class; `permissions` are what the customer allows by
    the newest consents.
    """

    customer_id: str
    as_of: date
    segment_en: str | None
    segment_zh: str | None
    tags: tuple[CardTag, ...]
    changes: tuple[CardChange, ...]
    columns: tuple[Shown, ...] = ()
    held_back: int = 0
    permissions: tuple[Permission, ...] = ()


def customer_card(
    con: duckdb.DuckDBPyConnection,
    customer_id: str,
    as_of: date | None = None,
    months: int = 3,
    clearance: str = HIGHEST,
    asked_for: str | None = None,
) -> Card:
    """The customer's card.

    Args:
        con: a connection to the published file or the warehouse; only read.
        customer_id: the customer.
        as_of: a month's last day; the newest month of the customer when None.
        months: the number of months whose changes are included.
        clearance: the highest class of tags, and of inputs of theirs, that it shows.
        asked_for: what the card calls the customer; `customer_id` when None.

    Raises:
        PortraitError: when the portrait matrix has no such customer in that month.
    """
    name = asked_for or customer_id
    rows = con.execute(
        "SELECT as_of, segment_name_en, segment_name_zh FROM tags.portrait_matrix "
        "WHERE customer_id = ? AND (as_of = ? OR ? IS NULL) ORDER BY as_of DESC LIMIT 1",
        [customer_id, as_of, as_of],
    ).fetchall()
    if not rows:
        raise PortraitError(_missing_customer(con, customer_id, as_of, name))
    month, segment_en, segment_zh = rows[0]
    tags = _tags(con, customer_id, month)
    changes = _changes(con, customer_id, month, months)
    classes = _classes(con, month)
    read = {name for tag in tags for name in (tag.code, *tag.inputs)}
    names = sorted(read | {change.code for change in changes})
    columns = [Shown(name, classes.get(name, LOWEST)) for name in names]
    shown = {column.name: column for column in columns if column.sensitivity <= clearance}
    return Card(
        name,
        month,
        segment_en,
        segment_zh,
        tuple(_of_inputs(tag, shown) for tag in tags if tag.code in shown),
        tuple(change for change in changes if change.code in shown),
        tuple(shown.values()),
        len(columns) - len(shown),
        permissions_of(con, customer_id),
    )


def _of_inputs(tag: CardTag, shown: Container[str]) -> CardTag:
    """The tag with the inputs, and the evidence, that may be shown."""
    both = zip(tag.inputs, tag.evidence, strict=True)
    kept = [(name, each) for name, each in both if name in shown]
    return replace(
        tag, inputs=tuple(name for name, _ in kept), evidence=tuple(each for _, each in kept)
    )


def _classes(con: duckdb.DuckDBPyConnection, month: date) -> dict[str, str]:
    """Classes of features and tags; the highest of a feature where the file does not have it."""
    columns = con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'features' "
        "AND table_name = 'feature_matrix' AND database_name = current_database()"
    ).fetchall()
    classes = dict.fromkeys((name for (name,) in columns), HIGHEST)
    for table, name in _CATALOGUES:
        if has_table(con, table):
            classes |= dict(
                con.execute(
                    f"SELECT {name}, max(sensitivity) FROM {table} WHERE as_of = ? GROUP BY 1",
                    [month],
                ).fetchall()
            )
    return classes


def _missing_customer(
    con: duckdb.DuckDBPyConnection, customer_id: str, as_of: date | None, name: str
) -> str:
    first, last = con.execute(
        "SELECT min(as_of), max(as_of) FROM tags.portrait_matrix WHERE customer_id = ?",
        [customer_id],
    ).fetchall()[0]
    if first is None:
        return f"There is no customer '{name}' in the portrait matrix; check the id."
    return (
        f"Customer {name} is in the portrait from {first:%Y-%m} to {last:%Y-%m} and not "
        f"in {as_of:%Y-%m}; choose a month between them."
    )


def _tags(con: duckdb.DuckDBPyConnection, customer_id: str, month: date) -> tuple[CardTag, ...]:
    rows = con.execute(
        "SELECT t.tag_code, c.name_en, c.name_zh, c.element, t.tag_value, "
        "c.value_names_en[list_position(c.tag_values, t.tag_value)], "
        "c.value_names_zh[list_position(c.tag_values, t.tag_value)], "
        "t.confidence, t.tag_version, t.decided_as_of, c.rules, c.inputs, c.shape "
        "FROM tags.tag_table t JOIN tags.tag_catalogue c "
        "ON c.as_of = t.as_of AND c.tag_code = t.tag_code AND c.tag_version = t.tag_version "
        "WHERE t.as_of = ? AND t.customer_id = ? ORDER BY t.tag_code, t.tag_value",
        [month, customer_id],
    ).fetchall()
    decided_in = {row[9] for row in rows}
    names_of_features = _names(con, month)
    predicted = {
        decided: predicted_of(con, customer_id, decided, names_of_features)
        for decided in decided_in
    }
    inputs = {
        decided: {**predicted[decided].values, **_inputs(con, customer_id, decided)}
        for decided in decided_in
    }
    labels = {name: en for name, (en, _) in names_of_features.items()}
    return tuple(
        CardTag(
            code,
            name_en,
            name_zh,
            element,
            value,
            value_en or value,
            value_zh or value,
            confidence,
            version,
            decided,
            _rule(rules, value, shape),
            tuple((labels.get(name, name), inputs[decided].get(name, "unknown")) for name in names),
            tuple(names),
            predicted[decided].of_inputs(names),
        )
        for code, name_en, name_zh, element, *valued in rows
        for value, value_en, value_zh, confidence, version, decided, rules, names, shape in [valued]
    )


def _rule(rules: str, value: str, shape: str) -> str:
    if shape == "open":
        return rules.splitlines()[0]
    start = f"{value}: "
    return next((line[len(start) :] for line in rules.splitlines() if line.startswith(start)), "")


def _inputs(con: duckdb.DuckDBPyConnection, customer_id: str, month: date) -> dict[str, str]:
    """Features and tags of the customer in a month, as text by name; unknown ones left out."""
    inputs: dict[str, str] = {}
    for table in ("features.feature_matrix", "tags.portrait_matrix"):
        schema, name = table.split(".")
        cursor = con.execute(
            f"SELECT * FROM {quote(schema)}.{quote(name)} WHERE as_of = ? AND customer_id = ?",
            [month, customer_id],
        )
        names = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            inputs |= {
                name: _text(value)
                for name, value in zip(names, row, strict=True)
                if value is not None
            }
    return inputs


def _names(con: duckdb.DuckDBPyConnection, month: date) -> dict[str, tuple[str, str]]:
    """Both names of features and tags; files of older versions have no feature catalogue."""
    names: dict[str, tuple[str, str]] = {}
    for table, name in _CATALOGUES:
        if has_table(con, table):
            sql = f"SELECT {name}, name_en, name_zh FROM {table} WHERE as_of = ?"
            rows = con.execute(sql, [month]).fetchall()
            names |= {each: (en, zh) for each, en, zh in rows}
    return names


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _changes(
    con: duckdb.DuckDBPyConnection, customer_id: str, month: date, months: int
) -> tuple[CardChange, ...]:
    exists = con.execute(
        "SELECT 1 FROM duckdb_views() WHERE schema_name = 'tags' AND view_name = 'tag_changes' "
        "AND database_name = current_database()"
    ).fetchall()
    if not exists:
        return ()
    rows = con.execute(
        "SELECT as_of, tag_code, change, value_before, value_after FROM tags.tag_changes "
        "WHERE customer_id = ? AND as_of <= ? "
        "AND as_of > last_day(?::DATE - to_months(?::INTEGER)) "
        "ORDER BY as_of DESC, tag_code",
        [customer_id, month, month, months],
    ).fetchall()
    return tuple(CardChange(*row) for row in rows)


def read_card(path: Path, customer_id: str, door: Door, as_of: date | None = None) -> Card:
    """The customer's card from the published file, as far as the door lets it pass.

    Of who by the newest consents refuses profiling it has what they allow, and no profile; of who
    refuses another purpose no tags that are computed for it.

    Args:
        path: the file.
        customer_id: the source's identifier, or in a file of pseudonyms one of these.
        door: what it passes; its settings tell where the key of pseudonyms stands.
        as_of: a month's last day; the newest month of the customer when None.

    Raises:
        PortraitError: when the file or the customer does not exist, the file is damaged, or an
            identifier cannot be looked up without its key.
        EgressError: when the card may not leave.
    """
    con = open_published(path)
    try:
        published = _as_published(con, customer_id, door)
        clearance = door.clearance(Outlet.CARD)
        card = customer_card(con, published, as_of, clearance=clearance, asked_for=customer_id)
        card = _as_allowed(con, card)
    finally:
        con.close()
    departure = Departure(
        Outlet.CARD,
        Purpose.PROFILING,
        card.columns,
        subject_named=True,
        about={"month": f"{card.as_of:%Y-%m}"},
    )
    door.open(departure)
    # As published: beside the tags an identifier could be tried until the digest is right.
    door.record(departure, 1, digest_of(repr(replace(card, customer_id=published))))
    return card


def _as_allowed(con: duckdb.DuckDBPyConnection, card: Card) -> Card:
    """The card without what the customer does not allow it to be used for.

    Without consent to profiling nothing is left but the permissions; without one to another
    purpose, where customers were asked for that, tags that are computed for it are left out.
    """
    allows = {each.purpose: False for each in card.permissions}
    allows |= {each.purpose: True for each in card.permissions if each.allowed}
    if not allows.get(PROFILING, True):
        nothing = replace(card, tags=(), changes=(), columns=(), held_back=0)
        return replace(nothing, segment_en=None, segment_zh=None)
    refused = {
        p for p, is_allowed in allows.items() if not is_allowed and not not_asked(con, Use(p))
    }
    purposes = _purposes(con, card.as_of)
    hidden = {code for code, purpose in purposes.items() if purpose in refused}
    tags = tuple(tag for tag in card.tags if tag.code not in hidden)
    changes = tuple(change for change in card.changes if change.code not in hidden)
    names = {change.code for change in changes}.union(*((t.code, *t.inputs) for t in tags))
    columns = tuple(column for column in card.columns if column.name in names - hidden)
    shown = {column.name for column in columns}
    return replace(
        card, tags=tuple(_of_inputs(tag, shown) for tag in tags), changes=changes, columns=columns
    )


def _purposes(con: duckdb.DuckDBPyConnection, month: date) -> dict[str, str]:
    """What each tag is computed for; nothing in files of versions that did not say so."""
    table, _ = _CATALOGUES[1]
    columns = con.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()
    if ("purpose",) not in columns:
        return {}
    sql = f"SELECT tag_code, max(purpose::VARCHAR) FROM {table} WHERE as_of = ? GROUP BY 1"
    return dict(con.execute(sql, [month]).fetchall())


def _as_published(con: duckdb.DuckDBPyConnection, customer_id: str, door: Door) -> str:
    """What the file calls the customer: a pseudonym where it has these."""
    fingerprint = noted_key(con)
    if fingerprint is None or is_pseudonym(customer_id):
        return customer_id
    return pseudonym(key_of(door.settings, fingerprint), customer_id.strip())
