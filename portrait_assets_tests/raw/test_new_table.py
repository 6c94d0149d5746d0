"""A further canonical table is declared in raw's contract, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portrait_assets.synthetic.labels import GENERATED
from portrait_assets_tests.raw import new_table


@pytest.mark.slow
def test_a_table_that_only_the_contract_knows_is_read_and_cleaned(tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", new_table.__name__, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["kept"] == [["K001", 12], ["K002", None]], "a visit of -3 minutes is none"
    assert sorted(found["bank"]) == sorted(table.name for table in GENERATED)
