"""Dagster's SQLite event log with its connections kept open.

Dagster opens a database connection, and compiles its statements, anew for each event. A run over a
year is some two thousand events, and that was two thirds of its time. Kept connections make an
event five times cheaper; see `docs/decisions/006`. `test_upstream` holds Dagster to what is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
