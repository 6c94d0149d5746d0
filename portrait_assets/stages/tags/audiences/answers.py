"""Which answers about audiences tell of single customers, alone or beside those given before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import polars as pl
from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from portrait_assets.methods.disclosure.cells import without_small_cells
from portrait_assets.methods.disclosure.differences import Overlap
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.privacy.departures.register import Entry
from portrait_assets.privacy.egress import EgressError
from portrait_assets.schema.table import Column
from portrait_assets.stages.tags.audiences.audience import (
    Audience,
    Everyone,
    count_cells,
    everyone_of,
)
from portrait_assets.stages.tags.audiences.condition import parse_audience
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.storage.duckdb.connection import quote

TELLING = 0.05
"""Lines of a profile with a lower q-value tell the audience from everyone else."""

MOST_LINES = 30
IDENTIFYING = ("customer_id", "customer_no")
QUESTION, MONTH = "question", "month"
"""Under what names the register has an answer's expression and its month."""


@dataclass(frozen=True)
class Given:
    """An answer that was given before: its entry in the register, expression and size."""

    reference: str
    expression: Expression
    size: int


def given_before(
    entries: Iterable[Entry], month: date, columns: Mapping[str, Column]
) -> list[Given]:
    """The answers about a month among what left, each question once, as it was answered last.

    A question that reads a column which is no longer there can be asked no more, and is left out.
    """
    found = {}
    for entry in entries:
        about = entry["about"]
        if not entry["aggregated"] or about.get(MONTH) != f"{month:%Y-%m}":
            continue
        try:
            expression = parse_audience(about[QUESTION], columns)
        except TagError:
            continue
        found[expression.sql] = Given(entry.reference, expression, entry["rows"])
    return list(found.values())


def check_question(expression: Expression) -> None:
    """Refuse a question about customers who are named by their identifiers.

    Raises:
        EgressError: when the expression reads one.
    """
    if named := [name for name in expression.columns if name in IDENTIFYING]:
        raise EgressError(
            f"The audience reads {named[0]}, and a count of customers may not name them; select "
            "them by their tags, or write them to a file with `--out`."
        )


def check_size(
    con: duckdb.DuckDBPyConnection, audience: Audience, given: Sequence[Given], smallest: int
) -> None:
    """Refuse an answer that tells of few customers, by those it leaves out or beside others.

    Args:
        con: a connection to the published file, which is only read.
        audience: of at least `smallest` customers.
        given: the answers about its month that were given before.
        smallest: fewest customers that a count may rest on; 1 refuses nothing.

    Raises:
        EgressError: naming the answer that it is too near to.
    """
    if smallest <= 1:
        return
    if audience.base - audience.size < smallest:
        raise EgressError(
            f"The audience leaves out fewer than {smallest} of the {audience.base:,} customers of "
            f"{audience.as_of:%Y-%m}, and its size tells of them; choose a narrower one."
        )
    for before, both, other in _overlaps(_everyone(con, audience, given), given):
        overlap = Overlap(both, audience.size, other, audience.base)
        if audience.expression.sql == before.expression.sql:
            if 0 < abs(audience.size - before.size) < smallest:
                raise EgressError(
                    f"The audience differs by fewer than {smallest} customers from "
                    f"{before.reference}, when it had {before.size:,}, for the month was "
                    "materialized again since, and the difference tells of them; use that count."
                )
        elif (
            overlap.tells_of_some(smallest)
            if _is_same(audience.expression, before.expression)
            else overlap.tells_of_few(smallest)
        ):
            which = "" if max(overlap.differing) < smallest else "all who are not in "
            raise EgressError(
                f"The audience differs by fewer than {smallest} customers from {which}"
                f"{before.reference}, which has {before.size:,}, and the two counts together tell "
                "of them; use that one, or change the condition by more."
            )


def without_small_groups(
    con: duckdb.DuckDBPyConnection,
    audience: Audience,
    columns: Mapping[str, Column],
    saved: Mapping[str, Expression],
    given: Sequence[Given],
    smallest: int,
) -> tuple[Audience, int]:
    """The audience with the most telling lines of its profile that tell of no few customers.

    A line says how many customers with a value, or of a saved audience, are in the audience. It is
    left out where they, or those who are not, are fewer than `smallest`, and where a line of an
    earlier answer differs from it by fewer.

    Args:
        con: a connection to the published file, which is only read.
        audience: what `select_audience` gave.
        columns: those of the portrait matrix, by name.
        saved: the saved audiences that it was compared with, by code.
        given: the answers about its month that were given before.
        smallest: fewest customers that a count may rest on; 1 leaves out nothing.

    Returns:
        The audience, and how many of its most telling lines and overlaps were left out.
    """
    if smallest <= 1:
        return audience, 0
    others = [each for each in given if each.expression.sql != audience.expression.sql]
    everyone = _everyone(con, audience, others, saved)
    counts = {}
    for number in range(len(others)):
        counts[_other(number)] = _flag(number)
        counts[_both(number)] = f"in_audience AND {_flag(number)}"
    unsafe = _is_unsafe(len(others), smallest)
    telling = audience.profile.filter(pl.col("q_value") < TELLING).head(MOST_LINES)
    cells = audience.profile
    if others:
        tags = {tag: columns[tag] for tag in telling["tag_code"].unique()}
        cells = count_cells(everyone, tags, counts)
    cells = without_small_cells(cells, "base", smallest, ["tag_code"])
    cells = without_small_cells(cells, "audience", smallest, ["tag_code"], unsafe)
    names = ["tag_code", "tag_value"]
    comparable = [
        code for code in saved if _may_compare(everyone, audience, code, counts, unsafe, smallest)
    ]
    shown = replace(
        audience,
        profile=telling.join(cells.select(names), on=names, how="semi", maintain_order="left"),
        overlaps=audience.overlaps.filter(pl.col("audience_code").is_in(comparable)),
    )
    left_out = telling.height - shown.profile.height + len(saved) - len(comparable)
    return shown, left_out


def _may_compare(
    everyone: Everyone,
    audience: Audience,
    code: str,
    counts: Mapping[str, str],
    unsafe: pl.Expr,
    smallest: int,
) -> bool:
    """Whether a saved audience may be counted beside the audience."""
    named = {"audience": "in_audience", "base": "true", **counts}
    of_saved = ", ".join(
        f"count(*) FILTER (WHERE {condition} AND {quote('in:' + code)})"
        for condition in named.values()
    )
    cell = pl.DataFrame([everyone.row(of_saved)], schema=list(named), orient="row")
    both, other = cell.row(0)[:2]
    overlap = Overlap(both, audience.size, other, audience.base)
    if min(both, audience.base - other) < smallest or overlap.tells_of_few(smallest):
        return False
    return not cell.select(unsafe).item()


def _is_unsafe(others: int, smallest: int) -> pl.Expr:
    """Whether a cell, with its counts beside each earlier answer, tells of few customers."""
    audience, base = pl.col("audience"), pl.col("base")
    unsafe = base - audience < smallest
    for number in range(others):
        both, other = pl.col(_both(number)), pl.col(_other(number))
        differ = pl.max_horizontal(audience - both, other - both) < smallest
        agree = pl.max_horizontal(both, base - audience - other + both) < smallest
        # A line that the earlier answer left out is not known.
        known = (other >= smallest) & (base - other >= smallest)
        unsafe = unsafe | ((differ | agree) & known)
    return unsafe


def _everyone(
    con: duckdb.DuckDBPyConnection,
    audience: Audience,
    given: Sequence[Given],
    saved: Mapping[str, Expression] | None = None,
) -> Everyone:
    flags = {_flag(number): each.expression for number, each in enumerate(given)}
    flags |= {quote("in:" + code): each for code, each in (saved or {}).items()}
    sql = "".join(f", coalesce(({each.sql}), false) AS {name}" for name, each in flags.items())
    return everyone_of(con, audience.as_of, audience.expression, sql)


def _flag(number: int) -> str:
    return quote(f"in answer {number}")


def _both(number: int) -> str:
    return f"both with {number}"


def _other(number: int) -> str:
    return f"of {number}"


def _overlaps(everyone: Everyone, given: Sequence[Given]) -> list[tuple[Given, int, int]]:
    """Each earlier answer with its customers who are in the audience too, and all of its own."""
    if not given:
        return []
    counts = ", ".join(
        f"count(*) FILTER (WHERE in_audience AND {_flag(number)}), "
        f"count(*) FILTER (WHERE {_flag(number)})"
        for number in range(len(given))
    )
    found = everyone.row(counts)
    return list(zip(given, found[::2], found[1::2], strict=True))


def _is_same(one: Expression, other: Expression) -> bool:
    """Whether the one asks what the other asks, or for all whom it leaves out."""
    return not _forms(one.tree).isdisjoint(_forms(other.tree))


def _forms(tree: exp.Expr) -> set[str]:
    """The condition and its negation, each in a simple form."""
    negated = exp.not_(exp.paren(tree.copy()))
    return {
        simplify(each, dialect="duckdb").sql(dialect="duckdb") for each in (tree.copy(), negated)
    }
