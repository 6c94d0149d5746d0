"""What customers allow, decided once more in plain Python, of a world full of limits and ties.

Days are those about the month's end, several rows are of one day, and much is missing.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from random import Random
from typing import Any, NamedTuple

import pytest

from portrait_assets.stages.raw.tables.persons import PURPOSES
from portrait_assets_tests.consent.world import Asked, person

MONTH, END = "2024-06", date(2024, 6, 30)
DAYS = [date(2024, 3, 1), date(2024, 6, 29), END, END + timedelta(1)]
FIRST_DAY = date(1900, 1, 1)
BASES = ["guardian", "law", "contract", "consent"]
REASONS = ["withdrawn", "bounced", "unsubscribed", "objection", "erasure_requested"]
DECLARED = {"marketing": True, "profiling": False}
SILENCE = {"profiling": False, "marketing": True, "credit": False, "sharing": False}

Row = dict[str, Any]
Key = tuple[str, str | None]
Said = dict[Key, tuple[date, int]]


class Answer(NamedTuple):
    allowed: bool
    since: date | None
    because: str | None


def rows_of(rng: Random, who: str) -> dict[str, list[Row]]:
    """A customer's records, consents, requests and contacts, by chance."""

    def some(least: int, most: int) -> range:
        return range(rng.randint(least, most))

    def any_of(*values: Any) -> Any:
        return rng.choice(values)

    born = [date(2010, 6, 29), date(2010, 6, 30), date(2010, 7, 1), date(2012, 2, 29), None]
    born += [date(2010, 3, 1), date(2010, 3, 2)]
    records = [
        person(who, month, birth_date=rng.choice(born), age=any_of(None, 13, 14, 15))
        | {"recorded_on": any_of(None, date(2024, 2, 29), END)}
        for month in rng.sample(["2024-01", "2024-04", "2024-06", "2024-07"], rng.randint(0, 3))
    ]
    consents = [
        {
            "purpose": any_of(*PURPOSES, "credit", None),
            "channel": any_of(None, None, "sms", "SMS"),
            "granted_on": any_of(*DAYS, None),
            "withdrawn_on": any_of(None, None, *DAYS),
            "recorded_on": any_of(None, *DAYS),
            "basis": any_of(None, *BASES),
        }
        for _ in some(0, 4)
    ]
    requests = [
        {
            "kind": any_of("objection", "objection", "objection", "access", "erasure"),
            "purpose": any_of(None, *PURPOSES),
            "channel": any_of(None, "sms"),
            "requested_on": any_of(*DAYS),
        }
        for _ in some(-2, 1)
    ]
    contacts = [
        {
            "channel": any_of(None, "sms", "Email"),
            "delivery_status": any_of("delivered", "bounced", "unsubscribed", None),
            "contacted_on": any_of(*DAYS),
        }
        for _ in some(-1, 2)
    ]
    of_one = {"customer_id": who, "month": MONTH}
    return {
        "records": records,
        "consents": [each | of_one for each in consents],
        "requests": [each | of_one for each in requests],
        "contacts": [each | of_one | {"campaign_id": "c"} for each in contacts],
    }


def of_age_on(record: Row) -> date | None:
    if (born := record["birth_date"]) is not None:
        leap = (born.month, born.day) == (2, 29)
        return date(born.year + 14, 3 if leap else born.month, 1 if leap else born.day)
    if record["age"] is None:
        return None
    return years_after(record["recorded_on"] or END, 14 - record["age"])


def years_after(day: date, years: int) -> date:
    leap = years and (day.month, day.day) == (2, 29)
    return date(day.year + years, day.month, 28 if leap else day.day)


def came_of_age(records: list[Row], first_consent: date) -> date | None:
    """By the newest record that tells it, of those who were ever too young; else None."""
    known = [
        (each["month"], day)
        for each in records
        if each["month"] <= MONTH and (day := of_age_on(each)) is not None
    ]
    return max(known)[1] if any(day > first_consent for _, day in known) else None


def lower(channel: str | None) -> str | None:
    return channel.lower() if channel else None


def granted(consents: list[Row], of_age: date | None) -> Said:
    bases: dict[tuple[Key, date], tuple[date, int]] = {}
    for each in consents:
        day = each["granted_on"]
        if day is None or day > END or each["purpose"] is None:
            continue
        dated = (each["purpose"], lower(each["channel"])), day
        version = (each["recorded_on"] or day, BASES.index(each["basis"] or "consent"))
        bases[dated] = max(bases.get(dated, version), version)
    found: Said = {}
    for (key, day), (_, basis) in bases.items():
        if of_age is None or BASES[basis] == "guardian" or day >= of_age:
            found[key] = max(found.get(key, (day, basis)), (day, basis))
    return found


def refused(tables: dict[str, list[Row]]) -> Said:
    stated: list[tuple[str | None, str | None, date, str]] = [
        (each["purpose"], each["channel"], each["withdrawn_on"], "withdrawn")
        for each in tables["consents"]
        if each["withdrawn_on"]
    ]
    for each in tables["contacts"]:
        status = each["delivery_status"]
        if status == "unsubscribed" or (status == "bounced" and each["channel"]):
            stated.append(("marketing", each["channel"], each["contacted_on"], status))
    for each in tables["requests"]:
        if each["kind"] == "objection":
            stated.append((each["purpose"], each["channel"], each["requested_on"], "objection"))
        elif each["kind"] == "erasure":
            stated.append((None, None, each["requested_on"], "erasure_requested"))
    found: Said = {}
    for purpose, channel, day, reason in stated:
        if day <= END:
            for refused_of in [purpose] if purpose else PURPOSES:
                key, code = (refused_of, lower(channel)), (day, REASONS.index(reason))
                found[key] = max(found.get(key, code), code, key=in_force)
    return found


def in_force(code: tuple[date, int]) -> tuple[bool, date, int]:
    """An erasure asked for goes before whatever is later."""
    return REASONS[code[1]] == "erasure_requested", *code


def decide(tables: dict[str, list[Row]], first_consent: date) -> dict[Key, Answer]:
    """The rows that are stored of a customer."""
    of_age = came_of_age(tables["records"], first_consent)
    is_minor = of_age is not None and of_age > END
    yes, no = granted(tables["consents"], of_age), refused(tables)
    keys = {*yes, *no} | ({(purpose, None) for purpose in PURPOSES} if is_minor else set())
    answers = {}
    for purpose, channel in keys:
        both = ((purpose, channel), (purpose, None))
        grant = max((yes[key] for key in both if key in yes), default=None)
        refusal = max((no[key] for key in both if key in no), default=None, key=in_force)
        is_refused = refusal is not None and (
            grant is None or in_force(refusal)[0] or refusal[0] >= grant[0]
        )
        if is_minor and (grant is None or (is_refused and channel is None)):
            answer = Answer(False, None, "minor_without_guardian")
        elif is_refused and refusal is not None:
            answer = Answer(False, refusal[0], REASONS[refusal[1]])
        elif grant is not None:
            answer = Answer(True, grant[0], BASES[grant[1]])
        answers[purpose, channel] = answer
    return {key: each for key, each in answers.items() if says_more(key, each, answers)}


def says_more(key: Key, answer: Answer, answers: dict[Key, Answer]) -> bool:
    purpose, channel = key
    silence = Answer(SILENCE[purpose], None, None)
    other = answers.get((purpose, None), silence) if channel else silence
    return answer.allowed != other.allowed or (not answer.allowed and answer[1:] != other[1:])


@pytest.fixture(scope="module")
def customers() -> dict[str, dict[str, list[Row]]]:
    rng = Random(14)
    return {who: rows_of(rng, who) for who in (f"c{number:03}" for number in range(400))}


@pytest.fixture(scope="module")
def asked(customers: dict[str, dict[str, list[Row]]]) -> Asked:
    tables: dict[str, list[Row]] = {}
    for name, of_one in product(
        ("records", "consents", "requests", "contacts"), customers.values()
    ):
        tables.setdefault(name, []).extend(of_one[name])
    return Asked(MONTH, DECLARED, **tables)  # type: ignore[arg-type]


def test_what_is_stored_is_what_plain_python_decides(
    asked: Asked, customers: dict[str, dict[str, list[Row]]]
) -> None:
    days = [row["granted_on"] for each in customers.values() for row in each["consents"]]
    first = min(day for day in days if day)
    expected = {
        (who, *key): answer
        for who, tables in customers.items()
        for key, answer in decide(tables, first).items()
    }
    columns = ("customer_id", "purpose", "channel", "allowed", "since", "because")
    found = {row[:3]: Answer(*row[3:]) for row in asked.rows.select(columns).rows()}
    assert len(found) == len(asked.rows)
    assert {key: found.get(key) for key in expected | found} == expected
    assert {each.because for each in found.values()} == {
        *BASES,
        *REASONS,
        "minor_without_guardian",
    }


def test_rows_come_by_customer_purpose_and_channel(asked: Asked) -> None:
    keys = asked.rows.select("customer_id", "purpose", "channel")
    order = keys.rows()
    assert order == sorted(order, key=lambda row: (row[0], row[1], row[2] or "~"))
