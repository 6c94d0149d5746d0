"""What became of segments since the month before, as events with their reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.clusters.names.contract import FREE, SEGMENT_EVENT
from portrait_assets.stages.clusters.names.history.lasting import RENAMED_AT, STILL_TRUE_OF, Moved
from portrait_assets.stages.clusters.names.words import Label

COLUMNS = tuple(name for name in SEGMENT_EVENT.column_names if name != "as_of")
BY_PERSON = Label("A person named it.", "由人工命名。")
NO_PERSON = Label("The name that a person gave it was taken back.", "人工命名已撤销。")
FIRST = Label("It is of the first model.", "首个模型的客群。")
NO_RECORD = Label("How it was named before is not on record.", "此前命名依据无记录。")
TAKEN = Label("A person gave its name to another segment.", "其名称已由人工用于其他客群。")
NOBODY = Label("Nobody was in it in the month before.", "上月无客户属于该客群。")


class Month(NamedTuple):
    """The segments of a month: the names shown by id, and who is in which.

    `given` are the ids whose name a person gave; `assignment` has customer_id and segment_id.
    """

    names: Mapping[int, Label]
    given: frozenset[int]
    assignment: pl.DataFrame


class Became(Protocol):
    """What became of a segment with a new model, and which earlier segments it is made of."""

    @property
    def status(self) -> str:
        """kept, new, split or merged."""

    @property
    def from_segments(self) -> Sequence[int]:
        """Of one that was split or merged, the segments of the model before."""


def segment_events(
    before: Month | None,
    now: Month,
    moved: Mapping[int, Moved],
    changed: Mapping[int, Became],
    smallest: int = EVERY_CELL,
    division: str = FREE,
) -> pl.DataFrame:
    """The rows of `clusters.segment_event` of a month, without the month.

    A segment has one event at most: that it is new, split or merged comes before that it has
    another name, which its row shows as well.

    Args:
        before: the month before; None where there was none.
        now: the month.
        moved: why segments were named anew, by id.
        changed: the segments of a model that became active in the month, by id.
        smallest: fewest customers that a reason may tell of.
        division: whose segments they are.
    """
    rows = []
    for segment in sorted({*now.names, *(before.names if before else ())}):
        event = _event(segment, before, now, moved, changed, smallest)
        if event is None:
            continue
        name, was = now.names.get(segment), before.names.get(segment) if before else None
        origins = changed[segment].from_segments if event.kind in ("split", "merged") else ()
        why = moved.get(segment) if event.kind == "renamed" else None
        rows.append(
            {
                "division": division,
                "segment_id": segment,
                "event": event.kind,
                "from_segments": [str(each) for each in origins],
                "name_before_en": was.en if was else None,
                "name_before_zh": was.zh if was else None,
                "name_en": name.en if name else None,
                "name_zh": name.zh if name else None,
                "distance": why.distance if why else None,
                "reason_en": event.reason.en,
                "reason_zh": event.reason.zh,
            }
        )
    schema = {name: SEGMENT_EVENT.polars_schema[name] for name in COLUMNS}
    return pl.DataFrame(rows, schema=schema)


class _Event(NamedTuple):
    kind: str
    reason: Label


def _event(
    segment: int,
    before: Month | None,
    now: Month,
    moved: Mapping[int, Moved],
    changed: Mapping[int, Became],
    smallest: int,
) -> _Event | None:
    if before is None:
        return _Event("new", FIRST)
    if segment not in now.names:
        return _Event("gone", _where_to(segment, before, now, smallest))
    became = changed.get(segment)
    if became is not None and became.status in ("split", "merged"):
        return _Event(became.status, _made_of(became, before))
    if segment not in before.names:
        is_new = became is not None and became.status == "new"
        return _Event("new", _where_from(segment, before, now, smallest) if is_new else NOBODY)
    if now.names[segment] == before.names[segment]:
        return None
    if segment in now.given:
        return _Event("renamed", BY_PERSON)
    if segment in before.given:
        return _Event("renamed", NO_PERSON)
    return _Event("renamed", _why_renamed(moved.get(segment)))


def _why_renamed(why: Moved | None) -> Label:
    if why is None:
        return NO_RECORD
    if why.distance > RENAMED_AT:
        return Label(
            f"Its profile has moved by {why.distance:.2f} standard deviations since it was named, "
            f"more than {RENAMED_AT:g}.",
            f"自命名以来，其画像已移动{why.distance:.2f}个标准差，超过{RENAMED_AT:g}。",
        )
    if (word := why.untrue) is None:
        return TAKEN
    return Label(
        f"'{word.en}' is true of only {word.share:.0%} of its customers, "
        f"below {STILL_TRUE_OF:.0%}.",
        f"“{word.zh}”仅适用于其{word.share:.0%}的客户，低于{STILL_TRUE_OF:.0%}。",
    )


def _made_of(became: Became, before: Month) -> Label:
    named = [(each, before.names[each]) for each in became.from_segments if each in before.names]
    en = " and ".join(f"{each} ({name.en})" for each, name in named)
    zh = "、".join(f"{each}（{name.zh}）" for each, name in named)
    if became.status == "merged":
        return Label(f"It took most of the segments {en}.", f"由客群{zh}的大部分客户合并而成。")
    return Label(
        f"Most of it comes from segment {en}, which others took a part of too.",
        f"其多数客户来自客群{zh}，该客群已拆分。",
    )


def _where_from(segment: int, before: Month, now: Month, smallest: int) -> Label:
    now_in = now.assignment.filter(pl.col("segment_id") == segment)
    share, most = _most(now_in, before.assignment, smallest)
    if most is None:
        return Label(
            "No segment of the month before has most of its customers.",
            "上月任一客群均未包含其多数客户。",
        )
    return Label(
        f"It is no earlier segment: the one with most of its customers, {most}, has {share:.0%}.",
        f"并非既有客群：上月包含其客户最多的客群{most}仅占{share:.0%}。",
    )


def _where_to(segment: int, before: Month, now: Month, smallest: int) -> Label:
    were_in = before.assignment.filter(pl.col("segment_id") == segment)
    share, most = _most(were_in, now.assignment, smallest)
    if most is None:
        return Label("Its customers are in no segment together.", "其客户已分散，无集中去向。")
    return Label(
        f"{share:.0%} of its customers are now in segment {most}.",
        f"其{share:.0%}的客户现属客群{most}。",
    )


def _most(customers: pl.DataFrame, others: pl.DataFrame, smallest: int) -> tuple[float, int | None]:
    """The segment in which most of the customers are at the other time, and their share."""
    found = (
        customers.select("customer_id")
        .join(others.select("customer_id", "segment_id"), on="customer_id")
        .group_by("segment_id")
        .len()
        .sort(["len", "segment_id"], descending=[True, False])
    )
    if found.is_empty() or found["len"][0] < smallest:
        return 0.0, None
    return found["len"][0] / customers.height, int(found["segment_id"][0])
