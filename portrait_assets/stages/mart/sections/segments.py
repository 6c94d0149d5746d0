"""What sets each segment apart, its typical customers, and its suggested use."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import fit_plane
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL
from portrait_assets.stages.clusters.names.contract import FREE
from portrait_assets.stages.mart.charts import portrait as charts
from portrait_assets.stages.mart.charts.colours import segment_colours
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.segments.profiles import labels_in_chinese, segments
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.published import Published, Row, Section

POINTS = 900  # Of the scatter: enough to see the shape, few enough to load at once.


def _charts(published: Published, segment_rows: list[Row]) -> dict[str, str]:
    drawn, words = {}, labels_in_chinese(segment_rows)
    counted = [row for row in segment_rows if row["is_counted"]]
    if valued := [row for row in counted if row["value_share"] is not None]:
        drawn["segment_value"] = charts.segment_value(valued, words)
    if scattered := scatter_points(published):
        points, explained = scattered
        label = {str(row["segment_id"]): row["label"] for row in segment_rows}
        named = [
            row | {"segment": label[row["segment"]]} for row in points if row["segment"] in label
        ]
        colours = segment_colours(segment_rows)
        shades = [colours[row["segment_id"]] for row in segment_rows]
        order = [row["label"] for row in segment_rows]
        drawn["scatter"] = charts.scatter(named, explained, order, words, shades)
    return drawn


def scatter_points(published: Published) -> tuple[list[Row], tuple[float, float]] | None:
    """Some customers in the plane of the two leading principal components of the cluster model.

    None where there is no model, or too little to span a plane.
    """
    if published.as_of is None or CLUSTER_MODEL.full_name not in published.tables:
        return None
    con, day = published.con, published.as_of
    model_rows = con.sql(f"SELECT * FROM clusters.cluster_model WHERE as_of = DATE '{day}'").pl()
    if model_rows.is_empty():
        return None
    preparation = ClusterModel.from_rows(model_rows).preparation
    if not preparation.columns:
        return None
    # Those of the model, which an older version may have fitted to other features than today's.
    names = ", ".join(f"f.{quote(name)}" for name in preparation.columns)
    sample = con.sql(
        f"SELECT customer_id, segment_id, {names} FROM features.feature_matrix f "
        "JOIN clusters.cluster_assignment a USING (as_of, customer_id) "
        f"WHERE as_of = DATE '{day}' ORDER BY md5(customer_id) LIMIT {POINTS}"
    ).pl()
    prepared = preparation.transform(sample)
    if sample.height < 3 or prepared.shape[1] < 2:
        return None
    plane, explained = fit_plane(prepared)
    points = pl.DataFrame({"x": plane[:, 0], "y": plane[:, 1]}).with_columns(
        pl.col("x", "y").round(3), segment=sample["segment_id"].cast(pl.String)
    )
    return points.to_dicts(), (float(explained[0]), float(explained[1]))


def events_of(published: Published, division: str) -> list[Row]:
    """What became of the segments of a division in the newest month, by segment."""
    rows = published.newest("clusters.segment_event", "segment_id")
    return [row for row in rows if (row.get("division") or FREE) == division]


def _show(published: Published) -> dict[str, Any]:
    segment_rows = published.of(segments)
    return {
        "segments": segment_rows,
        "colours": segment_colours(segment_rows),
        "decision": next(iter(published.newest("clusters.cluster_decision", "as_of")), None),
        "events": events_of(published, FREE),
        "charts": lambda: _charts(published, segment_rows),
    }


SEGMENTS = Section("segments", "Segments", "客群", TEMPLATES / "segments.html", _show)
