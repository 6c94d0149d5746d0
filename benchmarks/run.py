"""`make bench`: what the features cost, as one table of ratios, each measured in one run.

`python -m benchmarks.run [CUSTOMERS ...]` makes a synthetic bank of 24 months for each number of
customers (about 104 transactions each) and runs every stage as a process of its own, one after the
other: wall-clock seconds with start-up, and peak resident memory. 1000000 takes a quarter of an
hour to an hour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.features_rfm import write_transactions
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.measured import keep

MONTHS = 24
RFM_ROWS = 10_000_000
GIB = 2**20
"""The kernel gives resident memory in kibibytes."""


@dataclass(frozen=True)
class Cost:
    """What a process took; processor time is less disturbed by what else the machine does."""

    seconds: float
    processor_seconds: float
    peak_gib: float


def cost_of(*arguments: str) -> Cost:
    """Run a module of the benchmarks as a process of its own.

    Raises:
        subprocess.CalledProcessError: when it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    cost = Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / GIB)
    print(f"{' '.join(arguments)}: {cost}", file=sys.stderr, flush=True)
    return cost


def bank_costs(bank: Path, work: Path) -> dict[str, Cost]:
    """The cost of every stage over one bank."""
    stages = ("by_hand", "cleaned", "features", "month")
    return {
        stage: cost_of("benchmarks.features_stage", stage, str(bank), str(work)) for stage in stages
    }


def rfm_ratios(bank: Path, work: Path) -> dict[str, tuple[Cost, Cost]]:
    """By kind of id the cost with pandas and with the pipeline's SQL.

    Amounts are exact decimals, as in the bank's files; floats spare pandas most of the work.
    """
    found = {}
    for ids in ("integer", "text"):
        path = work / f"{ids}.parquet"
        write_transactions(bank, ids, path)

        def cost(engine: str, path: Path = path) -> Cost:
            return cost_of("benchmarks.features_rfm", engine, str(path))

        pipeline = cost("pipeline")
        found[f"{ids} ids"] = (cost("pandas"), pipeline)
        found[f"{ids} ids, floats"] = (cost("pandas-floats"), pipeline)
    found["text ids, objects"] = (cost("pandas-objects"), pipeline)
    return found


def main(sizes: list[int], folder: Path, console: Console) -> None:
    table = Table(
        *("bank", "what", "against", "ratio", "of processor time", "at most", "seconds"), "peak GiB"
    )

    def row(bank: str, what: str, against: str, one: Cost, two: Cost, bound: str) -> None:
        peak = f"{one.peak_gib:.2f} / {two.peak_gib:.2f}"
        seconds = f"{one.seconds:.1f} / {two.seconds:.1f}"
        worked = f"{one.processor_seconds / two.processor_seconds:.2f}"
        ratio = f"{one.seconds / two.seconds:.2f}"
        table.add_row(bank, what, against, ratio, worked, bound, seconds, peak)

    figures: dict[str, float] = {}

    def kept(bank: str, what: str, cost: Cost) -> None:
        figures[f"{bank}, {what}, s"] = cost.seconds
        figures[f"{bank}, {what}, s of processor time"] = cost.processor_seconds
        figures[f"{bank}, {what}, peak GiB"] = cost.peak_gib

    before: tuple[int, Cost] | None = None
    for customers in sizes:
        bank = folder / f"bank-{customers}"
        if not bank.exists():
            generate_bank(bank, customers, MONTHS, seed=1)
        work = folder / f"work-{customers}"
        costs = bank_costs(bank, work)
        rows = f"{customers:,} customers"
        for stage, stage_cost in costs.items():
            kept(rows, stage, stage_cost)
        one, two = costs["cleaned"], costs["features"]
        whole = Cost(
            one.seconds + two.seconds,
            one.processor_seconds + two.processor_seconds,
            max(one.peak_gib, two.peak_gib),
        )
        by_hand = costs["by_hand"]
        row(rows, "Parquet to matrix", "one query by hand", whole, by_hand, "8")
        row(rows, "cleaned to matrix", "one query by hand", costs["features"], by_hand, "3")
        row(rows, "a new month", "all months", costs["month"], whole, "0.125")
        if before is not None:
            smaller, cost = before
            row(
                rows,
                "Parquet to matrix",
                f"{smaller:,} customers",
                whole,
                cost,
                f"{customers / smaller:.0f}",
            )
        before = (customers, whole)
        if abs(customers * 104 - RFM_ROWS) < RFM_ROWS / 10:
            for ids, (pandas, pipeline) in rfm_ratios(bank, work).items():
                bound = "at least 2" if ids.startswith("integer") else "at least 8"
                row(rows, f"pandas, RFM by {ids}", "the pipeline's", pandas, pipeline, bound)
                kept(rows, f"RFM by {ids}, pandas", pandas)
                kept(rows, f"RFM by {ids}, pipeline", pipeline)
    console.print(table)
    console.print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    keep("run", figures)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]] or [10_000, 100_000]
    kept_in = os.environ.get("BENCH_DIR")
    with tempfile.TemporaryDirectory() as temporary:
        main(numbers, Path(kept_in or temporary), Console(width=140))
