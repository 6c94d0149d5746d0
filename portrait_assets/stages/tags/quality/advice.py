"""Keep, review or retire a tag: the advice that its quality card ends with."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.methods.statistics.distributions.stability import STRONG_SHIFT
from portrait_assets.stages.tags.catalogue.tag import Kind, Shape, Tag

LOW_COVERAGE = 0.01
THIN_COVERAGE = 0.30
ONE_VALUE = 0.999
MUCH_CHANGE = 0.50
SAME_THING = 0.90


@dataclass(frozen=True)
class Lift:
    """Rate of an outcome among a value's holders over that of the base, with its interval.

    The value was picked among the tag's: the interval is one of those that hold together in 95 of
    100 cases.
    """

    outcome: str
    value: str
    lift: float
    low: float
    high: float


@dataclass(frozen=True)
class Measures:
    """What the advice is based on; None where it could not be measured.

    `overlap` is the most similar tag and the share of information in common.
    """

    customers: int
    coverage: float
    distinct_values: int
    top_share: float | None
    psi: float | None
    psi_by_chance: float | None
    share_changed: float | None
    age_months: float | None
    overlap: tuple[str, float] | None
    lift: Lift | None


def advise(tag: Tag, measures: Measures) -> tuple[str, str, str]:
    """The advice (keep, review, retire) and why, in English and Chinese.

    A tag that hardly any customer holds, or that has one value for nearly all, is to be retired.
    It is to be reviewed when its coverage is thin, its distribution shifted (PSI of 0.25 and more,
    and more than chance gives), half of the customers changed value, its values are stale, another
    tag carries the same information, or the lift of a prediction does not differ from 1.
    """
    useless = _useless(measures)
    if useless is not None:
        return "retire", *useless
    doubts = _doubts(tag, measures)
    if doubts:
        return "review", "; ".join(en for en, _ in doubts), "；".join(zh for _, zh in doubts)
    steady = ("of shares that its rule sets by rank", "占比由规则按排名设定")
    if not tag.is_by_rank:
        steady = ("steady", "稳定")
    return (
        "keep",
        f"held by {measures.coverage:.0%} with {measures.distinct_values} values, {steady[0]}",
        f"覆盖{measures.coverage:.0%}，{measures.distinct_values}个取值，{steady[1]}",
    )


def _useless(measures: Measures) -> tuple[str, str] | None:
    if measures.coverage < LOW_COVERAGE:
        return (
            f"held by {measures.coverage:.1%} of customers, under {LOW_COVERAGE:.0%}",
            f"覆盖率仅{measures.coverage:.1%}，低于{LOW_COVERAGE:.0%}",
        )
    if measures.top_share is not None and measures.top_share >= ONE_VALUE:
        return (
            f"{measures.top_share:.1%} hold the same value, so it tells nobody apart",
            f"{measures.top_share:.1%}取值相同，无区分度",
        )
    return None


def _doubts(tag: Tag, measures: Measures) -> list[tuple[str, str]]:
    found = []
    if measures.coverage < THIN_COVERAGE:
        found.append(
            (
                f"held by {measures.coverage:.1%} of customers, under {THIN_COVERAGE:.0%}",
                f"覆盖率{measures.coverage:.1%}，低于{THIN_COVERAGE:.0%}",
            )
        )
    if measures.psi is not None and measures.psi >= max(STRONG_SHIFT, measures.psi_by_chance or 0):
        found.append(
            (
                f"the distribution shifted (PSI {measures.psi:.2f} against the month before)",
                f"分布漂移（较上月PSI {measures.psi:.2f}）",
            )
        )
    restless = tag.shape is not Shape.OPEN
    if restless and measures.share_changed is not None and measures.share_changed >= MUCH_CHANGE:
        found.append(
            (
                f"{measures.share_changed:.0%} of customers changed value within a month",
                f"一个月内{measures.share_changed:.0%}客户取值变化",
            )
        )
    if measures.age_months is not None and measures.age_months > tag.valid_months / 2:
        found.append(
            (
                f"values are {measures.age_months:.1f} months old on average",
                f"取值平均已{measures.age_months:.1f}个月",
            )
        )
    if measures.overlap is not None and measures.overlap[1] >= SAME_THING:
        other, value = measures.overlap
        found.append(
            (
                f"says nearly the same as {other} (they share {value:.0%} of their information)",
                f"与{other}几乎相同（共享信息{value:.0%}）",
            )
        )
    lift = measures.lift
    if tag.kind is Kind.PREDICTIVE and lift is not None and lift.low <= 1 <= lift.high:
        found.append(
            (
                f"does not tell the outcome apart (lift {lift.lift:.2f}, "
                f"{lift.low:.2f} to {lift.high:.2f})",
                f"对结果无区分（提升度{lift.lift:.2f}，{lift.low:.2f}至{lift.high:.2f}）",
            )
        )
    return found
