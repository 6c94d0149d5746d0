"""What the doctor finds in a small table that is not what was noted of it, or not its contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import polars as pl
import pytest

from portrait_assets.app import doctor
from portrait_assets.app.erasure.rows.too_old import Past
from portrait_assets.app.examined import people
from portrait_assets.app.examined import published as publication
from portrait_assets.app.examined.issue import Examination, Issue, of_month, run_again
from portrait_assets.app.examined.people import erased, too_old
from portrait_assets.app.examined.published import register
from portrait_assets.app.examined.warehouse import bookkeeping, contracts, is_whole, orphans
from portrait_assets.core.files import written_beside
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Register
from portrait_assets.privacy.erasure import Plan, plan_file, write_plan
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.tombstones import Tombstones, digest_of
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.store import Warehouse

SALES = Table(
    "cleaned",
    "sales",
    "Sales",
    "销售",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("amount", Type.MONEY, "Amount", "金额"),
    ),
    key=("customer_id",),
)
NOTED = "were noted when they were materialized"


def found(folder: Path, sql: str) -> list[str]:
    """What is wrong with two rows each of January and February, after this SQL."""
    warehouse = Warehouse(folder / "warehouse.duckdb", "shop", "run-1")
    try:
        for month in ("2024-01", "2024-02"):
            warehouse.write(
                SALES,
                [month],
                pl.DataFrame({"month": [month] * 2, "customer_id": ["a", "b"], "amount": [1, 2]}),
            )
        warehouse.con.execute(sql)
        nowhere = cast(Settings, None), cast(Source, None)
        exam = Examination(*nowhere, warehouse, [SALES], [], {})
        issues = list(contracts(exam)) or list(bookkeeping(exam))
        assert {issue.subject for issue in issues} <= {"cleaned.sales"}
        return [issue.what for issue in issues]
    finally:
        warehouse.close()


@pytest.mark.parametrize(
    ("sql", "issues"),
    [
        ("SELECT 1", []),
        (
            "DELETE FROM cleaned.sales WHERE month = '2024-02' AND customer_id = 'a'",
            [f"holds 1 rows of 2024-02, and 2 {NOTED}"],
        ),
        (
            "DELETE FROM cleaned.sales WHERE month = '2024-01'",
            [f"holds 0 rows of 2024-01, and 2 {NOTED}"],
        ),
        (
            "INSERT INTO cleaned.sales BY NAME SELECT '2024-03' AS month, 'c' AS customer_id",
            [f"holds 1 rows of 2024-03, and 0 {NOTED}"],
        ),
        ("DROP TABLE cleaned.sales", ["was materialized and is not there"]),
        (
            "ALTER TABLE cleaned.sales ADD COLUMN extra INTEGER",
            ["holds a column extra that its contract does not have"],
        ),
        (
            "ALTER TABLE cleaned.sales DROP COLUMN amount",
            ["lacks the column amount of its contract"],
        ),
        (
            "ALTER TABLE cleaned.sales ALTER amount SET DATA TYPE DOUBLE",
            [f"holds amount as DOUBLE, its contract says {Type.MONEY}"],
        ),
    ],
)
def test_what_is_not_as_it_was_written_is_found(tmp_path: Path, sql: str, issues: list[str]):
    assert found(tmp_path, sql) == issues


def test_a_line_of_the_register_that_was_changed_is_found(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="shop")
    assert list(register(settings)) == [], "nothing left yet"
    for who in ("me", "you"):
        Register.of(settings).append({"who": who, "outlet": "card"})
    assert list(register(settings)) == []

    settings.register_file.write_text(settings.register_file.read_text().replace("you", "who"))
    (issue,) = map(str, register(settings))
    assert issue.startswith(
        "egress_register.jsonl: the register of what left is not as it was written: line 2 was "
        "changed; nothing leaves before its newest copy is put back"
    )


# -- each thing that is looked at, on a store that is stated -----------------------------------

MONTHS = ["2024-01", "2024-02", "2024-03"]
KEY = Key(KeyName.TOMBSTONES, b"k" * 32)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    fresh = Settings(data_dir=tmp_path, source="shop")
    fresh.warehouse_dir.mkdir(parents=True)
    fresh.source_dir.mkdir(parents=True)
    return fresh


def exam_of(settings: Settings, tables: Sequence[Table] = (SALES,), **noted: list[str]) -> Any:
    """An examination of a warehouse in memory, of which these months are noted by table."""
    con = duckdb.connect()
    warehouse = SimpleNamespace(
        con=con,
        materialized=lambda table: dict.fromkeys(noted.get(table.name, []), 1),
        select=lambda sql: con.sql(sql).pl(),
    )
    source: Any = SimpleNamespace(
        name="shop", months=lambda: MONTHS, kept_from={}, customers_kept_from="2023-06"
    )
    return Examination(settings, source, cast(Warehouse, warehouse), list(tables), [], {})


def found_by(issues: Iterator[Issue]) -> list[tuple[str, str]]:
    return [(each.subject, each.what) for each in issues]


def test_a_plan_of_an_erasure_that_cannot_be_read_is_named(settings: Settings) -> None:
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    plan_file(settings).write_text('{"number":')
    (issue,) = erased(exam_of(settings, []))
    assert issue.subject == "erasure.json"
    assert issue.remedy == "restore it, or remove it and erase again"


def test_people_who_were_erased_and_are_back_are_counted_by_their_ids(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        people, "read_tombstones", lambda _: Tombstones(frozenset({digest_of(KEY, "K2")}), KEY)
    )
    exam = exam_of(settings, [IDENTITY_MAP], identity_map=MONTHS)
    exam.warehouse.con.execute(
        "CREATE SCHEMA identity; CREATE TABLE identity.identity_map AS FROM (VALUES "
        "('K1', 'K1'), ('K2', 'K1'), ('K2', 'K1'), ('K3', 'K3')) "
        "AS t(source_customer_id, customer_id)"
    )
    assert found_by(erased(exam)) == [
        (settings.warehouse_file.name, "holds 1 ids of people who were erased")
    ]
    assert found_by(erased(exam_of(settings, [IDENTITY_MAP]))) == [], "nobody is known yet"


def test_an_erasure_that_was_stopped_comes_before_what_it_would_remove(settings: Settings):
    plan = Plan(
        number="E1", began_at=datetime.now(UTC), asked_by="a.csv", persons=1, customers=("K1",)
    )
    write_plan(settings, plan)
    (issue,) = erased(exam_of(settings, [IDENTITY_MAP], identity_map=MONTHS))
    assert (issue.subject, issue.what) == ("E1", "is an erasure that was stopped")
    assert "erase --resume" in issue.remedy


def test_rows_that_are_too_old_are_named_by_table(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        people, "past_retention", lambda con, source: [Past("contacts", "2024-02", 1200)]
    )
    gone = SimpleNamespace(customers=("K1", "K2"))
    monkeypatch.setattr(people, "ended", lambda con, source: gone)
    issues = list(too_old(exam_of(settings)))
    assert [(each.subject, each.what) for each in issues] == [
        ("raw.contacts", "holds 1,200 rows of months before 2024-02, which are not kept"),
        (settings.warehouse_file.name, "holds 2 customers who have left before 2023-06"),
    ]
    assert all("portrait retain" in each.remedy for each in issues)


def test_what_belongs_to_no_contract_month_or_run_is_found(settings: Settings):
    exam = exam_of(settings, sales=[*MONTHS, "2023-12"])
    exam.warehouse.con.execute(
        "CREATE SCHEMA cleaned; CREATE SCHEMA other; CREATE TABLE cleaned.sales (x INTEGER); "
        "CREATE TABLE cleaned.old (x INTEGER); CREATE TABLE other.mine (x INTEGER)"
    )
    left = written_beside(settings.portrait_file)
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    assert found_by(orphans(exam)) == [
        ("cleaned.old", "belongs to no contract"),
        ("2023-12", "was materialized and is no month of the source"),
        (left.name, "was left by a run that was cut off"),
    ]


def test_a_month_is_whole_with_all_its_tables(settings: Settings):
    other = replace(SALES, name="calls")
    whole = replace(SALES, name="whole", partition_by=None)
    exam = exam_of(settings, [SALES, other, whole, CHECK_RESULTS], sales=MONTHS, calls=["2024-01"])
    assert [is_whole(exam, month) for month in MONTHS] == [True, False, False]


@pytest.mark.parametrize(
    ("stored", "published", "what"),
    [
        (MONTHS[:2], MONTHS[:2], []),
        (MONTHS[:2], MONTHS[:1], ["2024-02"]),
        (MONTHS[:1], MONTHS, ["2024-02 to 2024-03"]),
    ],
)
def test_a_file_that_has_fewer_or_more_months_than_the_warehouse_is_named(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    stored: list[str],
    published: list[str],
    what: list[str],
):
    def rows(months: list[str]) -> Any:
        found = [("cleaned.sales", month) for month in months]
        return SimpleNamespace(execute=lambda _: SimpleNamespace(fetchall=lambda: found))

    settings.portrait_file.parent.mkdir(parents=True, exist_ok=True)
    settings.portrait_file.touch()
    report = settings.warehouse_dir / REPORT_FILE
    report.parent.mkdir(parents=True, exist_ok=True)
    report.touch()
    monkeypatch.setattr(publication, "open_published", lambda _: nullcontext(rows(published)))
    monkeypatch.setattr(publication, "noted_key", lambda _: None)
    monkeypatch.setattr(publication, "_published_rows", lambda *_: iter(()))
    exam: Any = SimpleNamespace(settings=settings, warehouse=SimpleNamespace(con=rows(stored)))
    assert [issue.what for issue in publication.published(exam)] == [
        f"does not hold what was materialized last of {each}" for each in what
    ]


@pytest.mark.parametrize(
    ("months", "option"),
    [
        ((), "portrait run`"),
        (("2024-01",), "--months 2024-01`"),
        (("2024-01", "2024-01"), "--months 2024-01`"),
        (("2024-01", "2024-03"), "--months 2024-01..2024-03`"),
    ],
)
def test_a_remedy_names_the_months(months: tuple[str, ...], option: str):
    assert run_again(*months).endswith(option)
    assert (of_month("2024-01"), of_month("")) == (" of 2024-01", "")


@pytest.mark.parametrize(
    ("finders", "hidden"),
    [
        (("contracts",), ("bookkeeping", "balances")),
        (("bookkeeping",), ()),
        (("balances",), ()),
        (("orphans",), ()),
        (("unfinished",), ()),
        (("published",), ()),
        (("register",), ()),
        (("erased",), ()),
        (("too_old",), ()),
        ((), ()),
    ],
)
def test_everything_is_looked_at_and_counted_where_contracts_hold(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    finders: tuple[str, ...],
    hidden: tuple[str, ...],
):
    """Each part finds itself; what changed in the source is asked where nothing else is found."""
    every = (
        *("contracts", "bookkeeping", "balances", "orphans", "unfinished", "published"),
        *("register", "erased", "too_old"),
    )
    asked: list[str] = []

    def finder(name: str) -> Any:
        def find(*_: Any) -> Iterator[Issue]:
            asked.append(name)
            if name in finders:
                yield Issue(name, "is wrong", "mend it")

        return find

    for name in every:
        monkeypatch.setattr(doctor, name, finder(name))
    changed = Issue("shop", "has changed", "run")
    monkeypatch.setattr(doctor, "_outdated", lambda *_: iter([changed]))
    monkeypatch.setattr(doctor, "upstream_tables", lambda _: {})
    monkeypatch.setattr(doctor, "require_file", lambda _: None)
    stored = SimpleNamespace(close=lambda: None, materialized=lambda table: {})
    monkeypatch.setattr(doctor, "Warehouse", lambda *_, **__: stored)
    source = SimpleNamespace(months=lambda: MONTHS)
    folder = SimpleNamespace(read=lambda how: source)
    context: Any = SimpleNamespace(settings=settings, folder=folder, tables=[], checks={})
    found = doctor._examined(context)
    assert [each.subject for each in found] == [*(finders or ("shop",))]
    assert set(every) - set(asked) == set(hidden)
