"""Runs killed at random moments: what is left can be read, and a plain rerun makes it right.

Run `python -m benchmarks.torture_kills [kills] [seed] [minutes at most]`. The shop's file changes
before each run, so the run that is killed moves the warehouse from one state to another. After the
kill the published file must hold wholly the one or the other; after a plain rerun, exactly what an
undisturbed run from nothing gives. A reader opens the published file all the while.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks.torture_world import (
    FORK,
    counts_by_name,
    finish_run,
    in_child,
    load_everything,
    start_run,
)
from portrait_assets.core.settings import Settings
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.testing.published import digest, key_figures_of, records_agree
from portrait_assets.testing.worlds.shop import put_sales, sales_versions, short_shop

POLL_SECONDS = 2.0
BEFORE_MART = [room.name for room in ROOMS if room.name != "mart"]


@dataclass
class Reference:
    """What an undisturbed run gives for each version of the shop's file."""

    sales: dict[str, bytes]
    digests: dict[str, str] = field(default_factory=dict)
    looks: dict[str, tuple[object, ...]] = field(default_factory=dict)
    seconds: float = 0.0


def reference(settings: Settings) -> Reference:
    """Each version run from nothing, undisturbed; the tables of the last one stay."""
    result = Reference(sales_versions(settings))
    for name, sales in result.sales.items():
        put_sales(settings, sales)
        result.seconds = finish_run(settings, settings.data_dir / "log", fresh=True)
        result.digests[name] = in_child(digest, settings.portrait_file)
        result.looks[name] = in_child(key_figures_of, settings.portrait_file)
    assert len(set(result.digests.values())) == len(set(result.looks.values())) == 2
    return result


def _poll(
    path: Path, known: list[tuple[object, ...]], stop: Event, results: SimpleQueue[Any]
) -> None:
    reads, faults = 0, []
    while not stop.is_set():
        try:
            seen = key_figures_of(path)
            if seen not in known:
                faults.append(f"a mix: {seen}")
        except Exception as error:
            faults.append(repr(error))
        reads += 1
        time.sleep(POLL_SECONDS)
    results.put((reads, faults))


def phase(log: Path, settings: Settings) -> str:
    """How far a killed run had come, by what it had printed and left."""
    if settings.portrait_file.with_name(".portrait.duckdb.new").exists():
        return "publishing"
    lines = log.read_text().splitlines() if log.exists() else []
    seen = [room for line in lines for room in BEFORE_MART if f" {room}: " in line]
    return f"after {seen[-1]}" if seen else "before the first table"


def kill_once(
    settings: Settings, expected: Reference, target: str, seconds: float, chance: random.Random
) -> str | None:
    """Kill a run towards the version; the phase it was in, or None when it had ended before.

    Raises:
        RuntimeError: when it ended by itself with an error.
    """
    log = settings.data_dir / "log"
    log.unlink(missing_ok=True)
    put_sales(settings, expected.sales[target])
    process: BaseProcess = start_run(settings, log)
    process.join(chance.uniform(0, seconds))
    process.kill()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return phase(log, settings)
    if process.exitcode == 0:
        return None
    raise RuntimeError(f"it ended with {process.exitcode}: {log.read_text()[-2000:]}")


def torture(kills: int, seed: int, minutes: int) -> int:
    """Kill so many runs, or as fit the time; print the outcome; return the number of faults."""
    give_up = time.monotonic() + 60 * minutes
    chance = random.Random(seed)
    load_everything()
    faults: list[str] = []
    phases: Counter[str] = Counter()
    late = 0
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder:
        settings = short_shop(Path(folder) / "data")
        expected = reference(settings)
        seconds = took = expected.seconds
        names = list(expected.sales)
        stop, results = FORK.Event(), FORK.SimpleQueue()
        reader = FORK.Process(
            target=_poll,
            args=(settings.portrait_file, list(expected.looks.values()), stop, results),
            daemon=True,
        )
        reader.start()
        turn = 0
        while sum(phases.values()) < kills and time.monotonic() < give_up:
            turn += 1
            before, target = names[turn % 2], names[(turn + 1) % 2]
            started = time.monotonic()
            where = kill_once(settings, expected, target, seconds, chance)
            if where is None:
                late += 1
                took = time.monotonic() - started
            else:
                phases[where] += 1
                between = in_child(digest, settings.portrait_file)
                if between not in (expected.digests[before], expected.digests[target]):
                    faults.append(f"kill {turn} ({where}): the published file is a mix")
                try:
                    took = finish_run(settings, settings.data_dir / "log")
                except RuntimeError as error:
                    faults.append(f"kill {turn} ({where}): {error}")
            seconds += 0.3 * (took - seconds)
            if in_child(digest, settings.portrait_file) != expected.digests[target]:
                faults.append(f"kill {turn} ({where}): the rerun's contents differ")
            print(f"{turn}: {where or 'ended before the kill'}, {len(faults)} faults", flush=True)
        faults += in_child(records_agree, settings)
        stop.set()
        reads, misread = results.get()
        reader.join()
    by_phase = counts_by_name(dict(phases.most_common()))
    print(f"{sum(phases.values())} kills: {by_phase}; {late} came too late")
    print(f"a run takes {seconds:.1f} s; {reads} reads alongside, {len(misread)} of them faulty")
    for fault in [*faults, *misread][:20]:
        print(f"FAULT {fault}")
    return len(faults) + len(misread)


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    raise SystemExit(1 if torture(*(numbers + [200, 1, 1440][len(numbers) :])) else 0)
