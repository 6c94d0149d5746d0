"""Which steps have no row, as is known of the rows of stored tables: their SQL need not be planned.

A small source gives a part of what steps can read, and DuckDB plans the rest of their SQL all the
same, month by month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.steps import Grain, Read, Scope, Source, Step

CUSTOMER = "customer_id"


@dataclass
class Emptiness:
    """What has no row for a scope; each source is looked at once.

    A row about a customer comes of rows about customers: a step of that grain has none where
    nothing that it reads and that names customers has any.

    Args:
        scope: the scope.
        rows: number of rows by month of a stored table.
        standing: whether a source that stands in a table has no row; None for any other, and for
            what was given in place of one, of which it is not known, False.
        columns: types by column of what a step gives.
    """

    scope: Scope
    rows: Callable[[Table], Mapping[str, int]]
    standing: Callable[[Source], bool | None]
    columns: Callable[[Step], Mapping[str, str]]
    _known: dict[Source, bool] = field(default_factory=dict, init=False)

    def of(self, source: Source) -> bool:
        """Whether the source is known to have no row."""
        if source not in self._known:
            standing = self.standing(source)
            self._known[source] = self._is_empty(source) if standing is None else standing
        return self._known[source]

    def _is_empty(self, source: Source) -> bool:
        if isinstance(source, Read):
            table, rows = source.table, self.rows(source.table)
            if table.partition_by is None or table.stored_as is not None:
                return False
            return not any(rows[month] for month in source.span.months(rows, self.scope.month))
        if any(map(self.of, source.none_without)):
            return True
        if source.grain is not Grain.CUSTOMER or source.compute is not None:
            return False
        empty = [each for each in source.reads if self.of(each)]
        others = (each for each in source.reads if each not in empty)
        return (
            any(map(self._names, empty))
            and not any(map(self._names, others))
            and CUSTOMER in self.columns(source)
        )

    def _names(self, source: Source) -> bool:
        """Whether the rows of the source name customers."""
        if isinstance(source, Read):
            return any(column.identifies for column in source.table.all_columns)
        return source.grain is Grain.CUSTOMER or CUSTOMER in self.columns(source)


def no_rows_sql(columns: Mapping[str, str]) -> str:
    """The SELECT of no row of these columns."""
    nulls = (f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns.items())
    return f"SELECT {', '.join(nulls)} WHERE false"
