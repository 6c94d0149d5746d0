"""Results of benchmarks as JSON, one file a run, so that versions can be compared.

A file tells the command, when and on what it was measured, and figures by name, which ends in the
unit. A figure is better when it is smaller, a `score` when it is larger.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@dataclass(frozen=True)
class Result:
    """What one run of a benchmark measured.

    `commit` is the full hash of the code, with `+` where files differed from it; `load` is the
    machine's load average over the run's last minute.
    """

    benchmark: str
    command: str
    measured_at: str
    commit: str
    processors: int
    load: float
    python: str
    figures: dict[str, float]


def keep(benchmark: str, figures: Mapping[str, float], folder: Path = RESULTS) -> Path:
    """Write the figures of this process's run to a new file in the folder; gives its path."""
    now = datetime.now(UTC)
    result = Result(
        benchmark=benchmark,
        command=" ".join(["python", "-m", f"benchmarks.{benchmark}", *sys.argv[1:]]),
        measured_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        commit=_commit(),
        processors=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        figures={name: round(value, 6) for name, value in figures.items()},
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{benchmark}-{now:%Y%m%dT%H%M%S%f}.json"
    path.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n")
    print(f"kept in {path}", file=sys.stderr)
    return path


def results(folder: Path = RESULTS) -> dict[str, list[Result]]:
    """All results that were kept, by benchmark, the oldest first."""
    found: dict[str, list[Result]] = {}
    for path in sorted(folder.glob("*.json")):
        result = Result(**json.loads(path.read_text()))
        found.setdefault(result.benchmark, []).append(result)
    return found


def _commit() -> str:
    try:
        commit, changed = (
            subprocess.check_output(
                ["git", *words], cwd=Path(__file__).parent, text=True, stderr=subprocess.DEVNULL
            ).strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")
