"""Which parts of a segment earn it: they predict a later outcome better, out of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.asked.model import FIT_ROWS, AskedModel, fit_each
from portrait_assets.methods.clustering.asked.outcomes import Gain, gain, log_losses
from portrait_assets.methods.clustering.asked.support import AGREE_AT, refits_agree
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample

PARTS = (2, 3)
"""Numbers of parts that are tried."""
FEWEST, SMALLEST_SHARE = 200, 0.01
"""A part has at least so many customers, and at least this share of all."""
FEWEST_HITS = 20
"""An outcome is tried that at least so many of the segment had, and so many had not."""
ERROR = 0.05
"""Probability that any of the divisions of a month is taken by chance."""


class Time(NamedTuple):
    """Customers at one time, and what became of them.

    `habits` has customer_id and the habits, `segments` customer_id and segment_id, and `labels`
    by outcome customer_id and `did`, of those who are counted.
    """

    habits: pl.DataFrame
    segments: pl.DataFrame
    labels: Mapping[str, pl.DataFrame]


class Tried(NamedTuple):
    """A division of a segment, held against an outcome."""

    segment: int
    model: AskedModel
    outcome: str
    smallest: int
    smallest_share: float
    agreement: float
    saved: Gain
    tests: int

    @property
    def is_large(self) -> bool:
        """Whether each part has enough customers."""
        return self.smallest >= FEWEST and self.smallest_share >= SMALLEST_SHARE

    @property
    def earns_it(self) -> bool:
        """Whether the parts are there, large enough, and surely predict the outcome better."""
        return self.is_large and self.agreement >= AGREE_AT and self.saved.low > 0

    @property
    def reason(self) -> tuple[str, str]:
        """Why it is taken or not, in English and Chinese; of several reasons the first."""
        if not self.is_large:
            share = f"{self.smallest_share:.1%}"
            return (
                f"its smallest part is too small: {share} of all customers, and asked for are "
                f"{FEWEST} customers and {SMALLEST_SHARE:.0%}",
                f"最小部分过小：占全体{share}，要求至少{FEWEST}人且{SMALLEST_SHARE:.0%}",
            )
        if self.agreement < AGREE_AT:
            return (
                f"refits agree at {self.agreement:.2f}, below {AGREE_AT:g}",
                f"重训一致性为{self.agreement:.2f}，低于{AGREE_AT:g}",
            )
        if self.saved.low <= 0:
            return (
                "no sure gain out of time: the interval reaches 0",
                "样本外无确定增益：区间包含0",
            )
        return ("the parts predict it better out of time", "样本外预测更优")


def tried(earlier: Time, later: Time, columns: Iterable[str]) -> list[Tried]:
    """All divisions of segments that were tried, by segment, parts and outcome.

    The parts are fitted on the earlier customers, without the outcome, and its rates as well; what
    they save is measured on the later ones. Intervals allow for the number of tests (C. Bonferroni
    1936).

    Args:
        earlier: customers whose outcomes are known.
        later: customers at least a window later, whose outcomes are known too.
        columns: the habits.
    """
    of_all = later.segments.height
    found = list(_candidates(earlier, later, [*columns]))
    divisions: list[Tried] = []
    tests = sum(len(outcomes) for *_, outcomes in found)
    for segment, model, agreement, sizes, outcomes in found:
        for outcome, (before, after) in outcomes.items():
            losses = log_losses(before, after)
            alone = log_losses(*(each.with_columns(group=pl.lit(0)) for each in (before, after)))
            saved = gain(losses, alone, 1 - ERROR / tests)
            smallest = min(sizes)
            share = round(smallest / of_all, 6)
            divisions.append(
                Tried(segment, model, outcome, smallest, share, agreement, saved, tests)
            )
    return divisions


def taken(divisions: Iterable[Tried]) -> dict[int, Tried]:
    """By segment the division that is taken: of those that earn it the one with the fewest parts.

    Of several outcomes the one with the greatest gain that is sure, and then the first by name.
    """
    best: dict[int, Tried] = {}
    for each in sorted(divisions, key=lambda e: (e.model.segments, -e.saved.low, e.outcome)):
        if each.earns_it:
            best.setdefault(each.segment, each)
    return best


_Labelled = tuple[pl.DataFrame, pl.DataFrame]


def _candidates(
    earlier: Time, later: Time, columns: list[str]
) -> Iterator[tuple[int, AskedModel, float, list[int], dict[str, _Labelled]]]:
    """Divisions by segment and parts, with agreement, sizes of the parts now, and outcomes."""
    for segment in sorted(earlier.segments["segment_id"].unique()):
        before, after = (_within(each, segment) for each in (earlier, later))
        if min(before.height, after.height) < PARTS[0] * FEWEST:
            continue
        both = [each.select("customer_id") for each in (before, after)]
        judged_by = [
            outcome
            for outcome in sorted(earlier.labels)
            if _labelled(both, earlier, later, outcome) is not None
        ]
        if not judged_by:
            # Parts could earn it by nothing, so that none need be found.
            continue
        for parts, model in fit_each(before, (), columns, PARTS).items():
            if model is None:
                continue
            groups = [
                model.assign(each).rename({"segment_id": "group"}) for each in (before, after)
            ]
            sizes = groups[1]["group"].value_counts()["count"].to_list()
            if len(sizes) < parts:
                continue
            outcomes = {
                outcome: labelled
                for outcome in judged_by
                if (labelled := _labelled(groups, earlier, later, outcome)) is not None
            }
            if not outcomes:
                continue
            with one_thread():
                points = model.space.points(canonical_sample(before, FIT_ROWS))
                agreement = refits_agree(points, parts)
            yield segment, model, agreement, sizes, outcomes


def _within(time: Time, segment: int) -> pl.DataFrame:
    members = time.segments.filter(pl.col("segment_id") == segment)
    return time.habits.join(members, on="customer_id", how="semi", maintain_order="left")


def _labelled(
    groups: list[pl.DataFrame], earlier: Time, later: Time, outcome: str
) -> _Labelled | None:
    before, after = (
        own.join(time.labels[outcome], on="customer_id", maintain_order="left")
        for own, time in zip(groups, (earlier, later), strict=True)
    )
    for each in (before, after):
        counts = each["did"].value_counts()["count"].to_list()
        if len(counts) < 2 or min(counts) < FEWEST_HITS:
            return None
    return before, after
