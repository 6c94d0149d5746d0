"""A card as SQL, which gives the same points; it is DuckDB's."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.parts import Bin, Characteristic, Kind
from portrait_assets.methods.scorecard.columns import Form


def points_sql(card: Scorecard) -> str:
    """An expression that gives the score of a row of a table with the card's columns."""
    return "\n  + ".join([str(card.base), *(_case(part) for part in card.characteristics)])


def probability_sql(card: Scorecard) -> str:
    """An expression that gives the probability of 1 that the column `score` stands for."""
    scale = card.scale
    return f"1 / (1 + exp((score - {_number(scale.offset)}) / {_number(scale.factor)}))"


def band_sql(card: Scorecard) -> str:
    """An expression that gives the band of the column `score`."""
    *higher, lowest = card.bands
    whens = " ".join(f"WHEN score >= {band.least} THEN {_text(band.name)}" for band in higher)
    return f"CASE {whens} ELSE {_text(lowest.name)} END" if higher else _text(lowest.name)


def scores_sql(card: Scorecard, table: str, keys: Sequence[str] = ()) -> str:
    """A query that gives `score`, `probability` and `band` of each row of a table, in any order.

    Args:
        card: the card.
        table: the table, or a query in parentheses.
        keys: columns of the table that come first, so that it can be joined.
    """
    kept = "".join(f"{_name(key)}, " for key in keys)
    return (
        f"SELECT {kept}score, {probability_sql(card)} AS probability, {band_sql(card)} AS band\n"
        f"FROM (SELECT {kept}{points_sql(card)} AS score\nFROM {table})"
    )


def _case(part: Characteristic) -> str:
    """Missing first, then codes and levels, and intervals from the lowest on."""
    column = _value(part)
    order = [Kind.MISSING, Kind.CODE, Kind.LEVELS, Kind.INTERVAL, Kind.OTHER]
    bins = sorted(part.bins, key=lambda each: order.index(each.kind))
    whens = [f"WHEN {_condition(each, column, part.form)} THEN {each.points}" for each in bins[:-1]]
    return f"CASE {' '.join(whens)} ELSE {bins[-1].points} END"


def _value(part: Characteristic) -> str:
    name = _name(part.feature)
    if part.form is Form.TEXT:
        return f"CAST({name} AS VARCHAR)"
    if part.form is Form.DATE:
        return f"floor(epoch({name}) / 86400)"
    return f"CAST({name} AS DOUBLE)"


def _condition(each: Bin, column: str, form: Form) -> str:
    if each.kind is Kind.MISSING:
        nothing = f"trim({column}) = ''" if form is Form.TEXT else f"isnan({column})"
        return f"{column} IS NULL OR {nothing}"
    if each.kind is Kind.LEVELS:
        return f"{column} IN ({', '.join(_text(level) for level in each.levels)})"
    end = each.low if each.kind is Kind.CODE else each.high
    return f"{column} {'=' if each.kind is Kind.CODE else '<='} {_number(end or 0.0)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _number(value: float) -> str:
    # With an exponent it is a DOUBLE; without one DuckDB takes it for a DECIMAL and rounds it.
    written = repr(float(value))
    return written if "e" in written else f"{written}e0"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
