"""Columns of the usual kinds in short, for contracts that have many of them.

Each takes by name what `Column` takes besides: `unit`, `allowed`, `operation` and so on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portrait_assets.schema.probability import LEAST, MOST
from portrait_assets.schema.table import Column, Type

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE_CURRENCY = "currency of the source"
"""Unit of money that is converted into it."""


def text(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A text."""
    return Column(name, Type.TEXT, en, zh, nullable=nullable, **more)


def number(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A floating-point number."""
    return Column(name, Type.NUMBER, en, zh, nullable=nullable, **more)


def share(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A number from 0 to 1."""
    return number(name, en, zh, nullable=nullable, minimum=0, maximum=1, **more)


def probability(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A probability as `schema.probability.stored` gives it: neither 0 nor 1."""
    return number(name, en, zh, nullable=nullable, minimum=LEAST, maximum=MOST, **more)


def count(name: str, en: str, zh: str, nullable: bool = False, **more: Any) -> Column:
    """A whole number from 0 on."""
    return Column(name, Type.INTEGER, en, zh, nullable=nullable, minimum=0, **more)


def integer(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A whole number."""
    return Column(name, Type.INTEGER, en, zh, nullable=nullable, **more)


def counter(name: str, en: str, zh: str, nullable: bool = False, **more: Any) -> Column:
    """A number from 1 on that takes half the room of an integer."""
    return Column(name, Type.COUNTER, en, zh, nullable=nullable, minimum=1, **more)


def flag(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """True or false."""
    return Column(name, Type.BOOLEAN, en, zh, nullable=nullable, **more)


def day(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """A date."""
    return Column(name, Type.DATE, en, zh, nullable=nullable, **more)


def texts(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """Several texts."""
    return Column(name, Type.TEXTS, en, zh, nullable=nullable, **more)


def money(name: str, en: str, zh: str, nullable: bool = True, **more: Any) -> Column:
    """An amount in the currency of the source."""
    return Column(name, Type.MONEY, en, zh, nullable=nullable, unit=SOURCE_CURRENCY, **more)


def required(kind: Callable[..., Column]) -> Callable[..., Column]:
    """The same kind of column, never null unless it is stated."""

    def column(name: str, en: str, zh: str, nullable: bool = False, **more: Any) -> Column:
        return kind(name, en, zh, nullable, **more)

    return column
