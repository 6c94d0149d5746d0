"""The findings of the newest month, with the names of their subjects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from portrait_assets.stages.mart import words
from portrait_assets.stages.mart.reading import Tags, feature_labels, tags, test_name
from portrait_assets.stages.mart.segments.profiles import segments
from portrait_assets.storage.published import Published, Row


def findings(published: Published) -> list[Row]:
    """All findings, each with its subject's name as `en` and `zh`."""
    known = published.of(tags), published.of(feature_labels), published.of(segments)
    rows = published.newest("validation.validation_report", "area, subject, metric")
    for finding in rows:
        finding["en"], finding["zh"] = _subject_name(finding["subject"], *known)
    return rows


def areas(published: Published) -> dict[str, Counter[str]]:
    """By area, how many findings have which verdict."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in published.of(findings):
        counted[finding["area"]][finding["verdict"]] += 1
    return dict(counted)


def _subject_name(
    subject: str,
    tags: Tags,
    labels: Mapping[str, tuple[str, str, str]],
    segments: Sequence[Row],
) -> tuple[str, str]:
    """What a finding is about, in words: its tag and outcome, or its feature, where it has one."""
    kind, _, name = subject.partition(" ")
    code, _, outcome = subject.partition(" / ")
    if outcome:
        return test_name({"tag_code": code, "outcome": outcome}, tags)
    for prefix, known in (
        (("tag", "标签"), subject),
        (("tag", "标签"), name if kind == "tag" else ""),
    ):
        if known in tags:
            return f"{prefix[0]} {tags[known].en}", f"{prefix[1]} {tags[known].zh}"
    feature = name if kind == "feature" else subject
    if feature in labels:
        return f"feature {labels[feature][0]}", f"特征 {labels[feature][1]}"
    segment = next(
        (row for row in segments if f"{row['segment_id']} {row['name_en']}" == subject), None
    )
    if segment is not None:
        return f"segment {subject}", f"客群 {segment['segment_id']} {segment['name_zh']}"
    return words.SUBJECTS.get(subject, words.model_name(subject))
