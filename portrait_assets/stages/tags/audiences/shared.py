"""A file of an audience for another purpose than customers agreed to: nobody is found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.methods.anonymity.anonymise import K
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.privacy.consent import Use, not_asked
from portrait_assets.privacy.departures.register import Entry
from portrait_assets.privacy.egress import Purpose, purpose_of
from portrait_assets.schema.table import Column
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.answers import MONTH, QUESTION
from portrait_assets.stages.tags.audiences.audience import Audience, members
from portrait_assets.stages.tags.audiences.condition import MATRIX, parse_audience
from portrait_assets.stages.tags.audiences.export import allowed_members, check_name, write_rows
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import (
    QuasiIdentifiers,
    quasi_identifiers,
)
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.shared_rows import (
    CLASS,
    ROWS,
    SharedRows,
    SharingError,
    quasi_columns,
    shared_rows,
)
from portrait_assets.storage.duckdb.tables import existing_types

CHANNEL = "channel"
"""What the register holds of the channel that a file is for."""
EVERYBODY = "customer_id IS NOT NULL"
"""The condition of a file of all customers."""


@dataclass(frozen=True)
class Sharing:
    """How customers are hidden: by which tags they may be found, and among how many they stay."""

    catalogue: Catalogue
    quasi: QuasiIdentifiers
    k: int = K
    is_public: bool = False


@dataclass(frozen=True)
class SharedBefore:
    """A file for others that left before: its entry in the register, and whom it is of."""

    reference: str
    expression: Expression
    use: Use


@dataclass(frozen=True)
class SharedAudience:
    """What was written: its rows, how many customers, and how many were left out by reason."""

    rows: SharedRows
    customers: int
    left_out: Mapping[tuple[str, str], int]


def sharing_of(source_dir: Path, k: int = K) -> Sharing:
    """How the customers of the source in this folder are hidden.

    Raises:
        SourceError: when the source cannot be used.
        TagError: when its tags cannot be.
    """
    definition = load_source(source_dir).definition
    catalogue = source_catalogue(source_dir)
    return Sharing(catalogue, quasi_identifiers(definition, catalogue), k, definition.public)


def is_for_others(con: duckdb.DuckDBPyConnection, use: Use) -> bool:
    """Whether a file for the use holds nobody who can be found.

    One for sharing always, one for credit where customers were never asked for that. Nobody is
    approached by a file without identifiers, so marketing has none.
    """
    is_asked = not_asked(con, Use(use.purpose)) is None
    return use.purpose == Purpose.SHARING or (use.purpose == Purpose.CREDIT and not is_asked)


def use_of_shared(con: duckdb.DuckDBPyConnection, use: Use) -> Use:
    """Whom a shared file is of: who agreed, or where nobody was asked, who did not refuse."""
    is_asked = not_asked(con, Use(use.purpose)) is None
    return use if is_asked else Use(use.purpose, use.channel, unless_refused=True)


def shared_before(
    entries: Iterable[Entry], month: date, columns: Mapping[str, Column]
) -> list[SharedBefore]:
    """The files for others of a month among what left by their outlet, each question once.

    One without a question is of all customers who did not refuse. A question that reads a column
    which is no longer there is left out.
    """
    found = {}
    for entry in entries:
        about, purpose = entry["about"], purpose_of(entry["purpose"])
        if about.get(MONTH) != f"{month:%Y-%m}" or purpose is None:
            continue
        try:
            expression = parse_audience(about.get(QUESTION, EVERYBODY), columns)
        except TagError:
            continue
        use = Use(purpose, about.get(CHANNEL), unless_refused=QUESTION not in about)
        found[expression.sql, use] = SharedBefore(entry.reference, expression, use)
    return list(found.values())


def check_apart(
    con: duckdb.DuckDBPyConnection,
    audience: Audience,
    use: Use,
    before: Iterable[SharedBefore],
    k: int,
) -> None:
    """Refuse a file for others of whose customers fewer than k are in it, or in another, alone.

    Rows of two files of a month can be joined by tags that are exact. Whoever is in the one alone
    is then hidden among those few, and the two conditions tell what they have in common.

    Args:
        con: a connection to the published file, which is only read.
        audience: of the file.
        use: what the file is for.
        before: the files of its month.
        k: the fewest customers alike in a file; 1 refuses nothing.

    Raises:
        SharingError: naming the file that it is too near to.
    """
    mine = _in_file(con, audience, audience.expression, use)
    for each in before:
        theirs = _in_file(con, audience, each.expression, each.use)
        alone = (~mine.is_in(theirs.implode())).sum(), (~theirs.is_in(mine.implode())).sum()
        if any(0 < count < k for count in alone):
            raise SharingError(
                f"The file would differ by fewer than {k} customers from {each.reference}, and the "
                "two together tell of them; give that one, or change the condition by more."
            )


def _in_file(
    con: duckdb.DuckDBPyConnection, audience: Audience, expression: Expression, use: Use
) -> pl.Series:
    """The customers of a file for others of the audience's month."""
    asked = replace(audience, expression=expression)
    asked = replace(asked, size=len(members(con, asked)))
    try:
        of = use if use.unless_refused else use_of_shared(con, use)
        allowed = allowed_members(con, asked, of)
    except TagError:  # None of them may be in a file.
        return pl.Series("customer_id", [], dtype=pl.String)
    found: pl.DataFrame = con.sql(f"SELECT customer_id FROM ({allowed.sql})").pl()
    return found["customer_id"]


def export_shared(
    con: duckdb.DuckDBPyConnection,
    audience: Audience,
    path: Path,
    sharing: Sharing,
    columns: Mapping[str, Column],
    use: Use,
    opens: Callable[[SharedRows], object] = lambda rows: None,
    records: Callable[[SharedRows, int, Path], object] = lambda rows, customers, whole: None,
) -> SharedAudience:
    """Write the audience's rows to a .csv or .parquet file in which k are alike in what is known.

    Every combination of quasi-identifiers is had by k of the customers in the file, not only of all
    customers; pseudonyms are new ones. That somebody is among them stays known to who finds the
    class, and so does the condition by which all were selected.

    Args:
        con: a connection to the published file, which is only read.
        audience: what `select_audience` gave.
        path: where the file goes.
        sharing: how customers are hidden.
        columns: those of the portrait matrix that may leave, by name.
        use: what the file is for.
        opens: called with the rows before they are written; it may refuse them.
        records: called with them, their number and the whole file, before that has its name.

    Raises:
        TagError: when the file's ending is neither, or all customers are left out.
        SharingError: when fewer than k are left, or k is less than two.
    """
    check_name(path)
    without = sorted(existing_types(con, MATRIX).keys() - columns.keys())
    allowed = allowed_members(con, audience, use_of_shared(con, use), without)
    if allowed.customers < sharing.k and not sharing.is_public:
        raise SharingError(
            f"Fewer than {sharing.k} customers of the audience may be in a file for {use.purpose}, "
            "and it would hide nobody among them; loosen the condition."
        )
    known = quasi_columns(con, audience.as_of, sharing.quasi)
    rows = shared_rows(
        con, allowed.sql, columns, known, sharing.catalogue, sharing.k, sharing.is_public
    )
    opens(rows)
    selected = f"SELECT * EXCLUDE ({CLASS}) FROM {ROWS}"
    write_rows(con, selected, path, lambda whole: records(rows, allowed.customers, whole))
    return SharedAudience(rows, allowed.customers, allowed.left_out)
