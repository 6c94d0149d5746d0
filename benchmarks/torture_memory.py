"""A hundred million transactions in two gibibytes: `python -m benchmarks.torture_memory`.

`[CUSTOMERS] [GIB]`, by default 1000000 and 2: makes a synthetic bank of 24 months and takes it
from Parquet to the last month's feature matrix, while DuckDB may use so many gibibytes. It has to
spill, not die: the exit code is that of the stage that failed, or 0. BENCH_DIR, where it is set,
keeps the bank and the warehouse.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.run import MONTHS, cost_of
from portrait_assets.synthetic.bank import generate_bank

STAGES = ("cleaned", "features", "month")


def main(customers: int, limit_gib: float, folder: Path) -> int:
    """Run the stages and print what each took; 0 when all ended well."""
    bank, work = folder / f"bank-{customers}", folder / f"memory-{customers}"
    if not bank.exists():
        generate_bank(bank, customers, MONTHS, seed=1)
    for stage in STAGES:
        try:
            cost = cost_of("benchmarks.features_stage", stage, str(bank), str(work), str(limit_gib))
        except subprocess.CalledProcessError as error:
            print(f"{stage} failed with {error.returncode}")
            return error.returncode
        print(
            f"{stage}: {cost.seconds:.0f} s, at most {cost.peak_gib:.2f} GiB resident", flush=True
        )
    return 0


if __name__ == "__main__":
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    limit = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    kept = os.environ.get("BENCH_DIR")
    with tempfile.TemporaryDirectory() as temporary:
        raise SystemExit(main(customers, limit, Path(kept or temporary)))
