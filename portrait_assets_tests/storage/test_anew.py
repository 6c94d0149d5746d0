"""A database written by a process of its own: the same to the last bit, whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.errors import PortraitError, WarehouseError
from portrait_assets.core.machine.fresh_process import _work, fresh_process
from portrait_assets.storage.anew.definitions import definitions
from portrait_assets.storage.anew.writing import ROW_GROUP, _serve, new_database, rows_together

KINDS = """
    CREATE TYPE mood AS ENUM ('well', 'ill');
    CREATE SCHEMA s;
    CREATE TABLE s.kinds AS SELECT * FROM (VALUES (
        170141183460469231731687303715884105727::HUGEINT, 255::UTINYINT, 4294967295::UINTEGER,
        12345678901234567890123456789012.1234::DECIMAL(38, 4), 'nan'::DOUBLE, -0.0::DOUBLE,
        DATE '2024-02-29', '2024-01-01 00:00:00.123456789'::TIMESTAMP_NS,
        '2024-01-01 01:00:00+08'::TIMESTAMPTZ, TIME '12:34:56.123456', '12:34:56+02'::TIMETZ,
        INTERVAL '3 months 2 days 7 microseconds', 'ill'::mood, uuid(), '\\xAA\\x00b'::BLOB,
        '0101'::BIT, '{"a": 1}'::JSON, ['a', NULL, ''], {'a': 1::HUGEINT, 'b': 'x'}, MAP {'k': 1},
        '', NULL
    )) AS t;
    INSERT INTO s.kinds (col0) VALUES (NULL);
    CREATE TABLE s.many (n BIGINT NOT NULL, r VARCHAR);
    INSERT INTO s.many SELECT (i * 7919) % 300007, 'r' || i FROM range(300007) AS n(i);
    COMMENT ON TABLE s.many IS 'it''s many'; COMMENT ON COLUMN s.many.n IS 'a number';
    CREATE VIEW s.few AS SELECT n FROM s.many WHERE n < 9;
    COMMENT ON VIEW s.few IS 'few'; COMMENT ON COLUMN s.few.n IS 'a small number';
"""
TABLES = ("s.kinds", "s.many")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(KINDS)
        yield con


def test_types_order_constraints_and_comments_stay(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "new.duckdb"
    with new_database(path, 0.5, 1) as new:
        for statement in definitions(con):
            new.execute(statement)
        assert [new.insert(table, con, f"FROM {table}") for table in TABLES] == [2, 300_007]
        new.execute("UPDATE s.many SET r = 'changed' WHERE n = 0")
    con.execute("UPDATE s.many SET r = 'changed' WHERE n = 0")
    with duckdb.connect(str(path)) as written:
        assert definitions(written) == definitions(con)
        for table in TABLES:
            rows = f"SELECT COLUMNS(*)::VARCHAR FROM {table}"
            assert written.execute(rows).fetchall() == con.execute(rows).fetchall(), table
        with pytest.raises(duckdb.ConstraintException):
            written.execute("INSERT INTO s.many VALUES (NULL, '')")
    assert [each.name for each in tmp_path.iterdir()] == ["new.duckdb"], "no log stays"


def write_many(path: Path, con: duckdb.DuckDBPyConnection, sql: str) -> None:
    with new_database(path, 0.5, 1) as new:
        new.execute("CREATE TABLE many (n BIGINT NOT NULL, r VARCHAR)")
        new.insert("many", con, sql)


def test_rows_are_sent_by_whole_groups_as_duckdb_writes_them(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert [rows_together(columns) for columns in (2, 10, 97)] == [
        16 * 122_880,
        3 * 122_880,
        122_880,
    ]
    write_many(tmp_path / "new.duckdb", con, "FROM s.many")
    with duckdb.connect(str(tmp_path / "new.duckdb")) as written:
        groups = written.execute(
            "SELECT sum(count) FROM pragma_storage_info('many') "
            "WHERE column_name = 'n' AND segment_type <> 'VALIDITY' "
            "GROUP BY row_group_id ORDER BY row_group_id"
        ).fetchall()
    assert groups == [(ROW_GROUP,), (ROW_GROUP,), (300_007 - 2 * ROW_GROUP,)]


def test_a_wide_table_has_all_its_rows_once(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    columns = ", ".join(f"i + {n} AS c{n}" for n in range(33))
    con.execute(f"CREATE TABLE s.wide AS SELECT {columns} FROM range(300007) AS n(i)")
    with new_database(tmp_path / "new.duckdb", 0.5, 2) as new:
        for statement in definitions(con):
            new.execute(statement)
        assert new.insert("s.wide", con, "FROM s.wide") == 300_007
    con.execute(f"ATTACH '{tmp_path / 'new.duckdb'}' AS written (READ_ONLY)")
    differing = "SELECT count(*) FROM (FROM {} EXCEPT ALL FROM {})"
    for pair in (("s.wide", "written.s.wide"), ("written.s.wide", "s.wide")):
        assert con.execute(differing.format(*pair)).fetchall() == [(0,)]


def tables(path: Path) -> list[tuple[str]]:
    with duckdb.connect(str(path)) as con:
        return con.execute("SELECT table_name FROM duckdb_tables()").fetchall()


def test_rows_that_cannot_be_written_are_a_sentence_and_no_file_is_whole(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "new.duckdb"
    with pytest.raises(WarehouseError, match=r"^The warehouse: Constraint Error: .*\.$") as failed:
        write_many(path, con, "SELECT nullif(n, 8) AS n, r FROM s.many")
    assert "\n" not in str(failed.value)
    assert tables(path) == []


def test_a_file_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "new.duckdb").mkdir()
    with (
        pytest.raises(WarehouseError, match=r"^new\.duckdb in .* cannot be opened"),
        new_database(tmp_path / "new.duckdb", 0.5, 1),
    ):
        pass


@pytest.mark.parametrize("failing", ["r = 'r0'", "r = 'r300006'"], ids=["first row", "last row"])
def test_what_fails_here_stops_the_process_and_leaves_nothing_whole(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, failing: str
) -> None:
    path = tmp_path / "new.duckdb"
    with pytest.raises(duckdb.Error, match="not a size"):
        write_many(path, con, f"SELECT if({failing}, error('not a size'), n) AS n, r FROM s.many")
    assert tables(path) == []


REMEMBERED = ["nothing"]


def answer(requests: Connection, answers: Connection, word: str) -> None:
    """What is remembered, for each request; an error, and a death."""
    while (request := requests.recv()) != "die":
        answers.send(PortraitError("No.") if request == "fail" else (word, *REMEMBERED))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_fresh_process_knows_nothing_of_this_one_and_its_death_is_a_sentence() -> None:
    REMEMBERED[:] = ["what was read"]
    try:
        with fresh_process("counts", answer, "heard") as process:
            process.send("speak")
            assert process.receive() == ("heard", "nothing")
            process.send("fail")
            with pytest.raises(PortraitError, match=r"^No\.$"):
                process.receive()
            process.send("die")
            with pytest.raises(PortraitError) as died:
                process.receive()
            process.send("nobody hears it")
    finally:
        REMEMBERED[:] = ["nothing"]
    assert str(died.value) == (
        "The process that counts was stopped by signal 9; see to memory and disk, and run the "
        "command again to see how it goes on."
    )


def test_a_process_whose_parent_was_killed_ends_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    requests, _ = multiprocessing.Pipe(duplex=False)
    reading, answers = multiprocessing.Pipe(duplex=False)
    reading.close()
    reached: list[bool] = []

    def work(_: Connection, answers: Connection) -> None:
        reached.append(True)
        answers.send("done")
        reached.append(False)

    _work(work, requests, answers)
    assert reached == [True]


def test_so_does_one_whose_parent_was_killed_before_it_sent_the_rows(tmp_path: Path) -> None:
    asked, requests = multiprocessing.Pipe(duplex=False)
    answers, answering = multiprocessing.Pipe(duplex=False)
    requests.send("CREATE TABLE t (n INTEGER)")
    requests.send(("INSERT INTO t FROM sent", True))
    requests.close()
    _serve(asked, answering, tmp_path / "new.duckdb", 1.0, 1)
    assert [answers.recv(), answers.recv(), answers.poll()] == [None, None, False]
    with duckdb.connect(str(tmp_path / "new.duckdb")) as con:
        assert con.execute("SHOW TABLES").fetchall() == [], "nothing was committed"
