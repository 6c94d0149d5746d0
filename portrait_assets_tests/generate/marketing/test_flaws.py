"""Campaigns that are not what a campaign should be are found by who knows how to look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.marketing.plans import (
    AS_PLANNED,
    FLAWED,
    make_campaigns,
    true_campaigns,
)
from portrait_assets.synthetic.settings import Flaws, Settings
from portrait_assets_tests.generate.lived import Lived, difference, live

PLAN = Settings().life.control
NONE = Flaws(broken_split=False, contaminated=False, no_effect=False, harmful=False)


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live()


@pytest.fixture(scope="module")
def flawless() -> Lived:
    return live(settings=Settings(flaws=NONE))


def _split_scores(contact: Contacted, lived: Lived) -> tuple[float, float]:
    """Share held out of the elder and of the younger, in standard errors from the plan."""
    elder = lived.people.age[contact.chosen] >= lived.settings.flaws.split_age
    scores = []
    for these in (elder, ~elder):
        share, count = contact.is_control[these].mean(), these.sum()
        scores.append(float((share - PLAN) / np.sqrt(PLAN * (1 - PLAN) / count)))
    return scores[0], scores[1]


def _verdict(contact: Contacted, lived: Lived) -> str:
    """What a careful analyst would call the campaign."""
    if (contact.is_control & contact.was_contacted).any():
        return "contaminated"
    if max(map(abs, _split_scores(contact, lived))) > 5:
        return "broken_split"
    observed = difference(contact.answered, contact.was_contacted)
    if observed.score < -1.96:
        return "harmful"
    return "effective" if observed.score > 1.96 else "no_effect"


def test_each_flaw_is_there_once_in_two_years_and_found(lived: Lived) -> None:
    verdicts = {c.campaign.id: _verdict(c, lived) for c in lived.course.contacts}
    planted = {c.campaign.id: c.campaign.flaw for c in lived.course.contacts}
    assert sorted(flaw for flaw in planted.values() if flaw != AS_PLANNED) == sorted(
        FLAWED.values()
    )
    for campaign, flaw in planted.items():
        assert verdicts[campaign] == ("effective" if flaw == AS_PLANNED else flaw), campaign


def test_without_planting_no_campaign_is_flawed(flawless: Lived) -> None:
    assert {_verdict(c, flawless) for c in flawless.course.contacts} == {"effective"}
    assert {c.campaign.flaw for c in flawless.course.contacts} == {AS_PLANNED}


def test_a_broken_split_has_the_shares_that_the_truth_states(lived: Lived) -> None:
    campaigns = [contact.campaign for contact in lived.course.contacts]
    truth = true_campaigns(campaigns, lived.settings).to_pylist()
    broken = next(row for row in truth if row["planted"] == "broken_split")
    contact = next(c for c in lived.course.contacts if c.campaign.id == broken["campaign_id"])
    elder = lived.people.age[contact.chosen] >= broken["elder_from_age"]
    for these, share in (
        (elder, broken["control_share_of_elder"]),
        (~elder, broken["control_share_of_younger"]),
    ):
        error = np.sqrt(share * (1 - share) / these.sum())
        assert abs(contact.is_control[these].mean() - share) < 4 * error
    others = [row for row in truth if row["planted"] != "broken_split"]
    assert {row["control_share_of_elder"] for row in others} == {PLAN}


def test_the_contaminated_campaign_contacts_the_stated_share_of_its_controls(lived: Lived) -> None:
    contact = next(c for c in lived.course.contacts if c.campaign.flaw == "contaminated")
    control = contact.is_control
    share = lived.settings.flaws.contaminated_share
    error = np.sqrt(share * (1 - share) / control.sum())
    assert abs(contact.was_contacted[control].mean() - share) < 4 * error
    assert contact.was_contacted[~control].all()
    # By assignment the effect looks smaller than it is, by about that share.
    assigned = difference(contact.answered, ~control).value
    assert assigned < contact.effect.mean()


def test_what_is_wrong_is_wrong_by_the_size_stated(lived: Lived) -> None:
    by_flaw = {c.campaign.flaw: c for c in lived.course.contacts}
    assert (by_flaw["no_effect"].effect == 0).all()
    harmful = by_flaw["harmful"]
    assert harmful.effect.max() < -0.03
    observed = difference(harmful.answered, harmful.was_contacted)
    assert observed.is_near(harmful.effect.mean())


def test_of_two_hundred_campaigns_the_intervals_cover_the_truth() -> None:
    """Intervals of 95 % contain the true mean effect in about 95 % of the campaigns."""
    many = live(12_000, 24, campaigns=200)
    contacts = many.course.contacts
    assert len({c.campaign.id for c in contacts}) == 200
    assert {c.campaign.month for c in contacts} == set(range(24))
    months = np.bincount([c.campaign.month for c in contacts])
    assert months.min() >= 8
    assert months.max() <= 9
    fair = [c for c in contacts if c.campaign.flaw not in ("contaminated", "broken_split")]
    covered = [
        difference(c.answered, c.was_contacted).is_near(c.effect.mean(), errors=1.96) for c in fair
    ]
    assert len(fair) > 180
    assert 0.90 < np.mean(covered) < 0.99
    flaws = [c.campaign.flaw for c in contacts]
    assert all(flaws.count(flaw) >= 8 for flaw in FLAWED.values())


def test_one_campaign_a_month_is_the_same_as_asking_for_as_many() -> None:
    calendar = Calendar("2023-01", 9)
    assert make_campaigns(calendar) == make_campaigns(calendar, 9)
    assert [c.month for c in make_campaigns(calendar, 3)] == [0, 3, 6]


def test_a_flaw_leaves_the_other_campaigns_as_they_are(lived: Lived) -> None:
    """Up to the flaw nothing differs, but for what it brings about afterwards."""
    partly = live(settings=Settings(flaws=replace(NONE, harmful=True)))
    for one, other in zip(lived.course.contacts[:7], partly.course.contacts[:7], strict=True):
        assert (one.chosen == other.chosen).all()
        assert (one.answered == other.answered).all()
