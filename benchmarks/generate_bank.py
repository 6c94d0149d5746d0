"""Time and peak memory of generating a bank: `python -m benchmarks.generate_bank 1000000 24`."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.measured import keep


def main(customers: int, months: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        summary = generate_bank(Path(folder) / "bank", customers, months, seed=1)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
    used = resource.getrusage(resource.RUSAGE_SELF)
    rows = ", ".join(f"{count:,} {table}" for table, count in sorted(summary.rows.items()))
    print(f"{customers:,} customers, {months} months: {rows}")
    print(
        f"{seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of processor time, "
        f"peak {used.ru_maxrss / 2**20:.2f} GiB, {size / 2**30:.2f} GiB of Parquet"
    )
    what = f"{customers:,} customers, {months} months"
    keep(
        "generate_bank",
        {
            f"{what}, s": seconds,
            f"{what}, s of processor time": used.ru_utime + used.ru_stime,
            f"{what}, peak GiB": used.ru_maxrss / 2**20,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
