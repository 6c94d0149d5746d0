"""The portrait matrix: the tag values in which segments differ most."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.mart.charts.colours import segment_colours
from portrait_assets.stages.mart.reading import Tags, counts_by_segment, tags, value_line
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.segments.profiles import is_small_part, segments
from portrait_assets.storage.published import Published, Row, Section

ELEMENTS = ("entity", "symbol", "concept", "principle")
MATRIX_ROWS = 9  # Tag values shown per element of the portrait.
LEAST_SHARE = 0.02


def matrix(
    tags: Tags, counts: list[Row], segment_rows: list[Row], smallest: int = EVERY_CELL
) -> list[dict[str, Any]]:
    """The portrait matrix: for each element the tag values that differ most between segments.

    `counts` are those of `counts_by_segment`. Each line has `cells`, one per segment of
    `segment_rows`: the share of its customers, and how many times that of all; None for a segment
    too small to describe, or of whom fewer than `smallest` have the value or do not have it.
    """
    sizes = {row["segment_id"]: row["customers"] for row in segment_rows}
    everyone = sum(sizes.values())
    by_value: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in counts:
        by_value[row["tag"], row["value"]][row["segment_id"]] = row["n"]
    lines = []
    for (code, value), customers in by_value.items():
        base = sum(customers.values()) / max(everyone, 1)
        if value == "false" or base < LEAST_SHARE:
            continue
        cells = [_cell(row, customers, base, smallest) for row in segment_rows]
        spread = [abs(cell["share"] - base) for cell in cells if cell]
        lines.append(
            value_line(tags[code], value)
            | {"base": base, "cells": cells, "spread": max(spread, default=0.0)}
        )
    return [
        {
            "element": element,
            "lines": _distinctive([x for x in lines if x["element"] == element]),
        }
        for element in ELEMENTS
    ]


def _cell(
    segment: Row, customers: dict[int, int], base: float, smallest: int
) -> dict[str, float] | None:
    own = customers.get(segment["segment_id"], 0)
    if segment["is_small"] or is_small_part(own, segment["customers"], smallest):
        return None
    share = own / segment["customers"]
    return {"share": share, "times": share / base}


def _distinctive(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that differ most, at most two of a tag, in an order that keeps tags together."""
    kept: list[dict[str, Any]] = []
    per_tag: Counter[str] = Counter()
    for line in sorted(lines, key=lambda line: (-line["spread"], line["code"], line["value"])):
        if per_tag[line["code"]] < 2 and len(kept) < MATRIX_ROWS:
            per_tag[line["code"]] += 1
            kept.append(line)
    return sorted(kept, key=lambda line: line["code"])


def _show(published: Published) -> dict[str, Any]:
    segment_rows = published.of(segments)
    counts = published.of(counts_by_segment)
    return {
        "segments": segment_rows,
        "colours": segment_colours(segment_rows),
        "matrix": matrix(published.of(tags), counts, segment_rows, published.smallest),
    }


MATRIX = Section("matrix", "Portrait matrix", "画像矩阵", TEMPLATES / "matrix.html", _show)
