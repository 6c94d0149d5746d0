"""One run at a time: an operating-system lock that the kernel frees whatever happens."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from portrait_assets.core.errors import WarehouseBusyError, WarehouseError

POLL_SECONDS = 0.2


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text() or "{}")
    except (OSError, ValueError):
        holder = {}
    if not holder:
        return "another process"
    return f"run {holder['run_id']} (process {holder['pid']}, since {holder['since']})"


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a+")
    except OSError as error:
        raise WarehouseError(
            f"The warehouse in {path.parent} cannot be written to ({error.strerror}); "
            "give yourself the right to, or free room on the disk."
        ) from None


@contextmanager
def warehouse_lock(
    path: Path,
    run_id: str,
    wait_seconds: float,
    on_wait: Callable[[str], None] = lambda message: None,
) -> Iterator[None]:
    """Hold the lock file for the length of the block.

    Args:
        path: the lock file, created when absent and never removed.
        run_id: which the messages of waiting processes name.
        wait_seconds: how long to wait for a holder to let go.
        on_wait: called once with a sentence when there is somebody to wait for.

    Raises:
        WarehouseBusyError: when the wait is over; the sentence names the holder.
        WarehouseError: when the folder cannot be written to.
    """
    with _opened(path) as file:
        give_up = time.monotonic() + wait_seconds
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise WarehouseBusyError(
                        f"The warehouse in {path.parent.name} is held by {_holder(path)} and was "
                        f"not free within {wait_seconds:.0f} s; try again when that run has ended."
                    ) from None
                if not waiting:
                    on_wait(f"Waiting for the warehouse, held by {_holder(path)}.")
                    waiting = True
                time.sleep(POLL_SECONDS)
        file.truncate(0)
        file.write(
            json.dumps(
                {
                    "run_id": run_id,
                    "pid": os.getpid(),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            )
        )
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
