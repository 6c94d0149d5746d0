"""Which charts the report shows, each made from what the published file holds."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import fit_plane
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL, USED_FEATURES
from portrait_assets.stages.mart import (
    charts,
    charts_evidence,
    facts,
    flows,
)
from portrait_assets.stages.mart.labels import segment_colours, short, test_name
from portrait_assets.stages.mart.reading import Published, Row, TagName
from portrait_assets.stages.mart.words import EXTRA

POINTS = 900  # Of the scatter: enough to see the shape, few enough to load at once.
MOST_MOVED = 16
NAME = 40  # Letters of a name beside a chart.
FLOW_NAME = 19
LIFECYCLE = {
    "new": "#7fb2d0",
    "growing": "#3a7ca5",
    "steady": "#1b4965",
    "declining": "#e0b98d",
    "dormant": "#d08548",
    "lost": "#a04a1f",
}
GAIN_TESTS = (
    "expected_spend_30d / spend",
    "value_tier / spend",
    "lapse_risk / silence",
    "recency_band / silence",
    "expected_response_rate / response",
)
DIMENSIONS = {
    "segment": "segment_id",
    "lifecycle_stage": "lifecycle_stage",
    "value_tier": "value_tier",
}


def pictures(published: Published, segments: list[Row]) -> dict[str, str]:
    """SVG by the name under which the page shows it; what cannot be drawn is left out."""
    tags = published.tags()
    colours = segment_colours(segments)
    words = {row["label"]: row["label_zh"] for row in segments}
    order = [row["label"] for row in segments]
    shades = [colours[row["segment_id"]] for row in segments]
    found: dict[str, str] = {}
    _add(
        found,
        "segment_value",
        [r for r in segments if r["value_share"] is not None],
        lambda rows: charts.segment_value(rows, words),
    )
    label = {str(row["segment_id"]): row["label"] for row in segments}
    mix = [
        row | {"value": label.get(row["value"], "others")}
        for row in facts.by_month(published, "segment_id")
    ]
    extra = ["others"] if any(row["value"] == "others" for row in mix) else []
    _add(
        found,
        "segment_mix",
        mix,
        lambda rows: charts.shares_by_month(
            rows,
            [*order, *extra],
            words | {"others": "其他"},
            ("Segments", "客群"),
            [*shades, *(["#c9d0d8"] * len(extra))],
        ),
    )
    for column in ("lifecycle_stage", "value_tier"):
        if column in tags:
            _add(
                found,
                column,
                facts.by_month(published, column),
                lambda rows, tag=tags[column]: _tag_by_month(rows, tag),
            )
    _add(found, "concentration", facts.concentration(published), charts.concentration)
    scattered = scatter_points(published)
    if scattered:
        points, explained = scattered
        named = [
            row | {"segment": label[row["segment"]]} for row in points if row["segment"] in label
        ]
        found["scatter"] = charts.scatter(named, explained, order, words, shades)
    found |= _campaigns(published, tags, segments, words)
    found |= _backtests(published, tags)
    found |= _drift(published, tags)
    found |= _flows(published, tags, segments, colours)
    return found


def _add(found: dict[str, str], name: str, rows: list[Row], chart: Any) -> None:
    if rows:
        found[name] = chart(rows)


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
    names = ", ".join(f"f.{feature.name}" for feature in USED_FEATURES)
    sample = con.sql(
        f"SELECT customer_id, segment_id, {names} FROM features.feature_matrix f "
        "JOIN clusters.cluster_assignment a USING (as_of, customer_id) "
        f"WHERE as_of = DATE '{day}' ORDER BY md5(customer_id) LIMIT {POINTS}"
    ).pl()
    prepared = ClusterModel.from_rows(model_rows).preparation.transform(sample)
    if sample.height < 3 or prepared.shape[1] < 2:
        return None
    plane, explained = fit_plane(prepared)
    points = pl.DataFrame({"x": plane[:, 0], "y": plane[:, 1]}).with_columns(
        pl.col("x", "y").round(3), segment=sample["segment_id"].cast(pl.String)
    )
    return points.to_dicts(), (float(explained[0]), float(explained[1]))


def shades_of(tag: TagName) -> dict[str, str]:
    """A colour for each value of an ordered tag, from good to bad, in the order to stack them."""
    if set(LIFECYCLE) >= set(tag.values):
        ordered = [value for value in LIFECYCLE if value in tag.values]
        return {value: LIFECYCLE[value] for value in ordered}
    colours = charts.SEQUENCE if len(tag.values) > 3 else [charts.SEQUENCE[i] for i in (0, 2, 4)]
    repeated = colours * (len(tag.values) // len(colours) + 1)
    return dict(zip(tag.values, repeated, strict=False))


def _tag_by_month(rows: list[Row], tag: TagName) -> str:
    shades = shades_of(tag)
    values = [value for value in shades if any(row["value"] == value for row in rows)]
    named = [row | {"value": tag.values[row["value"]][0]} for row in rows if row["value"] in values]
    return charts.shares_by_month(
        named,
        [tag.values[value][0] for value in values],
        dict(tag.values[value] for value in values),
        (tag.en, tag.zh),
        [shades[value] for value in values],
    )


def _campaigns(
    published: Published, tags: dict[str, TagName], segments: list[Row], words: dict[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = published.rows(
        "raw.receipts",
        "SELECT month, table_name AS what, rows_received AS n FROM {table} "
        "WHERE table_name IN ('contacts', 'responses') AND is_provided ORDER BY ALL",
    )
    _add(found, "contacts", rows, charts.contacts)
    reached = [row for row in segments if row.get("contacted") and not row["is_small"]]
    lines = []
    for row in reached:
        low, high = wilson(row["responded"], row["contacted"])
        rate = row["responded"] / row["contacted"]
        lines.append({"name": row["label"], "rate": rate, "low": low, "high": high})
    title = ("customers reached who responded in 12 months", "近12月被触达客户中的响应占比")
    if any(row["rate"] for row in lines):
        found["segment_response"] = charts_evidence.rates(
            lines, title, ("Response by segment", "各客群响应率"), words
        )
    said = buckets(published, "coupon_response / response", tags)
    title = ("responded in the month after, of those reached", "次月被触达者中的响应占比")
    _add(
        found,
        "response_buckets",
        said,
        lambda rows: charts_evidence.rates(
            rows,
            title,
            ("Response by what was said", "按标签的后续响应率"),
            {row["name"]: row["zh"] for row in rows},
        ),
    )
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate after Wilson (1927)."""
    rate, z2 = hits / n, 1.959964**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.959964 * (rate * (1 - rate) / n + z2 / (4 * n * n)) ** 0.5 / (1 + z2 / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def buckets(published: Published, test: str, tags: dict[str, TagName]) -> list[Row]:
    """The buckets of a test, one month on, with the names of the tag's values."""
    tag = tags.get(test.partition(" / ")[0])
    found = []
    for row in published.newest("validation.backtest_bucket", "position"):
        if row["test"] == test and row["horizon_months"] == 1 and row["rate"] is not None:
            en, zh = (tag.values if tag else {}).get(row["bucket"], (row["bucket"], row["bucket"]))
            found.append(row | {"name": en, "zh": zh})
    return found


def _backtests(published: Published, tags: dict[str, TagName]) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = [
        row
        for row in published.newest("validation.backtest", "value DESC, test")
        if row["metric"] == "auc" and row["horizon_months"] == 1 and row["value"] is not None
    ]
    named, words = [], {}
    for row in rows:
        en, zh = test_name(row, tags)
        en = short(en, NAME)
        words[en] = zh
        named.append(
            {"name": en, **{k: row[k] for k in ("value", "low", "high", "baseline_value")}}
        )
    _add(found, "backtests", named, lambda rows: charts_evidence.tests(rows, words))
    curves = []
    for row in rows:
        if row["test"] in GAIN_TESTS:
            curves += _curve(
                short(test_name(row, tags)[0], NAME), buckets(published, row["test"], tags)
            )
    _add(found, "gains", curves, lambda rows: charts_evidence.gains(rows, words))
    said = [
        {k: row[k] for k in ("predicted", "rate", "low", "high")}
        for row in buckets(published, "purchase_probability_30d / purchase", tags)
    ]
    _add(found, "calibration", said, charts_evidence.calibration)
    return found


def _curve(name: str, rows: list[Row]) -> list[Row]:
    everyone = sum(row["customers"] for row in rows)
    points = [{"name": name, "customers": 0.0, "gain": 0.0}]
    seen = 0
    for row in rows:
        seen += row["customers"]
        if row["gain"] is not None:
            points.append({"name": name, "customers": seen / everyone, "gain": row["gain"]})
    return points


def _drift(published: Published, tags: dict[str, TagName]) -> dict[str, str]:
    labels = facts.feature_labels(published)
    rows: list[Row] = []
    words: dict[str, str] = {}
    for row in published.newest("validation.drift", "psi DESC NULLS LAST, subject"):
        if row["against"] != "month before" or row["psi"] is None or len(rows) >= MOST_MOVED:
            continue
        if row["kind"] == "feature":
            en, zh = labels.get(row["subject"], (row["subject"],) * 2)[:2]
        elif row["subject"] in tags:
            en, zh = tags[row["subject"]].en, tags[row["subject"]].zh
        else:
            en, zh = EXTRA.get(row["subject"], (row["subject"],) * 2)
        kind = {"feature": ("feature", "特征"), "tag": ("tag", "标签")}.get(
            row["kind"], ("mix", "结构")
        )
        name = f"{short(en, NAME - 9)} ({kind[0]})"
        words[name] = f"{zh}({kind[1]})"
        rows.append(
            {"name": name, "psi": row["psi"], "psi_p95": row["psi_p95"], "verdict": row["verdict"]}
        )
    found: dict[str, str] = {}
    _add(found, "drift", rows, lambda rows: charts_evidence.drift(rows, words))
    return found


def _flows(
    published: Published,
    tags: dict[str, TagName],
    segments: list[Row],
    segment_shades: dict[int, str],
) -> dict[str, str]:
    found = {}
    moves = published.newest("validation.migration", "ALL")
    for dimension, column in DIMENSIONS.items():
        own = [row for row in moves if row["dimension"] == dimension]
        if not own:
            continue
        if dimension == "segment":
            names = {str(r["segment_id"]): (r["label"], r["label_zh"]) for r in segments}
            shades = {str(k): v for k, v in segment_shades.items()}
            label = ("Moves between segments", "客群迁移")
        else:
            tag = tags.get(column)
            shades = shades_of(tag) if tag else {}
            names = {value: tag.values[value] for value in shades} if tag else {}
            label = (f"Moves between {tag.en.lower()}s", f"{tag.zh}迁移") if tag else ("", "")
        # A value of the month before may be one that is no more.
        for row in own:
            for value in (row["value_before"], row["value_after"]):
                if value is not None:
                    names.setdefault(value, (value, value))
                    shades.setdefault(value, "#c9d0d8")
        names |= {flows.ENTRY: EXTRA[flows.ENTRY], flows.EXIT: EXTRA[flows.EXIT]}
        shades |= {flows.ENTRY: "#5b6876", flows.EXIT: "#5b6876"}
        texts = {value: short(en, FLOW_NAME) for value, (en, _) in names.items()}
        order = [v for v in names if v not in (flows.ENTRY, flows.EXIT)]
        bands, bars = flows.geometry(own, order, texts)
        words = {bar["text"]: f"{names[bar['name']][1]}  {bar['size']:,}" for bar in bars}
        found[f"flow_{dimension}"] = charts.flow(bands, bars, shades, words, label)
    return found
