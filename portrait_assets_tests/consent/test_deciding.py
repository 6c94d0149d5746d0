"""What a customer allows follows from consents, requests and contacts; the stricter holds."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from portrait_assets.stages.raw.tables.persons import PURPOSES
from portrait_assets_tests.consent.world import Asked, consent, contact, day, request


def test_silence_allows_analysis_and_refuses_the_rest_unless_declared() -> None:
    asked = Asked(consents=[consent("marketing", "2024-01-01")])
    meaning = dict(asked.silence.select("purpose", "allowed").iter_rows())
    assert meaning == {"profiling": True, "marketing": False, "credit": False, "sharing": False}
    assert asked.silence["consents"].to_list() == [0, 1, 0, 0]
    declared = Asked(default={"marketing": True, "profiling": False})
    assert declared.of("marketing", who="anybody") == (True, "default")
    assert declared.of("profiling", who="anybody") == (False, "default")
    assert declared.silence["is_declared"].to_list() == [True, True, False, False]


def test_a_consent_holds_from_its_day_until_that_of_its_withdrawal() -> None:
    rows = [
        consent("marketing", "2024-02-29"),
        consent("marketing", "2024-02-29", "2024-04-30"),
    ]
    found = {m: Asked(m, consents=rows).of("marketing") for m in ("2024-01", "2024-02", "2024-03")}
    assert found == {
        "2024-01": (False, "default"),
        "2024-02": (True, "consent"),
        "2024-03": (True, "consent"),
    }
    assert Asked("2024-04", consents=rows).of("marketing") == (False, "withdrawn")
    again = [*rows, consent("marketing", "2024-05-01", basis="contract")]
    assert Asked("2024-05", consents=again).of("marketing") == (True, "contract")


def test_a_span_without_records_of_its_own_is_read_the_same() -> None:
    span = consent("marketing", "2024-02-10", "2024-04-30", recorded_on=None, month="2024-02")
    assert Asked("2024-03", consents=[span]).of("marketing") == (True, "consent")
    assert Asked("2024-04", consents=[span]).of("marketing") == (False, "withdrawn")


def test_of_consents_that_contradict_each_other_the_stricter_holds() -> None:
    """Of one day the withdrawal; and a record that does not know of it does not undo it."""
    same_day = [
        consent("credit", "2024-03-01"),
        consent("credit", "2024-01-01", "2024-03-01"),
    ]
    assert Asked(consents=same_day).of("credit") == (False, "withdrawn")
    unaware = [
        consent("credit", "2024-01-01", "2024-03-01"),
        consent("credit", "2024-01-01", recorded_on=day("2024-05-01")),
    ]
    assert Asked(consents=unaware).of("credit") == (False, "withdrawn")


def test_a_withdrawal_of_no_day_of_consent_and_of_no_purpose_holds() -> None:
    granted = consent("credit", "2024-01-01")
    of_one = Asked(consents=[granted, consent("profiling", None, "2024-03-01")])
    assert of_one.of("profiling") == (False, "withdrawn")
    assert of_one.of("credit") == (True, "consent")
    of_all = Asked(consents=[granted, consent(None, None, "2024-03-01")])
    assert {of_all.of(purpose) for purpose in PURPOSES} == {(False, "withdrawn")}
    later = Asked(consents=[consent(None, None, "2024-03-01"), consent("credit", "2024-03-02")])
    assert later.of("credit") == (True, "consent")
    assert later.of("sharing") == (False, "withdrawn")
    span = Asked(consents=[consent(None, "2024-01-01", "2024-03-01")])
    assert {span.of(purpose) for purpose in PURPOSES} == {(False, "withdrawn")}


def test_a_channel_is_withdrawn_alone_and_any_channel_with_all() -> None:
    rows = [
        consent("marketing", "2024-01-01"),
        consent("marketing", "2024-01-02", channel="sms"),
        consent("marketing", "2024-01-02", "2024-02-01", channel="Email"),
    ]
    asked = Asked(consents=rows)
    assert asked.of("marketing", "email") == (False, "withdrawn")
    assert asked.of("marketing", "sms")[0]
    assert asked.of("marketing")[0]
    assert "sms" not in asked.rows["channel"].to_list()  # It is as any channel is.
    all_of_them = Asked(consents=[*rows, consent("marketing", "2024-01-01", "2024-03-01")])
    assert all_of_them.of("marketing", "sms") == (False, "withdrawn")
    later = consent("marketing", "2024-04-01", channel="sms")
    one_again = Asked(consents=[*rows, consent("marketing", "2024-01-01", "2024-03-01"), later])
    assert one_again.of("marketing", "sms") == (True, "consent")
    assert one_again.of("marketing", "email") == (False, "withdrawn")


@pytest.mark.parametrize("status", ["bounced", "unsubscribed"])
def test_a_bounce_and_an_unsubscribe_withdraw_the_channel_for_marketing(status: str) -> None:
    contacts = [contact(status, "2024-03-31"), contact("delivered", "2024-04-01", who="bob")]
    before, after = (
        Asked(m, {"marketing": True, "credit": True}, contacts=contacts)
        for m in ("2024-02", "2024-03")
    )
    assert before.of("marketing", "email") == (True, "default")
    assert after.of("marketing", "email") == (False, status)
    assert after.of("marketing", "sms") == (True, "default")
    assert after.of("credit", "email") == (True, "default")
    assert after.of("marketing", "email", "bob") == (True, "default")
    again = [consent("marketing", "2024-04-01", channel="email")]
    granted = Asked("2024-04", {"marketing": True}, contacts=contacts, consents=again)
    assert granted.of("marketing", "email")[0]


def test_by_an_unknown_channel_an_unsubscribe_is_from_all_and_a_bounce_from_none() -> None:
    contacts = [
        contact("unsubscribed", "2024-03-01", None),
        contact("bounced", "2024-03-01", None, "bob"),
    ]
    asked = Asked(default={"marketing": True}, contacts=contacts)
    assert asked.of("marketing", "sms") == (False, "unsubscribed")
    assert asked.of("marketing", "sms", "bob") == (True, "default")


def test_an_objection_withdraws_what_it_names_and_unlimited_everything() -> None:
    everything = dict.fromkeys(("profiling", "marketing", "credit", "sharing"), True)
    rows = [
        request("objection", "2024-06-30", purpose="profiling"),
        request("objection", "2024-06-30", "bob", purpose="marketing", channel="sms"),
        request("objection", "2024-06-30", "cat"),
        request("access", "2024-06-30", "dan"),
    ]
    asked = Asked(default=everything, requests=rows)
    assert asked.of("profiling") == (False, "objection")
    assert asked.of("marketing") == (True, "default")
    assert asked.of("marketing", "sms", "bob") == (False, "objection")
    assert asked.of("marketing", "email", "bob") == (True, "default")
    assert [asked.of(p, who="cat")[0] for p in everything] == [False] * 4
    assert asked.rows.filter(customer_id="dan").is_empty()
    assert Asked("2024-05", everything, requests=rows).rows.is_empty()


def test_an_erasure_asked_for_withdraws_everything_and_no_later_consent_undoes_it() -> None:
    rows = [consent("marketing", "2024-05-01"), consent("profiling", "2024-05-01")]
    asked = Asked(consents=rows, requests=[request("erasure", "2024-03-05")])
    assert asked.of("marketing") == asked.of("profiling") == (False, "erasure_requested")
    assert set(asked.rows["since"]) == {day("2024-03-05")}


def test_of_merged_customers_the_stricter_of_their_records_holds() -> None:
    rows = [
        consent("marketing", "2024-01-01", who="old"),
        consent("marketing", "2024-01-01", "2024-02-01", who="new"),
    ]
    apart = Asked(consents=rows)
    assert apart.of("marketing", who="old")[0]
    assert not apart.of("marketing", who="new")[0]
    merged = Asked(consents=rows, merged=(("2024-03", "new", "old"),))
    assert merged.of("marketing", who="old") == (False, "withdrawn")
    assert merged.rows.filter(customer_id="new").is_empty()


def test_only_what_differs_from_silence_or_has_a_reason_has_a_row() -> None:
    rows = [
        consent("profiling", "2024-01-01"),
        consent("marketing", "2024-01-01"),
        consent("credit", "2024-01-01", "2024-02-01"),
    ]
    found = Asked(consents=rows).rows.select("purpose", "allowed", "because")
    assert found.rows() == [("credit", False, "withdrawn"), ("marketing", True, "consent")]


MANY = [f"c{n:03}" for n in range(300)]
CHANNELS = (None, "email", "sms")


def drawn(random: Random) -> list[dict[str, Any]]:
    """Some consents of many customers, of the days of one month, so that many meet on a day."""
    rows = []
    for who in MANY:
        for _ in range(random.randrange(5)):
            granted, ended = (f"2024-03-{random.randint(1, 12):02}" for _ in range(2))
            withdrawn = ended if ended >= granted and random.random() < 0.7 else None
            purpose, channel = random.choice(["marketing", "profiling"]), random.choice(CHANNELS)
            rows.append(consent(purpose, granted, withdrawn, who, channel=channel))
    return rows


def by_hand(
    rows: list[dict[str, Any]], who: str, purpose: str, channel: str | None, default: bool
) -> bool:
    """The oracle: the last day on which it was granted against the last on which it was ended."""
    own = [row for row in rows if row["customer_id"] == who and row["purpose"] == purpose]
    about = [row for row in own if row["channel"] in (None, channel)]
    granted = max((row["granted_on"] for row in about), default=None)
    ended = max((row["withdrawn_on"] for row in about if row["withdrawn_on"]), default=None)
    if ended is not None and (granted is None or granted <= ended):
        return False
    return True if granted is not None else default


@pytest.mark.parametrize("default", [True, False])
def test_adding_a_withdrawal_never_allows_more(default: bool) -> None:
    random = Random(5)
    rows = drawn(random)
    withdrawals, objections = [], []
    for row in random.sample(rows, len(rows) // 3):
        on = max(row["granted_on"], day(f"2024-03-{random.randint(1, 12):02}"))
        withdrawals.append({**row, "withdrawn_on": on, "recorded_on": day("2024-03-31")})
        limits = {"purpose": random.choice([None, row["purpose"]]), "channel": row["channel"]}
        objections.append(request("objection", on.isoformat(), row["customer_id"], **limits))
    declared = {"marketing": default, "profiling": default}
    before, withdrawn, objected = (
        Answers(Asked("2024-03", declared, consents=consents, requests=requests))
        for consents, requests in (
            (rows, []),
            ([*rows, *withdrawals], []),
            (rows, objections),
        )
    )
    lost = 0
    for asked in product(MANY, ("marketing", "profiling"), CHANNELS):
        assert before.allowed(*asked) == by_hand(rows, *asked, default)
        for after in (withdrawn, objected):
            assert after.allowed(*asked) <= before.allowed(*asked)
            lost += after.allowed(*asked) < before.allowed(*asked)
    assert lost > 50


def test_in_whatever_order_records_come_what_follows_is_the_same() -> None:
    """Several of a day, of one purpose by a channel and by any, as of two files in turn."""
    rows = drawn(Random(7))
    shuffled = Random(8).sample(rows, len(rows))
    expected = Asked("2024-03", {"marketing": True}, consents=rows).rows
    for other in (rows[::-1], shuffled):
        assert Asked("2024-03", {"marketing": True}, consents=other).rows.equals(expected)


class Answers:
    """The same answers from a dictionary, as many are asked for."""

    def __init__(self, asked: Asked) -> None:
        rows = asked.rows.select("customer_id", "purpose", "channel", "allowed").rows()
        self.rows = {row[:3]: row[3] for row in rows}
        self.silence = dict(asked.silence.select("purpose", "allowed").iter_rows())

    def allowed(self, who: str, purpose: str, channel: str | None) -> bool:
        of_any = self.rows.get((who, purpose, None), self.silence[purpose])
        return bool(self.rows.get((who, purpose, channel), of_any))
