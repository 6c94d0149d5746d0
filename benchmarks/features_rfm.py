"""Recency, frequency and monetary of a bank's transactions: `python -m benchmarks.features_rfm`.

ENGINE FILE: ENGINE is `pipeline` (the SQL of the features) or one of pandas, with the same rows:
recency, and purchases and spend of 1, 3, 6 and 12 months. `pandas` takes the amounts as the bank's
files have them, as exact decimals; for `pandas-floats` they were made floats before, and
`pandas-objects` holds text as Python objects besides, as pandas did before version 3. The ids in
FILE are integers or text. It prints the seconds taken, without the start of Python and its imports.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from portrait_assets.core.months import next_month

WINDOWS = (1, 3, 6, 12)


def write_transactions(bank: Path, ids: str, target: Path) -> None:
    """The bank's transactions with such ids in one Parquet file."""
    customer = "CAST(substr(customer_id, 2) AS BIGINT)" if ids == "integer" else "customer_id"
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT {customer} AS customer_id, occurred_at, "
            "amount, CAST(amount AS DOUBLE) AS amount_as_float "
            f"FROM read_parquet('{bank}/transactions/*.parquet') WHERE amount IS NOT NULL "
            f"AND occurred_at < DATE '2025-01-01') TO '{target}' (FORMAT parquet)"
        )


def with_pipeline(path: Path) -> object:
    """As the features do it, cut down to these columns; amounts are exact.

    Sums look at the longest window only, and at rows before it only of who bought nothing in it.
    """
    rows = f"read_parquet('{path}')"
    first = {n: f"TIMESTAMP '{next_month('2024-12', 1 - n)}-01'" for n in WINDOWS}
    longest = first[max(WINDOWS)]
    within = {n: f" FILTER (occurred_at >= {first[n]})" for n in WINDOWS} | {max(WINDOWS): ""}
    windows = ", ".join(
        f"count(*){here} AS purchases_{n}m, coalesce(sum(amount){here}, 0) AS spend_{n}m"
        for n, here in within.items()
    )
    none = ", ".join(f"0 AS purchases_{n}m, 0 AS spend_{n}m" for n in WINDOWS)
    last = "DATE '2024-12-31' - CAST(max(occurred_at) AS DATE) AS recency_days"
    with duckdb.connect() as con:
        return con.execute(
            f"CREATE TABLE rfm AS WITH recent AS MATERIALIZED (SELECT customer_id, {last}, "
            f"{windows} FROM {rows} WHERE occurred_at >= {longest} GROUP BY customer_id) "
            f"FROM recent UNION ALL SELECT customer_id, {last}, {none} FROM {rows} "
            f"ANTI JOIN recent USING (customer_id) WHERE occurred_at < {longest} "
            "GROUP BY customer_id"
        ).fetchall()


def with_pandas(path: Path, amount: str = "amount") -> object:
    """As one writes it in a notebook."""
    import pandas as pd

    rows = pd.read_parquet(path, columns=["customer_id", "occurred_at", amount])
    as_of = pd.Timestamp("2024-12-31")
    months = rows["occurred_at"].dt.year * 12 + rows["occurred_at"].dt.month
    rows["ago"] = as_of.year * 12 + as_of.month - months
    result = rows.groupby("customer_id")["occurred_at"].max().to_frame("last_at")
    result["recency_days"] = (as_of - result.pop("last_at").dt.normalize()).dt.days
    for n in WINDOWS:
        within = rows[rows["ago"] < n].groupby("customer_id")[amount].agg(["size", "sum"])
        result[f"purchases_{n}m"] = within["size"]
        result[f"spend_{n}m"] = within["sum"]
    return result.fillna(0)


def with_objects(path: Path) -> object:
    """With floats, and text as before pandas 3, which keeps it in Arrow's way."""
    import pandas as pd

    warnings.filterwarnings("ignore", "The 'future.infer_string' option is deprecated")
    pd.options.future.infer_string = False
    return with_pandas(path, "amount_as_float")


ENGINES: dict[str, Callable[[Path], object]] = {
    "pipeline": with_pipeline,
    "pandas": with_pandas,
    "pandas-floats": partial(with_pandas, amount="amount_as_float"),
    "pandas-objects": with_objects,
}

if __name__ == "__main__":
    run = ENGINES[sys.argv[1]]
    for needed in () if run is with_pipeline else ("pandas", "pyarrow.parquet", "pyarrow.dataset"):
        importlib.import_module(needed)
    started = time.perf_counter()
    run(Path(sys.argv[2]))
    print(time.perf_counter() - started)
