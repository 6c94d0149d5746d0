"""Pseudonyms looked up, and their key rotated, by people who may: they have key and warehouse.

What is looked up passes the door, and the register has how much it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Departure, Door, Outlet
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.pseudonyms import (
    PseudonymError,
    Rotated,
    identifiers_of,
    is_pseudonym,
    key_of,
    keys,
    pseudonym,
    rotate,
)
from portrait_assets.stages.identity.contract import SOURCE_CUSTOMER_ID
from portrait_assets.stages.identity.known import known_identities
from portrait_assets.storage.duckdb.connection import require_file
from portrait_assets.storage.publishing.file import published_key

READER = "portrait pseudonyms"
_ABOUT = {"what": "pseudonyms"}


@dataclass(frozen=True)
class Named:
    """An identifier and its pseudonym; `today` are those of the customer whose it is by now."""

    identifier: str
    pseudonym: str
    today: tuple[str, str] | None = None


def pseudonyms_of(door: Door, identifiers: Sequence[str]) -> list[Named]:
    """The pseudonyms of these identifiers in the published file, in their order.

    Args:
        door: what they pass; its settings tell where key, file and warehouse stand.
        identifiers: of the source.

    Raises:
        PseudonymError: when the file has no pseudonyms, their key is missing, or nobody has one of
            the identifiers.
        WarehouseError: when file or warehouse are not there, or a run holds the warehouse.
        EgressError: when they may not leave.
    """
    settings = door.settings
    require_file(settings.portrait_file)
    fingerprint = published_key(settings.portrait_file)
    if fingerprint is None:
        raise PseudonymError(
            f"{settings.portrait_file.name} has the identifiers of the source {settings.source} "
            "as they are; read them there."
        )
    key = key_of(settings, fingerprint)
    wanted = [each.strip() for each in identifiers]
    known = known_identities(settings, READER).filter(pl.col("source_customer_id").is_in(wanted))
    today = dict(known.iter_rows())
    if unknown := [each for each in wanted if each not in today]:
        raise PseudonymError(
            f"Nobody in the warehouse has the identifier {unknown[0]!r}; check how it is written."
        )
    found = [
        Named(
            each,
            pseudonym(key, each),
            None if today[each] == each else (today[each], pseudonym(key, today[each])),
        )
        for each in wanted
    ]
    _leave(door, len(found), repr(found), key)
    return found


def owners_of(door: Door, pseudonyms: Sequence[str]) -> dict[str, str | None]:
    """Whose these pseudonyms are, in their order: the identifier, or None for nobody's.

    The key in use and those that were rotated and kept are tried.

    Args:
        door: what they pass; its settings tell where keys and warehouse stand.
        pseudonyms: of the published file, or of older ones.

    Raises:
        PseudonymError: when one has not the form of a pseudonym, or there is no key.
        KeyFileError: when a key cannot be used as it stands.
        WarehouseError: when the warehouse is not there, or a run holds it.
        EgressError: when they may not leave.
    """
    settings = door.settings
    for each in pseudonyms:
        if not is_pseudonym(each):
            raise PseudonymError(
                f"{each!r} is no pseudonym: those are p and 32 hexadecimal digits; look up "
                f"identifiers with `{command('pseudonyms', 'of', 'ID')}`."
            )
    tried = keys(settings)
    if not tried:
        raise PseudonymError(
            "There is no key of pseudonyms here, and without it none can be looked up; put it "
            "back from where your secrets are kept."
        )
    known = known_identities(settings, READER)["source_customer_id"]
    owners: dict[str, str | None] = dict.fromkeys(pseudonyms)
    for key in tried:
        missing = [each for each, owner in owners.items() if owner is None]
        if not missing:
            break
        owners |= dict(identifiers_of(key, known, pl.Series(missing)).iter_rows())
    _leave(door, sum(owner is not None for owner in owners.values()), repr(owners), tried[0])
    return owners


def _leave(door: Door, rows: int, contents: str, key: Key) -> None:
    """Enter what was looked up, with a digest under the key.

    With another one whoever has register, published file and a list of identifiers could try which
    two belong together.
    """
    departure = Departure(
        Outlet.IDENTITY, None, (SOURCE_CUSTOMER_ID,), subject_named=True, about=_ABOUT
    )
    door.open(departure)
    door.record(departure, rows, key.digest(contents).hex())


def rotate_pseudonyms(settings: Settings, forget: bool = False) -> Rotated:
    """Let another key take the place of the one in use, from the next publication on.

    Raises:
        PseudonymError: when there is no key yet, or the one in the environment is still the old.
        KeyFileError: when the key cannot be used as it stands.
    """
    return rotate(settings, published_key(settings.portrait_file), forget)
