"""The channels of a source: what a channel that somebody names is compared with."""

from __future__ import annotations

import duckdb

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.duckdb.tables import existing_types

_OF = ("contacts", "consents", "assignments", "interactions", "transactions", "requests")


class ChannelError(PortraitError):
    """A channel that a source does not have."""


def channels_of(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The channels that events and consents of a warehouse name, with their customers.

    They are in lower case and in order.
    """
    tables = [CLEANED[name].full_name for name in _OF]
    selects = [
        f"SELECT lower(trim(channel)) AS channel, customer_id FROM {table}"
        for table in tables
        if "channel" in existing_types(con, table)
    ]
    if not selects:
        return {}
    found = con.execute(
        f"SELECT channel, count(DISTINCT customer_id) FROM ({' UNION ALL '.join(selects)}) "
        "WHERE channel <> '' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return dict(found)


def require_channel(con: duckdb.DuckDBPyConnection, channel: str) -> str:
    """The channel as consents are compared by it.

    Raises:
        ChannelError: when nothing in the warehouse names it, with the ones most like it; those of
            few customers may be what somebody wrote, and are not named.
    """
    known, name = channels_of(con), channel.strip().lower()
    if name in known:
        return name
    shown = [each for each, customers in known.items() if customers >= SMALLEST_CELL]
    if not known:
        raise ChannelError("The source names no channel; leave --channel out.")
    raise ChannelError(
        f"'{channel}' is no channel of the source{suggestion(name, shown)}; name one of "
        f"{', '.join(shown) or 'those that it has'}, or leave --channel out."
    )
