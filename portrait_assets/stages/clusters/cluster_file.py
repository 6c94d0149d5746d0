"""Segments for any table in a file: the function behind ``portrait cluster``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.errors import listed, suggestion
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.typing.identifying import identifies_rows
from portrait_assets.storage.files.reading import read_table
from portrait_assets.storage.files.writing import check_targets, write_table


class ClusterFileError(ClusterError):
    """A request to ``cluster_file`` that cannot be met; the message is one sentence."""


class ClusterFileSummary(NamedTuple):
    """What was found: rows, segments, their shares, the choice and its reason.

    `not_used` are columns that number the rows.
    """

    rows: int
    segments: int
    shares: tuple[float, ...]
    algorithm: str
    reason: str
    supported: bool
    candidates: pl.DataFrame
    not_used: tuple[str, ...] = ()


def cluster_file(
    path: str | Path,
    out: str | Path,
    segments: int | None = None,
    seed: int = 0,
    leave_out: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> ClusterFileSummary:
    """Read a table in a file, write one integer column ``segment`` per row, in order.

    Segments are numbered from 1, the largest first. Without ``segments`` their number is chosen,
    and may be one. Columns in ``leave_out`` are not looked at, nor those that number the rows
    unless they are in ``keep``. Raises ``TableFileError`` for a file that cannot be read or
    written, and :class:`ClusterFileError` for a column or a number that can't be used.
    """
    file, to = Path(path), Path(out)
    check_targets(file, to)
    table = read_table(file)
    for name in (*leave_out, *keep):
        if name not in table.columns:
            near = suggestion(name, table.columns)
            has = "" if near else f"; it has {listed(table.columns)}"
            raise ClusterFileError(f"the table has no column {name}{near}{has}")
    if table.width and not set(table.columns) - set(leave_out):
        raise ClusterFileError("all columns are left out (--leave-out), so nothing is left to use")
    table = table.drop(leave_out)
    numbering = (each.name for each in table if identifies_rows(each) and each.name not in keep)
    not_used = tuple(numbering)
    if not_used and len(not_used) == table.width:
        raise ClusterFileError(
            f"nothing is left to cluster by: {listed(not_used)} only number the rows; name what "
            "says something of them with --keep"
        )
    labels, summary = cluster_table(table.drop(not_used), segments=segments, seed=seed)
    write_table(pl.DataFrame({"segment": labels}), to)
    return summary._replace(not_used=not_used)


def cluster_table(
    table: pl.DataFrame, *, segments: int | None = None, seed: int = 0
) -> tuple[pl.Series, ClusterFileSummary]:
    """Segment of every row of a table, in order, as Int64; and the summary.

    A table of numbers only is read as coordinates of one space (proportions are kept when the
    spreads are alike); a mixed table is read as features of different units.
    """
    _check(table, segments)
    plain = _plain_columns(table)
    numbers_only = all(dtype.is_numeric() for dtype in plain.dtypes)
    ordered = _in_value_order(plain)
    uses = [FeatureUse(name, "table") for name in plain.columns]
    model = fit_model(
        ordered,
        uses,
        segments=segments,
        seed=seed,
        geometry="coordinates" if numbers_only else "features",
    )
    found = assign(model, ordered)["segment_id"]
    labels, shares = _by_size(found)
    summary = ClusterFileSummary(
        rows=table.height,
        segments=len(shares),
        shares=shares,
        algorithm=model.algorithm,
        reason=model.reason,
        supported=model.supported,
        candidates=model.candidates,
    )
    return labels, summary


def _check(table: pl.DataFrame, segments: int | None) -> None:
    if table.width == 0:
        raise ClusterFileError("the table has no column, so there is nothing to cluster")
    if table.height == 0:
        raise ClusterFileError("the table has no row, so there is nothing to cluster")
    if segments is not None and segments < 1:
        raise ClusterFileError(f"the number of segments must be at least 1, not {segments}")
    if segments is not None and segments > table.height:
        raise ClusterFileError(
            f"{segments} segments were asked for, but the table has only {table.height} row"
            f"{'s' if table.height > 1 else ''}"
        )


def _plain_columns(table: pl.DataFrame) -> pl.DataFrame:
    """Columns as numbers or text: dates as days, moments as time units, nested values left out."""
    columns: list[pl.Series] = []
    for column in table.iter_columns():
        name = f"c{len(columns)}_{column.name}"
        if column.dtype.is_temporal():
            columns.append(column.cast(pl.Int64, strict=False).cast(pl.Float64).alias(name))
        elif column.dtype.is_numeric():
            columns.append(column.cast(pl.Float64).alias(name))
        elif column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
            continue
        else:
            columns.append(column.cast(pl.String).alias(name))
    if not columns:
        raise ClusterFileError("the table has no column of numbers or text to cluster by")
    return pl.DataFrame(columns)


def _in_value_order(table: pl.DataFrame) -> pl.DataFrame:
    """The table with ``customer_id`` numbering the rows by their values.

    Sampling goes by this order, so that the order of the file's rows does not matter.
    """
    order = table.select(pl.arg_sort_by(table.columns)).to_series().to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return table.with_columns(customer_id=pl.Series(rank))


def _by_size(found: pl.Series) -> tuple[pl.Series, tuple[float, ...]]:
    """Segments renumbered 1, 2, ... by their share of all rows, and the shares."""
    ids, counts = np.unique(found.to_numpy(), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    new = {int(ids[at]): rank + 1 for rank, at in enumerate(order)}
    labels = found.replace_strict(new, return_dtype=pl.Int64).rename("segment")
    shares = tuple(round(float(c) / len(found), 6) for c in counts[order])
    return labels, shares
