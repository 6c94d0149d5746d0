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
