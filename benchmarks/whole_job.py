"""`python -m benchmarks.whole_job [CUSTOMERS ...]`: the whole job on a generated bank of 24 months.

For each number of customers, one after the other, each a `portrait run` in a process of its own:
the first 23 months, the newest month, a month in the middle again, and once more with nothing to
do. Of each: wall-clock and processor seconds with start-up, peak resident memory and bytes on disk,
by stage as its progress tells them. A stage's checks count to the stage after it. 1000000 takes
about an hour and a half and 40 GB of disk.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from portrait_assets.core.months import month_range, next_month
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.measured import keep

FIRST, MONTHS = "2023-01", 24
STAGE = re.compile(r"^  \S+(?: to \S+)? (\w+): [\d,]+ rows in ([\d.]+) s")
BEFORE_THE_MATRIX = ("raw", "identity", "cleaned", "consent", "features")
GIB = 2**30
ON_DISK = (4.0, 20.0)
"""At most so many times the source's files, and so many GiB."""


@dataclass
class Cost:
    """What something took: seconds, and the peak resident memory in bytes."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_bytes: int = 0

    def add(self, other: Cost) -> None:
        """Both, one after the other."""
        self.seconds += other.seconds
        self.processor_seconds += other.processor_seconds
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


@dataclass
class Run:
    """A `portrait run`: its cost in all and by stage, and the most bytes it had on disk."""

    cost: Cost = field(default_factory=Cost)
    stages: dict[str, Cost] = field(default_factory=dict)
    disk_bytes: int = 0


def folder_bytes(folder: Path) -> int:
    """Bytes of the files below the folder; one that vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except OSError:
            continue
    return total


def portrait(arguments: Sequence[str], environment: Mapping[str, str], work: Path) -> Run:
    """Run `portrait` and watch it.

    Raises:
        subprocess.CalledProcessError: when it fails.
    """
    run = Run()
    command = [sys.executable, "-W", "ignore", "-m", "portrait_assets", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    ended = threading.Event()

    def measure_disk() -> None:
        while not ended.wait(2.0):
            run.disk_bytes = max(run.disk_bytes, folder_bytes(work))

    measuring = threading.Thread(target=measure_disk)
    measuring.start()
    before = 0.0
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", file=sys.stderr, flush=True)
        if ended_stage := STAGE.match(line):
            worked, peak = _so_far(process.pid)
            stage = run.stages.setdefault(ended_stage[1], Cost())
            stage.add(Cost(float(ended_stage[2]), worked - before, peak))
            before = worked
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    measuring.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds = time.perf_counter() - started
    # The kernel's own peak begins anew with each stage.
    peak = max([used.ru_maxrss * 1024, *(stage.peak_bytes for stage in run.stages.values())])
    run.cost = Cost(seconds, used.ru_utime + used.ru_stime, peak)
    run.disk_bytes = max(run.disk_bytes, folder_bytes(work))
    return run


def _so_far(process: int) -> tuple[float, int]:
    """Processor seconds of the process so far, and its peak resident bytes since asked last."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    worked = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    Path(f"/proc/{process}/clear_refs").write_text("5")  # Begin the peak anew.
    return worked, int(peak[1]) * 1024 if peak else 0


def bank_runs(bank: Path, work: Path) -> Iterator[tuple[str, Run]]:
    """The runs over one bank, by what they are."""
    months = month_range(FIRST, next_month(FIRST, MONTHS - 1))
    work.mkdir()
    environment = {"PORTRAIT_DATA_DIR": str(work), "PORTRAIT_BANK_DIR": str(bank)}
    arguments = ["run", "--source", "synthetic_bank"]
    for name, span in (
        (f"the first {MONTHS - 1} months", f"{months[0]}..{months[-2]}"),
        ("a new month", months[-1]),
        ("a month again", months[MONTHS // 2]),
    ):
        yield name, portrait([*arguments, "--months", span], environment, work)
    yield "nothing to do", portrait(arguments, environment, work)


def report(customers: int, bank: Path, runs: Mapping[str, Run], out: Console) -> Cost:
    """Print the costs by run and stage, and what was asked for; the cost of all months."""
    grid = Table("what", "seconds", "of processors", "peak GiB", "disk GiB", "of files to matrices")
    first, new, again, nothing = runs.values()
    everything = Cost()
    for run in (first, new):
        everything.add(run.cost)
    matrices = sum(first.stages[name].seconds for name in BEFORE_THE_MATRIX)
    for name, run in runs.items():
        for stage, cost in {**run.stages, name: run.cost}.items():
            share = f"{cost.seconds / matrices:.2f}" if run is first else ""
            disk = f"{run.disk_bytes / GIB:.1f}" if stage == name else ""
            grid.add_row(
                stage if stage == name else f"  {stage}",
                f"{cost.seconds:.1f}",
                f"{cost.processor_seconds:.1f}",
                f"{cost.peak_bytes / GIB:.2f}",
                disk,
                share,
            )
    out.print(f"[bold]{customers:,} customers, {MONTHS} months[/bold]")
    out.print(grid)
    beyond = sum(c.seconds for name, c in first.stages.items() if name not in BEFORE_THE_MATRIX)
    files = folder_bytes(bank)
    disk_bytes = max(run.disk_bytes for run in runs.values())
    most = ON_DISK[0] * files + ON_DISK[1] * GIB
    peak = max(run.cost.peak_bytes for run in runs.values())
    out.print(f"beyond the matrices / files to matrices: {beyond / matrices:.2f} (at most 2)")
    out.print(f"peak: {peak / GIB:.2f} GiB (at most 8)")
    out.print(f"disk: {disk_bytes / GIB:.1f} GiB (at most {most / GIB:.1f})")
    out.print(
        f"a new month / all: 1/{everything.seconds / new.cost.seconds:.1f} (at most 1/12); "
        f"of processor time 1/{everything.processor_seconds / new.cost.processor_seconds:.1f}"
    )
    out.print(
        f"a month again: {again.cost.seconds:.1f} s; nothing to do: {nothing.cost.seconds:.1f} s"
    )
    return everything


def figures_of(name: str, run: Run) -> dict[str, float]:
    """The costs of a run and of its stages, as they are kept."""
    found = {f"{name}, disk GiB": run.disk_bytes / GIB}
    for stage, cost in {**run.stages, "in all": run.cost}.items():
        found[f"{name}, {stage}, s"] = cost.seconds
        found[f"{name}, {stage}, s of processor time"] = cost.processor_seconds
        found[f"{name}, {stage}, peak GiB"] = cost.peak_bytes / GIB
    return found


def main(sizes: Sequence[int], folder: Path, out: Console) -> None:
    """Measure banks of these sizes in the folder, and what grows from one to the next."""
    before: tuple[int, Cost] | None = None
    figures: dict[str, float] = {}
    for customers in sizes:
        bank, work = folder / f"bank-{customers}", folder / f"whole-{customers}"
        if not bank.exists():
            generate_bank(bank, customers, MONTHS, seed=1, first_month=FIRST)
        runs = dict(bank_runs(bank, work))
        everything = report(customers, bank, runs, out)
        if before is not None:
            ratio = everything.seconds / before[1].seconds
            most = customers / before[0]
            out.print(f"all / all of {before[0]:,} customers: {ratio:.1f} (at most {most:.0f})")
        before = (customers, everything)
        for name, run in runs.items():
            figures |= figures_of(f"{customers:,} customers, {name}", run)
    out.print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    keep("whole_job", figures)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]] or [10_000, 100_000]
    kept_in = os.environ.get("BENCH_DIR")
    with tempfile.TemporaryDirectory() as temporary:
        main(numbers, Path(kept_in or temporary), Console(width=120))
