"""Marks stand in every text column and where the truth says, and nothing else has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.core.errors import PortraitError
from portrait_assets.schema.table import Type
from portrait_assets.synthetic import bank as bank_module
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.common.marks import MARK, MARKED_IDS
from portrait_assets.synthetic.continuing import continue_bank
from portrait_assets.synthetic.labels import GENERATED
from portrait_assets_tests.generate.conftest import contents, queries

ALONE_OR_AT_THE_END = rf"(?:^|[ -]){MARK}$"


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of 450 customers without marks, and the same with them."""
    folder = tmp_path_factory.mktemp("marks")
    for name, marks in (("plain", False), ("marked", True)):
        generate_bank(folder / name, 450, 3, seed=5, marks=marks)
    return folder


def found(folder: Path) -> Iterator[tuple[str, str, str | None, str]]:
    """Every mark in the tables, by a scan that knows only what a mark looks like."""
    for path in sorted(folder.rglob("*.parquet")):
        table = path.relative_to(folder).parts[0].removesuffix(".parquet")
        if table in ("truth", "sources"):
            continue
        frame = pl.read_parquet(path)
        owner = frame["customer_id"] if "customer_id" in frame.columns else [None] * len(frame)
        for column in frame.select(pl.col(pl.String)):
            marks = column.str.extract(f"({MARK})")
            for customer, mark in zip(owner, marks, strict=True):
                if mark is not None:
                    yield table, column.name, customer, mark


def test_one_customer_in_twenty_and_one_prospect_in_ten_is_marked() -> None:
    customers = pl.DataFrame({"id": [f"C{n:07d}" for n in (1, 2, 20, 21, 22, 41)]})
    marked = customers.filter(MARKED_IDS["customer_id"](pl.col("id")))
    assert marked["id"].to_list() == ["C0000001", "C0000021", "C0000041"]
    accounts = pl.DataFrame({"id": [f"A{n:08d}" for n in (9, 10, 19, 20, 210, 219, 220)]})
    owned = accounts.filter(MARKED_IDS["account_id"](pl.col("id")))
    assert owned["id"].to_list() == ["A00000010", "A00000019", "A00000210", "A00000219"]
    prospects = pl.DataFrame({"id": [f"L{n:07d}" for n in (1, 10, 11, 12)]})
    known = prospects.filter(MARKED_IDS["prospect_id"](pl.col("id")))
    assert known["id"].to_list() == ["L0000001", "L0000011"]


def test_marks_are_found_where_the_truth_says_and_nowhere_else(banks: Path) -> None:
    truth = pl.read_parquet(banks / "marked" / "truth" / "marks.parquet")
    shared = ("product_id", "campaign_id", "store_id")
    scanned = {
        (table, column, None if column in shared else customer, mark)
        for table, column, customer, mark in found(banks / "marked")
    }
    assert scanned == set(truth.rows())
    assert list(found(banks / "plain")) == []
    assert not (banks / "plain" / "truth" / "marks.parquet").exists()


def test_every_text_column_has_a_mark_and_every_mark_one_column(banks: Path) -> None:
    truth = pl.read_parquet(banks / "marked" / "truth" / "marks.parquet")
    marked = set(truth.select("table_name", "column_name").unique().rows())
    texts = {(t.name, c.name) for t in GENERATED for c in t.columns if c.type is Type.TEXT}
    # The one campaign, shop and product that are marked need not be in every table, and few
    # customers ask for anything.
    shared = {each for each in texts if each[1] in ("campaign_id", "store_id", "product_id")}
    assert texts - shared - {("requests", "customer_id")} <= marked <= texts
    assert {name for _, name in marked & shared} == {"campaign_id", "store_id", "product_id"}
    columns = truth.group_by("mark").agg(pl.col("column_name").n_unique())
    assert set(columns["column_name"]) == {1}
    assert (truth["mark"].str.len_chars() == 11).all()


def test_personal_columns_have_a_mark_in_every_two_hundredth_row(banks: Path) -> None:
    truth = pl.read_parquet(banks / "marked" / "truth" / "marks.parquet")
    names = truth.filter(pl.col("column_name") == "full_name", pl.col("table_name") == "customers")
    rows = len(pl.read_parquet(banks / "marked" / "customers.parquet"))
    assert len(names) in (rows // 200, rows // 200 + 1)


def test_without_its_marks_a_marked_bank_is_the_plain_one(banks: Path) -> None:
    plain, marked = (contents(banks / name) for name in ("plain", "marked"))
    assert marked.keys() - plain.keys() == {"truth/marks.parquet"}
    text = pl.col(pl.String).str.replace(ALONE_OR_AT_THE_END, "").replace("", None)
    differing = []
    for name in plain:
        if not name.endswith(".parquet"):
            continue
        with_marks, without = (pl.read_parquet(banks / kind / name) for kind in ("marked", "plain"))
        assert with_marks.schema == without.schema, name
        if not with_marks.with_columns(text).equals(without.with_columns(text)):
            differing.append(name)
    assert differing == []


def test_marked_identifiers_still_name_the_same_customer_in_all_tables(banks: Path) -> None:
    strangers = """
    SELECT count(*) FROM {} WHERE customer_id NOT IN (SELECT customer_id FROM customers)
    """
    query = queries(banks / "marked")
    of_customers = [t.name for t in GENERATED if t.names_a_customer and t.name != "customers"]
    truths = ["truth_segments", "truth_minors", "truth_responses", "truth_lifecycle"]
    for table in (*of_customers, *truths):
        assert query(strangers.format(table)).item() == 0, table
    marked = "SELECT count(*) FROM {} WHERE customer_id LIKE '%-PM-%'"
    for table in (*of_customers, "truth_segments"):
        assert query(marked.format(table)).item() > 0 or table == "requests", table


def test_marks_do_not_depend_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_module, "CHUNK_CUSTOMERS", 100)
    for name, workers in (("one", 1), ("four", 4)):
        monkeypatch.setattr(bank_module, "worker_count", lambda count=workers: count)
        generate_bank(tmp_path / name, 250, 2, seed=5, marks=True)
    one, four = contents(tmp_path / "one"), contents(tmp_path / "four")
    assert [name for name in one if one[name] != four.get(name)] == []


def test_the_command_plants_marks_when_asked_to(tmp_path: Path) -> None:
    to = tmp_path / "bank"
    arguments = ["generate", "bank", "--customers", "20", "--months", "1", "--out", str(to)]
    # A command leaves its settings to the messages that follow; other tests are not to see them.
    ran = copy_context().run(CliRunner().invoke, app, [*arguments, "--marks"])
    assert ran.exit_code == 0, ran.output
    assert len(pl.read_parquet(to / "truth" / "marks.parquet")) > 40
    assert "truth/marks" not in ran.output
    assert "marks " in (to / "README.txt").read_text("utf-8")


def test_a_bank_with_marks_is_not_continued(tmp_path: Path) -> None:
    generate_bank(tmp_path / "bank", 20, 2, seed=5, marks=True)
    with pytest.raises(PortraitError, match="'bank' has marks and cannot be continued"):
        continue_bank(tmp_path / "bank")
