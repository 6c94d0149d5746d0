"""Pictures of a fitted model as PNG: scatter, heat map, selection table, stability per segment.

Charts are drawn by Altair and vl-convert, so no browser is needed.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import altair as alt
import polars as pl

from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import fit_plane
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.drawing.png import png

SCATTER_ROWS = 1_500
FEATURES_SHOWN = 25
CANDIDATES_SHOWN = 12
PALETTE = [
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
    "#bbbbbb",
    "#e07b39",
    "#117733",
    "#332288",
    "#882255",
    "#999933",
    "#44aa99",
    "#cc6677",
    "#661100",
    "#6699cc",
]


def of_segments(
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
    quality = segments.select("segment_id", "share", "silhouette", "stability")
    return {
        "scatter": scatter_png(model, matrix, segments),
        "heat_map": heat_map_png(profile, segments, labels),
        "quality": quality_png(quality, segments),
        "selection": selection_png(model),
    }


def scatter_png(
    model: ClusterModel,
    features: pl.DataFrame,
    names: pl.DataFrame | None = None,
) -> bytes:
    """Customers in the plane of the two leading principal components, coloured by segment."""
    sample = canonical_sample(features, SCATTER_ROWS, model.seed)
    with one_thread():
        points = model.preparation.transform(sample)
        plane, explained = fit_plane(points)
    data = pl.DataFrame({"x": plane[:, 0], "y": plane[:, 1]}).with_columns(
        segment=_shown_names(assign(model, sample)["segment_id"], names)
    )
    chart = (
        alt.Chart(_values(data), width=520, height=380, title="Segments in two dimensions")
        .mark_circle(size=22, opacity=0.65)
        .encode(
            x=alt.X("x:Q", title=f"component 1 ({explained[0]:.0%} of variance)"),
            y=alt.Y("y:Q", title=f"component 2 ({explained[1]:.0%} of variance)"),
            color=_segment_colour(),
        )
    )
    return png(chart)


def heat_map_png(
    profile: pl.DataFrame,
    names: pl.DataFrame | None = None,
    labels: dict[str, str] | None = None,
) -> bytes:
    """Standardised differences: segments across, the most telling features down."""
    shown = profile.with_columns(
        row=pl.col("feature").replace(labels or {})
        + pl.when(pl.col("level").is_null()).then(pl.lit("")).otherwise(": " + pl.col("level"))
    )
    telling = (
        shown.group_by("row")
        .agg(pl.col("std_difference").abs().max().alias("most"))
        .sort(["most", "row"], descending=[True, False])
        .head(FEATURES_SHOWN)
    )
    data = shown.join(telling, on="row").with_columns(
        segment=_shown_names(shown.join(telling, on="row")["segment_id"], names)
    )
    chart = (
        alt.Chart(
            _values(data.select("row", "segment", "std_difference")),
            title="What sets segments apart (standard deviations from the mean)",
            width=alt.Step(70),
            height=alt.Step(18),
        )
        .mark_rect()
        .encode(
            x=alt.X("segment:N", title=None, axis=alt.Axis(labelAngle=-40, labelLimit=200)),
            y=alt.Y(
                "row:N", title=None, sort=telling["row"].to_list(), axis=alt.Axis(labelLimit=260)
            ),
            color=alt.Color(
                "std_difference:Q",
                title="difference",
                scale=alt.Scale(scheme="blueorange", domain=[-2, 2], clamp=True),
            ),
        )
    )
    return png(chart)


def leading_candidates(candidates: pl.DataFrame) -> pl.DataFrame:
    """The candidates that were judged, the chosen one first; divisions have no score."""
    judged = candidates.filter(pl.coalesce("score", "stability").is_not_null())
    return judged.sort("chosen", descending=True, maintain_order=True).head(CANDIDATES_SHOWN)


def selection_png(model: ClusterModel) -> bytes:
    """The leading candidates with their numbers; a silhouette is never without the shares."""
    table = leading_candidates(model.candidates)
    lines: list[dict[str, Any]] = []
    columns = [
        "segments",
        "score",
        "stability",
        "agreement",
        "smallest_share",
        "largest_share",
        "silhouette",
        "clear_share",
    ]
    for line in table.iter_rows(named=True):
        mark = "★ " if line["chosen"] else ""
        name = f"{mark}{line['family']} {line['parameter'] or ''} k={line['k']}"
        for column in columns:
            value = line[column]
            text = "" if value is None else (str(value) if column == "segments" else f"{value:.3f}")
            lines.append({"candidate": name, "number": column.replace("_", " "), "text": text})
    lines = lines or [{"candidate": "one segment", "number": "segments", "text": "1"}]
    chart = (
        alt.Chart(
            alt.InlineData(values=lines),
            title=alt.TitleParams("Candidates, best first", subtitle=wrap(model.reason, 110)),
            width=alt.Step(88),
            height=alt.Step(22),
        )
        .mark_text()
        .encode(
            x=alt.X(
                "number:N",
                title=None,
                sort=None,
                axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False),
            ),
            y=alt.Y(
                "candidate:N",
                title=None,
                sort=None,
                axis=alt.Axis(domain=False, ticks=False, labelLimit=260),
            ),
            text="text:N",
        )
    )
    return png(chart)


def quality_png(quality: pl.DataFrame, names: pl.DataFrame | None = None) -> bytes:
    """Share, silhouette and stability per segment as bars side by side."""
    data = quality.with_columns(segment=_shown_names(quality["segment_id"], names)).unpivot(
        on=["share", "silhouette", "stability"], index="segment", variable_name="measure"
    )
    chart = (
        alt.Chart(_values(data), width=180, height=alt.Step(22))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=None),
            y=alt.Y("segment:N", title=None, axis=alt.Axis(labelLimit=260)),
            color=_segment_colour(legend=False),
            column=alt.Column("measure:N", title="Quality of segments"),
        )
    )
    return png(chart)


def _shown_names(ids: pl.Series, names: pl.DataFrame | None) -> pl.Series:
    """Number and Chinese name of each segment, such as ``1 高频高额``."""
    text = ids.cast(pl.String)
    if names is None:
        return text
    known = {
        str(i): f"{i} {zh}" for i, zh in zip(names["segment_id"], names["name_zh"], strict=True)
    }
    return text.replace(known)


def _segment_colour(legend: bool = True) -> alt.Color:
    return alt.Color(
        "segment:N",
        title="segment",
        scale=alt.Scale(range=PALETTE),
        legend=alt.Legend(labelLimit=300) if legend else None,
    )


def _values(data: pl.DataFrame) -> alt.InlineData:
    return alt.InlineData(values=data.to_dicts())
