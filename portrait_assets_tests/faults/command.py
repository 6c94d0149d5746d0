"""The command line as a process of its own, on the corner shop in a data folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from portrait_assets.testing.shop import clean_environment

PORTRAIT = [sys.executable, "-m", "portrait_assets"]


def environment_of(data: Path) -> dict[str, str]:
    """The environment in which `portrait` works on the shop in `data`."""
    return clean_environment() | {
        "PORTRAIT_DATA_DIR": str(data),
        "PORTRAIT_SOURCE": "corner_shop",
        "COLUMNS": "200",
    }


def portrait(*arguments: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line; `settings` are environment variables."""
    return subprocess.run(
        [*PORTRAIT, *arguments],
        env=environment_of(data) | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def fails_in_a_sentence(ran: subprocess.CompletedProcess[str], says: str) -> None:
    """It failed, with one message that matches and no traceback."""
    assert ran.returncode not in (0, -11, -6), ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert re.search(says, ran.stderr), ran.stderr
