"""The channels of a source: what a channel that somebody names is compared with."""

from __future__ import annotations

import duckdb

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.duckdb.tables import existing_types

_OF = ("contacts", "consents", "assignments", "interactions", "transactions", "requests")


class ChannelError(PortraitError):
    """A channel that a source does not have."""


def channels_of(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The channels that events and consents of a warehouse name, in lower case and in order."""
    tables = [CLEANED[name].full_name for name in _OF]
    selects = [
        f"SELECT lower(trim(channel)) AS channel FROM {table}"
        for table in tables
        if "channel" in existing_types(con, table)
    ]
    if not selects:
        return ()
    sql = f"SELECT DISTINCT channel FROM ({' UNION ALL '.join(selects)}) WHERE channel <> ''"
    return tuple(sorted(channel for (channel,) in con.execute(sql).fetchall()))


def require_channel(con: duckdb.DuckDBPyConnection, channel: str) -> str:
    """The channel as consents are compared by it.

    Raises:
        ChannelError: when nothing in the warehouse names it, with the ones most like it.
    """
    known, name = channels_of(con), channel.strip().lower()
    if name in known:
        return name
    if not known:
        raise ChannelError("The source names no channel; leave --channel out.")
    raise ChannelError(
        f"'{channel}' is no channel of the source{suggestion(name, known)}; name one of "
        f"{', '.join(known)}, or leave --channel out."
    )
