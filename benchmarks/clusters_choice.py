"""Adjusted Rand index of the free choice on generated and small public labelled sets.

    python -m benchmarks.clusters_choice --set judge
    python -m benchmarks.clusters_choice --set null

``train`` are the sets that thresholds were chosen on, ``judge`` the others; ``null`` counts how
often structureless data are left as one segment.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from benchmarks import clusters_battery as battery
from portrait_assets.stages.clusters.cluster_file import cluster_table
from portrait_assets.testing.measured import keep


def table_of(matrix: np.ndarray) -> pl.DataFrame:
    """A matrix as a table with columns x0, x1, ..."""
    return pl.DataFrame({f"x{i}": matrix[:, i] for i in range(matrix.shape[1])})


def run_labelled(names: list[str], seed: int) -> list[float]:
    """Print one line per set; return the adjusted Rand indices."""
    found = []
    for name in names:
        points, labels = battery.make(name, seed)
        start = time.perf_counter()
        segments, summary = cluster_table(table_of(points))
        score = adjusted_rand_score(labels, segments.to_numpy())
        found.append(score)
        print(
            f"{name:16s} rows {len(points):6d} true k {len(np.unique(labels)):3d} found "
            f"{summary.segments:3d} ARI {score:.3f} {time.perf_counter() - start:5.1f} s  "
            f"{summary.reason[:110]}",
            flush=True,
        )
    return found


def run_null(part: int, parts: int, seed: int) -> list[float]:
    """Print one line per structureless set; return 1.0 where one segment was found."""
    found = []
    for kind, rows, dims in battery.NULLS[part::parts]:
        points = battery.make_null(kind, rows, dims, seed)
        _, summary = cluster_table(table_of(points))
        found.append(float(summary.segments == 1))
        print(f"{kind} {rows} x {dims}: {summary.segments}  {summary.reason}", flush=True)
    return found


def main() -> None:
    """Run one set and print the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=("train", "judge", "null"), default="judge")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="every tenth set")
    given = parser.parse_args()
    if given.quick:
        given.parts = 10
    if given.set == "null":
        found = run_null(given.part, given.parts, given.seed)
        print(f"null: {int(sum(found))} of {len(found)} left as one segment, bound all")
        keep("clusters_choice", {"null, left as one segment, score": sum(found) / len(found)})
        return
    names = list(battery.TRAIN if given.set == "train" else battery.JUDGE)
    names = given.only or names[given.part :: given.parts]
    found = run_labelled(names, given.seed)
    mean = float(np.mean(found))
    print(f"{given.set}: mean adjusted Rand index {mean:.4f} over {len(found)} sets, bound 0.78")
    keep("clusters_choice", {f"{given.set}, mean adjusted Rand index, score": mean})


if __name__ == "__main__":
    main()
