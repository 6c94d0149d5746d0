"""The plan of an erasure: its number, the ids of the people, and the texts of theirs alone."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from portrait_assets.app.erasure.people.own_texts import own_texts
from portrait_assets.app.erasure.people.persons import name_ids
from portrait_assets.app.erasure.preview import Preview
from portrait_assets.app.erasure.warehouse import opened, tables_of
from portrait_assets.app.runs.progress import Progress
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import Plan, write_plan
from portrait_assets.privacy.pseudonyms import keys, pseudonyms


def planned(settings: Settings, what: Preview, progress: Progress) -> Plan:
    """The plan of an erasure of the people of a preview, written before anything is removed.

    Raises:
        WarehouseError: when a run holds the warehouse.
        OSError: when the plan cannot be written.
    """
    persons = what.persons
    tables = tables_of(settings)
    ids = [*persons.customers, *persons.prospects]
    with opened(settings, tables) as con:
        name_ids(con, list(persons.customers), list(persons.prospects))
        texts, shared = own_texts(con, ids)
    texts += _pseudonyms(settings, ids)
    progress.say(
        f"Looking for {len(texts):,} texts that are theirs alone; {shared:,} more also stand in "
        "what the source provides of others."
    )
    now = datetime.now(UTC)
    plan = Plan(
        number=f"E{now:%Y%m%dT%H%M%SZ}",
        began_at=now,
        asked_by=what.asked.by,
        persons=persons.count,
        customers=persons.customers,
        prospects=persons.prospects,
        texts=tuple(texts),
    )
    write_plan(settings, plan)
    return plan


def _pseudonyms(settings: Settings, ids: list[str]) -> list[str]:
    """What stands for the ids in files that were published, under each key that there is."""
    return [
        text for key in keys(settings) for text in pseudonyms(key, pl.Series(ids, dtype=pl.String))
    ]
