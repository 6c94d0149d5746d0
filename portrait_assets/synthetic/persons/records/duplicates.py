"""Second records of the same persons, from another system and with its mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.synthetic.common.columns import prefixed
from portrait_assets.synthetic.common.randomness import Draws, Ints
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.texts import SIMILAR
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.records.customers import text
from portrait_assets.synthetic.persons.records.identifiers import phone_numbers

OTHER_PHONE = 25_000_000
"""Added to a customer's number for the telephone number that the other system knows."""
CHANGES: tuple[tuple[str, str, float], ...] = (
    ("national_id", "missing", 0.35),
    ("national_id", "digits swapped", 0.08),
    ("full_name", "similar character", 0.30),
    ("full_name", "spaced", 0.15),
    ("phone", "other number", 0.25),
    ("birth_date", "day and month swapped", 0.05),
    ("address", "shortened", 0.50),
    ("email", "missing", 0.60),
    ("bank_card", "missing", 0.50),
)
"""Column, what happens to it, and how often."""


@dataclass(frozen=True)
class Duplicates:
    """The second records; `rows` are the rows of the people that they belong to."""

    rows: Ints
    since: Ints
    """Month from which the other system knows the person."""
    frame: pl.DataFrame
    changes: list[str]
    """What differs, such as 'national_id missing; phone other number'."""


def make_duplicates(
    people: People,
    lives: Lifecycle,
    calendar: Calendar,
    records: pl.DataFrame,
    share: float,
) -> Duplicates:
    """Second records for a share of the people who are customers in the last month or longer.

    Args:
        records: the clean first record of each person, in the order of `people`.
    """
    there = lives.join_month < np.minimum(lives.leave_month, calendar.horizon)
    rows = np.flatnonzero(people.draws.chance("duplicate", share) & there)
    draws, number = people.draws[rows].child("second record", people.number[rows]), people.number
    earliest = np.maximum(lives.join_month[rows], 0)
    since = earliest + (draws.uniform("since") * (calendar.horizon - earliest)).astype(np.int64)
    day = calendar.starts[since] + draws.whole("day", 0, 27)
    known = records["recorded_on"].to_physical().to_numpy()[rows]
    recorded = np.maximum(day, known + 1).astype(np.int32)
    frame = records[rows].with_columns(
        text("customer_id", prefixed("K", number[rows], 7)),
        pl.Series("recorded_on", recorded).cast(pl.Date),
        pl.Series("joined_on", recorded).cast(pl.Date),
    )
    frame, changes = misspelt(frame, draws, number[rows])
    return Duplicates(rows=rows, since=since, frame=frame, changes=changes)


def misspelt(records: pl.DataFrame, draws: Draws, number: Ints) -> tuple[pl.DataFrame, list[str]]:
    """Clean records as another system has them, and what differs in each.

    Args:
        records: records with any of the columns of customers, birth_date among them.
        number: numbers of the persons, below 75,000,000.
    """
    changes = [change for change in CHANGES if change[0] in records.columns]
    masks, frame = _masks(draws, records["birth_date"]), records
    for column, what, _ in changes:
        changed = _changed(column, what, number)
        frame = frame.with_columns(
            pl.when(pl.Series(masks[column, what]))
            .then(changed)
            .otherwise(pl.col(column))
            .alias(column)
        )
    # Not everything that is asked for changes a value: not every character has a double.
    for column, what, _ in changes:
        masks[column, what] &= frame[column].ne_missing(records[column]).to_numpy()
    return frame, [
        "; ".join(f"{column} {what}" for column, what, _ in changes if masks[column, what][row])
        for row in range(len(records))
    ]


def _masks(
    draws: Draws, birth: pl.Series
) -> dict[tuple[str, str], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    masks: dict[tuple[str, str], np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    taken: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for column, what, share in CHANGES:
        before = taken.setdefault(column, np.zeros(len(birth), dtype=np.bool_))
        masks[column, what] = draws.chance(f"{column} {what}", share) & ~before
        taken[column] = before | masks[column, what]
    day = birth.str.slice(8, 2).cast(pl.Int64)
    can_swap = (day <= 12) & (day != birth.str.slice(5, 2).cast(pl.Int64))
    masks["birth_date", "day and month swapped"] &= can_swap.to_numpy()
    return masks


def _changed(column: str, what: str, number: Ints) -> pl.Expr:
    value = pl.col(column)
    if what == "digits swapped":
        return pl.concat_str(
            value.str.slice(0, 15),
            value.str.slice(16, 1),
            value.str.slice(15, 1),
            value.str.slice(17, 1),
        )
    if what == "similar character":
        return value.str.replace_many(list(SIMILAR), list(SIMILAR.values()))
    if what == "spaced":
        return pl.concat_str(value.str.slice(0, 1), pl.lit(" "), value.str.slice(1))
    if what == "other number":
        return pl.lit(text("phone", phone_numbers(number + OTHER_PHONE)))
    if what == "day and month swapped":
        return pl.concat_str(
            value.str.slice(0, 5), value.str.slice(8, 2), pl.lit("-"), value.str.slice(5, 2)
        )
    if what == "shortened":
        return value.str.replace("示例市", "").str.replace(r"号\d+室", "号")
    return pl.lit(None, dtype=pl.String)
