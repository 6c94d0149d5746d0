"""Runs steps in DuckDB: names, shares and drops what lies between inputs and targets.

What a step reads goes before its SQL as common table expressions, so that a name that was not
declared fails at once. A step stands in a temporary table instead where a second statement reads
it, and always when it is about all customers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import duckdb
import polars as pl

from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.standing import Key, Materialized, rows_key, standing_steps
from portrait_assets.storage.steps import Grain, Read, Scope, Source, Step, text_of

_NUMBERS = itertools.count(1)
PART_CUSTOMERS = 100_000


class _Standing(NamedTuple):
    """A step's rows in a temporary table; `key` is what they depend on, None for the scope."""

    relation: str
    key: Key | None


@dataclass
class Engine:
    """Runs steps on a connection.

    Args:
        con: the connection.
        given: relations to take in place of a stored table or of a step.
        materialized: months and row counts of stored tables; with it, what depends only on tables
            that have no newer rows is not computed again for a later month.
        part_customers: customers computed at a time, where a step is declared in parts.
        on_standing: called with each step that stands in a table, and the table.
    """

    con: duckdb.DuckDBPyConnection
    given: Mapping[Source, str] = field(default_factory=dict)
    materialized: Materialized | None = None
    part_customers: int = PART_CUSTOMERS
    on_standing: Callable[[Step, Scope, str], None] = lambda step, scope, relation: None
    _standing: dict[Step, _Standing] = field(default_factory=dict, init=False)

    @contextmanager
    def rows(
        self, target: Step, scope: Scope
    ) -> Iterator[Query | pl.DataFrame | Iterator[pl.DataFrame]]:
        """The target's rows for the scope, in parts where it computes them so; a query can be run,
        and parts be taken, within the context only.
        """
        last_reader = standing_steps(target, self.given)
        try:
            for step in last_reader:
                self._store(step, scope)
                self._drop(each for each, last in last_reader.items() if last is step)
            if target.compute is None:
                yield Query(self._statement(target, scope))
            else:
                frames = (self._frame(source, scope) for source in target.reads)
                yield target.compute(scope, *frames)
        finally:
            self._drop(last_reader)

    def frame(self, target: Step, scope: Scope) -> pl.DataFrame:
        """The target's rows for the scope, in memory."""
        with self.rows(target, scope) as rows:
            if isinstance(rows, Query):
                found: pl.DataFrame = self.con.sql(rows.sql).pl()
                return found
            return rows if isinstance(rows, pl.DataFrame) else pl.concat(rows)

    @contextmanager
    def shared(self, steps: Iterable[Step], scope: Scope) -> Iterator[None]:
        """Within the context these steps stand in tables: targets of the scope all read those."""
        given, stored = self.given, list[Step]()
        try:
            for step in steps:
                with self.rows(step, scope):
                    self._store(step, scope)
                stored.append(step)
                self.given = {**self.given, step: self._standing[step].relation}
            yield
        finally:
            self.given = given
            self._drop(stored)

    def close(self) -> None:
        """Drop all that still stands."""
        self._drop(list(self._standing), and_kept=True)

    # -- statements ------------------------------------------------------------------------

    def _statement(self, step: Step, scope: Scope) -> str:
        """The step's SQL, behind all that it reads and that does not stand in a table."""
        sources: dict[str, Source] = {}
        expressions: list[str] = []

        def put(source: Source) -> None:
            if source.name in sources:
                if sources[source.name] is not source:
                    raise ValueError(f"{step} reads two things under the name {source.name}.")
                return
            sources[source.name] = source
            looks_only, relation = True, self._relation(source)
            if relation is not None:
                sql = f"FROM {relation}"
            elif isinstance(source, Read):
                sql = source.sql(scope)
            else:
                for each in source.reads:
                    put(each)
                looks_only, sql = source.in_table is False, self._sql(source, scope)
            # DuckDB would copy a table that is read twice; to look at it again costs less.
            hint = "NOT MATERIALIZED " if looks_only else ""
            expressions.append(f"{quote(source.name)} AS {hint}({sql})")

        for source in step.reads:
            put(source)
        return f"WITH {', '.join(expressions)} {self._sql(step, scope)}"

    def _sql(self, step: Step, scope: Scope) -> str:
        if step.simpler is not None:
            decides, sql_of = step.simpler
            simpler = sql_of(scope, self._first_row(decides))
            if simpler is not None:
                return simpler
        return text_of(step.sql, scope)

    def _relation(self, source: Source) -> str | None:
        """What holds the source's rows already."""
        if source in self.given:
            return self.given[source]
        standing = self._standing.get(source) if isinstance(source, Step) else None
        return standing.relation if standing else None

    def _first_row(self, step: Step) -> dict[str, object] | None:
        found = self.con.execute(f"FROM {self._relation(step)} LIMIT 1")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        return dict(zip(names, rows[0], strict=True)) if rows else None

    def _frame(self, source: Source, scope: Scope) -> pl.DataFrame:
        whole = Step("whole", (source,), f"FROM {quote(source.name)}")
        frame: pl.DataFrame = self.con.sql(self._statement(whole, scope)).pl()
        return frame

    # -- temporary tables ------------------------------------------------------------------

    def _store(self, step: Step, scope: Scope) -> None:
        """Compute the step into a table of its own, unless one stands with the same rows."""
        key = rows_key(step, scope.month, self.materialized) if self.materialized else None
        if key is not None and step in self._standing and self._standing[step].key == key:
            return
        self._drop([step], and_kept=True)
        relation = f"temp.{quote(f'step_{next(_NUMBERS)}_{step.name}')}"
        for place, part in enumerate(self._parts(step, scope)):
            what = f"INSERT INTO {relation}" if place else f"CREATE TEMP TABLE {relation} AS"
            self.con.execute(f"{what} {self._statement(step, part)}")
        self._standing[step] = _Standing(relation, key)
        self.on_standing(step, scope, relation)

    def _parts(self, step: Step, scope: Scope) -> list[Scope]:
        """The scope, divided by customers where the step is declared so."""
        if step.grain is not Grain.CUSTOMER:
            return [scope.everyone]
        if step.in_parts_of is None:
            return [scope]
        firsts = self.con.execute(
            "SELECT customer_id FROM (SELECT customer_id, row_number() OVER (ORDER BY customer_id) "
            f"- 1 AS before FROM {self._relation(step.in_parts_of)}) "
            f"WHERE before > 0 AND before % {self.part_customers} = 0 ORDER BY customer_id"
        ).fetchall()
        from_on = [f"customer_id >= {literal(first)}" for (first,) in firsts]
        up_to = [f"customer_id < {literal(first)}" for (first,) in firsts]
        return [
            replace(scope, population=f"({scope.population}) AND {start} AND {end}")
            for start, end in zip(["true", *from_on], [*up_to, "true"], strict=True)
        ]

    def _drop(self, steps: Iterable[Step], and_kept: bool = False) -> None:
        for step in steps:
            standing = self._standing.get(step)
            if standing and (and_kept or standing.key is None):
                # What broke a transaction or the database took the table with it.
                with suppress(duckdb.Error):
                    self.con.execute(f"DROP TABLE {standing.relation}")
                del self._standing[step]
