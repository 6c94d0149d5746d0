"""36 months run in pieces, interrupted, out of order and again: the result is that of one run.

Run `python -m benchmarks.torture_backfill [months] [customers] [seed]`.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.torture_world import finish_run, in_child, load_everything, start_run
from portrait_assets.core.months import month_range, next_month
from portrait_assets.core.settings import Settings
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.published import digest, records_agree

FIRST = "2021-01"
KEY = "PORTRAIT_KEYS__PSEUDONYMS"
"""One for both banks, whose customers then have the same pseudonyms."""


def bank(folder: Path, customers: int, months: int) -> Settings:
    """A synthetic bank of so many customers and months."""
    generate_bank(folder, customers, months, 1, FIRST, progress=lambda line: None)
    return Settings(data_dir=folder, source="synthetic_bank")


def torture(months: int, customers: int, seed: int) -> int:
    """Materialize the months in pieces; print the outcome; return the number of faults."""
    chance = random.Random(seed)
    os.environ[KEY] = random.Random(seed).randbytes(32).hex()
    load_everything()
    names = month_range(FIRST, next_month(FIRST, months - 1))
    third = months // 3
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder:
        plain, pieces = (
            in_child(bank, Path(folder) / name, customers, months) for name in ("plain", "pieces")
        )
        log = Path(folder) / "log"
        seconds = finish_run(plain, log)
        print(f"one run over {months} months takes {seconds:.0f} s", flush=True)
        finish_run(pieces, log, f"{names[0]}..{names[third - 1]}")
        interrupted = start_run(pieces, log, f"{names[third]}..{names[2 * third - 1]}")
        interrupted.join(seconds / 3 * chance.uniform(0.1, 0.9))
        interrupted.kill()
        interrupted.join()
        print("interrupted; now the last third, before the second was materialized", flush=True)
        finish_run(pieces, log, f"{names[2 * third]}..{names[-1]}")
        again = chance.sample(names, 3)
        for month in again:
            finish_run(pieces, log, month)
        print(f"materialized again: {', '.join(again)}", flush=True)
        same = in_child(digest, pieces.portrait_file) == in_child(digest, plain.portrait_file)
        faults = [] if same else ["the contents differ from those of one run"]
        faults += in_child(records_agree, pieces)
    print(f"{months} months in pieces: {len(faults)} faults")
    for fault in faults[:20]:
        print(f"FAULT {fault}")
    return len(faults)


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    raise SystemExit(1 if torture(*(numbers + [36, 300, 1][len(numbers) :])) else 0)
