"""Small worlds of customers for the tests of clustering."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.clustering.preparation.preparation import FeatureUse

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

BANK_USES = [
    FeatureUse("spend_amount", "symbol"),
    FeatureUse("visits_count", "symbol"),
    FeatureUse("age", "entity"),
    FeatureUse("channel", "symbol"),
    FeatureUse("income", "entity"),
]


def blobs(centres: list[list[float]], each: int = 100, sd: float = 0.3, seed: int = 0) -> Matrix:
    """Gaussian points around centres, ``each`` per centre, one centre after the other."""
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(c, sd, (each, len(c))) for c in centres])


def two_rings(each: int = 200, seed: int = 0) -> tuple[Matrix, Labels]:
    """A small ring in a large one: two segments that centres cannot separate."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, 2 * each)
    radius = np.repeat([1.0, 3.0], each) + rng.normal(0, 0.08, 2 * each)
    points = np.c_[radius * np.cos(angle), radius * np.sin(angle)]
    return points, np.repeat([0, 1], each)


def bank(customers: int = 400, seed: int = 0) -> tuple[pl.DataFrame, Labels]:
    """Three kinds of customers in five features of mixed type, and the kind of each."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, customers, p=[0.5, 0.3, 0.2])
    channel = np.array([["branch", "app", "app"], ["app", "app", "web"], ["web", "web", "branch"]])
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(customers)],
            "spend_amount": np.exp(np.array([3.0, 6.0, 8.5])[kind] + rng.normal(0, 0.5, customers)),
            "visits_count": rng.poisson(np.array([2.0, 15.0, 40.0])[kind]).astype(float),
            "age": np.array([62.0, 41.0, 27.0])[kind] + rng.normal(0, 4, customers),
            "channel": channel[kind, rng.integers(0, 3, customers)],
            "income": np.where(
                rng.random(customers) < 0.1, np.nan, rng.normal(5000, 900, customers)
            ),
        }
    ).with_columns(pl.col("income").fill_nan(None))
    return frame, kind


def as_features(points: Matrix) -> tuple[pl.DataFrame, list[FeatureUse]]:
    """Points as a feature matrix with columns x0, x1, ... of one element."""
    frame = pl.DataFrame({f"x{i}": points[:, i] for i in range(points.shape[1])})
    uses = [FeatureUse(name, "symbol") for name in frame.columns]
    return frame.with_columns(customer_id=pl.int_range(len(points))), uses
