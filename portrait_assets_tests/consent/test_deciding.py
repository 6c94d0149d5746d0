"""What a customer allows follows from consents, requests and contacts; the stricter holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import product
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest

from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.consent.deciding import consent_steps
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.feature_world import Merge, cleaned, merges

Answer = tuple[bool, str]


def day(text: str) -> date:
    return date.fromisoformat(text)


def consent(
    purpose: str, granted: str, withdrawn: str | None = None, who: str = "ann", **more: Any
) -> dict[str, Any]:
    return {
        "customer_id": who,
        "purpose": purpose,
        "granted_on": day(granted),
        "withdrawn_on": day(withdrawn) if withdrawn else None,
        "recorded_on": day(withdrawn or granted),
        **more,
    }


def request(kind: str, on: str, who: str = "ann", **more: Any) -> dict[str, Any]:
    return {"customer_id": who, "kind": kind, "requested_on": day(on), **more}


def contact(
    status: str, on: str, channel: str | None = "email", who: str = "ann"
) -> dict[str, Any]:
    return {
        "customer_id": who,
        "campaign_id": "c",
        "contacted_on": day(on),
        "channel": channel,
        "delivery_status": status,
    }


class Asked:
    """What customers allow as of a month, from a few rows."""

    def __init__(
        self,
        month: str = "2024-06",
        default: Mapping[str, bool] | None = None,
        records: list[dict[str, Any]] | None = None,
        merged: tuple[Merge, ...] = (),
        **tables: list[dict[str, Any]],
    ) -> None:
        con = duckdb.connect()
        identities, aliases = merges(list(merged))
        people = [dict.fromkeys(GOLDEN_RECORD.polars_schema.names()) | r for r in records or []]
        frames = {
            IDENTITY_MAP: identities,
            CUSTOMER_ALIAS: aliases,
            GOLDEN_RECORD: pl.DataFrame(people, schema=GOLDEN_RECORD.polars_schema),
        }
        for name in ("consents", "requests", "contacts"):
            frames[CLEANED[name]] = cleaned(name, tables.get(name, []))
        for table, frame in frames.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            con.execute(create_table_sql(table, column_types(table)))
            con.register("incoming", frame)
            con.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM incoming")
            con.unregister("incoming")
        silence, decided = consent_steps(default or {})
        engine = Engine(con)
        self.silence = engine.frame(silence, Scope(month))
        self.rows = engine.frame(decided, Scope(month))
        assert set(self.silence.columns) == set(CONSENT_DEFAULT.column_names)
        assert set(self.rows.columns) == set(CUSTOMER_CONSENT.column_names)

    def of(self, purpose: str, channel: str | None = None, who: str = "ann") -> Answer:
        """Whether it is allowed, and why: by the channel, else by any, else by silence."""
        rows = self.rows.filter(customer_id=who, purpose=purpose)
        for each in dict.fromkeys((channel, None)):
            found = rows.filter(pl.col("channel").eq_missing(each))
            if len(found):
                return found["allowed"].item(), found["because"].item()
        return self.silence.filter(purpose=purpose)["allowed"].item(), "default"


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


def person(who: str, month: str = "2024-01", **more: Any) -> dict[str, Any]:
    return {"month": month, "customer_id": who, "origins": [], **more}


def test_minors_under_14_are_left_out_unless_a_guardian_agreed() -> None:
    records = [
        person("born", birth_date=day("2010-07-01")),
        person("birthday", birth_date=day("2010-06-30")),
        person("guarded", birth_date=day("2012-01-01")),
        person("aged", age=12, recorded_on=day("2023-01-01")),
        person("grown", age=12, recorded_on=day("2022-01-01")),
        person("unknown"),
        person("no longer", birth_date=day("2012-01-01")),
        person("corrected", birth_date=day("2015-01-01")),
        person("corrected", "2024-03", birth_date=day("1985-01-01")),
    ]
    consents = [
        consent("profiling", "2024-01-01", who="born"),
        consent("profiling", "2024-01-01", who="guarded", basis="guardian"),
        consent("marketing", "2024-01-01", who="guarded", basis="consent"),
        consent("profiling", "2024-01-01", who="no longer", basis="guardian"),
        consent("profiling", "2024-01-01", "2024-02-01", who="no longer", basis="guardian"),
        consent("profiling", "2024-01-01", "2024-02-01", who="aged"),
    ]
    asked = Asked(records=records, consents=consents)
    refused = asked.rows.filter(purpose="profiling", allowed=False)
    assert refused["customer_id"].to_list() == ["aged", "born", "no longer"]
    assert set(refused["because"]) == {"minor_without_guardian"}
    # The day from which one is a minor would be the day of birth.
    assert refused["since"].to_list() == [None] * 3
    assert asked.of("profiling", who="guarded") == (True, "default")
    assert asked.of("marketing", who="guarded") == (False, "minor_without_guardian")
    later = Asked("2024-07", records=records, consents=consents)
    assert later.of("profiling", who="born") == (True, "default"), "what a child said is no consent"


def test_what_a_child_agreed_to_does_not_count_when_they_are_of_age() -> None:
    """From their 14th birthday on they may agree; what a guardian agreed to goes on to hold."""
    records = [
        person("grown", birth_date=day("2010-06-15")),
        person("guarded", birth_date=day("2010-06-15")),
        person("leap", birth_date=day("2008-02-29")),
        # 13 in a year that began up to a year before: of age on 2024-03-01 at the latest.
        person("aged", age=13, recorded_on=day("2023-03-01")),
        person("adult", age=40, recorded_on=day("2023-03-01")),
        person("undated", age=20),
        person("unknown"),
    ]
    consents = [
        consent("marketing", "2024-06-14", who="grown"),
        consent("credit", "2024-06-14", who="grown", basis="contract"),
        consent("sharing", "2024-06-15", who="grown"),
        consent("marketing", "2024-01-01", who="guarded", basis="guardian"),
        consent("marketing", "2022-02-28", who="leap"),
        consent("credit", "2022-03-01", who="leap"),
        consent("marketing", "2024-02-29", who="aged"),
        consent("credit", "2024-03-01", who="aged"),
        *(
            consent("marketing", on, who=who)
            for who, on in (
                *(("adult", "1997-03-01"), ("undated", "2018-06-30"), ("unknown", "1980-01-01")),
            )
        ),
        consent("credit", "1997-02-28", who="adult"),
        consent("credit", "2018-06-29", who="undated"),
    ]
    asked = Asked(records=records, consents=consents)
    found = {
        (who, purpose): asked.of(purpose, who=who)
        for who in ("grown", "guarded", "leap", "aged", "adult", "undated", "unknown")
        for purpose in ("marketing", "credit", "sharing")
    }
    assert {key: because for key, (allowed, because) in found.items() if allowed} == {
        ("grown", "sharing"): "consent",
        ("guarded", "marketing"): "guardian",
        ("leap", "credit"): "consent",
        ("aged", "credit"): "consent",
        ("adult", "marketing"): "consent",
        ("undated", "marketing"): "consent",
        ("unknown", "marketing"): "consent",
    }
    assert {because for allowed, because in found.values() if not allowed} == {"default"}
    # One who agrees again, and one who takes back what they agreed to as a child.
    again = [
        *consents,
        consent("marketing", "2024-06-20", who="grown"),
        consent("marketing", "2024-02-29", "2024-06-20", who="aged"),
    ]
    asked = Asked(records=records, consents=again)
    assert asked.of("marketing", who="grown") == (True, "consent")
    assert asked.of("marketing", who="aged") == (False, "withdrawn")


def test_who_is_under_age_by_a_newer_record_is_a_minor() -> None:
    """By the newest that says anything of it."""
    records = [
        person("ann", birth_date=day("1985-01-01")),
        person("ann", "2024-03", birth_date=day("2015-01-01")),
        person("bob", birth_date=day("2015-01-01")),
        person("bob", "2024-03"),
    ]
    asked = Asked(records=records)
    for who in ("ann", "bob"):
        assert asked.of("profiling", who=who) == (False, "minor_without_guardian")


def test_the_newest_record_of_a_consent_has_its_basis() -> None:
    records = [person("ann", birth_date=day("2012-01-01"))]
    rows = [
        consent("profiling", "2024-01-01", basis="guardian"),
        consent("profiling", "2024-01-01", basis="consent", recorded_on=day("2024-02-01")),
    ]
    assert Asked("2024-01", records=records, consents=rows[:1]).of("profiling")[0]
    assert not Asked("2024-02", records=records, consents=rows).of("profiling")[0]


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


class Answers:
    """The same answers from a dictionary, as many are asked for."""

    def __init__(self, asked: Asked) -> None:
        rows = asked.rows.select("customer_id", "purpose", "channel", "allowed").rows()
        self.rows = {row[:3]: row[3] for row in rows}
        self.silence = dict(asked.silence.select("purpose", "allowed").iter_rows())

    def allowed(self, who: str, purpose: str, channel: str | None) -> bool:
        of_any = self.rows.get((who, purpose, None), self.silence[purpose])
        return bool(self.rows.get((who, purpose, channel), of_any))
