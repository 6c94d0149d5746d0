"""Dagster's SQLite event log with its connections kept open, and batches written as one.

Dagster opens a database connection, and compiles its statements, anew for each event. A run over a
year is some two thousand events, and that was two thirds of its time; see `docs/decisions/006`.
`test_upstream` holds Dagster to what is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dagster import AssetKey
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
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


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """The same files and tables as Dagster's own class, which can read what this one wrote.

    Commits do not wait for the disk: a killed process loses nothing, a power failure may lose the
    last events of a run (the warehouse's own commits do wait).
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptSqliteEventLogStorage:
        """Make the storage from its entry in dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    def _engine(self, shard: str) -> Engine:
        engines: dict[str, Engine] = self.__dict__.setdefault("_kept_engines", {})
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
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of one run together: all of them, or none in either file.

        Dagster gives them so when DAGSTER_EVENT_BATCH_SIZE is set; see `home.prepare_home`.
        """
        if len({event.run_id for event in events}) > 1 or not all(map(_is_of_asset, events)):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        number = SqlEventLogStorageTable.c.id
        with self.run_connection(events[0].run_id) as run:
            run.execute(insert, rows)
        with self.index_transaction() as index:
            inserted = insert.returning(number, sort_by_parameter_order=True)
            numbered = dict(zip(index.execute(inserted, rows).scalars(), events, strict=True))
            changed = {i: e for i, e in numbered.items() if e.dagster_event_type in ASSET_EVENTS}
            self._store_asset_event_tags(index, list(changed.values()), list(changed))
            newest = {_asset(event): i for i, event in changed.items()}
            for i in newest.values():
                self._store_asset_event(index, changed[i], i)
        for i, entry in numbered.items():
            if entry.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(entry, i)

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        known: dict[str, bool] = self.__dict__.setdefault("_known_columns", {})
        if not known.get(column_name):
            known[column_name] = super()._has_asset_key_col_on_connection(conn, column_name)
        return known[column_name]

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; a table that is there stays there."""
        known: set[str] = self.__dict__.setdefault("_known_tables", set())
        if table_name not in known and inspect(self._engine(INDEX_SHARD_NAME)).has_table(
            table_name
        ):
            known.add(table_name)
        return table_name in known

    def dispose(self) -> None:
        """Close the connections."""
        for engine in self.__dict__.pop("_kept_engines", {}).values():
            engine.dispose()
        super().dispose()


def _is_of_asset(event: EventLogEntry) -> bool:
    return event.dagster_event_type in ASSET_EVENTS | ASSET_CHECK_EVENTS


def _asset(event: EventLogEntry) -> AssetKey | None:
    return event.get_dagster_event().asset_key


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
