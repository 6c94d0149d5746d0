"""Drift (漂移): features, tags and the segment mix against the month before and a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import last_day, month_range
from portrait_assets.methods.statistics.distributions.binning import (
    Counts,
    counts_between,
    percentile_edges,
    tenth_of_each,
)
from portrait_assets.methods.statistics.distributions.distances import distances
from portrait_assets.methods.statistics.distributions.stability import MODERATE_SHIFT, STRONG_SHIFT
from portrait_assets.schema.table import POLARS_TYPES, Table, Type
from portrait_assets.stages.validation.contract import DRIFT, Verdict
from portrait_assets.stages.validation.drift.moves import (
    MISSING,
    NOTHING,
    LeftOut,
    Pair,
    level_moves,
    numeric_moves,
    pairs_of,
    read_month,
)
from portrait_assets.stages.validation.drift.unfilled import filled_columns, unfilled_counts
from portrait_assets.stages.validation.findings.finding import when
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.store import Warehouse

FALSE_ALARMS = 0.05
LEVELS = 20  # The values of a text that are most frequent in the month compared with.
_NUMERIC = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY})
_KEYS = ["as_of", "against", "kind", "subject"]
_FAMILY = ["as_of", "against", "is_new"]
_COUNTS = [*_KEYS, "is_new", "bin", "fine", "now", "then"]


@dataclass(frozen=True)
class ComparedColumns:
    """Columns of an as-of table whose distributions are compared, and under which kind.

    `windows` are the months that a column looks back, 0 for none, `ENDLESS` for one that grows with
    time. Numbers that only name something, such as segments, are compared `by_value`.
    """

    table: Table
    kind: str
    columns: tuple[str, ...]
    windows: Mapping[str, int]
    by_value: bool = False


ReadMonth = Callable[[str], tuple[pl.DataFrame, pl.DataFrame]]
"""Gives the columns of all customers of a month, and those of a sample with `customer_id`."""


def drift(
    warehouse: Warehouse,
    compared: Iterable[ComparedColumns],
    months: Sequence[str],
    materialized: Sequence[str],
    left_out: LeftOut = NOTHING,
) -> pl.DataFrame:
    """The drift of these months, with the columns of DRIFT.

    Args:
        warehouse: of which the compared tables are read.
        compared: the columns of each table.
        months: the months to judge; one without an earlier one has no row.
        materialized: all months that the tables have, in order.
        left_out: those of them that say nothing of later ones (`left_out_of`).
    """
    pairs = pairs_of(months, materialized, left_out)
    parts, moves = [], []
    windows: dict[tuple[str, str], int] = {}
    for group in compared:
        scaled = frozenset() if group.by_value else _NUMERIC
        numeric = [n for n in group.columns if group.table.column(n).type in scaled]
        listed = [n for n in group.columns if n not in numeric and not _is_time(group.table, n)]
        windows |= {(group.kind, name): group.windows.get(name, 0) for name in group.columns}
        if not pairs:
            continue
        filled, customers = filled_columns(warehouse, group.table, [*numeric, *listed], pairs)
        for names, is_new in ((numeric, True), (listed, False)):
            unfilled = [name for name in names if name not in filled]
            same = unfilled_counts(unfilled, pairs, customers)
            kind, new = pl.lit(group.kind).alias("kind"), pl.lit(is_new).alias("is_new")
            parts.append(same.with_columns(kind, new).select(_COUNTS))
        numeric, listed = ([n for n in names if n in filled] for names in (numeric, listed))
        if numeric:
            columns = ", ".join(f"{quote(name)}::DOUBLE AS {quote(name)}" for name in numeric)
            of_month = partial(read_month, warehouse, group.table, columns, pairs)
            counts, moved = numeric_counts(of_month, group.kind, numeric, pairs)
            parts.append(counts)
            moves.append(moved)
        at_once = warehouse.bounds.columns_of(
            max(warehouse.materialized(group.table).values(), default=0)
        )
        for start in range(0, len(listed), at_once):
            batch = listed[start : start + at_once]
            counts, moved = _level_counts(warehouse, group, batch, pairs)
            parts.append(counts)
            moves.append(moved)
    if not parts:
        return DRIFT.empty()
    measured = distances(
        pl.concat(parts),
        [*_KEYS, "is_new"],
        _FAMILY,
        pl.concat(moves, how="diagonal") if moves else None,
    )
    return verdicts_of(measured, pairs, windows, materialized, left_out)


def _is_time(table: Table, name: str) -> bool:
    return table.column(name).type in (Type.DATE, Type.TIMESTAMP)


# -- counting ------------------------------------------------------------------------------


def numeric_counts(
    of_month: ReadMonth, kind: str, names: Sequence[str], pairs: Sequence[Pair]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers by percentile of the month compared with, and how they move between the bins.

    Those without a value are one bin. Each month is read once and each column sorted once: the
    counts below an edge are then looked up, however many customers there are.
    """
    edges: dict[tuple[str, str], Floats] = {}
    counted: dict[tuple[str, str, str], Counts] = {}
    references = {pair.reference for pair in pairs}
    samples: dict[str, pl.DataFrame] = {}
    # A month compared with is earlier, so that its edges have been computed by then.
    for month in sorted({pair.month for pair in pairs} | references):
        frame, samples[month] = of_month(month)
        compared_with = {pair.reference for pair in pairs if pair.month == month}
        compared_with |= {month} & references
        for name in names:
            values = np.sort(frame[name].drop_nulls().to_numpy())
            if month in references:
                edges[month, name] = percentile_edges(values)
            for reference in compared_with:
                steps = counts_between(values, edges[reference, name])
                counted[month, reference, name] = np.append(steps, frame.height - len(values))
    named = pl.lit(kind).alias("kind")
    return (
        _binned(pairs, names, edges, counted).with_columns(named)[_COUNTS],
        numeric_moves(samples, pairs, names, edges, counted).with_columns(named),
    )


def _binned(
    pairs: Sequence[Pair],
    names: Sequence[str],
    edges: Mapping[tuple[str, str], Floats],
    counted: Mapping[tuple[str, str, str], Counts],
) -> pl.DataFrame:
    """Customers of both months between the edges: `fine` for KS, put into tenths for PSI.

    Of a column that is new, without a value in the month compared with, the bins are missing and
    present. Such columns are a family of tests of their own: where a source begins to provide a
    table they differ for certain, which would loosen the false discovery rate of all others.
    """
    columns = [(pair, name) for pair in pairs for name in names]
    now = [counted[pair.month, pair.reference, name] for pair, name in columns]
    then = [counted[pair.reference, pair.reference, name] for pair, name in columns]
    sizes = [len(counts) for counts in now]
    tenths, fine, new = [], [], []
    for counts in then:
        new.append(not counts[:-1].any())
        tenths.append(np.append(tenth_of_each(counts[:-1]), -1))
        fine.append(np.append(np.arange(len(counts) - 1, dtype=np.float64), np.nan))
    days = np.array([last_day(pair.month) for pair, _ in columns], dtype="datetime64[D]")
    # One frame for all: a frame for each column and month would take most of the time.
    return pl.DataFrame(
        {
            "as_of": np.repeat(days, sizes),
            "against": np.repeat([str(pair.against) for pair, _ in columns], sizes),
            "subject": np.repeat([name for _, name in columns], sizes),
            "is_new": np.repeat(new, sizes),
            "tenth": np.concatenate(tenths),
            "fine": np.concatenate(fine),
            "now": np.concatenate(now),
            "then": np.concatenate(then),
        },
        schema_overrides={"as_of": pl.Date},
    ).with_columns(
        pl.col("fine").fill_nan(None),
        pl.when(pl.col("tenth") < 0)
        .then(pl.lit(MISSING))
        .otherwise(pl.col("tenth").cast(pl.String))
        .alias("bin"),
    )


def _level_counts(
    warehouse: Warehouse, group: ComparedColumns, names: Sequence[str], pairs: Sequence[Pair]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers by value, the rarer ones of the month compared with together, and their moves."""
    wanted = sorted({month for pair in pairs for month in (pair.month, pair.reference)})
    columns = ", ".join(f"{_level(group.table, name)} AS {quote(name)}" for name in names)
    samples: dict[str, pl.DataFrame] = {}
    counts = []
    for month in wanted:
        frame, samples[month] = read_month(warehouse, group.table, columns, pairs, month)
        counts += [_by_level(frame[name], month) for name in names]
    counted = pl.concat(counts)
    compared = pl.DataFrame(
        [(last_day(p.month), last_day(p.reference), str(p.against)) for p in pairs],
        schema={"as_of": pl.Date, "reference": pl.Date, "against": pl.String},
        orient="row",
    )
    now = compared.join(counted, on="as_of").select(
        "as_of", "against", "subject", "level", pl.col("n").alias("now")
    )
    then = compared.join(counted, left_on="reference", right_on="as_of").select(
        "as_of", "against", "subject", "level", pl.col("n").alias("then")
    )
    keys = ["as_of", "against", "subject", "level"]
    both = now.join(then, on=keys, how="full", coalesce=True, nulls_equal=True).with_columns(
        pl.col("now", "then").fill_null(0)
    )
    place = (
        pl.struct(-pl.col("then"), -pl.col("now"), "level")
        .rank("ordinal")
        .over("as_of", "against", "subject")
    )
    level = pl.format("={}", pl.col("level"))  # A value may be called 'missing' or 'others'.
    binned = both.with_columns(
        pl.lit(group.kind).alias("kind"),
        pl.when(pl.col("level").is_null())
        .then(pl.lit(MISSING))
        .when(place > LEVELS)
        .then(pl.lit("others"))
        .otherwise(level)
        .alias("bin"),
        pl.lit(None, dtype=pl.Float64).alias("fine"),
        pl.lit(False).alias("is_new"),
    )
    moves = level_moves(samples, pairs, names, binned).with_columns(
        pl.lit(group.kind).alias("kind"), pl.lit(False).alias("is_new")
    )
    return binned.select(_COUNTS), moves


def _level(table: Table, name: str) -> str:
    if table.column(name).type is Type.TEXTS:
        return f"nullif(array_to_string(list_sort({quote(name)}), ' + '), '')"
    return f"{quote(name)}::VARCHAR"


def _by_level(values: pl.Series, month: str) -> pl.DataFrame:
    """Customers of the month by value of the column, which null is too."""
    return (
        values.alias("level")
        .value_counts(name="n")
        .select(
            pl.lit(last_day(month)).alias("as_of"),
            pl.lit(values.name).alias("subject"),
            "level",
            pl.col("n").cast(pl.Int64),
        )
    )


# -- judging -------------------------------------------------------------------------------


def verdicts_of(
    measured: pl.DataFrame,
    pairs: Sequence[Pair],
    windows: Mapping[tuple[str, str], int],
    materialized: Sequence[str],
    left_out: LeftOut = NOTHING,
) -> pl.DataFrame:
    """The rows of DRIFT: what `distances` measured, with a verdict.

    Args:
        measured: by `as_of`, `against`, `kind` and `subject`.
        pairs: the months compared.
        windows: the months that a subject looks back, by kind and subject.
        materialized: all months that there are.
        left_out: those of them that say nothing of later ones.
    """
    reference = pl.DataFrame(
        [
            (
                last_day(p.month),
                str(p.against),
                last_day(p.reference),
                len(month_range(left_out.beginning(p.reference, materialized), p.reference)),
            )
            for p in pairs
        ],
        schema={
            "as_of": pl.Date,
            "against": pl.String,
            "reference_as_of": pl.Date,
            "history": pl.Int64,
        },
        orient="row",
    )
    window = pl.DataFrame(
        [(*key, months) for key, months in windows.items()],
        schema={"kind": pl.String, "subject": pl.String, "window": pl.Int64},
        orient="row",
    )
    beyond_chance = (pl.col("psi") > pl.col("psi_p95")) & (pl.col("q_value") <= FALSE_ALARMS)
    moved = beyond_chance & (pl.col("psi") >= MODERATE_SHIFT)
    return (
        measured.join(reference, on=["as_of", "against"])
        .join(window, on=["kind", "subject"])
        .with_columns((pl.col("window") > pl.col("history")).alias("is_filling"))
        .with_columns(
            when(
                (pl.col("psi").is_null() & (pl.col("bins") != 1), Verdict.NOT_JUDGED),
                (moved & pl.col("is_filling"), Verdict.NOT_JUDGED),
                (moved & (pl.col("psi") >= STRONG_SHIFT), Verdict.FAIL),
                (moved, Verdict.WARN),
                otherwise=Verdict.PASS,
            ).alias("verdict")
        )
        .select(DRIFT.column_names)
        .cast({name: POLARS_TYPES[DRIFT.column(name).type] for name in ("customers", "bins")})
    )
