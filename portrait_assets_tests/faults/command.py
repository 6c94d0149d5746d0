"""The command line on the corner shop in a data folder, as a process of its own or in this one."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from portrait_assets.app.cli import options
from portrait_assets.testing.worlds.shop import clean_environment

WIDTH = 200
PORTRAIT = [sys.executable, "-m", "portrait_assets"]


def environment_of(data: Path) -> dict[str, str]:
    """The environment in which `portrait` works on the shop in `data`."""
    return clean_environment() | {
        "PORTRAIT_DATA_DIR": str(data),
        "PORTRAIT_SOURCE": "corner_shop",
        "COLUMNS": str(WIDTH),
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


@contextmanager
def started(
    seen: str, *arguments: str, data: Path, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """As `portrait`, while it runs on: once it has printed a line that has `seen` in it."""
    with subprocess.Popen(
        [*PORTRAIT, *arguments],
        env=environment_of(data) | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while seen not in process.stdout.readline():
            assert process.poll() is None
        yield process


def portrait_here(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    """As `portrait`, without the seconds that a process takes to start: for what only reads."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment_of(data).items():
            patched.setenv(name, value)
        # Consoles have read their width already, from the environment of this process.
        patched.setattr(options.out, "_width", WIDTH)
        patched.setattr(sys, "argv", ["", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("portrait_assets", run_name="__main__", alter_sys=True)
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())


def fails_in_a_sentence(ran: subprocess.CompletedProcess[str], says: str) -> None:
    """It failed, with one message that matches and no traceback."""
    assert ran.returncode not in (0, -11, -6), ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert re.search(says, ran.stderr), ran.stderr
