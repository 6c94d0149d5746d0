"""Runs of the demo killed at random moments, as runs that make again what stands.

Run `python -m benchmarks.torture_demo [kills] [seed]`. After each kill the published file must hold
what it held, and after a plain rerun the contents must be those of the undisturbed run.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.torture_world import ENGINES
from portrait_assets.core.settings import Settings
from portrait_assets.testing.published import digest
from portrait_assets.testing.worlds.shop import clean_environment

PORTRAIT = [sys.executable, "-m", "portrait_assets"]
RUN = [*PORTRAIT, "run", "--source", "complete_journey", "--months", "2017-01..2017-12"]


def torture(kills: int, seed: int) -> int:
    """Kill so many runs of the demo; print the outcome; return the number of faults."""
    chance = random.Random(seed)
    faults = killed = 0
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder:
        environment = clean_environment() | {"PORTRAIT_DATA_DIR": folder}
        for engine in ENGINES:
            environment.pop(engine, None)
        settings = Settings(data_dir=Path(folder), source="complete_journey")
        started = time.monotonic()
        subprocess.run(RUN, env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        expected = digest(settings.portrait_file)
        print(f"a run takes {seconds:.0f} s", flush=True)
        while killed < kills:
            started = time.monotonic()
            process = subprocess.Popen(RUN, env=environment, stdout=subprocess.DEVNULL)
            after = chance.uniform(0, seconds)
            try:
                process.wait(after)
                seconds += 0.5 * (time.monotonic() - started - seconds)
                continue
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            killed += 1
            between = digest(settings.portrait_file) == expected
            started = time.monotonic()
            rerun = subprocess.run(RUN, env=environment, check=False, stdout=subprocess.DEVNULL)
            seconds += 0.5 * (time.monotonic() - started - seconds)
            same = rerun.returncode == 0 and digest(settings.portrait_file) == expected
            faults += not (between and same)
            print(
                f"kill {killed} after {after:.0f} s: readable and whole {between}, same {same}",
                flush=True,
            )
    print(f"{killed} kills, {faults} faults")
    return faults


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    raise SystemExit(1 if torture(*(numbers + [10, 1][len(numbers) :])) else 0)
