"""Dagster's SQLite event log with its connections kept open, and events in a row stored as one.

Dagster opens a database connection, and compiles its statements, anew for each event. A run over a
year is some two thousand events, and that was two thirds of its time; see `docs/decisions/006`.
`test_upstream` holds Dagster to what is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

from dagster import AssetKey
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, inspect

KEPT_RUNS = 4
BUSY_TIMEOUT_SECONDS = 60
MOST_WAITING = 1000


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """The same files and tables as Dagster's own class, which can read what this one wrote.

    Commits do not wait for the disk: a killed process loses nothing, a power failure may lose the
    last events of a run (the warehouse's own commits do wait).
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._kept_engines: dict[str, Engine] = {}
        self._known_tables: set[str] = set()
        self._known_columns: set[str] = set()
        self._row: tuple[str, DagsterEventType | None] | None = None
        self._waiting: list[EventLogEntry] = []
        self._waiting_lock = RLock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptSqliteEventLogStorage:
        """Make the storage from its entry in dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    def _engine(self, shard: str) -> Engine:
        engines = self._kept_engines
        if shard not in engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
            )
            event.listen(engine, "connect", _without_waiting_for_the_disk)
            engines[shard] = engine
            runs = [name for name in engines if name != INDEX_SHARD_NAME]
            for name in runs[:-KEPT_RUNS]:
                engines.pop(name).dispose()
        return engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        self._store_waiting()
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event, or let it wait for the end of a row of its kind.

        Events on assets and checks come a hundred in a row. The first of a row is stored at once,
        so that a full disk is reported, and the others together when another kind of event comes.
        Whoever reads through this storage finds them stored.
        """
        kind = (event.run_id, event.dagster_event_type)
        with self._waiting_lock:
            if kind == self._row and len(self._waiting) < MOST_WAITING:
                self._waiting.append(event)
                return
            self._store_waiting()
            self._row = kind if kind[0] and kind[1] in ASSET_EVENTS | ASSET_CHECK_EVENTS else None
            super().store_event(event)

    def _store_waiting(self) -> None:
        with self._waiting_lock:
            events, self._waiting = self._waiting, []
            if events:
                self._store_together(events)

    def _store_together(self, events: list[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            number = insert.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
            numbers = connection.execute(number, rows).scalars()
            numbered = dict(zip(numbers, events, strict=True))
            changed = {i: e for i, e in numbered.items() if e.dagster_event_type in ASSET_EVENTS}
            self._store_asset_event_tags(connection, list(changed.values()), list(changed))
            newest = {_asset(entry): i for i, entry in changed.items()}
            for i in newest.values():
                self._store_asset_event(connection, changed[i], i)
        for i, entry in numbered.items():
            if entry.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(entry, i)

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._known_columns and super()._has_asset_key_col_on_connection(
            conn, column_name
        ):
            self._known_columns.add(column_name)
        return column_name in self._known_columns

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; a table that is there stays there."""
        known = self._known_tables
        if table_name not in known and inspect(self._engine(INDEX_SHARD_NAME)).has_table(
            table_name
        ):
            known.add(table_name)
        return table_name in known

    def dispose(self) -> None:
        """Store what waits and close the connections."""
        self._store_waiting()
        for engine in self._kept_engines.values():
            engine.dispose()
        self._kept_engines.clear()
        super().dispose()


def _asset(event: EventLogEntry) -> AssetKey | None:
    return event.get_dagster_event().asset_key


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
