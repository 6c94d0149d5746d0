"""Latent segments in mixed features with heavy tails and gaps: ARI of the free choice.

python benchmarks/clusters_bank.py --customers 20000 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from portrait_assets.clusters.assignment import assign  # noqa: E402
from portrait_assets.clusters.fitting import fit_model  # noqa: E402
from portrait_assets.clusters.preparation import FeatureUse  # noqa: E402

ELEMENTS = ("entity", "symbol", "concept", "principle")


def latent_bank(
    rows: int, segments: int, features: int, seed: int
) -> tuple[pl.DataFrame, list[FeatureUse], np.ndarray]:
    """Customers of ``segments`` kinds in numbers, amounts and categories of four elements."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(segments, rows, p=rng.dirichlet(np.full(segments, 8.0)))
    columns: dict[str, pl.Series] = {"customer_id": pl.Series(np.arange(rows))}
    uses = []
    for j in range(features):
        name = f"f{j}"
        uses.append(FeatureUse(name, ELEMENTS[min(3, j * 8 // features // 2)]))
        strength = 1.1 if j % 3 else 0.0
        mean = rng.normal(0, strength, segments)[kind]
        if j % 5 == 4:
            odds = rng.dirichlet(np.full(4, 1.0), segments)[kind].cumsum(axis=1)
            level = (rng.random(rows)[:, None] > odds).sum(axis=1).clip(0, 3)
            columns[name] = pl.Series(np.array(["a", "b", "c", "d"])[level])
            continue
        values = mean + rng.standard_normal(rows)
        values = np.exp(1.2 * values) * 100 if j % 2 == 0 else values
        series = pl.Series(np.where(rng.random(rows) < 0.03 * (j % 4), np.nan, values))
        columns[name] = series.fill_nan(None)
    return pl.DataFrame(columns), uses, kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--segments", type=int, default=6)
    parser.add_argument("--features", type=int, default=45)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    given = parser.parse_args()
    for seed in given.seeds:
        frame, uses, kind = latent_bank(given.customers, given.segments, given.features, seed)
        start = time.perf_counter()
        model = fit_model(frame, uses, seed=seed)
        segment = assign(model, frame)["segment_id"].to_numpy()
        print(
            f"seed {seed}: segments {len(model.segment_ids)} of {given.segments}, ARI "
            f"{adjusted_rand_score(kind, segment):.4f}, {model.preparation.dimensions} components, "
            f"{time.perf_counter() - start:.1f} s; {model.reason}"
        )


if __name__ == "__main__":
    main()
