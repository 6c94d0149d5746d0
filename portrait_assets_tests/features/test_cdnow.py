"""Recency and frequency of CDNOW agree with the summary that the package lifetimes ships.

The summary counts days in weeks up to 1997-09-30: P. Fader, B. Hardie (2013), "Notes on the CDNOW
master data set". The package is old and needs pandas, so its files are read without importing it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.testing.feature_world import World

FOUND = importlib.util.find_spec("lifetimes")
pytestmark = pytest.mark.skipif(FOUND is None, reason="the package lifetimes is not installed")
LAST = "1997-09"


def files() -> Path:
    assert FOUND is not None
    assert FOUND.origin is not None
    return Path(FOUND.origin).parent / "datasets"


def read(name: str, columns: list[str]) -> pl.DataFrame:
    """A text file whose columns are aligned with blanks."""
    fields = ", ".join(
        f"string_split_regex(trim(line), ' +')[{number}] AS {column}"
        for number, column in enumerate(columns, 1)
    )
    with duckdb.connect() as con:
        found: pl.DataFrame = con.sql(
            f"SELECT {fields} FROM read_csv('{files() / name}', columns = {{'line': 'VARCHAR'}}, "
            "delim = '\\0', header = false, quote = '') WHERE trim(line) SIMILAR TO '[0-9].*'"
        ).pl()
    return found


def test_recency_frequency_and_age_are_those_of_the_summary():
    sample = read("CDNOW_sample.txt", ["customer_id", "sample_id"]).unique()
    master = read("CDNOW_master.txt", ["customer_id", "bought_on", "cds", "amount"])
    until = (
        master.join(sample, on="customer_id", how="semi")
        .with_columns(
            occurred_at=pl.col("bought_on").str.to_datetime("%Y%m%d"),
            amount=pl.col("amount").cast(pl.Float64),
        )
        .filter(pl.col("occurred_at") < pl.datetime(1997, 10, 1))
    )
    world = World(
        LAST,
        first="1997-01",
        transactions=until.select("customer_id", "occurred_at", "amount").to_dicts(),
    )
    ours = (
        world.matrix(LAST)
        .join(sample, on="customer_id")
        .select(
            ID=pl.col("sample_id").cast(pl.Int64),
            frequency=pl.col("purchase_days_12m") - 1,
            recency=((pl.col("tenure_days") - pl.col("recency_days")) / 7).round(2),
            T=(pl.col("tenure_days") / 7).round(2),
        )
        .sort("ID")
    )
    theirs = pl.read_csv(files() / "cdnow_customers_summary.csv").sort("ID")
    assert ours.height == theirs.height == 2357
    assert ours["frequency"].to_list() == theirs["frequency"].to_list()
    for column in ("recency", "T"):
        assert ours[column].to_list() == pytest.approx(theirs[column].to_list(), abs=0.006)
