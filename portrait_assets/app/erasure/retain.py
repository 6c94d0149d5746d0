"""`portrait retain`: rows older than their source keeps them, removed as people are."""

from __future__ import annotations

from datetime import UTC, datetime

from portrait_assets.app.erasure.erase import Erased, begin
from portrait_assets.app.erasure.rows.too_old import Past, past_retention
from portrait_assets.app.erasure.warehouse import opened, tables_of
from portrait_assets.app.runs.progress import Progress
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import (
    ErasureError,
    Plan,
    read_unfinished,
    unfinished,
    write_plan,
)
from portrait_assets.stages.raw.source import Source, load_source


def to_retain(settings: Settings) -> list[Past]:
    """What `retain` would remove.

    Raises:
        ErasureError: when an erasure that was stopped is to be finished first.
        WarehouseError: when there is no warehouse, or a run holds it.
    """
    if plan := read_unfinished(settings):
        raise ErasureError(unfinished(plan))
    source = load_source(settings.source_dir)
    with opened(settings, tables_of(settings)) as con:
        return past_retention(con, source)


def retain(settings: Settings, progress: Progress) -> Erased:
    """Remove what is older than it is kept, raw and cleaned, publish, and certify it.

    Features, tags and models of those months stay, first-ever facts among them.

    Raises:
        PortraitError: when it cannot be done; what was begun goes on with `erase.resume`.
    """
    return begin(settings, progress, lambda: _planned(settings))


def _planned(settings: Settings) -> Plan:
    now, source = datetime.now(UTC), load_source(settings.source_dir)
    plan = Plan(
        number=f"R{now:%Y%m%dT%H%M%SZ}",
        began_at=now,
        asked_by=_declared(source),
        persons=0,
        customers=(),
        kept_from=source.kept_from,
    )
    write_plan(settings, plan)
    return plan


def _declared(source: Source) -> str:
    spans = (f"{name}: {months}" for name, months in source.definition.keep_months.items())
    return f"source.yaml, keep_months: {{{', '.join(spans)}}}"
