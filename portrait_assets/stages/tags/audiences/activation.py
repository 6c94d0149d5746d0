"""Whom a file for activation is about: an audience's pseudonyms as the source's identifiers."""

from __future__ import annotations

import polars as pl

from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.pseudonyms import PseudonymError, identifiers_of, key_of
from portrait_assets.stages.identity.known import known_identities


def members_identified(settings: Settings, fingerprint: str, members: pl.Series) -> pl.DataFrame:
    """The identifiers of an audience's members.

    Args:
        settings: where the key and the warehouse stand.
        fingerprint: of the key of the members' pseudonyms.
        members: pseudonyms.

    Returns:
        `pseudonym` and `identifier`, a row per member.

    Raises:
        PseudonymError: when the key is not there, or the warehouse does not have all of them.
        WarehouseError: when the warehouse is not there, or a run holds it.
    """
    key = key_of(settings, fingerprint)
    known = known_identities(settings, "portrait audience")
    found = identifiers_of(key, known["source_customer_id"], members)
    missing = members.n_unique() - found.height
    if missing:
        raise PseudonymError(
            f"{missing:,} of the {members.n_unique():,} customers are not in the warehouse, so "
            f"that nothing is written; publish what it has with `{command('run')}`."
        )
    return found
