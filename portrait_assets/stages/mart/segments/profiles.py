"""The segments of the newest month with everything that the report shows of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.mart.reading import (
    Tags,
    counts_by_segment,
    feature_labels,
    short,
    tags,
    value_line,
)
from portrait_assets.stages.mart.segments import advice
from portrait_assets.storage.published import Published, Row

FALSE_DISCOVERIES = 0.05
HORIZON = 1
LABEL, LABEL_ZH = 28, 10  # Characters of a segment's name beside a chart: about the same width.


def segments(published: Published) -> list[Row]:
    """The segments with their numbers, profile, tags, suggested use, and labels for charts."""
    rows = published.newest("clusters.cluster_segment", "segment_id")
    numbers = {row["segment_id"]: row for row in _numbers(published)}
    lines = _profile(published)
    silent = {
        int(row["bucket"]): row
        for row in published.newest("validation.backtest_bucket", "position")
        if row["test"] == "segment_id / silence" and row["horizon_months"] == HORIZON
        # Segments of few customers are pooled in one bucket.
        if row["bucket"].isdigit()
    }
    for row in rows:
        row |= numbers.get(row["segment_id"], {})
        row["profile"] = lines.get(row["segment_id"], [])
        row["silent"] = silent.get(row["segment_id"])
        row["is_small"] = row["customers"] < SMALLEST_CELL
        row["is_counted"] = row["customers"] >= published.smallest
        row["typical"] = [] if row["is_small"] else _typical(published, row["segment_id"])
        row["label"] = short(f"{row['segment_id']} {row['name_en']}", LABEL)
        row["label_zh"] = f"{row['segment_id']} {_cut(row['name_zh'])}"
    by_segment = _tags_of_segments(
        published.of(tags), published.of(counts_by_segment), rows, published.smallest
    )
    for row in rows:
        row["tags"] = by_segment.get(row["segment_id"], [])
        row["use"] = advice.suggested_use(row, row["tags"])
    return rows


def is_small_part(customers: int, segment: int, smallest: int) -> bool:
    """Whether so few of a segment have a value, or lack it, that neither may be shown."""
    return any(0 < part < smallest for part in (customers, segment - customers))


def labels_in_chinese(segments: list[Row]) -> dict[str, str]:
    """The Chinese labels of segments on charts, by the English ones."""
    return {row["label"]: row["label_zh"] for row in segments}


def _cut(name: str) -> str:
    return name if len(name) <= LABEL_ZH else f"{name[: LABEL_ZH - 1]}…"


_JOINED = (
    "FROM {table} f JOIN clusters.cluster_assignment a USING (as_of, customer_id) WHERE as_of = ?"
)


def _numbers(published: Published) -> list[Row]:
    if published.as_of is None or "clusters.cluster_assignment" not in published.tables:
        return []
    return published.rows(
        "features.feature_matrix",
        "SELECT segment_id, avg(spend_12m) AS spend, avg(purchases_12m) AS purchases, "
        "median(recency_days) AS recency, avg(average_ticket_12m) AS ticket, "
        "sum(contacts_12m) AS contacts, "
        "count(*) FILTER (contacts_12m > 0) AS contacted, "
        "count(*) FILTER (contacts_12m > 0 AND responses_12m > 0) AS responded "
        + _JOINED
        + " GROUP BY segment_id",
        [published.as_of],
    )


def _profile(published: Published) -> dict[int, list[Row]]:
    lines: dict[int, list[Row]] = defaultdict(list)
    labels = published.of(feature_labels)
    rows = published.newest(
        "clusters.cluster_profile", "segment_id, abs(std_difference) DESC NULLS LAST, feature"
    )
    for row in rows:
        if row["std_difference"] is not None:
            row["en"], row["zh"], row["unit"] = labels.get(
                row["feature"], (row["feature"], row["feature"], "")
            )
            lines[row["segment_id"]].append(row)
    return lines


def _typical(published: Published, segment: int) -> list[Row]:
    """The customers in the middle of the segment, without their identity."""
    if "clusters.cluster_typical" not in published.tables:
        return []
    return published.rows(
        "features.feature_matrix",
        "SELECT spend_12m, purchases_12m, recency_days, tenure_days, top_category, responses_12m "
        "FROM {table} JOIN clusters.cluster_typical t USING (as_of, customer_id) "
        "WHERE as_of = ? AND segment_id = ? ORDER BY t.position LIMIT 3",
        [published.as_of, segment],
    )


def _tags_of_segments(
    tags: Tags, counts: list[Row], segment_rows: list[Row], smallest: int = EVERY_CELL
) -> dict[int, list[dict[str, Any]]]:
    """Per segment its tag values, those first whose share exceeds that of all customers most.

    Values that too few of the segment have, or all but too few, are left out.

    Each has its TGI, and whether that `is_distinct` from 100: by the test of two shares, of the
    segment and of all others, at a false discovery rate of 5 % over all lines.
    """
    sizes = {row["segment_id"]: row for row in segment_rows}
    everyone = sum(row["customers"] for row in segment_rows)
    totals: Counter[tuple[str, str]] = Counter()
    for row in counts:
        totals[row["tag"], row["value"]] += row["n"]
    by_segment: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in counts:
        segment = sizes.get(row["segment_id"])
        if segment is None or segment["is_small"] or row["value"] == "false":
            continue
        if is_small_part(row["n"], segment["customers"], smallest):
            continue
        total = totals[row["tag"], row["value"]]
        share, base = row["n"] / segment["customers"], total / max(everyone, 1)
        by_segment[row["segment_id"]].append(
            value_line(tags[row["tag"]], row["value"])
            | {"share": share, "base": base, "tgi": 100 * share / base}
            | {"n": row["n"], "total": total}
        )
    _add_tests(by_segment, sizes, everyone)
    for lines in by_segment.values():
        lines.sort(key=lambda line: (line["base"] - line["share"], line["code"], line["value"]))
    return by_segment


def _add_tests(
    by_segment: dict[int, list[dict[str, Any]]], sizes: dict[int, Row], everyone: int
) -> None:
    lines = [line for own in by_segment.values() for line in own]
    p_values = []
    for segment_id, own in by_segment.items():
        inside, total = (np.array([line[name] for line in own]) for name in ("n", "total"))
        size = sizes[segment_id]["customers"]
        p_values += two_proportions(inside, size, total - inside, everyone - size).tolist()
    tests = pl.DataFrame({"p": p_values}, schema={"p": pl.Float64}).fill_nan(None)
    q_values = tests.select(false_discovery_rate(pl.col("p")))["p"]
    for line, q_value in zip(lines, q_values, strict=True):
        line["is_distinct"] = q_value is not None and q_value <= FALSE_DISCOVERIES
