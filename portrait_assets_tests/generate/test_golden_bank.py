"""What is generated changes only on purpose: two small banks are compared with a golden file."""

from __future__ import annotations

import pytest

from portrait_assets.testing.golden.bank import COMMAND, GOLDEN_FILE, small_banks
from portrait_assets.testing.golden.file import read
from portrait_assets.testing.golden.values import Figures, differences


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return small_banks(tmp_path_factory.mktemp("golden"))


def test_small_banks_are_as_in_the_golden_file(figures: Figures):
    changed = differences(read(GOLDEN_FILE), figures)
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_no_table_of_the_longer_bank_is_empty(figures: Figures):
    """So that a fault in how rows are made changes a figure."""
    longer = {name: rows for name, (rows, *_) in figures.items() if name.startswith("segments: ")}
    assert longer
    assert {name for name, rows in longer.items() if not rows} == set()
