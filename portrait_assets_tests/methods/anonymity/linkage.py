"""A linkage attack: who knows everybody's quasi-identifiers looks for each person in a file.

How a cell covers a value is read off its text here, without the code that writes it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def covers(cell: object, value: object, order: Sequence[str] = (), named: Collection[str] = ()):
    """Whether a cell may be of somebody with this value; `named` are shown in other cells."""
    if cell is None or cell == value:
        return True
    if value is None or not isinstance(cell, str):
        return False
    if isinstance(value, str):
        first, found, last = cell.partition(" to ")
        if found and {first, last, value} <= set(order):
            return order.index(first) <= order.index(value) <= order.index(last)
        return cell == "other" and value not in named
    return _band_covers(cell, float(value))  # type: ignore[arg-type]


def _band_covers(cell: str, number: float) -> bool:
    if cell == "any":
        return True
    if found := re.fullmatch(rf"below ({_NUMBER})", cell):
        return number < float(found[1])
    if found := re.fullmatch(rf"({_NUMBER}) and above", cell):
        return number >= float(found[1])
    if found := re.fullmatch(rf"({_NUMBER}) to below ({_NUMBER})", cell):
        return float(found[1]) <= number < float(found[2])
    if found := re.fullmatch(rf"({_NUMBER}) to ({_NUMBER})", cell):
        return float(found[1]) <= number <= float(found[2])
    return float(cell) == number


@dataclass(frozen=True)
class Attack:
    """How often the attacker names the right row: on average, and of the person found easiest."""

    success: float
    highest: float
    misses: int
    """Persons whose own row does not cover them: a mistake of the file."""


def attack(
    known: pl.DataFrame, file: pl.DataFrame, orders: Mapping[str, Sequence[str]] | None = None
) -> Attack:
    """Look for each person among the rows that cover them, and guess one where they fit best.

    Rows of equal contents are as good as each other. Of the rows that cover a person the attacker
    believes those that state most about them.

    Args:
        known: the exact values of each person.
        file: the row of each person, in the same order, with the same columns.
        orders: the values of ordered categories by column.
    """
    classes = (
        file.with_row_index("person").group_by(file.columns, maintain_order=True).agg("person")
    )
    sizes = classes["person"].list.len().to_list()
    own = dict(
        classes.with_row_index("of_class")
        .explode("person")
        .select("person", "of_class")
        .iter_rows()
    )
    cells = list(classes.select(file.columns).iter_rows())
    named = [frozenset(v for v in file[c].to_list() if isinstance(v, str)) for c in file.columns]
    order = [(orders or {}).get(c, ()) for c in file.columns]
    remembered: dict[tuple[int, object, object], bool] = {}

    def fits(at: int, cell: object, value: object) -> bool:
        key = (at, cell, value)
        if key not in remembered:
            remembered[key] = covers(cell, value, order[at], named[at])
        return remembered[key]

    chances, misses = [], 0
    for person, values in enumerate(known.iter_rows()):
        found = [
            number
            for number, of_class in enumerate(cells)
            if all(fits(at, cell, values[at]) for at, cell in enumerate(of_class))
        ]
        misses += own[person] not in found
        stated = {number: sum(cell is not None for cell in cells[number]) for number in found}
        most = [number for number in found if stated[number] == max(stated.values())]
        rows = sum(sizes[number] for number in most)
        chances.append(Fraction(own[person] in most, rows) if rows else Fraction(0))
    return Attack(float(sum(chances)) / len(chances), float(max(chances)), misses)
