"""Which months are compared, and how their customers moved between the bins of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.statistics.distributions.binning import (
    TENTHS,
    Codes,
    Counts,
    tenth_of_each,
)
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.validation.contract import Against
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

YEAR = 12
ENDLESS = 12_000
"""Months of a window that is never full: what grows with time moves for ever."""
SAMPLE = 20_000
"""Customers of a month whose moves are followed: enough for the variance of any difference."""
MISSING = "missing"
"""The bin of the customers without a value."""
_ABSENT = TENTHS + 1  # After the tenths, and the bin of those without a value.
_KEYS = ["as_of", "against", "subject"]


@dataclass(frozen=True)
class Pair:
    """A month and the month that it is compared with."""

    month: str
    reference: str
    against: Against


class LeftOut(NamedTuple):
    """The months at the beginning that say nothing of later ones.

    With those `before` the first purchase only each other are compared, and with the `first` of
    purchases none, where it is given.
    """

    before: frozenset[str] = frozenset()
    first: str | None = None

    def allows(self, month: str, reference: str) -> bool:
        """Whether the month may be compared with the earlier one."""
        return reference != self.first and (reference not in self.before or month in self.before)

    def beginning(self, reference: str, materialized: Sequence[str]) -> str:
        """The month from which the windows of an earlier one fill: once bought, of purchases."""
        return min(
            each for each in materialized if reference in self.before or each not in self.before
        )


NOTHING = LeftOut()


def pairs_of(
    months: Sequence[str], materialized: Sequence[str], left_out: LeftOut = NOTHING
) -> list[Pair]:
    """Each month with the one before and with its baseline, where those are materialized.

    The baseline is the same month a year before, so that seasons are no drift; in a shorter
    history it is the first month. With what is left out nothing is compared.
    """
    pairs = []
    for month in months:
        earlier = [other for other in materialized if other < month]
        earlier = [other for other in earlier if left_out.allows(month, other)]
        if not earlier:
            continue
        before, year_ago = next_month(month, -1), next_month(month, -YEAR)
        if before in earlier:
            pairs.append(Pair(month, before, Against.MONTH_BEFORE))
        baseline = year_ago if year_ago in earlier else earlier[0]
        pairs.append(Pair(month, baseline, Against.BASELINE))
    return pairs


def left_out_of(warehouse: Warehouse, materialized: Sequence[str]) -> LeftOut:
    """The months before the first purchase, and its own where all are known by what they did in it.

    Before it nobody can have spent or lapsed. In it everyone is active who is known for no other
    reason, but for the few who only gave something back, and in no later month is everyone,
    whatever customers do.
    """
    first = warehouse.select(
        f"SELECT min(month) FROM {CUSTOMER_MONTH.full_name} WHERE purchases > 0"
    ).item()
    if first is None or not materialized:
        return NOTHING
    known_otherwise = warehouse.select(
        f"SELECT count(*) FROM {FEATURE_MATRIX.full_name} WHERE as_of = {literal(last_day(first))} "
        f"AND customer_id NOT IN (SELECT customer_id FROM {CUSTOMER_MONTH.full_name} "
        f"WHERE month = {literal(first)} AND lines > 0)"
    ).item()
    before = frozenset(month for month in materialized if month < first)
    return LeftOut(before, None if known_otherwise else first)


# Not DuckDB's own hash, which may differ between versions.
LOT = "md5_number_lower(customer_id)"
"""SQL of the number by which customers are drawn, the same in all months."""


def drawn_one_in(warehouse: Warehouse, table: Table, pairs: Sequence[Pair]) -> int:
    """Of how many customers one is followed, in all months that are compared."""
    materialized = warehouse.materialized(table)
    months = {month for pair in pairs for month in (pair.month, pair.reference)}
    return max(1, -(-max(materialized.get(each, 0) for each in months) // SAMPLE))


def read_month(
    warehouse: Warehouse, table: Table, columns: str, pairs: Sequence[Pair], month: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """These columns (SQL) of all customers of a month, and of a sample with `customer_id`."""
    one_in = drawn_one_in(warehouse, table, pairs)
    drawn = f"{LOT} % {one_in} = 0" if one_in > 1 else "true"
    rows = warehouse.select(
        f"SELECT CASE WHEN {drawn} THEN customer_id END AS customer_id, {columns} "
        f"FROM {table.full_name} WHERE as_of = {literal(last_day(month))}"
    )
    return rows.drop("customer_id"), rows.filter(pl.col("customer_id").is_not_null())


def numeric_moves(
    samples: Mapping[str, pl.DataFrame],
    pairs: Sequence[Pair],
    names: Sequence[str],
    edges: Mapping[tuple[str, str], Floats],
    counted: Mapping[tuple[str, str, str], Counts],
) -> pl.DataFrame:
    """Customers by tenth then and now, each null where they are not in that month.

    Args:
        samples: by month, as `read_month` gives them.
        pairs: the months compared.
        names: the columns.
        edges: of the bins by month compared with and column.
        counted: customers by bin, by month, month compared with and column; those without a value
            are the last.
    """
    parts = []
    for pair in pairs:
        then, now = samples[pair.reference], samples[pair.month]
        at_then, at_now = _places(then, now)
        for name in names:
            reached = counted[pair.reference, pair.reference, name]
            tenths = np.append(tenth_of_each(reached[:-1]), TENTHS)
            bins = [
                np.append(_bins(frame[name], edges[pair.reference, name], tenths), _ABSENT)
                for frame in (then, now)
            ]
            code = bins[0][at_then] * (_ABSENT + 1) + bins[1][at_now]
            moves = np.bincount(code, minlength=(_ABSENT + 1) ** 2)
            parts.append((pair, name, not reached[:-1].any(), moves))
    codes = np.concatenate([np.flatnonzero(moves) for *_, moves in parts])
    sizes = [int((moves > 0).sum()) for *_, moves in parts]
    days = np.array([last_day(pair.month) for pair, *_ in parts], dtype="datetime64[D]")
    label = [*(str(tenth) for tenth in range(TENTHS)), MISSING, None]
    by_code = dict(enumerate(label))
    return pl.DataFrame(
        {
            "as_of": np.repeat(days, sizes),
            "against": np.repeat([str(pair.against) for pair, *_ in parts], sizes),
            "subject": np.repeat([name for _, name, *_ in parts], sizes),
            "is_new": np.repeat([is_new for *_, is_new, _ in parts], sizes),
            "bin_then": codes // (_ABSENT + 1),
            "bin_now": codes % (_ABSENT + 1),
            "customers": np.concatenate([moves[moves > 0] for *_, moves in parts]),
        },
        schema_overrides={"as_of": pl.Date},
    ).with_columns(pl.col("bin_then", "bin_now").replace_strict(by_code, return_dtype=pl.String))


def _bins(values: pl.Series, edges: Floats, tenths: Codes) -> Codes:
    """The tenth of each value, TENTHS where there is none; a value on an edge lies below it."""
    found = values.to_numpy()
    place = np.searchsorted(edges, found, side="left")
    return tenths[np.where(np.isnan(found), len(tenths) - 1, place)]


def _places(then: pl.DataFrame, now: pl.DataFrame) -> tuple[npt.NDArray[np.int64], ...]:
    """Where the customers of either month stand in each, the end (-1) where they do not."""
    indexed = (
        frame.select("customer_id").with_row_index(name)
        for name, frame in (("then", then), ("now", now))
    )
    joined = next(indexed).join(next(indexed), on="customer_id", how="full", coalesce=True)
    places = joined.select(pl.col("then", "now").cast(pl.Int64).fill_null(-1))
    return places["then"].to_numpy(), places["now"].to_numpy()


def level_moves(
    samples: Mapping[str, pl.DataFrame],
    pairs: Sequence[Pair],
    names: Sequence[str],
    binned: pl.DataFrame,
) -> pl.DataFrame:
    """Customers by bin of their value then and now, each null where they are not in that month.

    Args:
        samples: by month, as `read_month` gives them, of text.
        pairs: the months compared.
        names: the columns.
        binned: `as_of`, `against`, `subject`, `level` and the `bin` that it is in.
    """
    bins = binned.select(*_KEYS, "level", "bin")
    moves = _moves_by_level(samples, pairs, names)
    for side in ("then", "now"):
        labels = bins.rename({"level": side, "bin": f"bin_{side}"})
        moves = moves.join(labels, on=[*_KEYS, side], how="left", nulls_equal=True).with_columns(
            pl.when(f"is_there_{side}").then(f"bin_{side}").alias(f"bin_{side}")
        )
    return moves.group_by(*_KEYS, "bin_then", "bin_now").agg(pl.col("customers").sum())


def _moves_by_level(
    samples: Mapping[str, pl.DataFrame], pairs: Sequence[Pair], names: Sequence[str]
) -> pl.DataFrame:
    """Customers by value `then` and `now`, and whether they are there in the month of either.

    Counted as numbers: a frame grouped for each pair and column would take most of the time.
    """
    levels: dict[str, pl.Series] = {}
    codes: dict[tuple[str, str], Codes] = {}
    for name in names:
        known = pl.concat([frame[name] for frame in samples.values()]).drop_nulls().unique().sort()
        levels[name] = known
        for month, frame in samples.items():
            place = frame[name].cast(pl.Enum(known)).to_physical().cast(pl.Int64)
            codes[month, name] = np.append(place.fill_null(known.len()), known.len() + 1)
    parts = []
    for pair in pairs:
        at_then, at_now = _places(samples[pair.reference], samples[pair.month])
        for name in names:
            width = levels[name].len() + 2
            both = codes[pair.reference, name][at_then] * width + codes[pair.month, name][at_now]
            parts.append((pair, name, width, *np.unique(both, return_counts=True)))
    compared, subjects, widths, found, customers = zip(*parts, strict=True)
    sizes = [len(each) for each in found]
    days = np.array([last_day(pair.month) for pair in compared], dtype="datetime64[D]")
    absent = np.repeat(widths, sizes) - 1
    then, now = np.divmod(np.concatenate(found), absent + 1)
    moves = pl.DataFrame(
        {
            "as_of": np.repeat(days, sizes),
            "against": np.repeat([str(pair.against) for pair in compared], sizes),
            "subject": np.repeat(subjects, sizes),
            "code_then": then,
            "code_now": now,
            "is_there_then": then < absent,
            "is_there_now": now < absent,
            "customers": np.concatenate(customers),
        },
        schema_overrides={"as_of": pl.Date, "customers": pl.Int64},
    )
    named = pl.concat(
        known.alias("level")
        .to_frame()
        .with_row_index("code")
        .with_columns(pl.col("code").cast(pl.Int64), pl.lit(name).alias("subject"))
        for name, known in levels.items()
    )
    for side in ("then", "now"):
        of_side = named.rename({"code": f"code_{side}", "level": side})
        moves = moves.join(of_side, on=["subject", f"code_{side}"], how="left")
    return moves
