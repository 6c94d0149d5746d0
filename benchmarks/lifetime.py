"""CDNOW's customers drawn with replacement to a million: reading, fitting, backtest and scores.

Prints: what | seconds, peak memory | bound. `python -m benchmarks.lifetime [CUSTOMERS]`; needs the
package lifetimes for its data, which is in the extra `dev`.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from portrait_assets.app.any_table.lifetime import lifetime_file
from portrait_assets.methods.lifetime.models import bg_nbd, pareto_nbd
from portrait_assets.methods.lifetime.models.fitting import fit
from portrait_assets.methods.lifetime.models.histories import grouped
from portrait_assets.methods.lifetime.transactions import outcome, purchases, summary
from portrait_assets.testing.measured import keep
from portrait_assets.testing.worlds import cdnow

UNTIL, END = date(1997, 9, 30), date(1998, 6, 30)
DAYS = (END - UNTIL).days


def resampled(customers: int) -> pl.DataFrame:
    """Transactions of so many customers, each a copy of one of the sample under a new number."""
    ids = cdnow.sample_ids().sort("ID")["customer_id"]
    drawn = np.random.default_rng(1).integers(0, len(ids), customers)
    copies = pl.DataFrame({"original": ids.gather(drawn), "customer_id": np.arange(customers)})
    transactions = cdnow.sample().rename({"customer_id": "original"})
    return copies.join(transactions, on="original").drop("original")


def main(customers: int) -> None:
    if cdnow.folder() is None:
        sys.exit("The package lifetimes is not installed; pip install 'portrait-assets[dev]'.")
    transactions = resampled(customers)
    figures: dict[str, float] = {}

    began = time.perf_counter()
    known = summary(purchases(transactions.lazy()), UNTIL, DAYS).collect()
    figures["summary, s"] = time.perf_counter() - began
    began = time.perf_counter()
    histories, places = grouped(known)
    fitted = fit(bg_nbd, histories)
    fit(pareto_nbd, histories)
    bg_nbd.expected(fitted.values, histories, DAYS / 7)[places]
    figures["both models fitted and scored, s"] = time.perf_counter() - began

    with tempfile.TemporaryDirectory() as folder:
        file, to = Path(folder) / "sales.parquet", Path(folder) / "values.parquet"
        transactions.write_parquet(file)
        began, busy = time.perf_counter(), time.process_time()
        lifetime_file(file, to, str(UNTIL), f"{DAYS}d")
        figures["file to values with backtest, s"] = time.perf_counter() - began
        figures["file to values with backtest, s of processor time"] = time.process_time() - busy
        values = pl.read_parquet(to)
    done = outcome(purchases(transactions.lazy()), values.lazy(), UNTIL, END).collect()
    error = (values["expected_purchases"] - done["purchases"]).abs().mean()
    figures["MAE of the 39 weeks after"] = float(error)  # type: ignore[arg-type]
    figures["peak GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for what, value in figures.items():
        print(f"{what} | {value:.3f}")
    print(f"{values.height:,} customers | bound: 10 s, MAE 0.79")
    keep("lifetime", {f"{customers:,} customers, {what}": v for what, v in figures.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
