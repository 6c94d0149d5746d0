"""Response groups: an oracle finds their effects, and none where none is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from portrait_assets.synthetic.holdings.borrowing import make_borrowing
from portrait_assets.synthetic.marketing.offers import KIND_CODES
from portrait_assets.synthetic.marketing.reactions import (
    GROUPS,
    LOST_CAUSE,
    PERSUADABLE,
    SLEEPING_DOG,
    SURE_THING,
)
from portrait_assets.synthetic.persons.records.duplicates import Duplicates
from portrait_assets.synthetic.service.interactions import interaction_tables
from portrait_assets.synthetic.settings import Dirt, Reactions, Settings
from portrait_assets_tests.generate.lived import (
    Lived,
    by_kind,
    correlation,
    difference,
    live,
)


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live()


@pytest.fixture(scope="module")
def unmoved() -> Lived:
    """The same customers when contact does nothing."""
    return live(settings=Settings(reactions=Reactions(strength=0.0)))


def test_groups_have_the_effects_that_define_them(lived: Lived) -> None:
    group, effect = lived.all_of(lambda c: c.group), lived.all_of(lambda c: c.effect)
    without = lived.all_of(lambda c: c.without)
    assert (effect[(group == SURE_THING) | (group == LOST_CAUSE)] == 0).all()
    assert effect[group == PERSUADABLE].min() > 0
    dogs = effect[group == SLEEPING_DOG]
    assert -0.05 <= dogs.min() < dogs.max() <= -0.02
    assert without[group == SURE_THING].mean() > 0.4
    assert without[group == LOST_CAUSE].mean() < 0.05
    shares = np.bincount(group, minlength=len(GROUPS)) / len(group)
    assert (shares > 0.1).all()


@pytest.mark.parametrize("kind", KIND_CODES)
def test_who_answers_is_not_who_is_moved(lived: Lived, kind: str) -> None:
    contacts = by_kind(lived.course.contacts)[kind]
    probability = np.concatenate([c.contacted for c in contacts])
    effect = np.concatenate([c.effect for c in contacts])
    assert correlation(probability, effect) <= 0.3
    count = len(effect) // 5
    by_response = effect[np.argsort(-probability)[:count]].sum()
    by_effect = effect[np.argsort(-effect)[:count]].sum()
    assert by_response < 0.75 * by_effect, "a model of responses is no model of uplift"


@pytest.mark.parametrize("group", range(len(GROUPS)), ids=GROUPS)
def test_an_oracle_finds_the_effect_of_each_group(lived: Lived, group: int) -> None:
    planned = lived.all_of(lambda c: np.full(len(c.chosen), c.campaign.flaw == "as_planned"))
    mine = (lived.all_of(lambda c: c.group) == group) & planned
    treated = lived.all_of(lambda c: c.was_contacted)[mine]
    observed = difference(lived.all_of(lambda c: c.answered)[mine], treated)
    assert observed.is_near(lived.all_of(lambda c: c.effect)[mine].mean())
    if group == PERSUADABLE:
        assert observed.score > 20
    if group == SLEEPING_DOG:
        assert observed.score < -4


def test_without_planting_no_group_is_moved(unmoved: Lived) -> None:
    for group in range(len(GROUPS)):
        mine = unmoved.all_of(lambda c: c.group) == group
        answered = unmoved.all_of(lambda c: c.answered)[mine]
        treated = unmoved.all_of(lambda c: c.was_contacted)[mine]
        assert difference(answered, treated).is_near(0.0)
    assert (unmoved.all_of(lambda c: c.effect) == 0).all()
    assert not unmoved.course.lives.annoyance.any()


def test_contacts_tire_by_a_fifth_each(lived: Lived) -> None:
    """Against the first effect that the same customers would have had."""
    rested = live(settings=Settings(reactions=Reactions(fatigue=1.0)))
    seen = set()
    for tired, fresh in zip(lived.course.contacts, rested.course.contacts, strict=True):
        rows, here, there = np.intersect1d(tired.chosen, fresh.chosen, return_indices=True)
        moved = (tired.group[here] == PERSUADABLE) & (fresh.contacted[there] < 0.95)
        before = tired.contacts_before[here][moved]
        ratio = tired.effect[here][moved] / fresh.effect[there][moved]
        np.testing.assert_allclose(ratio, 0.8**before, rtol=1e-9)
        seen |= set(before.tolist())
        assert len(rows)
    assert {0, 1, 2} <= seen


def test_contacts_before_are_those_of_sixty_days(lived: Lived) -> None:
    days: dict[int, list[int]] = {}
    for contact in lived.course.contacts[:6]:
        for row, day, was, before in zip(
            contact.chosen.tolist(),
            contact.day.tolist(),
            contact.was_contacted.tolist(),
            contact.contacts_before.tolist(),
            strict=True,
        ):
            assert before == sum(0 < day - other <= 60 for other in days.get(row, ()))
            if was:
                days.setdefault(row, []).append(day)


def test_groups_show_in_what_customers_do(lived: Lived) -> None:
    """Uplift can be learnt: groups follow the segment, the use of discounts and satisfaction."""
    contacts = by_kind(lived.course.contacts)["cashback"]
    rows = np.concatenate([c.chosen for c in contacts])
    effect = np.concatenate([c.effect for c in contacts])
    assert correlation(lived.people.discount[rows], effect) > 0.15
    group = np.concatenate([c.group for c in contacts])
    assert correlation(lived.people.satisfaction[rows], (group == SLEEPING_DOG) * 1.0) < -0.1


def _complained(world: Lived, months: int) -> np.ndarray:
    """Whether each customer complained in each of the first months, shape (months, customers)."""
    people, lives, calendar = world.people, world.course.lives, world.market.calendar
    nobody = np.zeros(0, dtype=np.int64)
    ids = pl.Series("own", [f"{n}" for n in people.number])
    tables = interaction_tables(
        people,
        lives,
        make_borrowing(people, lives),
        Duplicates(nobody, nobody, pl.DataFrame(), []),
        calendar,
        Dirt(),
        (ids, ids),
    )
    found = np.zeros((months, len(people)), dtype=np.bool_)
    for month in range(months):
        table, _ = next(tables)
        frame = pl.DataFrame(pl.from_arrow(table)).filter(pl.col("kind") == "complaint")
        found[month, frame["customer_id"].cast(pl.Int64).to_numpy() - 1] = True
    return found


def test_contact_has_sleeping_dogs_complain_and_leave(lived: Lived) -> None:
    complained = _complained(lived, 8)
    lived_on = lived.course.lives.leave_month
    complaints, leavings, reached = [], [], []
    for contact in lived.course.contacts[:7]:
        month = contact.campaign.month
        mine = contact.group == SLEEPING_DOG
        rows = contact.chosen[mine]
        complaints.append(complained[month, rows] | complained[month + 1, rows])
        leavings.append(lived_on[rows] <= month + 3)
        reached.append(contact.reached[mine])
    treated = np.concatenate(reached)
    more = difference(np.concatenate(complaints), treated)
    assert more.value > 0.02
    assert more.score > 4
    away = difference(np.concatenate(leavings), treated)
    assert away.is_near(Reactions().drives_away, errors=3)
    assert away.score > 4


def test_nobody_is_annoyed_or_driven_away_where_that_is_not_planted() -> None:
    rates = replace(Reactions(), annoyance=0.0, drives_away=0.0, withdrawal_drives_away=0.0)
    calm = live(12_000, 7, Settings(reactions=rates))
    assert not calm.course.lives.annoyance.any()
    earlier = calm.course.turned.leave_with < calm.course.turned.leave_without
    assert not earlier.any()


def test_the_same_customers_in_a_larger_bank_react_the_same() -> None:
    few, many = live(300, 6), live(600, 6)

    def of(world: Lived) -> list[tuple[int, ...]]:
        return [
            (c.campaign.month, int(row), int(c.group[i]), int(c.answered[i]))
            for c in world.course.contacts
            for i, row in enumerate(c.chosen)
            if row < 300
        ]

    assert of(few) == of(many)
