"""A channel that somebody names is one of the source's, or a sentence with the ones like it."""

from __future__ import annotations

import duckdb
import pytest

from portrait_assets.stages.consent.channels import ChannelError, channels_of, require_channel
from portrait_assets.storage.duckdb.connection import scratch_database


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    opened = scratch_database()
    opened.execute(
        "CREATE SCHEMA cleaned; "
        "CREATE TABLE cleaned.contacts AS SELECT unnest(['SMS', 'phone', NULL]) AS channel, "
        "'c' || range AS customer_id FROM range(10); "
        "CREATE TABLE cleaned.consents AS SELECT unnest([' app ', 'sms', '']) AS channel, "
        "'c' || range AS customer_id FROM range(5, 15); "
        "INSERT INTO cleaned.contacts VALUES ('phone of Li Wei', 'c1'); "
        "CREATE TABLE cleaned.assignments AS SELECT 'mail' AS arm"
    )
    return opened


def test_channels_are_those_that_events_and_consents_name(con: duckdb.DuckDBPyConnection) -> None:
    assert channels_of(con) == {"app": 10, "phone": 10, "phone of li wei": 1, "sms": 15}
    assert require_channel(con, " Sms ") == "sms"
    assert require_channel(con, "phone of Li Wei") == "phone of li wei"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "phon",
            r"^'phon' is no channel of the source \(did you mean phone\?\); name one of app, ",
        ),
        (
            "phone of L",
            r"'phone of L' is no channel of the source.*; name one of app, phone, sms, or leave",
        ),
        ("pigeon post", r"is no channel of the source; name one of app, phone, sms, or leave --ch"),
    ],
)
def test_an_unknown_channel_is_a_sentence(
    con: duckdb.DuckDBPyConnection, word: str, sentence: str
) -> None:
    with pytest.raises(ChannelError, match=sentence):
        require_channel(con, word)


def test_a_source_without_channels_is_a_sentence() -> None:
    with scratch_database() as con, pytest.raises(ChannelError, match="names no channel"):
        require_channel(con, "sms")
