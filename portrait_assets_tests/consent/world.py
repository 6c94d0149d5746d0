"""What customers allow, from a few rows of consents, requests, contacts and records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.consent.deciding import consent_steps
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import small_database
from portrait_assets.testing.worlds.features import Merge, cleaned, merges

Answer = tuple[bool, str]


def day(text: str) -> date:
    return date.fromisoformat(text)


def consent(
    purpose: str | None,
    granted: str | None,
    withdrawn: str | None = None,
    who: str = "ann",
    **more: Any,
) -> dict[str, Any]:
    return {
        "customer_id": who,
        "purpose": purpose,
        "granted_on": day(granted) if granted else None,
        "withdrawn_on": day(withdrawn) if withdrawn else None,
        "recorded_on": day(withdrawn or granted or ""),
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
        con = small_database()
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


def person(who: str, month: str = "2024-01", **more: Any) -> dict[str, Any]:
    return {"month": month, "customer_id": who, "origins": [], **more}
