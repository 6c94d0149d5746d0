"""Typing and checking transactions against a plain scan and write of the same rows.

Prints: what | ratio and peak memory | bound. `--quick` takes 2 million rows instead of 20.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS

BOUND = 3.0
BATCH_ROWS = 2_000_000


def transactions(rows: int, first: int) -> pl.DataFrame:
    draw = np.random.default_rng(first)
    day = draw.integers(0, 31, rows) * 86_400 + draw.integers(0, 86_400, rows)
    amount = draw.integers(1, 100_000, rows)
    given = {
        "month": pl.repeat("2024-01", rows, eager=True),
        "transaction_id": pl.int_range(first, first + rows, eager=True).cast(pl.String),
        "customer_id": pl.Series(draw.integers(0, rows // 20 + 1, rows)).cast(pl.String),
        "occurred_at": (pl.Series(day) + 1_704_067_200).cast(pl.Datetime("us")),
        "amount": pl.Series(amount).cast(pl.Decimal(18, 2)),
        "channel": pl.Series(np.array(["app", "web", "pos", "unknown"])[draw.integers(0, 4, rows)]),
        "source_file": pl.repeat("transactions.parquet", rows, eager=True),
        "source_row": pl.int_range(first, first + rows, eager=True),
    }
    frame = pl.DataFrame(given)
    empty = [
        pl.lit(None, dtype=pl.String).alias(name)
        for name in TRANSACTIONS.raw_table().column_names
        if name not in frame.columns
    ]
    return frame.with_columns(empty).select(TRANSACTIONS.raw_table().column_names)


def batches(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    for first in range(0, rows, BATCH_ROWS):
        yield pl.scan_parquet(path / "*.parquet").slice(first, BATCH_ROWS).collect()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 million rows")
    rows = 2_000_000 if parser.parse_args().quick else 20_000_000
    with tempfile.TemporaryDirectory() as folder:
        given, plain, typed = (Path(folder) / name for name in ("given", "plain", "typed"))
        for target in (given, plain, typed):
            target.mkdir()
        for number, first in enumerate(range(0, rows, 1_000_000)):
            transactions(1_000_000, first).write_parquet(given / f"{number:03}.parquet")
        began = time.perf_counter()
        for number, frame in enumerate(batches(given, rows)):
            frame.write_parquet(plain / f"{number:03}.parquet")
        scanned = time.perf_counter() - began
        began, kept = time.perf_counter(), 0
        for number, frame in enumerate(batches(given, rows)):
            cleaned = clean(frame, TRANSACTIONS, Conventions("Asia/Shanghai", "CN"))
            cleaned.kept.write_parquet(typed / f"{number:03}.parquet")
            kept += cleaned.kept.height
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert kept == rows
    print(
        f"typing {rows:,} transactions | {seconds / scanned:.2f}x of scan and write "
        f"({seconds:.1f} s against {scanned:.1f} s), peak {peak:.1f} GiB | {BOUND:.0f}x"
    )


if __name__ == "__main__":
    main()
