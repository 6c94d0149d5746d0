"""All pictures of a month's segments at once."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.clustering.model import ClusterModel


def draw_pictures(
    model: ClusterModel,
    matrix: pl.DataFrame,
    segments: pl.DataFrame,
    profile: pl.DataFrame,
    labels: dict[str, str],
) -> dict[str, bytes]:
    """Scatter, heat map, quality and selection table as PNG by name.

    Args:
        model: the active model.
        matrix: the feature matrix of the month.
        segments: rows of `cluster_segment` of the month.
        profile: rows of `cluster_profile` of the month.
        labels: what features are called in the heat map.
    """
    # Imported late: what draws takes most of a second to load.
    from portrait_assets.stages.clusters.pictures import plots

    quality = segments.select("segment_id", "share", "silhouette", "stability")
    return {
        "scatter": plots.scatter_png(model, matrix, segments),
        "heat_map": plots.heat_map_png(profile, segments, labels),
        "quality": plots.quality_png(quality, segments),
        "selection": plots.selection_png(model),
    }
