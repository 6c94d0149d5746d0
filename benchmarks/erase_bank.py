"""`python -m benchmarks.erase_bank CUSTOMERS MONTHS PEOPLE [FOLDER]`: an erasure, part by part.

A bank with marks is generated and run in the folder, or in a temporary one; where the folder has
them already they are used. PEOPLE of its customers are erased, and the seconds of each part are
printed: what finds their texts, the scan before, the removal, the publication, the scan after.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.erasure.erase import Erased, erase
from portrait_assets.app.erasure.people.persons import read_asked
from portrait_assets.app.erasure.preview import preview
from portrait_assets.core.months import month_range, next_month
from portrait_assets.core.settings import Settings
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.measured import keep

FIRST, SOURCE = "2023-01", "synthetic_bank"


class _Quiet:
    """A progress that prints sentences alone."""

    def say(self, sentence: str) -> None:
        print(sentence, flush=True)

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def _materialized(folder: Path, customers: int, months: int) -> Settings:
    """The warehouse of a generated bank, materialized unless it is there already."""
    bank = folder / "bank"
    os.environ["PORTRAIT_BANK_DIR"] = str(bank)
    settings = Settings(data_dir=folder / "data", source=SOURCE)
    if not bank.exists():
        generate_bank(bank, customers, months, seed=1, marks=True)
    if not settings.portrait_file.exists():
        span = month_range(FIRST, next_month(FIRST, months - 1))
        command = [sys.executable, "-m", "portrait_assets", "run", "--source", SOURCE]
        command += ["--months", f"{span[0]}..{span[-1]}", "--data-dir", str(settings.data_dir)]
        subprocess.run(command, check=True)
    return settings


def _erased(settings: Settings, people: int, folder: Path) -> Erased:
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        con.execute("SELECT 1")
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        ids = con.sql(
            "SELECT DISTINCT customer_id FROM features.feature_matrix "
            f"ORDER BY hash(customer_id) LIMIT {people}"
        ).pl()
    pl.DataFrame(ids).write_csv(folder / "people.csv")
    what = preview(settings, read_asked(folder / "people.csv"))
    print(what.sentence)
    return erase(settings, what, _Quiet())  # type: ignore[arg-type]


def main(customers: int, months: int, people: int, folder: Path) -> None:
    settings = _materialized(folder, customers, months)
    size = sum(path.stat().st_size for path in settings.warehouse_dir.glob("*.duckdb"))
    started = time.perf_counter()
    done = _erased(settings, people, folder)
    seconds = time.perf_counter() - started
    before, after = done.certificate.scan_before, done.certificate.scan_after
    assert before is not None
    assert after is not None
    print(f"{size / 2**30:.2f} GiB; {seconds:.1f} s in all")
    for part, each in done.seconds.items():
        print(f"  {part}: {each:.1f} s")
    found = sum(before.found.values()), sum(after.found.values())
    print(f"{after.patterns:,} patterns: {found[0]:,} found before, {found[1]:,} after")
    what = f"{people:,} of {customers:,} customers, {months} months"
    figures = {f"{what}: {part}, s": each for part, each in done.seconds.items()}
    keep("erase_bank", {**figures, f"{what}: all, s": seconds})


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:4]]
    if len(sys.argv) > 4:
        main(numbers[0], numbers[1], numbers[2], Path(sys.argv[4]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(numbers[0], numbers[1], numbers[2], Path(temporary))
