"""What a run will take: time, memory and disk, from the source's files and past runs."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portrait_assets.core.errors import PortraitError
from portrait_assets.orchestration.planning import STAGES, Run
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.dagster.room import Pace

# Rooms' paces are those of 2 cores of a virtual machine with PORTRAIT_MEMORY_LIMIT_GIB=2. What a
# run takes was measured on a month of a shop, what a month takes on shops of 12 and 18 months with
# 240,000 and 70,000 rows, the rest on a generated bank of 100,000 customers and 23 months, 15.3
# million rows (`benchmarks.whole_job`). A stage's checks count to the stage after it. Predictions
# take by customers more than by rows: 40 s a million rows of that bank, and 5 of a shop's.
PACES: Mapping[str, Pace] = {room.name: room.pace for room in ROOMS}
# The same bank: a warehouse of 1.9 GB, a published file of 0.8 GB, and 3.7 GB at most of what is
# there only while a piece is run; of a million customers and 3 months 4 GB. Resident at most: a
# shop 0.7 GiB, banks of 20,000, 100,000 and a million customers 3.0, 4.3 and 5.3 GiB.
WAREHOUSE_BYTES = (10e6, 126.0)
PORTRAIT_BYTES = (9e6, 50.0)
SPILLED_BYTES = 240.0
MEMORY_GIB = 0.8
MEMORY_GIB_BEYOND_LIMIT = 3.3
SURELY = 0.7
"""Of the disk that is estimated; with less free a run is not begun."""
FACTORS = (0.25, 4.0)
"""How far past runs may move the estimate of a stage."""

Past = Iterable[tuple[str, int, int, float]]
"""Of past runs: stage, months, rows of the source, and the seconds it took."""


@dataclass(frozen=True)
class Stage:
    """A stage of a run, and the seconds that it should take."""

    name: str
    seconds: float


def stages(runs: Iterable[Run], rows: Mapping[str, int], past: Past = ()) -> list[Stage]:
    """The stages of runs, in order.

    Args:
        runs: what is run.
        rows: rows of the source by month.
        past: what stages took before; without it they take what was measured elsewhere.
    """
    took: dict[str, float] = {}
    expected: dict[str, float] = {}
    for room, past_months, past_rows, seconds in past:
        took[room] = took.get(room, 0.0) + seconds
        pace = PACES[room].seconds(past_months, past_rows)
        expected[room] = expected.get(room, 0.0) + pace
    low, high = FACTORS
    slowness = {room: min(max(took[room] / expected[room], low), high) for room in took}
    return [
        Stage(
            room,
            PACES[room].seconds(len(run.months), sum(rows[month] for month in run.months))
            * slowness.get(room, 1.0),
        )
        for run in runs
        for room in STAGES
        if room in run.rooms
    ]


@dataclass(frozen=True)
class Estimate:
    """What a run should take; `disk_bytes` are those that it needs beyond what stands."""

    seconds: float
    memory_gib: float
    disk_bytes: float

    def __str__(self) -> str:
        """Such as `About 9 minutes, 4.3 GiB of memory and 2.6 GB of disk`."""
        return (
            f"About {duration(self.seconds)}, {self.memory_gib:.1f} GiB of memory "
            f"and {size(self.disk_bytes)} of disk"
        )


def estimate(
    seconds: float, rows: int, piece_rows: int, standing_bytes: int, memory_limit_gib: float
) -> Estimate:
    """What a run should take.

    Args:
        seconds: of all its stages.
        rows: all rows of the source, also of months that are not run.
        piece_rows: rows that are run at once.
        standing_bytes: size of the warehouse as it is.
        memory_limit_gib: what DuckDB may use.
    """
    warehouse, portrait = (fixed + each * rows for fixed, each in (WAREHOUSE_BYTES, PORTRAIT_BYTES))
    # What is published is written beside the file that it replaces.
    disk = max(0.0, warehouse - standing_bytes) + portrait + SPILLED_BYTES * piece_rows
    # Memory grows more slowly than rows, as most steps take so many at a time.
    worked_on = MEMORY_GIB + math.sqrt(piece_rows / 1e6)
    memory = min(worked_on, memory_limit_gib + MEMORY_GIB_BEYOND_LIMIT)
    return Estimate(seconds, memory, disk)


def check_disk(
    needed: Estimate, folder: Path, free_bytes: Callable[[Path], int] | None = None
) -> int:
    """The bytes free where the warehouse stands, when they may do.

    Args:
        needed: what the run should take.
        folder: the warehouse's folder, which need not be there yet.
        free_bytes: gives the bytes free in a folder; asks the operating system by default.

    Raises:
        PortraitError: when they surely will not.
    """
    while not folder.exists():
        folder = folder.parent
    free = free_bytes(folder) if free_bytes else shutil.disk_usage(folder).free
    if free < SURELY * needed.disk_bytes:
        lacking = needed.disk_bytes - free
        raise PortraitError(
            f"The run needs about {size(needed.disk_bytes)} of disk in {folder} and "
            f"{size(free)} are free; free room for {size(lacking)}, or set PORTRAIT_DATA_DIR to "
            "a folder on a larger disk."
        )
    return free


def memory_warning(needed: Estimate, machine_gib: float) -> str:
    """A sentence where the machine has less memory than the run should take; else empty."""
    if needed.memory_gib <= machine_gib:
        return ""
    return (
        f"The run may take {needed.memory_gib:.1f} GiB of memory and this machine gives "
        f"{machine_gib:.1f}; lower PORTRAIT_MEMORY_LIMIT_GIB if it is stopped for that."
    )


def machine_memory_gib() -> float:
    """The memory of the machine, or of the container where that is less."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            gib = min(gib, int(Path(path).read_text()) / 2**30)
        except (OSError, ValueError):
            continue  # There is no such limit.
    return gib


def duration(seconds: float) -> str:
    """Such as `40 seconds`, `9 minutes` or `2.5 hours`."""
    if seconds < 1.5:
        return "1 second"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def size(count: float) -> str:
    """Such as `80.3 GB` or `20 MB`, of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"
