"""`python -m portrait_assets.testing.compared [COMMIT]`: each newest result and the one before.

With a commit, the newest result of that commit stands in place of the one before. A ratio is the
newer figure over the older one: 0.5 is half as much.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from portrait_assets.testing.measured import RESULTS, Result, results


def older(kept: Sequence[Result], commit: str | None) -> Result | None:
    """What the newest result is compared with; None where there is nothing.

    Args:
        kept: the results of one benchmark, the oldest first.
        commit: the beginning of a commit, or None for the result before the newest.
    """
    before = [r for r in kept[:-1] if commit is None or r.commit.startswith(commit)]
    return before[-1] if before else None


def ratios(before: Result, now: Result) -> dict[str, tuple[float, float, float | None]]:
    """By figure that both have: before, now, and now / before (None where before is 0)."""
    return {
        name: (before.figures[name], value, value / old if (old := before.figures[name]) else None)
        for name, value in now.figures.items()
        if name in before.figures
    }


def compare(folder: Path, commit: str | None, out: Console) -> bool:
    """Print each benchmark's comparison; whether there was anything to compare."""
    compared = False
    for benchmark, kept in results(folder).items():
        before, now = older(kept, commit), kept[-1]
        if before is None:
            out.print(f"{benchmark}: nothing to compare with")
            continue
        compared = True
        out.print(f"[bold]{benchmark}[/bold]  {_described(before)} -> {_described(now)}")
        if before.processors != now.processors:
            out.print("  on machines with different numbers of processors", style="yellow")
        table = Table("figure", "before", "now", "ratio", box=None, pad_edge=False)
        for name, (old, new, ratio) in ratios(before, now).items():
            table.add_row(name, f"{old:,.4g}", f"{new:,.4g}", f"{ratio:.2f}" if ratio else "-")
        out.print(table)
    return compared


def _described(result: Result) -> str:
    return f"{result.commit[:9]}{'+' if result.commit.endswith('+') else ''} {result.measured_at}"


if __name__ == "__main__":
    given = next((word for word in sys.argv[1:] if word), None)
    if not compare(RESULTS, given, Console(width=140)):
        sys.exit("There are no two results to compare; `make bench` keeps one of each benchmark.")
