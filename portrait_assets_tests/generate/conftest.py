"""One small bank, generated once per session and read by every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import BankSummary, generate_bank
from portrait_assets.synthetic.settings import Delivery, Life, Privacy, Settings, Suitability

CUSTOMERS, MONTHS, SEED = 4_000, 7, 11
Query = Callable[[str], pl.DataFrame]
PLANTED = Settings(
    delivery=Delivery(unsubscribed=0.0),
    life=Life(minors=0.02),
    suitability=Suitability(unsuitable_elder=0.6),
    privacy=Privacy(withdrawing=0.02, erasure=0.5, objection=0.1),
)
UNPLANTED = Settings(
    delivery=Delivery(unsubscribed=0.0),
    life=Life(minors=0.0),
    suitability=Suitability(unsuitable_elder=0.0, renewing=1.0),
    privacy=Privacy(withdrawing=0.0, erasure=0.0, objection=0.0, access=0.0, correction=0.0),
)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> BankSummary:
    return generate_bank(tmp_path_factory.mktemp("bank") / "out", CUSTOMERS, MONTHS, SEED)


@pytest.fixture(scope="session")
def query(bank: BankSummary) -> Query:
    return queries(bank.folder)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """A bank in which much is planted of what protects customers and of prospects."""
    folder = tmp_path_factory.mktemp("planted") / "bank"
    generate_bank(folder, 6_000, 12, SEED, settings=PLANTED)
    return queries(folder)


@pytest.fixture(scope="session")
def unplanted(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """The same bank with none of it."""
    folder = tmp_path_factory.mktemp("unplanted") / "bank"
    generate_bank(folder, 6_000, 12, SEED, settings=UNPLANTED)
    return queries(folder)


def queries(folder: Path) -> Query:
    """SQL over a bank's tables and, under their names with truth_ before them, the truths."""
    con = scratch_database()
    for place, prefix in ((folder, ""), (folder / "truth", "truth_")):
        for path in sorted(place.iterdir()):
            if path.suffix == ".parquet":
                con.execute(f"CREATE VIEW {prefix}{path.stem} AS FROM '{path}'")
            elif list(path.glob("*.parquet")):
                con.execute(f"CREATE VIEW {path.stem} AS FROM '{path}/*.parquet'")
    return lambda sql: con.sql(sql).pl()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, byte for byte."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
