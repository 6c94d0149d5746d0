"""Analysts who query the published file over and over, and runs that publish it again.

Run `python -m benchmarks.torture_readers [readers] [runs] [minutes]`. A quarter hold a session
open for the whole time and must see the same numbers all along; the others open the file anew for
each look and must see one whole publication. No run may fail, and none may wait for them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.torture_world import FORK, finish_run, in_child, load_everything
from portrait_assets.testing.published import key_figures, key_figures_of
from portrait_assets.testing.worlds.shop import put_sales, sales_versions, short_shop

PAUSE_SECONDS = 3.0
SEEN_SQL = "SELECT run_id FROM mart.publication"


def _holds_open(path: Path, stop: Event, results: SimpleQueue[Any]) -> None:
    """Query one session over and over."""
    looks: list[object] = []
    faults: list[str] = []
    try:
        with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
            while not stop.is_set():
                looks.append((con.execute(SEEN_SQL).fetchall()[0][0], key_figures(con)))
                time.sleep(PAUSE_SECONDS)
    except Exception as error:
        faults.append(repr(error))
    if len(set(looks)) > 1:
        faults.append(f"one session saw {len(set(looks))} states")
    results.put((len(looks), set(looks), faults))


def _opens_anew(path: Path, stop: Event, results: SimpleQueue[Any]) -> None:
    """Open, query and close over and over."""
    looks: list[object] = []
    faults: list[str] = []
    while not stop.is_set():
        try:
            with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
                looks.append((con.execute(SEEN_SQL).fetchall()[0][0], key_figures(con)))
        except Exception as error:
            faults.append(repr(error))
        time.sleep(PAUSE_SECONDS)
    results.put((len(looks), set(looks), faults))


def torture(readers: int, runs: int, minutes: int) -> int:
    """Let them read through so many runs, or as fit the time; the number of faults found."""
    give_up = time.monotonic() + 60 * minutes
    load_everything()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder:
        settings = short_shop(Path(folder))
        log = Path(folder) / "log"
        versions = sales_versions(settings)
        expected = {}
        for name in versions:
            put_sales(settings, versions[name])
            alone = finish_run(settings, log)
            expected[name] = in_child(key_figures_of, settings.portrait_file)
        stop, results = FORK.Event(), FORK.SimpleQueue()
        processes = [
            FORK.Process(
                target=_opens_anew if number % 4 else _holds_open,
                args=(settings.portrait_file, stop, results),
                daemon=True,
            )
            for number in range(readers)
        ]
        for process in processes:
            process.start()
        took = []
        names = list(versions)
        for number in range(runs):
            if time.monotonic() > give_up:
                break
            put_sales(settings, versions[names[number % 2]])
            try:
                took.append(finish_run(settings, log))
            except RuntimeError as error:
                faults.append(f"run {number + 1}: {error}")
            if "Waiting" in log.read_text():
                faults.append(f"run {number + 1} waited")
            print(f"run {number + 1}: {took[-1]:.1f} s", flush=True)
        stop.set()
        looked = [results.get() for _ in processes]
        for process in processes:
            process.join()
    whole = set(expected.values())
    publications = set().union(*(seen for _, seen, _ in looked))
    faults += [fault for _, _, misread in looked for fault in misread]
    faults += [f"a mix: {seen}" for seen in publications if seen[1] not in whole]
    print(
        f"{readers} readers, {sum(count for count, _, _ in looked)} looks of 7 queries through "
        f"{len(took)} runs; {len(publications)} publications seen; {len(faults)} faults"
    )
    print(f"a run took {alone:.1f} s without readers and {min(took):.1f} to {max(took):.1f} s with")
    for fault in faults[:20]:
        print(f"FAULT {fault}")
    return len(faults)


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    raise SystemExit(1 if torture(*(numbers + [20, 10, 1440][len(numbers) :])) else 0)
