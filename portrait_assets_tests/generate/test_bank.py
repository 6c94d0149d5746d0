"""The bank as a whole: complete, repeatable, labelled, readable as a source."""

from __future__ import annotations

import time
from concurrent.futures import Executor, Future
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.schema.table import Type
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.targets.declared.outcomes import source_targets
from portrait_assets.synthetic import bank as bank_module
from portrait_assets.synthetic.bank import BankSummary, generate_bank
from portrait_assets.synthetic.common.writing import BankFiles
from portrait_assets.synthetic.labels import GENERATED, MONTHLY, source_yaml, table_sql
from portrait_assets_tests.generate.conftest import CUSTOMERS, MONTHS, Query, contents

SOURCE_FOLDER = PACKAGED_SOURCES / "synthetic_bank"


def files_of(folder: Path, table: str) -> list[Path]:
    return sorted(folder.glob(f"{table}/*.parquet" if table in MONTHLY else f"{table}.parquet"))


@pytest.mark.parametrize("table", GENERATED, ids=lambda table: table.name)
def test_every_generated_table_has_its_columns_and_rows(
    bank: BankSummary, table: Canonical
) -> None:
    files = files_of(bank.folder, table.name)
    assert [path.stem for path in files] == (
        list(bank.months) if table.name in MONTHLY else [table.name]
    )
    for path in files:
        schema = pl.read_parquet_schema(path)
        assert list(schema) == [column.name for column in table.columns]
        for column in table.columns:
            # A date of birth comes as text, since some of its forms are no dates.
            expected = pl.String() if column.name == "birth_date" else column.polars_type
            assert schema[column.name] == expected, column.name
    assert bank.rows[table.name] == sum(pq.read_metadata(path).num_rows for path in files) > 0


def test_no_other_table_is_written(bank: BankSummary) -> None:
    assert bank.rows.keys() == {table.name for table in GENERATED}


def test_money_is_exact_in_the_files(bank: BankSummary) -> None:
    money = [
        (table.name, column.name)
        for table in GENERATED
        for column in table.columns
        if column.type is Type.MONEY
    ]
    assert len(money) >= 6
    for table, column in money:
        stored = pq.read_schema(files_of(bank.folder, table)[0]).field(column).type
        assert str(stored) == "decimal128(18, 2)"


def test_same_seed_same_bytes_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_module, "CHUNK_CUSTOMERS", 100)
    for name, workers in (("one", 1), ("four", 4)):
        monkeypatch.setattr(bank_module, "worker_count", lambda count=workers: count)
        generate_bank(tmp_path / name, 450, 3, seed=5)
    one, four = contents(tmp_path / "one"), contents(tmp_path / "four")
    assert one.keys() == four.keys()
    assert [name for name in one if one[name] != four[name]] == []


def test_another_seed_makes_another_bank(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate_bank(tmp_path / str(seed), 50, 2, seed=seed)
    one, two = contents(tmp_path / "1"), contents(tmp_path / "2")
    same = {name for name in one if one[name] == two[name]}
    tables = {name for name in same if name.endswith(".parquet")}
    with_rows = {name for name in tables if pq.read_metadata(tmp_path / "1" / name).num_rows}
    assert not with_rows - {
        "products.parquet",
        "campaigns.parquet",
        "promotions.parquet",
        "truth/campaigns.parquet",
        "truth/leaving.parquet",
    }


def test_a_larger_bank_keeps_the_first_customers(tmp_path: Path) -> None:
    for customers in (120, 300):
        generate_bank(tmp_path / str(customers), customers, 3, seed=5)

    def first(folder: str, table: str) -> pl.DataFrame:
        everyone = pl.concat([pl.read_parquet(path) for path in files_of(tmp_path / folder, table)])
        number = pl.col("customer_id").str.slice(1).cast(pl.Int64)
        return everyone.filter(number <= 120).sort(pl.all())

    for table in (*MONTHLY, "outcomes", "consents", "requests"):
        assert first("120", table).equals(first("300", table)), table
    assert first("120", "customers").equals(first("300", "customers"))
    for table in ("prospects", "truth/prospects"):
        few, many = (pl.read_parquet(tmp_path / f"{n}/{table}.parquet") for n in (120, 300))
        assert 0 < len(few) == len(many.join(few, on=few.columns, nulls_equal=True)), table


def test_what_is_promoted_is_the_product_of_a_campaign(bank: BankSummary) -> None:
    promoted = pl.read_parquet(bank.folder / "promotions.parquet")
    offered = pl.read_parquet(bank.folder / "campaigns.parquet").drop_nulls("product_id")
    shown = promoted.select("product_id", "started_on").rows()
    assert sorted(shown) == sorted(offered.select("product_id", "started_on").unique().rows())
    assert shown


def test_says_everywhere_that_it_is_synthetic(bank: BankSummary) -> None:
    assert "SYNTHETIC" in (bank.folder / "SYNTHETIC").read_text("utf-8")
    readme = (bank.folder / "README.txt").read_text("utf-8")
    assert "invented" in readme
    assert "纯属虚构" in readme
    for path in bank.folder.rglob("*.parquet"):
        assert b"invented" in pq.read_metadata(path).metadata[b"synthetic"], path.name


def test_its_own_source_definition_reads_it(bank: BankSummary) -> None:
    source = load_source(bank.folder / "sources" / "synthetic_bank")
    source.check()
    assert source.months() == list(bank.months)
    own, packaged = (source_targets(folder) for folder in (source.folder, SOURCE_FOLDER))
    assert own == packaged
    assert own.named["default"].prediction_horizon == 6
    assert set(source.provided) == {table.name for table in GENERATED}


def test_the_projects_source_definition_is_the_generators() -> None:
    written = (SOURCE_FOLDER / "source.yaml").read_text("utf-8")
    assert written == source_yaml("2023-01", "2024-12", "$PORTRAIT_BANK_DIR")
    for table in GENERATED:
        assert (SOURCE_FOLDER / f"{table.name}.sql").read_text("utf-8") == table_sql(table)


def test_summary_counts_what_was_written(bank: BankSummary, query: Query) -> None:
    assert (bank.customers, len(bank.months)) == (CUSTOMERS, MONTHS)
    assert bank.truth["segments"] == CUSTOMERS
    for table, rows in bank.rows.items():
        assert query(f"SELECT count(*) FROM {table}").item() == rows


@pytest.mark.parametrize("customers", [1, 2])
def test_the_smallest_banks(tmp_path: Path, customers: int) -> None:
    summary = generate_bank(tmp_path / "small", customers, 1, seed=3, first_month="2030-12")
    assert summary.months == ("2030-12",)
    for table in GENERATED:
        assert files_of(summary.folder, table.name), table.name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"customers": 0}, "0 customers"),
        ({"months": 0}, "0 months"),
        ({"first_month": "2023-13"}, "not a month"),
        ({"first_month": "1890-01"}, "too far away"),
    ],
)
def test_arguments_that_cannot_be_used(
    tmp_path: Path, arguments: dict[str, object], says: str
) -> None:
    config = {"customers": 10, "months": 2, "seed": 1, **arguments}
    with pytest.raises(PortraitError, match=says):
        generate_bank(tmp_path / "out", **config)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_what_fails_ends_the_writers_before_their_files_are_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing: list[Future[None]] = []
    is_over: list[bool] = []

    def fails(files: BankFiles, pieces: object, pool: Executor) -> None:
        writing.append(pool.submit(time.sleep, 0.05))
        raise OSError("disk full")

    monkeypatch.setattr(BankFiles, "write", fails)
    monkeypatch.setattr(BankFiles, "__exit__", lambda *_: is_over.append(writing[0].done()))
    with pytest.raises(OSError, match="disk full"):
        generate_bank(tmp_path / "bank", 20, 1, 1)
    assert is_over == [True]


def test_nothing_is_written_into_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(PortraitError, match="not empty"):
        generate_bank(tmp_path, 10, 2, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
