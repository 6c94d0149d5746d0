"""Journeys, where they break, who complains about it, and who is away from home."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from portrait_assets.synthetic.bank import BankSummary
from portrait_assets.synthetic.common.columns import fixed_text, prefixed
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.texts import STEPS, TOPICS
from portrait_assets.synthetic.holdings.borrowing import make_borrowing
from portrait_assets.synthetic.persons.lifecycle import NEVER, make_lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, make_people
from portrait_assets.synthetic.persons.records.duplicates import Duplicates
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.service.interactions import interaction_tables
from portrait_assets.synthetic.service.journeys import (
    GOES_ON,
    JOURNEY_CHANNELS,
    Breakpoint,
    Plan,
    breakpoints_table,
    make_plan,
)
from portrait_assets.synthetic.service.travel import (
    REGION_NAMES,
    Travels,
    make_travels,
    travels_table,
)
from portrait_assets.synthetic.settings import Dirt, Journeys, Life
from portrait_assets_tests.generate.conftest import MONTHS, Query

CALENDAR = Calendar("2023-01", 24)
SEED = 5
PLANTED = Journeys()
REGION_OF_BRANCH = f"{list(REGION_NAMES)}[(substr(store_id, 2)::INT - 1) // 7 + 1]"


def all_interactions(journeys: Journeys) -> pl.DataFrame:
    """Interactions of 20,000 customers in 24 months, with month and true segment."""
    number = np.arange(1, 20_001)
    people = make_people(SEED, number, Life(), REGION_WEIGHTS)
    lives = make_lifecycle(people, CALENDAR, Life())
    nobody = Duplicates(number[:0], number[:0], pl.DataFrame(), [])
    ids = pl.Series("id", pl.from_arrow(fixed_text(prefixed("C", number, 7))))
    tables = interaction_tables(
        people,
        lives,
        make_borrowing(people, lives),
        nobody,
        CALENDAR,
        Dirt(),
        (ids, ids),
        make_plan(journeys, CALENDAR, SEED),
        make_travels(people, lives, CALENDAR, journeys.travelling),
    )
    months = [pl.DataFrame(pl.from_arrow(table)) for table, _ in tables]
    segments = pl.DataFrame(
        {"customer_id": ids, "segment": [SEGMENT_CODES[each] for each in people.segment]}
    )
    return pl.concat(
        rows.with_columns(month=pl.lit(month)) for month, rows in enumerate(months)
    ).join(segments, on="customer_id")


@pytest.fixture(scope="module")
def planted() -> pl.DataFrame:
    return all_interactions(PLANTED)


@pytest.fixture(scope="module")
def unplanted() -> pl.DataFrame:
    return all_interactions(replace(PLANTED, excess=0.0))


def left_after(rows: pl.DataFrame) -> tuple[float, int]:
    """Share of steps that end their journey, and how many steps."""
    return float(rows["outcome"].is_not_null().mean()), len(rows)  # type: ignore[arg-type]


def excesses(interactions: pl.DataFrame) -> list[tuple[float, float]]:
    """Excess of journeys abandoned at each planted breakpoint over the same step and segment in
    other months, with its standard error."""
    visits = interactions.filter(kind="visit")
    found = []
    for each in make_plan(PLANTED, CALENDAR, SEED).breakpoints:
        channel = JOURNEY_CHANNELS[each.channel]
        at = visits.filter(channel=channel, step=each.step, segment=SEGMENT_CODES[each.segment])
        span = pl.col("month").is_between(each.first, each.last)
        (inside, count), (outside, others) = (
            left_after(at.filter(span)),
            left_after(at.filter(~span)),
        )
        error = math.sqrt(GOES_ON * (1 - GOES_ON) * (1 / count + 1 / others))
        found.append((inside - outside, error))
    return found


def test_breakpoints_are_found_at_their_size(planted: pl.DataFrame) -> None:
    found = excesses(planted)
    assert len(found) == 3
    for excess, error in found:
        assert abs(excess - PLANTED.excess) < 3 * error
        assert excess > 3 * error


def test_without_planting_no_step_is_left_more_often(unplanted: pl.DataFrame) -> None:
    for excess, error in excesses(unplanted):
        assert abs(excess) < 3 * error
    assert make_plan(replace(PLANTED, excess=0.0), CALENDAR, SEED).breakpoints == ()


def test_a_repaired_breakpoint_is_one_no_more(planted: pl.DataFrame) -> None:
    repaired, *lasting = make_plan(PLANTED, CALENDAR, SEED).breakpoints
    assert repaired.last < CALENDAR.count - 1
    assert all(each.last >= CALENDAR.count for each in lasting)
    listed = breakpoints_table(make_plan(PLANTED, CALENDAR, SEED), CALENDAR)
    assert listed["is_repaired"].to_pylist() == [True, False, False]
    assert listed["last_month"].to_pylist()[1:] == ["2024-12", "2024-12"]
    after = planted.filter(
        (pl.col("month") > repaired.last),
        kind="visit",
        channel="app",
        step=repaired.step,
        segment=SEGMENT_CODES[repaired.segment],
    )
    share, count = left_after(after)
    assert abs(share - (1 - GOES_ON)) < 3 * math.sqrt(0.22 / count)


def theme_shares(interactions: pl.DataFrame) -> list[tuple[float, float, int]]:
    """Share of each breakpoint's theme in the complaints there and in those about other steps."""
    complaints = interactions.filter(pl.col("step").is_not_null(), kind="complaint")
    found = []
    for each in make_plan(PLANTED, CALENDAR, SEED).breakpoints:
        there = (
            (pl.col("channel") == JOURNEY_CHANNELS[each.channel])
            & (pl.col("step") == each.step)
            & (pl.col("segment") == SEGMENT_CODES[each.segment])
            & pl.col("month").is_between(each.first, each.last)
        )
        about = pl.col("content").str.contains(TOPICS[each.theme], literal=True)
        inside = complaints.filter(there).select(about).to_series()
        elsewhere = complaints.filter(pl.col("segment") == "payroll").select(about).to_series()
        found.append((float(inside.mean() or 0), float(elsewhere.mean() or 0), len(inside)))  # type: ignore[arg-type]
    return found


def test_a_theme_stands_out_in_the_complaints_of_a_breakpoint(planted: pl.DataFrame) -> None:
    expected = PLANTED.theme + (1 - PLANTED.theme) / len(TOPICS)
    for inside, elsewhere, count in theme_shares(planted):
        assert count > 25
        assert abs(inside - expected) < 3.5 * math.sqrt(expected * (1 - expected) / count)
        assert inside > 2 * elsewhere


def test_without_planting_no_theme_stands_out(unplanted: pl.DataFrame) -> None:
    shares = theme_shares(unplanted)
    inside = sum(share * count for share, _, count in shares) / sum(count for *_, count in shares)
    assert inside < 0.4
    assert sum(count for *_, count in shares) < 40


def test_a_journey_takes_its_steps_in_order_and_ends_once(planted: pl.DataFrame) -> None:
    place = {(c, s): n for c, steps in STEPS.items() for n, s in enumerate(steps)}
    places = pl.struct("channel", "step").map_elements(
        lambda at: place[at["channel"], at["step"]], return_dtype=pl.Int64
    )
    journeys = (
        planted.filter(kind="visit")
        .sort("journey_id", "occurred_at", maintain_order=True)
        .with_columns(place=places)
        .group_by("journey_id", maintain_order=True)
        .agg("place", "outcome", pl.col("customer_id").n_unique().alias("customers"))
    )
    assert journeys["customers"].max() == 1
    length = journeys["place"].list.len()
    assert journeys["place"].to_list() == [list(range(n)) for n in length]
    last = journeys["outcome"].list.last()
    assert (last == pl.Series(np.where(length == 5, "completed", "abandoned"))).all()
    assert (journeys["outcome"].list.drop_nulls().list.len() == 1).all()


def test_some_journeys_go_on_in_another_channel(planted: pl.DataFrame) -> None:
    def channels(rows: pl.DataFrame) -> pl.Series:
        visits = rows.filter(kind="visit")
        return visits.group_by("journey_id").agg(pl.col("channel").n_unique())["channel"]

    handed_over = channels(planted)
    assert handed_over.max() == 2
    # Of 12 % that would, as many as come to the step after: (0.68 + 0.68^2 + ...) / 4 of them.
    reached = sum(GOES_ON**n for n in range(1, 5)) / 4
    assert (
        abs(
            len(handed_over.filter(handed_over == 2)) / len(handed_over)
            - PLANTED.handover * reached
        )
        < 0.006
    )
    without = channels(all_interactions(replace(PLANTED, handover=0.0)))
    assert without.max() == 1


def test_a_complaint_follows_the_journey_that_it_is_about(planted: pl.DataFrame) -> None:
    ends = planted.filter(pl.col("outcome").is_not_null())
    complaints = planted.filter(pl.col("journey_id").is_not_null(), kind="complaint")
    both = complaints.join(ends, on="journey_id", suffix="_of_end")
    assert len(both) == len(complaints) > 300
    assert (both["occurred_at"] > both["occurred_at_of_end"]).all()
    assert set(both["outcome_of_end"]) == {"abandoned"}
    for column in ("customer_id", "channel", "step"):
        assert (both[column] == both[f"{column}_of_end"]).all()


def test_customers_who_travel_are_in_another_region_for_a_while(
    bank: BankSummary, query: Query
) -> None:
    by_month = query(
        "WITH seen AS (SELECT customer_id, strftime(occurred_at, '%Y-%m') AS month, t.region, "
        f"{REGION_OF_BRANCH} AS branch_region FROM transactions t "
        "WHERE t.region IS NOT NULL AND year(occurred_at) < 2100) "
        "SELECT month BETWEEN first_month AND last_month AS away, count(*) AS n, "
        "count(*) FILTER (seen.region = t.region) AS there, "
        "count(*) FILTER (seen.region = home_region) AS home, "
        "count(*) FILTER (branch_region <> seen.region) AS other_branch "
        "FROM seen JOIN truth_travels t USING (customer_id) GROUP BY 1 ORDER BY 1"
    )
    at_home, away = by_month.rows(named=True)
    assert at_home["home"] == at_home["n"] > 100
    assert away["there"] == away["n"] > 100
    assert at_home["other_branch"] == away["other_branch"] == 0
    assert abs(bank.truth["travels"] / bank.customers - PLANTED.travelling) < 0.012
    stays = query("SELECT * FROM truth_travels WHERE home_region = region")
    assert len(stays) == 0
    assert MONTHS > 3


def test_a_stay_is_listed_of_whoever_was_there_when_it_began() -> None:
    """Nobody, one month, three of which one was stayed for, and one after leaving."""
    first, last = np.array([0, 2, 1, 1]), np.array([-1, 2, 3, 2])
    home, away = np.array([0, 1, 2, 0]), np.array([1, 2, 0, 2])
    travels = Travels(home, home * 7, away, away * 7, first, last)
    number = np.arange(1, 5)
    lives = make_lifecycle(make_people(SEED, number, Life(), REGION_WEIGHTS), CALENDAR, Life())
    lives = replace(lives, leave_month=np.array([NEVER, 2, 1, 0]))
    ids = fixed_text(prefixed("C", number, 1))
    listed = pl.DataFrame(pl.from_arrow(travels_table(travels, lives, CALENDAR, ids)))
    assert listed.cast(pl.String).rows() == [
        ("C2", REGION_NAMES[1], REGION_NAMES[2], "2023-03", "2023-03"),
        ("C3", REGION_NAMES[2], REGION_NAMES[0], "2023-02", "2023-04"),
    ]
    assert [travels.is_away(month).tolist() for month in (1, 2, 3)] == [
        [False, False, True, True],
        [False, True, True, True],
        [False, False, True, False],
    ]


def test_nobody_travels_without_planting() -> None:
    people = make_people(SEED, np.arange(1, 2_001), Life(), REGION_WEIGHTS)
    lives = make_lifecycle(people, CALENDAR, Life())
    travels = make_travels(people, lives, CALENDAR, 0.0)
    for month in range(CALENDAR.count):
        assert (travels.region(month) == people.region).all()


def test_a_visit_to_a_branch_names_a_branch_of_its_region(query: Query) -> None:
    wrong, named, unnamed = query(
        f"SELECT count(*) FILTER ({REGION_OF_BRANCH} <> region), count(store_id), "
        "count(*) FILTER (channel = 'branch' AND store_id IS NULL) FROM interactions"
    ).row(0)
    assert wrong == unnamed == 0
    assert named > 100


def test_the_truth_of_a_breakpoint_names_its_months_and_whether_it_was_repaired() -> None:
    calendar = Calendar("2023-01", 12)
    last = calendar.count - 1
    broken = tuple(
        Breakpoint(channel=0, place=1, segment=2, theme=3, first=first, last=until)
        for first, until in ((2, 5), (2, last - 1), (2, last), (4, NEVER))
    )
    plan = Plan(replace(PLANTED, excess=0.25, theme=0.4), broken)
    rows = pl.DataFrame(breakpoints_table(plan, calendar)).rows(named=True)
    months = [(row["first_month"], row["last_month"], row["is_repaired"]) for row in rows]
    assert months == [
        ("2023-03", "2023-06", True),
        ("2023-03", "2023-11", True),
        ("2023-03", "2023-12", False),
        ("2023-05", "2023-12", False),
    ]
    assert (rows[0]["excess"], rows[0]["theme_share"]) == (0.25, 0.4)
    assert (rows[0]["channel"], rows[0]["segment"]) == (JOURNEY_CHANNELS[0], SEGMENT_CODES[2])
    assert rows[0]["theme"] == TOPICS[3]
