"""Text in one way of writing, and the forms that text may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Form:
    """A form of text: `write` gives a value's one way of writing, `valid` says if it is right.

    `rule` is what a value that is not valid has broken; `valid` looks at written values.
    """

    write: Callable[[pl.Expr], pl.Expr]
    valid: Callable[[pl.Expr], pl.Expr] | None = None
    rule: str = ""


def as_text(name: str) -> pl.Expr:
    """The column as trimmed text, null where nothing is left."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text.str.len_bytes() > 0).then(text)


def half_width(text: pl.Expr) -> pl.Expr:
    """Full-width letters, digits and signs as the ordinary ones (Unicode NFKC), trimmed."""
    return text.str.normalize("NFKC").str.strip_chars()


def marks_exchanged(number: pl.Expr) -> pl.Expr:
    """Numbers with commas for points and points for commas."""
    return number.str.replace_many([",", "."], [".", ","])


def with_decimal_point(number: pl.Expr) -> pl.Expr:
    """Numbers such as 1.234,56 or 1 234,56 as 1,234.56; full-width signs as the ordinary ones."""
    text = marks_exchanged(half_width(number))
    # A match takes the digits that the next one would begin with, so one pass leaves every other.
    for _ in range(2):
        text = text.str.replace_all(r"(\d)\s(\d{3})", "${1},${2}")
    return text
