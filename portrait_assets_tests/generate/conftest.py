"""One small bank, generated once per session and read by every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.synthetic.bank import BankSummary, generate_bank

CUSTOMERS, MONTHS, SEED = 4_000, 7, 11
Query = Callable[[str], pl.DataFrame]


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> BankSummary:
    return generate_bank(tmp_path_factory.mktemp("bank") / "out", CUSTOMERS, MONTHS, SEED)


@pytest.fixture(scope="session")
def query(bank: BankSummary) -> Query:
    """SQL over the bank's tables and, under their names with truth_ before them, the truths."""
    con = duckdb.connect()
    for folder, prefix in ((bank.folder, ""), (bank.folder / "truth", "truth_")):
        for path in sorted(folder.iterdir()):
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
