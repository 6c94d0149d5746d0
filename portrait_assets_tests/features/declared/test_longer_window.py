"""A feature over another window than the usual one is declared in one place."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets_tests.features.declared import longer_window

pytestmark = pytest.mark.slow  # A process of its own.


def test_features_over_24_months_need_only_their_declaration():
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", longer_window.__name__],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["rows"] == {
        "recent": [5.0, 85.5, 2, 5.0, 80.5],
        "away": [0.0, 12.0, 1, None, 12.0],
        "gone": [0.0, 0.0, 0, None, None],
    }
    assert found["class"] == CLEANED["transactions"].column("amount").sensitivity
