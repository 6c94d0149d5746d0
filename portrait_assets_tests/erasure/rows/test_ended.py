"""Customers who have left longer ago than they are kept, and what keeps one."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.app.doctor import examine
from portrait_assets.app.erasure.people.ended import ended
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.testing.worlds.shop import shop
from portrait_assets_tests.erasure.conftest import copied
from portrait_assets_tests.erasure.world import rows

EVENTS = ("transactions", "balances", "interactions", "responses", "outcomes")
RECORDS = ("customers", "consents", "requests")
SENT = ("contacts", "assignments")


def source(folder: Path, keep: str = "{customers: 24}", last: str = "2025-12") -> Source:
    """The shop, until December 2025: who was last seen before 2024 has left."""
    settings = shop(folder)
    definition = settings.source_dir / "source.yaml"
    text = definition.read_text() + f"keep_months: {keep}\n"
    lines = [line for line in text.splitlines() if not line.startswith("last_month")]
    definition.write_text("\n".join([*lines, f"last_month: {last}"]) + "\n")
    return load_source(settings.source_dir)


def seen(con: duckdb.DuckDBPyConnection, table: str, *rows: tuple[str, str]) -> None:
    schema, _, name = table.partition(".")
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    con.execute(f"CREATE TABLE {schema}.{name} (month VARCHAR, customer_id VARCHAR)")
    for row in rows:
        con.execute(f"INSERT INTO {schema}.{name} VALUES (?, ?)", row)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """Every customer has an old record; each of some has a newer row of one kind."""
    con = duckdb.connect()
    con.execute(
        "CREATE SCHEMA identity; CREATE TABLE identity.identity_map "
        "(month VARCHAR, source_customer_id VARCHAR, customer_id VARCHAR)"
    )
    newer = [*EVENTS, *RECORDS, *SENT, "month", "balance"]
    people = [*newer, "left", "merged", "former"]
    known = [[each, each] for each in people]
    con.executemany("INSERT INTO identity.identity_map VALUES ('2023-01', ?, ?)", known)
    con.execute("INSERT INTO identity.identity_map VALUES ('2023-06', 'former', 'merged')")
    for name in (*EVENTS, *RECORDS, *SENT):
        own = [("2024-01", name)]
        if name == "customers":
            own += [("2023-01", each) for each in people]
        if name == "transactions":
            own += [("2024-02", "former"), ("2023-12", "left"), ("2023-05", "nobody known")]
        seen(con, f"cleaned.{name}", *own)
    seen(con, "features.customer_month", ("2024-01", "month"))
    seen(con, "features.customer_balance_month", ("2024-01", "balance"))
    return con


def test_who_has_done_nothing_for_so_long_has_left(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """What was sent to a customer keeps nobody; what a former record did keeps the person."""
    found = ended(con, source(tmp_path))
    assert found.customers == {"assignments": 1, "contacts": 2, "left": 3}
    assert found.by == "source.yaml, keep_months: {customers: 24}"


def test_a_month_later_who_was_last_seen_at_the_edge_has_left_too(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    found = ended(con, source(tmp_path, last="2026-01"))
    assert {*EVENTS, *RECORDS, *SENT, "month", "balance", "left"} == {*found.customers}


def test_where_nothing_is_declared_nobody_has(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    assert not ended(con, source(tmp_path, keep="{marketing: 24}")).customers


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [
        ("{customers: 23}", "customers would be kept for 23 months after their relationship"),
        (
            "{consents: 60}",
            "rows of 'consents' hold whatever their age, and go with their",
        ),
        ("{requests: 60}", "rows of 'requests' hold whatever their age"),
        ("{products: 60}", "rows of 'products' say what is on offer"),
    ],
)
def test_what_cannot_be_declared_is_one_sentence(keep: str, sentence: str, tmp_path: Path):
    with pytest.raises(PortraitError, match=sentence) as refused:
        source(tmp_path, keep=keep)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_who_has_left_is_erased_with_their_consents_and_kept_away(
    named_shop: Settings, tmp_path: Path
):
    """Of the shop with two months everybody stays; one is made to have left."""
    settings = copied(named_shop, tmp_path / "data")
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text() + "keep_months: {customers: 24}\n")
    assert examine(settings) == []
    with duckdb.connect(str(settings.warehouse_file)) as con:
        dated = con.execute(
            "SELECT concat_ws('.', schema_name, table_name) AS name, list(column_name) AS columns "
            "FROM duckdb_columns() WHERE schema_name IN ('cleaned', 'features', 'identity') "
            "GROUP BY name HAVING list_has_all(columns, ['month', 'customer_id']) AND name IN "
            "(SELECT concat_ws('.', schema_name, table_name) FROM duckdb_tables())"
        ).fetchall()
        for table, _ in dated:
            con.execute(f"UPDATE {table} SET month = '2021-01' WHERE customer_id = 'K011'")
    (issue,) = [each for each in examine(settings) if "have left" in str(each)]
    assert "holds 1 customers who have left before 2022-03" in str(issue)
    arguments = ["retain", "--yes", "--source", settings.source]
    result = CliRunner().invoke(app, [*arguments, "--data-dir", str(settings.data_dir)])
    assert result.exception is None, result.output
    assert "1 customers have left" in result.output
    assert "1 people erased" in result.output
    for table in ("cleaned.requests", "raw.customers"):
        sql = f"SELECT count(*) FROM {table} WHERE trim(customer_id) = 'K011'"
        assert rows(settings, sql) == [(0,)]
    folder = settings.data_dir / "registers" / settings.source / "erasures"
    (certificate,) = [json.loads(path.read_text()) for path in folder.glob("E*.json")]
    assert certificate["asked_by"] == "source.yaml, keep_months: {customers: 24}"
    assert certificate["scan_after"]["found"] == {}
