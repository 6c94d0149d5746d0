"""What customers allow is asked at each use, by the newest consents known."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.privacy.consent import (
    ConsentError,
    Use,
    answers_sql,
    keep_answers,
    left_out,
    permissions_of,
    refusing_sql,
    require_asked,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets_tests.privacy.consent_world import Answer, write_consents

EVERYBODY = "(VALUES ('ann'), ('bob'), ('cat'), ('dan')) AS c(customer_id)"
ANSWERS: list[Answer] = [
    ("ann", "marketing", "sms", True, "consent"),
    ("ann", "marketing", "email", False, "unsubscribed"),
    ("bob", "marketing", None, True, "consent"),
    ("bob", "marketing", "sms", False, "bounced"),
    ("cat", "marketing", None, False, "objection"),
    ("cat", "profiling", None, False, "objection"),
]


def file(
    answers: list[Answer], silence: Mapping[str, bool] | None = None, consents: int = 1
) -> duckdb.DuckDBPyConnection:
    con = scratch_database()
    write_consents(con, [("dan", "marketing", None, True, "consent")], as_of="2024-05-31")
    write_consents(con, answers, silence, consents)
    return con


def answers(con: duckdb.DuckDBPyConnection, use: Use) -> dict[str, tuple[bool, str, str]]:
    rows = con.execute(answers_sql(EVERYBODY, use)).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_without_a_channel_who_allows_one_is_allowed_and_it_is_named() -> None:
    """Dan's consent of the month before is no longer there: the newest counts."""
    found = answers(file(ANSWERS), Use("marketing"))
    assert found == {
        "ann": (True, "consent", "sms"),
        "bob": (True, "consent", "any but sms"),
        "cat": (False, "objection", None),
        "dan": (False, "default", None),
    }
    granted = answers(file(ANSWERS, {"marketing": True}), Use("marketing"))
    assert granted["ann"][::2] == (True, "any but email")
    assert granted["dan"] == (True, "default", "any")
    assert not granted["cat"][0]


@pytest.mark.parametrize(
    ("channel", "silence", "allowed"),
    [
        ("sms", False, ["ann"]),
        ("SMS", False, ["ann"]),
        ("email", False, ["bob"]),
        ("app", False, ["bob"]),
        ("sms", True, ["ann", "dan"]),
        ("email", True, ["bob", "dan"]),
    ],
)
def test_of_a_channel_its_own_answer_counts_then_that_of_any_then_silence(
    channel: str, silence: bool, allowed: list[str]
) -> None:
    con = file(ANSWERS, {"marketing": silence})
    found = answers(con, Use("marketing", channel))
    assert sorted(who for who, answer in found.items() if answer[0]) == allowed


def test_who_refuses_has_said_so_and_not_only_kept_silent() -> None:
    """Ann, Bob and Cat spoke, and of sharing nobody did, which for the source is no consent."""
    con = file(ANSWERS, {"sharing": False, "profiling": False})

    def refusing(purpose: str) -> list[tuple[str]]:
        sql = refusing_sql(con, purpose)
        assert sql is not None
        return con.execute(sql).fetchall()

    assert refusing("sharing") == []
    assert refusing("profiling") == refusing("marketing") == [("cat",)]


def test_a_purpose_is_asked_by_itself() -> None:
    con = file(ANSWERS)
    assert [answers(con, Use("profiling"))[who][0] for who in ("ann", "cat")] == [True, False]
    assert not any(answer[0] for answer in answers(con, Use("credit")).values())


def test_each_who_is_left_out_counts_once_with_the_first_reason() -> None:
    uses = [Use("marketing"), Use("profiling")]
    con = file([*ANSWERS, ("ann", "profiling", None, False, "withdrawn")])
    assert left_out(con, keep_answers(con, EVERYBODY, uses), uses) == {
        ("marketing", "default"): 1,
        ("marketing", "objection"): 1,
        ("profiling", "withdrawn"): 1,
    }


def test_where_nobody_was_asked_nobody_may_be_used_for_it() -> None:
    says = r"^No customer has agreed to marketing.*`consent_default: \{marketing: granted\}`.*\.$"
    with pytest.raises(ConsentError, match=says) as error:
        require_asked(file([], consents=0), Use("marketing"))
    assert isinstance(error.value, PortraitError)
    for con in (file([], consents=1), file([], {"marketing": False}, consents=0)):
        require_asked(con, Use("marketing"))
        assert not any(answer[0] for answer in answers(con, Use("marketing")).values())
    require_asked(file([], consents=0), Use("profiling"))


def test_a_purpose_that_there_is_not_and_a_file_without_consents_are_named() -> None:
    with pytest.raises(ConsentError, match=r"'markting' is not a purpose.*mean marketing\?"):
        require_asked(file([]), Use("markting"))
    with pytest.raises(ConsentError, match=r"not there yet; run `.*portrait.* run"):
        require_asked(scratch_database(), Use("marketing"))
    assert permissions_of(scratch_database(), "ann") == ()


def test_a_customer_s_permissions_are_by_purpose_and_then_by_channel() -> None:
    found = permissions_of(file(ANSWERS), "ann")
    assert [(each.purpose, each.channel, each.allowed, each.because) for each in found] == [
        ("profiling", None, True, "default"),
        ("marketing", None, False, "default"),
        ("marketing", "email", False, "unsubscribed"),
        ("marketing", "sms", True, "consent"),
        ("credit", None, False, "default"),
        ("sharing", None, False, "default"),
    ]
