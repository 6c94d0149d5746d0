"""Checks the SQL of targets by DuckDB, on a table without rows: names, types, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import duckdb

from portrait_assets.core.errors import suggestion
from portrait_assets.core.yaml.text import Place
from portrait_assets.schema.table import Type
from portrait_assets.stages.targets.declared.entries import TargetError
from portrait_assets.stages.targets.declared.outcome import Fact, Kind, Outcome
from portrait_assets.storage.duckdb.connection import quote, scratch_database

_UNKNOWN = re.compile(r'Referenced column "(.+?)" (?:was )?not found')
_NUMBERS = re.compile(r"DOUBLE|FLOAT|DECIMAL.*|.*INT(EGER)?")


def check_sql(outcomes: Sequence[Outcome], facts: Sequence[Fact]) -> None:
    """Check that the SQL of the outcomes names what there is, and gives what it is to give.

    Args:
        outcomes: those to check.
        facts: all that their SQL may name.

    Raises:
        TargetError: for the first mistake, naming file, line and remedy.
    """
    with scratch_database(is_sealed=True) as con:
        for outcome in outcomes:
            _check(outcome, _names(outcome, facts), con)


def _names(outcome: Outcome, facts: Sequence[Fact]) -> dict[str, str]:
    """The columns that the SQL may name, and their types."""
    own = {
        Kind.CAMPAIGN: lambda fact: fact.of == "customer_campaign_month",
        Kind.PRODUCT: lambda fact: fact.of == "product",
    }.get(outcome.by or Kind.SOURCE, lambda fact: fact.of != "customer_campaign_month")
    names = {"base_month": str(Type.TEXT), "horizon": str(Type.INTEGER)}
    for fact in filter(own, facts):
        names |= dict.fromkeys(
            (fact.name,) if fact.of == "product" else (fact.name, fact.before),
            str(fact.column.type),
        )
    if outcome.is_of_source:
        names |= dict.fromkeys(("answer", "answer_before"), str(Type.NUMBER))
    if outcome.by is Kind.PRODUCT:
        names["has_before"] = str(Type.BOOLEAN)
    return names


def _texts(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Each SQL with its key in the file and what it has to give."""
    yield "hit", outcome.hit, "a condition that is true or false"
    yield "eligible", outcome.eligible, "a condition that is true or false"
    if outcome.amount is not None:
        yield "amount", outcome.amount, "a number"


def _check(outcome: Outcome, names: dict[str, str], con: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in names.items())
    relation = f"(SELECT {columns})"
    for name, sql in outcome.compared.items():
        names = names | {name: _type(outcome, "compared", sql, relation, names, con)}
    compared = "".join(f", {sql} AS {quote(name)}" for name, sql in outcome.compared.items())
    relation = f"(SELECT *{compared} FROM {relation})"
    for key, sql, wanted in _texts(outcome):
        kind = _type(outcome, key, sql, relation, names, con)
        fits = _NUMBERS.fullmatch(kind) if key == "amount" else kind == "BOOLEAN"
        if not fits:
            raise TargetError(
                f"{_place(outcome, key)}: {key} of target {outcome.code} gives {kind}; write "
                f"{wanted}."
            )


def _type(
    outcome: Outcome,
    key: str,
    sql: str,
    relation: str,
    names: dict[str, str],
    con: duckdb.DuckDBPyConnection,
) -> str:
    """The type that the SQL gives."""
    try:
        statements = con.extract_statements(f"SELECT ({sql}) AS given FROM {relation}")
        if len(statements) != 1:
            raise TargetError(
                f"{_place(outcome, key)}: {key} of target {outcome.code} holds ';'; write one "
                "expression."
            )
        return str(con.sql(f"SELECT ({sql}) AS given FROM {relation}").types[0])
    except duckdb.Error as error:
        raise TargetError(
            f"{_place(outcome, key)}: {key} of target {outcome.code}: {_reason(error, names)}."
        ) from None


def _reason(error: duckdb.Error, names: dict[str, str]) -> str:
    text = str(error).splitlines()[0]
    unknown = _UNKNOWN.search(text)
    if unknown:
        name = unknown[1]
        remedy = suggestion(name, names) or f"; it may name {', '.join(sorted(names))}"
        return f"there is no '{name}' in a window{remedy}"
    return f"DuckDB cannot read it ({text}); correct it there"


def _place(outcome: Outcome, key: str) -> Place | None:
    return outcome.places.get(key)
