"""Text in one way of writing, and the forms that text may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

DATE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y年%m月%d日",
    "%Y.%m.%d",
)
"""The forms in which text may state a date."""
EXCEL_EPOCH = "1899-12-30"
"""Excel counts days from here, with a leap day in 1900 that there was not."""


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
