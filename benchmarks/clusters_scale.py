"""Time and memory of choice, fit and assignment for many customers.

python -m benchmarks.clusters_scale --customers 10000000 --features 30
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.kmeans import inertia, kmeans_centres
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.testing.measured import keep


def customers(
    rows: int, features: int, segments: int, seed: int
) -> tuple[pl.DataFrame, np.ndarray]:
    """Customers of a latent mixture; a third of the features are heavy-tailed amounts."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1.6, (segments, features))
    kind = rng.choice(segments, rows, p=rng.dirichlet(np.full(segments, 8.0))).astype(np.int8)
    columns: dict[str, np.ndarray] = {"customer_id": rng.permutation(rows)}
    for j in range(features):
        values = centres[kind, j] + rng.standard_normal(rows)
        columns[f"f{j}"] = np.exp(values) if j % 3 == 0 else values
    return pl.DataFrame(columns), kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="200,000 customers")
    given = parser.parse_args()
    if given.quick:
        given.customers = 200_000
    frame, kind = customers(given.customers, given.features, given.segments, given.seed)
    uses = [FeatureUse(f"f{j}", "symbol") for j in range(given.features)]
    data_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start, cpu = time.perf_counter(), time.process_time()
    model = fit_model(frame, uses, seed=given.seed)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    assigned = assign(model, frame)
    done, done_cpu = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    score = adjusted_rand_score(kind[::50], assigned["segment_id"].to_numpy()[::50])
    print(f"customers {given.customers}, features {given.features}")
    print(f"choice and fit {fitted - start:.1f} s, bound 60 s (CPU {fitted_cpu - cpu:.1f} s)")
    print(f"assignment {done - fitted:.1f} s, bound 30 s (CPU {done_cpu - fitted_cpu:.1f} s)")
    print(f"peak memory {peak:.2f} GiB, bound 4 GiB (data alone {data_gib:.2f} GiB)")
    print(f"segments {len(model.segment_ids)} of {given.segments}, ARI {score:.4f}")
    print(model.reason)
    points = model.preparation.transform(frame.head(20_000))
    k = given.segments
    ten = kmeans_centres(points, k, restarts=10, seed=1)
    fifty = kmeans_centres(points, k, restarts=50, seed=2)
    ratio = inertia(points, ten, nearest_rows(points, ten)) / inertia(
        points, fifty, nearest_rows(points, fifty)
    )
    print(f"inertia of ten restarts against fifty: {ratio:.5f}, bound 1.01")
    what = f"{given.customers:,} customers"
    keep(
        "clusters_scale",
        {
            f"{what}, choice and fit, s": fitted - start,
            f"{what}, choice and fit, s of processor time": fitted_cpu - cpu,
            f"{what}, assignment, s": done - fitted,
            f"{what}, peak GiB": peak,
            "adjusted Rand index, score": score,
        },
    )


if __name__ == "__main__":
    main()
