"""By what customers are counted: twentieths of a number, and the frequent values of a text.

Where a bucket begins is found from one column at a time, and looked up for each customer: ranks of
all columns at once would hold every row of the matrix in memory for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portrait_assets.schema.table import Table, Type
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.steps import Grain, Scope, Source, Step

BINS = 20  # Of a predicted number; ties within one blur an area under the curve by about 0.002.
LEAST_LEVEL = 0.02  # Of the customers with a value; rarer values are counted together.
OTHERS = "(others)"
_AT_ONCE = 8  # Columns whose ranks are in memory together.


@dataclass(frozen=True)
class Bucketed:
    """A value by which customers are counted, as SQL over the rows that have it."""

    value: str
    is_number: bool

    def bounds(self, name: str, rows: str) -> str:
        """The SELECT of `base_month` and, under the name, where its buckets begin."""
        values = f"SELECT base_month, {self.value} AS value FROM {rows}"
        if not self.is_number:
            return (
                f"SELECT base_month, list(value) AS {quote(name)} FROM (SELECT base_month, value, "
                f"count(*) AS customers FROM ({values}) WHERE value IS NOT NULL "
                "GROUP BY base_month, value "
                "QUALIFY customers / sum(customers) OVER (PARTITION BY base_month) "
                f">= {LEAST_LEVEL}) GROUP BY base_month"
            )
        rank = "percent_rank() OVER (PARTITION BY base_month ORDER BY value)"
        return (
            "SELECT base_month, struct_pack(edges := list(edge ORDER BY bin), "
            f"bins := list(bin ORDER BY bin)) AS {quote(name)} FROM (SELECT base_month, bin, "
            f"min(value) AS edge FROM (SELECT base_month, value, least(floor({rank} * {BINS}), "
            f"{BINS - 1}) AS bin FROM ({values}) WHERE value IS NOT NULL) GROUP BY ALL) "
            "GROUP BY base_month"
        )

    def of_row(self, bounds: str) -> str:
        """The bucket of a row beside the bounds of its month; null of a null."""
        if self.is_number:
            place = f"len(list_filter({bounds}.edges, lambda edge: edge <= {self.value}))"
            return f"CASE WHEN {self.value} IS NOT NULL THEN {bounds}.bins[{place}] END"
        return (
            f"CASE WHEN {self.value} IS NULL THEN NULL WHEN list_contains({bounds}, {self.value}) "
            f"THEN {self.value} ELSE {literal(OTHERS)} END"
        )


def number(value: str) -> Bucketed:
    """BINS bins by the share of those with a value who have a lower one."""
    return Bucketed(value, is_number=True)


def level(matrix: Table, tag: str) -> Bucketed:
    """The value where it is of so many customers, and OTHERS."""
    value = quote(tag)
    if matrix.column(tag).type is Type.TEXTS:
        value = f"nullif(array_to_string(list_sort({value}), ' + '), '')"
    return Bucketed(value, is_number=False)


def bounds_of(
    buckets: Mapping[str, Bucketed], reads: Sequence[Source], rows: Callable[[Scope], str]
) -> Step:
    """Where the buckets begin: a row for each base month, a column for each of `buckets`.

    Args:
        buckets: at least one, by name.
        reads: what `rows` reads.
        rows: gives the SQL of `base_month` and all that the values are computed from.
    """

    def part(number: int, names: Sequence[str]) -> Step:
        return Step(
            f"bounds_{number}",
            tuple(reads),
            lambda scope: _beside(
                [buckets[name].bounds(name, f"({rows(scope)})") for name in names], names
            ),
            grain=Grain.ALL,
        )

    numbered = range(0, len(buckets), _AT_ONCE)
    parts = tuple(part(n, list(buckets)[n : n + _AT_ONCE]) for n in numbered)
    return Step(
        "bounds",
        parts,
        _beside([f"FROM {part.name}" for part in parts], list(buckets)),
        grain=Grain.ALL,
    )


def _beside(selects: Sequence[str], names: Sequence[str]) -> str:
    """The columns of the selects, each of which has other ones, beside each other by month."""
    columns = ", ".join(f"any_value({quote(name)}) AS {quote(name)}" for name in names)
    rows = " UNION ALL BY NAME ".join(f"({select})" for select in selects)
    return f"SELECT base_month, {columns} FROM ({rows}) GROUP BY base_month"
