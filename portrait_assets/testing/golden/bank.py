"""The golden file of two small generated banks: a figure for each column of each table.

    python -m portrait_assets.testing.golden.bank [FILE]

writes the file that this repository's tests compare with. It shows that what is generated has
changed, not that it is right: for that the tests ask the bank about its rates, sums and truths.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.settings import (
    Delivery,
    Dirt,
    Journeys,
    Kinds,
    Life,
    Privacy,
    Prospects,
    Settings,
    Suitability,
)
from portrait_assets.testing.golden.file import FOLDER, write
from portrait_assets.testing.golden.values import Figures, figure

GOLDEN_FILE = FOLDER / "generated_bank.json"
COMMAND = "python -m portrait_assets.testing.golden.bank"
CUSTOMERS, SEED = 500, 7
EVENTFUL = Settings(
    dirt=Dirt(
        duplicate_person=0.05,
        repeated_transaction=0.002,
        sentinel=0.02,
        impossible_date=0.02,
        unusual_date_form=0.02,
        money_in_words=0.02,
        wrong_check_digit=0.02,
        unusual_characters=0.02,
        unreadable_time=0.002,
        future_time=0.002,
        missing_amount=0.002,
        absurd_amount=0.002,
        negative_days_past_due=0.01,
        score_sentinel=0.02,
        response_before_contact=0.05,
    ),
    life=Life(pausing=0.08, moving=0.08, minors=0.04),
    journeys=Journeys(complaint=0.1, calls=0.05),
    delivery=Delivery(unsubscribed=0.02),
    suitability=Suitability(extra_care=0.04, unsuitable_elder=0.6),
    privacy=Privacy(withdrawing=0.03, erasure=0.5, objection=0.06, access=0.04, correction=0.04),
    prospects=Prospects(listed=0.2),
)
"""What a bank of this size would hardly hold is planted more often."""


BANKS: Mapping[str, tuple[int, Settings]] = {
    "segments": (14, EVENTFUL),
    "kinds": (2, replace(EVENTFUL, kinds=Kinds(12))),
}
"""By what customers are drawn from: months, and the rates of what happens."""


def small_banks(folder: Path) -> Figures:
    """The figures of both banks, which are written into folders there."""
    return {
        f"{name}: {column}": found
        for name, (months, settings) in BANKS.items()
        for bank in [generate_bank(folder / name, CUSTOMERS, months, SEED, settings=settings)]
        for column, found in bank_figures(bank.folder).items()
    }


def bank_figures(bank: Path) -> Figures:
    """The figures of the bank by table and column, rows in the order of its files."""
    return {
        f"{table} {column}": figure(rows.select(column))
        for table, files in sorted(_files(bank).items())
        for rows in [pl.concat(map(pl.read_parquet, sorted(files)))]
        for column in rows.columns
    }


def _files(bank: Path) -> dict[str, list[Path]]:
    """By table its files: one, or one for each month in a folder of its name."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in bank.rglob("*.parquet"):
        parts = path.relative_to(bank).with_suffix("").parts
        found["/".join(parts[:2]) if parts[0] == "truth" else parts[0]].append(path)
    return found


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN_FILE
    with TemporaryDirectory() as parent:
        write(small_banks(Path(parent)), target)
    print(target)
