"""One run at a time, tried with processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portrait_assets.core.errors import WarehouseBusyError
from portrait_assets.storage.duckdb.lock import warehouse_lock

HOLD = """
import sys, time
from pathlib import Path
from portrait_assets.storage.duckdb.lock import warehouse_lock
with warehouse_lock(Path(sys.argv[1]), "run-of-the-other", 5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "shop" / "warehouse.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_error_of_waiting_too_long_names_the_holder(
    tmp_path: Path, holder: subprocess.Popen[str]
):
    messages: list[str] = []
    with (
        pytest.raises(WarehouseBusyError) as error,
        warehouse_lock(tmp_path / "shop" / "warehouse.lock", "this-run", 0.3, messages.append),
    ):
        pass
    assert "run-of-the-other" in str(error.value)
    assert str(holder.pid) in str(error.value)
    assert len(messages) == 1


def test_a_killed_holder_frees_it(tmp_path: Path, holder: subprocess.Popen[str]):
    holder.send_signal(signal.SIGKILL)
    started = time.monotonic()
    with warehouse_lock(tmp_path / "shop" / "warehouse.lock", "this-run", 5):
        assert time.monotonic() - started < 4


def test_it_is_free_again_after_use(tmp_path: Path):
    for _ in range(2):
        with warehouse_lock(tmp_path / "warehouse.lock", "this-run", 0):
            pass
