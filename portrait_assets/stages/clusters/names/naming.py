"""Names of segments in English and Chinese, derived from the profile; people may override them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.names.naming_words import WORDS, Words

MIN_DIFFERENCE = 0.30
"""A feature names a segment when it differs by at least this many standard deviations."""
MAX_Q_VALUE = 0.01
USUAL_WORDS = 3
MOST_WORDS = 6

NAMES_SCHEMA: dict[str, pl.DataType] = {
    "segment_id": pl.Int64(),
    "name_en": pl.String(),
    "name_zh": pl.String(),
}


class Label(NamedTuple):
    """What a feature is called, in English and Chinese."""

    en: str
    zh: str


class _Word(NamedTuple):
    theme: str
    en: str
    zh: str


def name_segments(
    profile: pl.DataFrame,
    overrides: Mapping[int, Mapping[str, str]] | None = None,
    labels: Mapping[str, Label] | None = None,
) -> pl.DataFrame:
    """One name per segment: ``segment_id, name_en, name_zh``, no two alike.

    A name consists of the features that differ most (in standard deviations, and significantly),
    one word per theme. Overrides map a segment id to ``{"en": ..., "zh": ...}``; a missing
    language keeps the derived name. ``labels`` gives the words for features without an entry of
    their own in the vocabulary.
    """
    overrides = overrides or {}
    labels = labels or {}
    words = {
        int(segment): _words(lines, labels)
        for (segment,), lines in profile.sort("segment_id").group_by(
            "segment_id", maintain_order=True
        )
    }
    derived = _distinct_names(words)
    rows = []
    for segment in sorted({*derived, *overrides}):
        name = derived.get(segment, Label(f"segment {segment}", f"客群{segment}"))
        given = overrides.get(segment, {})
        rows.append((segment, given.get("en", name.en), given.get("zh", name.zh)))
    return pl.DataFrame(rows, schema=NAMES_SCHEMA, orient="row")


def _words(lines: pl.DataFrame, labels: Mapping[str, Label]) -> list[_Word]:
    """Words for one segment, strongest difference first, at most one per theme."""
    distinctive = (
        lines.filter(
            (pl.col("std_difference").abs() >= MIN_DIFFERENCE)
            & (pl.col("q_value").fill_null(1.0) <= MAX_Q_VALUE)
            # A level that a segment lacks is less informative than one that it has.
            & (pl.col("level").is_null() | (pl.col("std_difference") > 0))
        )
        .with_columns(pl.col("std_difference").abs().alias("_size"))
        .sort(["_size", "feature", "level"], descending=[True, False, False])
    )
    by_theme: dict[str, _Word] = {}
    for line in distinctive.iter_rows(named=True):
        word = _word(line["feature"], line["level"], line["std_difference"] > 0, labels)
        by_theme.setdefault(word.theme, word)
    return list(by_theme.values())


def _word(feature: str, level: str | None, high: bool, labels: Mapping[str, Label]) -> _Word:
    label = labels.get(feature, Label(feature.replace("_", " "), feature.replace("_", " ")))
    if level is not None:
        return _Word(feature, f"{label.en} {level}", f"{label.zh}{level}")
    words = _vocabulary(feature)
    if words is not None:
        return _Word(words.theme, *(words.high if high else words.low))
    if high:
        return _Word(feature, f"high {label.en}", f"高{label.zh}")
    return _Word(feature, f"low {label.en}", f"低{label.zh}")


def _vocabulary(feature: str) -> Words | None:
    return next((w for w in WORDS if re.search(w.pattern, feature, re.IGNORECASE)), None)


def _distinct_names(words: Mapping[int, list[_Word]]) -> dict[int, Label]:
    """The usual number of words; more where two segments would be called the same."""
    names: dict[int, Label] = {}
    pending = list(words)
    for length in range(USUAL_WORDS, MOST_WORDS + 1):
        proposed = {s: _joined(words[s][:length]) for s in pending}
        taken = [*names.values(), *proposed.values()]
        for segment in list(pending):
            alike = [
                n for n in taken if n.en == proposed[segment].en or n.zh == proposed[segment].zh
            ]
            if len(alike) == 1:
                names[segment] = proposed[segment]
                pending.remove(segment)
    for segment in pending:
        name = _joined(words[segment][:USUAL_WORDS])
        names[segment] = Label(f"{name.en} ({segment})", f"{name.zh}({segment})")
    return names


def _joined(words: list[_Word]) -> Label:
    if not words:
        return Label("average", "均衡")
    return Label(" ".join(w.en for w in words), "".join(w.zh for w in words))
