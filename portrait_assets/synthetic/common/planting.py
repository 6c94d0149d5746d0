"""Planting bad values in a frame, and keeping account of every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.synthetic.common.randomness import Draws
from portrait_assets.synthetic.common.truth import Planted


@dataclass(frozen=True)
class Rule:
    """Replace a column's value by an expression in a share of the rows that have a value."""

    column: str
    kind: str
    share: float
    bad: pl.Expr
    among: pl.Expr | None = None


def plant(
    frame: pl.DataFrame, draws: Draws, rules: Sequence[Rule]
) -> tuple[pl.DataFrame, list[Planted]]:
    """The frame with bad values, and what was planted; a value is spoilt at most once."""
    planted: list[Planted] = []
    spoilt: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    clean = frame
    for rule in rules:
        taken = spoilt.setdefault(rule.column, np.zeros(len(frame), dtype=np.bool_))
        chosen = draws.chance(f"{rule.column} {rule.kind}", rule.share) & ~taken
        chosen &= clean[rule.column].is_not_null().to_numpy()
        if rule.among is not None:
            chosen &= clean.select(rule.among.fill_null(False)).to_series().to_numpy()
        taken |= chosen
        rows = np.flatnonzero(chosen)
        if not len(rows):
            continue
        mask = pl.Series(chosen)
        frame = frame.with_columns(
            pl.when(mask).then(rule.bad).otherwise(pl.col(rule.column)).alias(rule.column)
        )
        true = clean[rule.column].filter(mask).cast(pl.String).to_list()
        planted.append(Planted(rule.column, rule.kind, rows, true))
    return frame, planted
