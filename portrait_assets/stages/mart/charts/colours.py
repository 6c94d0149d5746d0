"""Which colours segments and the values of ordered tags have, the same on every chart."""

from __future__ import annotations

from portrait_assets.stages.mart.charts.portrait import PALETTE, SEQUENCE
from portrait_assets.stages.mart.reading import TagName
from portrait_assets.storage.published import Row

OTHERS = "#c9d0d8"
LIFECYCLE = {
    "introduction": "#7fb2d0",
    "growth": "#3a7ca5",
    "maturity": "#1b4965",
    "dormancy": "#d08548",
    "churn": "#a04a1f",
    "new": "#7fb2d0",
    "growing": "#3a7ca5",
    "steady": "#1b4965",
    "declining": "#e0b98d",
    "dormant": "#d08548",
    "lost": "#a04a1f",
}


def segment_colours(segments: list[Row]) -> dict[int, str]:
    """A colour per segment, by its number, so that it stays from month to month."""
    return {row["segment_id"]: PALETTE[(row["segment_id"] - 1) % len(PALETTE)] for row in segments}


def shades_of(tag: TagName) -> dict[str, str]:
    """A colour for each value of an ordered tag, from good to bad, in the order to stack them."""
    if set(LIFECYCLE) >= set(tag.values):
        ordered = [value for value in LIFECYCLE if value in tag.values]
        return {value: LIFECYCLE[value] for value in ordered}
    colours = SEQUENCE if len(tag.values) > 3 else [SEQUENCE[i] for i in (0, 2, 4)]
    repeated = colours * (len(tag.values) // len(colours) + 1)
    return dict(zip(tag.values, repeated, strict=False))
