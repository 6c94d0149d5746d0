"""Adjusted Rand index of the free choice on generated and small public labelled sets.

    python -m benchmarks.clusters_choice --set judge
    python -m benchmarks.clusters_choice --set touching_judge
    python -m benchmarks.clusters_choice --set null

``train`` are the sets that thresholds were chosen on, ``judge`` the others; ``touching_train`` and
``touching_judge`` are likewise, of groups that touch, overlap or wind; ``few`` are shapes of few
customers, which thresholds were chosen on in other draws; ``shapes`` are well-known ones in two
dimensions, of ``--seed 1`` to choose on and ``--seed 2`` to judge; ``null`` and, by halves,
``null_train`` and ``null_judge`` count how often structureless data are left as one segment.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Collection

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from benchmarks import clusters_battery as battery
from benchmarks import clusters_shapes as shapes
from benchmarks import clusters_touching as touching
from portrait_assets.stages.clusters.cluster_file import cluster_table
from portrait_assets.testing.measured import keep
from portrait_assets.testing.shapes.blocks import Data, Matrix
from portrait_assets.testing.shapes.touching import NOISE

Null = tuple[str, int, int]
LABELLED: dict[str, tuple[Collection[str], Callable[[str, int], Data]]] = {
    "train": (battery.TRAIN, battery.make),
    "judge": (battery.JUDGE, battery.make),
    "touching_train": (touching.TRAIN, touching.make),
    "touching_judge": (touching.JUDGE, touching.make),
    "few": (touching.FEW, touching.make),
    "shapes": (shapes.SHAPES, shapes.make),
}
NULLS: dict[str, tuple[list[Null], Callable[[str, int, int, int], Matrix]]] = {
    "null": (battery.NULLS, battery.make_null),
    "null_train": (touching.NULL_TRAIN, touching.make_null),
    "null_judge": (touching.NULL_JUDGE, touching.make_null),
}


def table_of(matrix: np.ndarray) -> pl.DataFrame:
    """A matrix as a table with columns x0, x1, ..."""
    return pl.DataFrame({f"x{i}": matrix[:, i] for i in range(matrix.shape[1])})


def run_labelled(names: list[str], make: Callable[[str, int], Data], seed: int) -> list[float]:
    """Print one line per set; return the adjusted Rand indices over what belongs to a group."""
    found = []
    for name in names:
        points, labels = make(name, seed)
        start = time.perf_counter()
        segments, summary = cluster_table(table_of(points))
        grouped = labels != NOISE
        score = adjusted_rand_score(labels[grouped], segments.to_numpy()[grouped])
        found.append(score)
        print(
            f"{name:16s} rows {len(points):6d} true k {len(np.unique(labels[grouped])):3d} found "
            f"{summary.segments:3d} ARI {score:.3f} {time.perf_counter() - start:5.1f} s  "
            f"{summary.reason[:110]}",
            flush=True,
        )
    return found


def run_null(
    nulls: list[Null], make: Callable[[str, int, int, int], Matrix], seed: int
) -> list[float]:
    """Print one line per structureless set; return 1.0 where one segment was found."""
    found = []
    for kind, rows, dims in nulls:
        points = make(kind, rows, dims, seed)
        _, summary = cluster_table(table_of(points))
        found.append(float(summary.segments == 1))
        print(f"{kind} {rows} x {dims}: {summary.segments}  {summary.reason}", flush=True)
    return found


def main() -> None:
    """Run one set and print the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=(*LABELLED, *NULLS), default="judge")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="every tenth set")
    given = parser.parse_args()
    if given.quick:
        given.parts = 10
    some = slice(given.part, None, given.parts)
    if given.set in NULLS:
        nulls, make_null = NULLS[given.set]
        found = run_null(nulls[some], make_null, given.seed)
        print(f"{given.set}: {int(sum(found))} of {len(found)} left as one segment, bound all")
        share = sum(found) / len(found)
        keep("clusters_choice", {f"{given.set}, left as one segment, score": share})
        return
    of_set, make = LABELLED[given.set]
    found = run_labelled(given.only or list(of_set)[some], make, given.seed)
    mean = float(np.mean(found))
    print(f"{given.set}: mean adjusted Rand index {mean:.4f} over {len(found)} sets, bound 0.78")
    keep("clusters_choice", {f"{given.set}, mean adjusted Rand index, score": mean})


if __name__ == "__main__":
    main()
