"""How clear each segment is: share, silhouette and stability on one sample of customers."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.metrics import silhouette_samples

from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.selection.evidence import pairwise_recovery

QUALITY_ROWS = 1_000


def segment_quality(
    model: ClusterModel, features: pl.DataFrame, assignment: pl.DataFrame
) -> pl.DataFrame:
    """Share, mean silhouette and stability of every segment on one sample of customers.

    Returns ``segment_id, share, silhouette, stability``; stability is the share of the segment's
    customers that the nearest customer of a random other half puts where they are.
    """
    used = features.select("customer_id", *model.preparation.columns)
    labelled = used.join(assignment.select("customer_id", "segment_id"), on="customer_id")
    sample = canonical_sample(labelled, QUALITY_ROWS, model.seed)
    segment = sample["segment_id"].to_numpy()
    found, counts = np.unique(segment, return_counts=True)
    with one_thread():
        points = model.preparation.transform(sample)
        if 1 < len(found) < len(segment):
            silhouettes = silhouette_samples(points, segment)
        else:
            silhouettes = np.full(len(segment), np.nan)
        stability = pairwise_recovery(points, segment, seed=model.seed)
    return pl.DataFrame(
        {
            "segment_id": found,
            "share": np.round(counts / len(segment), 6),
            "silhouette": [round(float(silhouettes[segment == s].mean()), 6) for s in found],
            "stability": [round(stability[int(s)], 6) for s in found],
        }
    ).with_columns(pl.col("silhouette").fill_nan(None))
