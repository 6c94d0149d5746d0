"""A small bank for tests of whole runs: customers who object, minors, four months."""

from __future__ import annotations

from pathlib import Path

from portrait_assets.core.settings import Settings
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.settings import Life, Privacy
from portrait_assets.synthetic.settings import Settings as Planted

BANK_MONTHS = ["2023-01", "2023-02", "2023-03", "2023-04"]
PLANTED = Planted(
    life=Life(minors=0.05), privacy=Privacy(objection=0.2, erasure=0.5, withdrawing=0.05)
)


def small_bank(folder: Path) -> Settings:
    """The settings of a bank of 600 customers, generated into a folder below this one."""
    generate_bank(folder / "bank", 600, len(BANK_MONTHS), 3, settings=PLANTED)
    return Settings(data_dir=folder / "bank", source="synthetic_bank")
