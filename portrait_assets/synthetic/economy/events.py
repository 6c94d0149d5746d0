"""What happens in the market of the synthetic bank, and what customers do about it.

A rise of a competitor's rate, launches and a withdrawal, a shift of what is bought, and seasons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.randomness import (
    Draws,
    Floats,
    Ints,
    Mask,
    Words,
    label_word,
    mix,
    to_uniform,
)
from portrait_assets.synthetic.common.seasons import MONTH_LEVEL, Calendar
from portrait_assets.synthetic.holdings.products import (
    NEWCOMERS,
    PRODUCT_IDS,
    PRODUCTS,
    SUCCESSOR,
    WITHDRAWN,
    introduced_month,
    withdrawn_month,
)
from portrait_assets.synthetic.persons.lifecycle import NEVER
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.settings import Events

COMPETITORS = ("甲银行(虚构)", "乙银行(虚构)", "丙银行(虚构)")
FOLLOWS_SUCCESSOR = 0.6
"""Holders of the withdrawn fund who take its successor; the others are paid out."""
SHIFTS = (
    ("young_digital", "dining", "online_shopping"),
    ("family", "grocery", "online_shopping"),
    ("affluent", "dining", "travel"),
)
"""Segment, and the categories between which its purchases may shift for good."""
SCHOOL = ("family", "grocery", "education")
SCHOOL_MONTHS = (8, 9)
YEAR_END = (11, 12)


@dataclass(frozen=True)
class RateRise:
    """A competitor pays more on term deposits from the first month to the last."""

    competitor: int
    first: int
    last: int
    points: float
    """Added to the rate, in per cent a year."""
    outflow: float
    """Share of their term deposits that rate-sensitive customers take there while it lasts."""

    def lasts(self, month: int) -> bool:
        """Whether the rate is raised in the month."""
        return self.first <= month <= self.last


@dataclass(frozen=True)
class Shift:
    """A share of a segment's purchases in one category is made in another."""

    name: str
    kind: str
    segment: int
    source: int
    target: int
    share: float
    first: int
    last: int


@dataclass(frozen=True)
class Happenings:
    """The events of a bank; months are positions, both ends included, the last NEVER for good."""

    rates: Events
    rises: tuple[RateRise, ...] = ()
    shifts: tuple[Shift, ...] = ()

    def shifted(self, category: Ints, segment: Ints, words: Words, month: int) -> Ints:
        """Categories of the month's purchases after what has shifted; words are one each."""
        for shift in self.shifts:
            if shift.first <= month <= shift.last:
                rows = np.flatnonzero((category == shift.source) & (segment == shift.segment))
                point = to_uniform(mix(words[rows] + label_word(f"shift {shift.name}")))
                category[rows[point < shift.share]] = shift.target
        return category

    def term_kept(self, is_rate_sensitive: Mask, month: int) -> Floats | float:
        """Share of their term deposits that customers leave with the bank in the month."""
        taken = sum(rise.outflow for rise in self.rises if rise.lasts(month))
        return np.where(is_rate_sensitive, 1 - taken, 1.0) if taken else 1.0


def rate_sensitive(people: People, rates: Events) -> Mask:
    """Who moves his deposits to where they bear more."""
    return people.draws.chance("rate sensitive", rates.sensitive)


def make_happenings(rates: Events, calendar: Calendar, seed: int) -> Happenings:
    """The events of these months; what has the size 0 does not happen."""
    draws, horizon = Draws.of(seed, "event", np.arange(1)), calendar.horizon

    def month_at(label: str, low: float, high: float) -> int:
        return int((low + (high - low) * float(draws.uniform(label)[0])) * horizon)

    rises, shifts = list[RateRise](), list[Shift]()
    if rates.rate_rise > 0 and rates.outflow > 0:
        first = month_at("rise", 0.4, 0.55)
        last = first + int(draws.whole("rise lasts", 4, 7)[0]) - 1
        competitor = int(draws.whole("rise of", 0, len(COMPETITORS) - 1)[0])
        points = round(rates.rate_rise * (0.85 + 0.3 * float(draws.uniform("points")[0])), 2)
        rises.append(RateRise(competitor, first, last, points, rates.outflow))
    if rates.mix_shift > 0:
        chosen = SHIFTS[int(draws.whole("shift of", 0, len(SHIFTS) - 1)[0])]
        first = month_at("shift", 0.5, 0.7)
        shifts.append(_shift("mix", "mix_shift", chosen, rates.mix_shift, first, NEVER))
    if rates.season > 0:
        shifts += [
            _shift("school", "season", SCHOOL, rates.season, first, last)
            for first, last in _spans(calendar, SCHOOL_MONTHS)
        ]
    return Happenings(rates, tuple(rises), tuple(shifts))


def _shift(
    name: str, kind: str, of: tuple[str, str, str], share: float, first: int, last: int
) -> Shift:
    segment, source, target = of
    return Shift(
        name,
        kind,
        SEGMENT_CODES.index(segment),
        CATEGORIES.index(source),
        CATEGORIES.index(target),
        share,
        first,
        last,
    )


def _spans(calendar: Calendar, months: tuple[int, ...]) -> list[tuple[int, int]]:
    """First and last position of each run of these months of the year."""
    at = [n for n, name in enumerate(calendar.names) if int(name[5:]) in months]
    starts = [n for n in at if n - 1 not in at]
    ends = [n for n in at if n + 1 not in at]
    return list(zip(starts, ends, strict=True))


def events_table(happenings: Happenings, calendar: Calendar) -> pa.Table:
    """The truth about events.

    `size` is what the event is (points of a rate), `effect` what customers do about it, as the
    share that `effect_of` names.
    """
    rows = [
        *_product_events(happenings, calendar),
        *_rises(happenings, calendar),
        *_shifts(happenings, calendar),
        *_seasons(calendar),
    ]
    columns = {
        "event": pa.string(),
        "kind": pa.string(),
        "first_month": pa.string(),
        "last_month": pa.string(),
        "competitor": pa.string(),
        "product_class": pa.string(),
        "product_id": pa.string(),
        "segment": pa.string(),
        "from_category": pa.string(),
        "to_category": pa.string(),
        "size": pa.float64(),
        "effect": pa.float64(),
        "effect_of": pa.string(),
    }
    return pa.Table.from_pylist(rows, pa.schema(columns))


Row = dict[str, str | float | None]


def _product_events(happenings: Happenings, calendar: Calendar) -> list[Row]:
    last, rows = calendar.count - 1, list[Row]()
    for old, new in NEWCOMERS:
        rows.append(
            {
                "event": f"launch of {PRODUCT_IDS[new]}",
                "kind": "launch",
                "first_month": calendar.names[introduced_month(new, calendar)],
                "last_month": calendar.names[last],
                "product_class": PRODUCTS[new].category,
                "product_id": PRODUCT_IDS[new],
                "effect": happenings.rates.launch,
                "effect_of": f"holders of {PRODUCT_IDS[old]} who change to it a month later",
            }
        )
    gone = withdrawn_month(WITHDRAWN, calendar)
    if gone <= last:
        rows.append(
            {
                "event": f"withdrawal of {PRODUCT_IDS[WITHDRAWN]}",
                "kind": "withdrawal",
                "first_month": calendar.names[gone],
                "last_month": calendar.names[last],
                "product_class": PRODUCTS[WITHDRAWN].category,
                "product_id": PRODUCT_IDS[WITHDRAWN],
                "effect": FOLLOWS_SUCCESSOR,
                "effect_of": f"its holders who take {PRODUCT_IDS[SUCCESSOR]}",
            }
        )
    return rows


def _rises(happenings: Happenings, calendar: Calendar) -> list[Row]:
    return [
        {
            "event": f"rate of {COMPETITORS[rise.competitor]}",
            "kind": "rate_rise",
            "first_month": calendar.names[rise.first],
            "last_month": calendar.names[min(rise.last, calendar.count - 1)],
            "competitor": COMPETITORS[rise.competitor],
            "product_class": "term_deposit",
            "size": rise.points,
            "effect": rise.outflow,
            "effect_of": "term deposits that rate-sensitive customers take there",
        }
        for rise in happenings.rises
    ]


def _shifts(happenings: Happenings, calendar: Calendar) -> list[Row]:
    return [
        {
            "event": shift.name,
            "kind": shift.kind,
            "first_month": calendar.names[shift.first],
            "last_month": calendar.names[min(shift.last, calendar.count - 1)],
            "segment": SEGMENT_CODES[shift.segment],
            "from_category": CATEGORIES[shift.source],
            "to_category": CATEGORIES[shift.target],
            "effect": shift.share,
            "effect_of": "the segment's purchases in from_category that are in to_category",
        }
        for shift in happenings.shifts
    ]


def _seasons(calendar: Calendar) -> list[Row]:
    """The seasons of every bank, which the calendar has."""
    year_end = float(np.mean([MONTH_LEVEL[month - 1] for month in YEAR_END])) - 1
    festivals = [
        (month, level - 1)
        for month in range(calendar.count)
        if (level := calendar.festival_level(month)) != 1.0
    ]
    spans = [("year_end", *span, year_end) for span in _spans(calendar, YEAR_END)]
    spans += [("spring_festival", month, month, effect) for month, effect in festivals]
    return [
        {
            "event": name,
            "kind": "season",
            "first_month": calendar.names[first],
            "last_month": calendar.names[last],
            "effect": effect,
            "effect_of": "change of the number of transactions",
        }
        for name, first, last, effect in spans
    ]
