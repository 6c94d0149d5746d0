"""Colours and short names of what the report shows, in its charts and outside of them."""

from __future__ import annotations

from collections.abc import Mapping

from portrait_assets.stages.mart.reading import Row, TagName
from portrait_assets.stages.mart.words import EXTRA, OUTCOMES

PALETTE = ["#2f6690", "#d1662f", "#2a9d74", "#b5548b", "#5aa9d6", "#8a6d1f", "#5b4b9a", "#7d8793"]


def segment_colours(segments: list[Row]) -> dict[int, str]:
    """A colour per segment, by its number, so that it stays from month to month."""
    return {row["segment_id"]: PALETTE[(row["segment_id"] - 1) % len(PALETTE)] for row in segments}


def test_name(row: Row, tags: Mapping[str, TagName]) -> tuple[str, str]:
    """What a backtest is called: the tag and the outcome it foretells."""
    tag = tags.get(row["tag_code"])
    en, zh = (tag.en, tag.zh) if tag else EXTRA.get(row["tag_code"], (row["tag_code"],) * 2)
    outcome = OUTCOMES.get(row["outcome"], (row["outcome"], row["outcome"]))
    return f"{en} → {outcome[0]}", f"{zh} → {outcome[1]}"


def short(text: str, most: int = 24) -> str:
    """The text, cut at a word where it is too long for a chart."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0] + "…"
