"""The certificate of an erasure, from its plan and the scan after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from portrait_assets.app.erasure.people.persons import PROSPECTS
from portrait_assets.app.erasure.traces import shown, source_files
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate, Searched
from portrait_assets.privacy.departures.entries import place_of
from portrait_assets.privacy.departures.register import Entry, Register
from portrait_assets.privacy.erasure import Plan
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.scan.wanted import BYTES, Hits, Scan
from portrait_assets.privacy.tombstones import digest_of, key_of_tombstones
from portrait_assets.stages.raw.source import Source


def certificate_of(
    settings: Settings, source: Source, plan: Plan, after: Scan | None
) -> Certificate:
    """The certificate of a plan that was carried out, with what a scan still finds, if anything.

    Nothing is searched for, and `after` is None, where rows went for their age.
    """
    files = tuple(shown(path, settings) for path in source_files(source))
    if after is None:
        return Certificate(
            number=plan.number,
            kind="retention",
            source=settings.source,
            asked_by=plan.asked_by,
            began_at=plan.began_at,
            ended_at=datetime.now(UTC),
            persons=0,
            ids=0,
            tombstones=(),
            key_fingerprint="",
            rows=tuple(each for each in plan.rows if each.is_changed),
            source_files=files,
        )
    key = key_of_tombstones(settings)
    before = Searched(
        files=plan.files_before,
        size_bytes=plan.size_before,
        patterns=after.patterns,
        found=plan.found_before,
    )
    return Certificate(
        number=plan.number,
        source=settings.source,
        asked_by=plan.asked_by,
        began_at=plan.began_at,
        ended_at=datetime.now(UTC),
        persons=plan.persons,
        ids=len(plan.ids),
        tombstones=tuple(sorted(digests_of(plan, key))),
        key_fingerprint=key.fingerprint,
        rows=plan.rows,
        source_files=files,
        left=tuple(_left(settings)),
        notes=(
            *(f"{name} could not be decoded; its bytes were searched" for name in after.unreadable),
            *(_still(each) for each in after.hits),
            *(_chance(each) for each in after.by_chance),
        ),
        scan_before=before,
        scan_after=Searched(
            files=after.files,
            size_bytes=after.size,
            patterns=after.patterns,
            found=after.by_file(),
        ),
    )


def _still(hits: Hits) -> str:
    """What a scan found in a database, which two more passes did not remove."""
    if hits.place == BYTES:
        what = f"{hits.count:,} places in the bytes of {hits.file} still read like texts of theirs"
    else:
        what = f"{hits.count:,} values are still in {hits.file} ({hits.place})"
    return f"{what}, which two more passes did not remove"


def _chance(hits: Hits) -> str:
    """What read like a text in the bytes of a database, and is none."""
    return (
        f"{hits.count:,} places in the bytes of {hits.file} read like texts of theirs by chance: "
        f"they are parts of other values of {hits.place} as they are compressed; no value there "
        "holds a text of theirs"
    )


def _left(settings: Settings) -> Iterator[str]:
    """What left with rows of customers, by the register: copies of it are for who has them."""
    for entry in Register.of(settings).entries_ever():
        if entry.get("aggregated") is False:
            yield (
                f"{entry.at:%Y-%m-%d %H:%M} UTC: {entry['outlet']}, for {entry['purpose']}, "
                f"{entry['rows']:,} rows, SHA-256 {entry['digest']}{_where(entry, settings)}"
            )


def _where(entry: Entry, settings: Settings) -> str:
    """Where it was written to, and whether it was searched there."""
    path = place_of(entry)
    if path is None:
        return ""
    is_there = "searched there" if path.exists() else "no longer there"
    return f", written to {shown(path, settings)}, {is_there}"


def digests_of(plan: Plan, key: Key) -> list[str]:
    """The tombstones of the plan's customers, then of its prospects."""
    customers = [digest_of(key, value) for value in plan.customers]
    return customers + [digest_of(key, value, PROSPECTS) for value in plan.prospects]
