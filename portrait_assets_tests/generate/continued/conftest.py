"""A bank of five months that tests continue, and files of what is assigned to its customers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.settings import Flaws, Life, Settings

CUSTOMERS, MONTHS = 2_500, 5
CLEAN = Settings(life=Life(control=0.4), flaws=Flaws(harmful=False))
Write = Callable[..., Path]


@pytest.fixture(scope="package")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of five months, from 2023-01 to 2023-05."""
    return generate_bank(
        tmp_path_factory.mktemp("original") / "bank", CUSTOMERS, MONTHS, 9, settings=CLEAN
    ).folder


@pytest.fixture
def bank(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "bank"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of assignments; the columns that are not given are those of a sound one."""

    def to_file(count: int = 4, name: str = "mine.csv", **columns: object) -> Path:
        sound = {
            "customer_id": [f"C{n:07d}" for n in range(1, count + 1)],
            "campaign_id": "june cashback",
            "arm": ["control" if n % 2 else "treatment" for n in range(count)],
            "channel": [None if n % 2 else "app" for n in range(count)],
            "day": "2023-06-05",
        }
        frame = pl.DataFrame({**sound, **columns})
        path = tmp_path / name
        (frame.write_csv if path.suffix == ".csv" else frame.write_parquet)(path)
        return path

    return to_file


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    """Every Parquet file, by its place."""
    return {str(p.relative_to(folder)): pl.read_parquet(p) for p in folder.rglob("*.parquet")}
