"""Publishing without a run: the internal file anew, or a month of portraits for others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.core.invocation import command, commands_for
from portrait_assets.core.months import last_day, parse_month
from portrait_assets.core.settings import Settings
from portrait_assets.methods.anonymity.anonymise import K
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.privacy.consent import Use
from portrait_assets.privacy.egress import (
    PLACE,
    Departure,
    Door,
    Outlet,
    Profile,
    Purpose,
    purpose_of,
)
from portrait_assets.privacy.erasure import require_none_half_done
from portrait_assets.stages.mart.assets import mart_assets
from portrait_assets.stages.mart.shared.file import Request, SharedFile, write_shared
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.answers import MONTH
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.condition import latest_month, matrix_columns
from portrait_assets.stages.tags.audiences.shared import EVERYBODY, check_apart, shared_before
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import quasi_identifiers
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.shared_rows import SharedRows
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY, WarehouseIOManager
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.duckdb.exclusive import exclusive_writer


class PublishError(PortraitError):
    """A publication that cannot be made as asked for."""


@dataclass(frozen=True)
class Wish:
    """What `portrait publish` is asked for; `month` is YYYY-MM, None for the newest complete.

    A shared file has `fewest` alike and is for `given_for`, where neither is asked for.
    """

    profile: str = Profile.INTERNAL
    out: Path | None = None
    k: int | None = None
    month: str | None = None
    purpose: str | None = None

    @property
    def fewest(self) -> int:
        """Customers alike in what others may know of them."""
        return K if self.k is None else self.k

    @property
    def given_for(self) -> str:
        """What a shared file is for."""
        return self.purpose or Purpose.SHARING

    def check(self) -> None:
        """Check that the options fit the profile.

        Raises:
            PublishError: when they do not, or there is no such profile.
            EgressError: when there is no such purpose.
        """
        if self.profile not in set(Profile):
            raise PublishError(
                f"'{self.profile}' is no profile{suggestion(self.profile, Profile)}; choose one "
                f"of {', '.join(Profile)}."
            )
        purpose_of(self.purpose)
        if self.profile == Profile.SHARED and self.out is None:
            again = command("publish", "--profile", "shared", "--out", "shared.duckdb")
            raise PublishError(f"A shared file needs a name; give one, as in `{again}`.")
        if self.profile == Profile.SHARED and self.out is not None and self.out.suffix != ".duckdb":
            raise PublishError(f"{self.out.name} does not end in .duckdb; name it so.")
        given = {"--out": self.out, "--month": self.month, "--k": self.k}
        given["--purpose"] = self.purpose
        named = [name for name, value in given.items() if value is not None]
        if self.profile == Profile.INTERNAL and named:
            raise PublishError(
                "The internal file has all months and customers as they are, for analysis, in its "
                f"own place; leave out {' and '.join(named)}, or choose --profile shared."
            )


def publish_internal(settings: Settings) -> None:
    """Publish the warehouse as it is, and write the report, as the end of a run does.

    Raises:
        PortraitError: when the source cannot be used, nothing is materialized, a run holds the
            warehouse, an erasure is half done, or the file may not be published.
    """
    with commands_for(settings):
        context = context_of(settings)
        with exclusive_writer(settings, "portrait publish", context.tables) as warehouse:
            require_none_half_done(settings)
            opened = {RESOURCE_KEY: WarehouseIOManager(warehouse, {})}
            for step in mart_assets(context):
                step(dg.build_asset_context(resources=opened))


def publish_shared(settings: Settings, wish: Wish) -> SharedFile:
    """Write a month of the published portraits as a file for others.

    The register has what was taken off them.

    Raises:
        PortraitError: when the source cannot be used, nothing is published, the month is not
            there, or the file may not leave.
    """
    wish.check()
    assert wish.out is not None
    source = load_source(settings.source_dir)
    catalogue = source_catalogue(settings.source_dir)
    as_of: date | None = last_day(parse_month(wish.month)) if wish.month else None
    request = Request(
        source.name,
        as_of,
        wish.fewest,
        wish.given_for,
        source.definition.public,
    )
    door = Door(settings)

    def opens(as_of: date, rows: SharedRows) -> None:
        door.open(_departure(wish, as_of, rows))

    def records(shared: SharedFile) -> None:
        departure = _departure(wish, shared.as_of, shared.rows)
        door.record(departure, shared.customers, shared.digest)

    # Held until it is in the register, which a file written at the same time is compared with.
    with door.one_answer():
        if not request.is_public:
            _require_apart(settings, door, request)
        return write_shared(
            settings.portrait_file,
            wish.out,
            catalogue,
            quasi_identifiers(source.definition, catalogue),
            request,
            settings.memory_limit_gib,
            opens,
            records,
        )


def _require_apart(settings: Settings, door: Door, request: Request) -> None:
    """Check that no other file for others lacks, or has alone, a few of the month's customers.

    Files of all customers for two purposes differ by who refused one of these.

    Raises:
        SharingError: when one does.
    """
    con = open_published(settings.portrait_file)
    try:
        month = request.as_of or latest_month(con)
        columns = matrix_columns(con)
        if before := shared_before(door.earlier(Outlet.SHARED), month, columns):
            everybody = select_audience(con, EVERYBODY, month)
            use = Use(purpose_of(request.purpose) or Purpose.SHARING, unless_refused=True)
            check_apart(con, everybody, use, before, request.k)
    finally:
        con.close()


def _departure(wish: Wish, as_of: date, rows: SharedRows) -> Departure:
    assert wish.out is not None
    about = {MONTH: f"{as_of:%Y-%m}", PLACE: str(wish.out.resolve()), **rows.loss(wish.fewest)}
    return Departure(
        Outlet.SHARED, wish.given_for, rows.columns, profile=Profile.SHARED, about=about
    )
