"""Reading and writing the warehouse by table and month, so that nothing is lost or half there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import duckdb
import polars as pl
import pyarrow as pa

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import (
    first_line,
    literal,
    literals,
    open_database,
    qualified,
    quote,
    spill_folder,
    unreadable,
    without_bar,
)
from portrait_assets.storage.duckdb.ownership import take_over
from portrait_assets.storage.duckdb.partitions import (
    WHOLE,
    columns_sql,
    count_rows,
    fingerprints,
    partition_column,
    partition_value,
    select_sql,
    where_sql,
)
from portrait_assets.storage.duckdb.rows import Query, Rows, parts_of
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.storage.place import Place

SPARING_GIB = 0.5


class Warehouse:
    """An open warehouse file. One process at a time has one; see `warehouse.lock`.

    Given the contracts of this version, a file of an older one is brought up to them on opening,
    and `migrated` lists the steps.

    Raises:
        WarehouseError: on opening, when the file is another source's, damaged, of a newer version,
            or of an older one that is not, or cannot be, brought up; it is then as it was.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        run_id: str,
        memory_limit_gib: float = 2.0,
        threads: int | None = None,
        read_only: bool = False,
        bounds: Bounds | None = None,
        contracts: Sequence[Table] | None = None,
    ) -> None:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.run_id = run_id
        self.bounds = bounds or Bounds()
        self._memory_limit_gib = memory_limit_gib
        self.place = Place()
        self.con = open_database(path, memory_limit_gib, threads, read_only)
        if not read_only:
            # A process that was killed leaves what it had spilled, and only one is at work.
            rmtree(spill_folder(path), ignore_errors=True)
        # No other process can write while this one holds the file, so this stays current.
        self._materialized: dict[str, dict[str, int]] = {}
        self._in_transaction = False
        # Tables into which this transaction has inserted a query's rows and there were none.
        self._given_nothing: set[str] = set()
        self._as_contract: set[str] = set()
        self._last_made_at = 0  # in microseconds since 1970
        try:
            with self.transaction():
                self.migrated = take_over(
                    self.con, path, source, None if read_only else contracts, read_only
                )
        except BaseException:
            self.close()
            raise
        rows = self.con.execute(
            "SELECT table_name, month, row_count, epoch_us(made_at) FROM meta.partitions"
        )
        for table_name, month, count, made_at in rows.fetchall():
            self._materialized.setdefault(table_name, {})[month] = count
            self._last_made_at = max(self._last_made_at, made_at)

    def scratch_folder(self) -> Path:
        """A folder for files of this run; what a killed run left in it, the next one removes."""
        folder = spill_folder(self.path)
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def sparing_memory(self) -> Iterator[None]:
        """Leave memory to work outside of the warehouse, which keeps few pages meanwhile."""
        limit = self._memory_limit_gib
        self._limit_memory(min(limit, SPARING_GIB))
        try:
            yield
        finally:
            self._limit_memory(limit)

    def _limit_memory(self, gib: float) -> None:
        self.con.execute(f"SET memory_limit = '{gib}GiB'")

    def close(self) -> None:
        """Write what is pending into the file and let go of it."""
        self.con.close()
        rmtree(spill_folder(self.path), ignore_errors=True)

    # -- writing ---------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written within it is there together, or not at all when it fails.

        Only `con` sees it before its end; `read`, `scan` and `select` see what was there before.
        """
        if self._in_transaction:
            yield
            return
        materialized = {name: dict(counts) for name, counts in self._materialized.items()}
        self.con.execute("BEGIN")
        self._in_transaction = True
        try:
            yield
            self.con.execute("COMMIT")
        except BaseException:
            self._materialized = materialized
            self._as_contract.clear()
            self._roll_back()
            raise
        finally:
            self._in_transaction = False
            self._given_nothing.clear()

    def _roll_back(self) -> None:
        try:
            self.con.execute("ROLLBACK")
        except duckdb.Error:
            return  # What broke the engine took the transaction with it.

    def write(
        self,
        table: Table,
        months: Sequence[str] | None,
        rows: Rows,
        within: Sequence[tuple[str, ...]] | None = None,
    ) -> dict[str, int]:
        """Replace these months of the table, or the whole of it, in one transaction.

        Args:
            table: its contract, from which the table is created when it does not exist yet.
            months: the months to replace; None for a table that is not partitioned.
            rows: all rows of these months, with the contract's columns in any order.
            within: replace only rows whose first columns of the key have one of these values.

        Returns:
            Number of rows written, by month (by '' for a table that is not partitioned).

        Raises:
            WarehouseError: when a column is missing or unknown, or a row belongs to a month
                that is not being written; the table is then as it was before.
        """
        stored = table.stored
        with self.place.noted(table.full_name, months or ()), self.transaction():
            self._ensure(table, rows)
            before = self._fingerprints(table, months)
            self.con.execute(
                f"DELETE FROM {qualified(stored.full_name)}{where_sql(table, months, within)}"
            )
            parts = parts_of(stored, rows, self.bounds.frame_rows)
            inserted = sum(self._insert(stored, part) for part in parts)
            replaced = count_rows(self.con, stored, months, within)
            strays = inserted - sum(replaced.values())
            if strays:
                raise WarehouseError(
                    f"{table.full_name} was given {strays} rows of months that "
                    "are not being written; give only the rows of the months asked for."
                )
            counts = count_rows(self.con, stored, months) if within else replaced
            after = self._fingerprints(table, months) if before else {}
            self._record(table, counts, [m for m in before if before[m] == after.get(m)])
            self._materialized.setdefault(table.full_name, {}).update(counts)
        return counts

    def _ensure(self, table: Table, rows: Rows) -> None:
        """Bring the table up to its contract, once while the file is open."""
        received = rows.types if isinstance(rows, Query) else None
        if received or table.full_name not in self._as_contract:
            ensure_table(self.con, table, received)
            self._as_contract.add(table.full_name)

    def _insert(self, table: Table, rows: pl.DataFrame | Query) -> int:
        if isinstance(rows, Query):
            try:
                inserted = self._insert_from(table, f"({rows.sql})")
            except duckdb.Error as error:
                raise unreadable(error, rows.origin) if rows.origin else error from None
            if not inserted:
                self._given_nothing.add(table.full_name)
            return inserted
        if rows.is_empty():
            return 0
        # DuckDB requests the oldest form of texts from a polars frame, which copies all of them.
        texts_as_held = rows.to_arrow(compat_level=pl.CompatLevel.newest())
        return self._insert_from(table, "incoming", texts_as_held)

    def _insert_from(self, table: Table, source: str, incoming: pa.Table | None = None) -> int:
        """Insert what the query gives, or `incoming`, which DuckDB finds by its name.

        A frame that is registered is kept alive until the transaction ends.
        """
        # DuckDB 2.0.0 hides the rows of a large parallel insert that follows an insert of no
        # rows into the same table and transaction; test_upstream shows it.
        threads = None
        if table.full_name in self._given_nothing:
            found = self.con.execute("SELECT current_setting('threads')").fetchone()
            threads = found[0] if found else None
            self.con.execute("SET threads = 1")
        try:
            counted = self.con.execute(
                f"INSERT INTO {qualified(table.full_name)} BY NAME SELECT * FROM {source}"
            ).fetchone()
        except duckdb.ConstraintException as error:
            raise WarehouseError(
                f"{table.full_name} cannot take a row: {first_line(error)}"
            ) from None
        finally:
            if threads is not None:
                self.con.execute(f"SET threads = {threads}")
        return int(counted[0]) if counted else 0

    def _fingerprints(
        self, table: Table, months: Sequence[str] | None
    ) -> dict[str, tuple[int, int | None]]:
        """The fingerprints of these months, or of the whole, as far as it has been materialized."""
        materialized = self._materialized.get(table.full_name, {})
        wanted = [WHOLE] if months is None else months
        return fingerprints(self.con, table, [month for month in wanted if month in materialized])

    def unchanged(self, table: Table, months: Sequence[str]) -> list[str]:
        """Of these months, in order, those that were written again and came out the same."""
        found = self.con.execute(
            "SELECT month FROM meta.partitions WHERE table_name = ? AND list_contains(?, month) "
            "AND changed_at < made_at ORDER BY month",
            [table.full_name, list(months)],
        ).fetchall()
        return [month for (month,) in found]

    def _record(
        self, table: Table, counts: Mapping[str, int], unchanged: Sequence[str] = ()
    ) -> None:
        """Note what months hold now; those `unchanged` keep the time at which they last changed."""
        kept = dict[str, int]()
        if unchanged:
            kept = dict(
                self.con.execute(
                    "SELECT month, epoch_us(changed_at) FROM meta.partitions WHERE table_name = ? "
                    "AND list_contains(?, month)",
                    [table.full_name, list(unchanged)],
                ).fetchall()
            )
        if self._materialized.get(table.full_name, {}).keys() & counts.keys():
            self.con.execute(
                f"DELETE FROM meta.partitions WHERE table_name = {literal(table.full_name)} "
                f"AND month IN ({literals(counts)})"
            )
        # What is written later bears a later time, even when the clock was put back in between.
        self._last_made_at = max(time.time_ns() // 1000, self._last_made_at + 1)
        rows = ", ".join(
            f"({literal(table.full_name)}, {literal(month)}, {count}, {literal(self.run_id)}, "
            f"make_timestamptz({self._last_made_at}), "
            f"make_timestamptz({kept.get(month, self._last_made_at)}))"
            for month, count in counts.items()
        )
        self.con.execute(f"INSERT INTO meta.partitions VALUES {rows}")

    # -- reading ---------------------------------------------------------------------------

    def materialized(self, table: Table) -> dict[str, int]:
        """Number of rows by materialized month; an empty month has 0."""
        return dict(sorted(self._materialized.get(table.full_name, {}).items()))

    def scan(self, table: Table, months: Sequence[str] | None) -> pl.LazyFrame:
        """These months of the table, streamed into polars when collected.

        Raises:
            WarehouseError: when one of the months has not been materialized yet.
        """
        frame: pl.LazyFrame = self._relation(table, months).pl(lazy=True)
        return frame

    def read(self, table: Table, months: Sequence[str] | None) -> pl.DataFrame:
        """These months of the table, as a frame.

        Raises:
            WarehouseError: when one of the months has not been materialized yet.
        """
        frame: pl.DataFrame = self._relation(table, months).pl()
        return frame

    def read_stored(self, table: Table, months: Sequence[str] | None) -> pl.DataFrame:
        """These months of what holds the table's rows: the table itself unless it is a view."""
        self.require(table, months)
        return self.select(select_sql(table.stored, months))

    def read_part(
        self, table: Table, month: str, part: int, parts: int, by: Sequence[str] = ()
    ) -> pl.DataFrame:
        """One of so many parts of a month's stored rows.

        Rows equal in `by`, or else in the key, are in one part.
        """
        self.require(table, [month])
        stored = table.stored
        key = (
            name for name in stored.key or stored.column_names if name != partition_column(stored)
        )
        alike = ", ".join(map(quote, by or [next(key)]))
        return self.select(f"{select_sql(stored, [month])} AND hash({alike}) % {parts} = {part}")

    def select(self, sql: str) -> pl.DataFrame:
        """What the query gives."""
        frame: pl.DataFrame = without_bar(self.con.cursor()).sql(sql).pl()
        return frame

    def history(self, table: Table, before: str) -> pl.DataFrame:
        """What the table holds of the months before this one; empty when it has none."""
        if not self.materialized(table):
            return table.empty()
        value = literal(partition_value(table, before))
        return self.select(
            f"SELECT {columns_sql(table)} FROM {qualified(table.full_name)} "
            f"WHERE {quote(partition_column(table))} < {value}"
        )

    def last_before(self, table: Table, month: str) -> pl.DataFrame | None:
        """The newest month of the table before this one; None when there is none."""
        earlier = [each for each in self.materialized(table) if each < month]
        return self.read(table, [max(earlier)]) if earlier else None

    def _relation(self, table: Table, months: Sequence[str] | None) -> duckdb.DuckDBPyRelation:
        self.require(table, months)
        return without_bar(self.con.cursor()).sql(select_sql(table, months))

    def require(self, table: Table, months: Sequence[str] | None) -> None:
        """Check that these months of the table have been materialized.

        Raises:
            WarehouseError: when one has not; the sentence names it and the command to run.
        """
        materialized = self.materialized(table)
        wanted = [WHOLE] if months is None else months
        missing = [month for month in wanted if month not in materialized]
        if missing:
            span = f" for {missing[0]}" if missing[0] else ""
            option = ["--months", f"{missing[0]}..{wanted[-1]}"] if missing[0] else []
            raise WarehouseError(
                f"{table.full_name} has not been materialized{span} yet; "
                f"run `{command('run', *option)}` first."
            )
