"""CDNOW's purchases of 1997 and 1998, as the package lifetimes ships them.

P. Fader, B. Hardie (2013), "Notes on the CDNOW master data set". The package is old and needs
pandas, so its files are read without importing it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl


def folder() -> Path | None:
    """Where the files are; None when the package is not installed."""
    found = importlib.util.find_spec("lifetimes")
    return Path(found.origin).parent / "datasets" if found and found.origin else None


def master() -> pl.DataFrame:
    """All transactions of 23,570 customers: `customer_id`, `occurred_at` (a date), `amount`."""
    return _aligned("CDNOW_master.txt", ("customer_id", "bought_on", "cds", "amount")).select(
        "customer_id",
        pl.col("bought_on").str.to_date("%Y%m%d").alias("occurred_at"),
        pl.col("amount").cast(pl.Float64),
    )


def sample_ids() -> pl.DataFrame:
    """The customers of the usual sample of one in ten: `customer_id`, and its number `ID`."""
    ids = _aligned("CDNOW_sample.txt", ("customer_id", "ID"))
    return ids.unique().with_columns(pl.col("ID").cast(pl.Int64))


def sample() -> pl.DataFrame:
    """The transactions of the 2,357 customers of the usual sample."""
    return master().join(sample_ids(), on="customer_id", how="semi")


def sample_summary() -> pl.DataFrame:
    """The sample's published summary: `ID`, `frequency`, `recency` and `T` in weeks."""
    return pl.read_csv(_folder() / "cdnow_customers_summary.csv").sort("ID")


def _aligned(name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """A text file whose columns are aligned with blanks."""
    lines = pl.Series("line", (_folder() / name).read_text().splitlines())
    words = lines.filter(lines.str.contains(r"^\s*\d")).str.extract_all(r"\S+")
    return pl.DataFrame({column: words.list.get(place) for place, column in enumerate(columns)})


def _folder() -> Path:
    found = folder()
    if found is None:
        raise FileNotFoundError("The package lifetimes, which has the files, is not installed.")
    return found
