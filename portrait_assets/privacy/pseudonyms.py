"""Pseudonyms: what a published file bears in the place of customers' identifiers.

A pseudonym is a keyed hash of the identifier (HMAC, RFC 2104), so that nobody without the key can
compute it, not even from a list of all identifiers: ENISA, Pseudonymisation techniques and best
practices (2019), 5.1.3; GB/T 37964-2019, annex A.4. It is the same in every month and file until
the key is rotated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import (
    Key,
    KeyName,
    find_former_keys,
    find_key,
    is_retired,
    key_place,
    make_key,
    retire_key,
)

if TYPE_CHECKING:
    import polars as pl

    from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms

_NAME = KeyName.PSEUDONYMS
_MARK = "p"
_DIGITS = 32
"""Hexadecimal digits: 128 bits, so that two of 10 million share one once in 7 x 10^24 files."""
_FORM = re.compile(rf"{_MARK}[0-9a-f]{{{_DIGITS}}}")


class PseudonymError(PortraitError):
    """A file cannot be published, or a pseudonym not be looked up, with the key that there is."""


def is_pseudonym(text: str) -> bool:
    """Whether the text has the form of a pseudonym."""
    return _FORM.fullmatch(text) is not None


def pseudonym(key: Key, identifier: str) -> str:
    """`p` and the first 128 bits of the HMAC-SHA-256 of the identifier, as 32 hexadecimal digits.

    Identifiers are hashed as typed tables hold them (`methods.typing`): trimmed, and numbers
    written in one way.
    """
    return _MARK + key.digest(identifier).hex()[:_DIGITS]


def pseudonyms(key: Key, identifiers: pl.Series) -> pl.Series:
    """The `pseudonym` of each identifier; null for null."""
    import polars as pl

    digests = key.hex_digests(identifiers.drop_nulls())
    return pl.Series(
        identifiers.name,
        [None if each is None else _MARK + next(digests)[:_DIGITS] for each in identifiers],
        dtype=pl.String,
    )


def under(key: Key) -> Pseudonyms:
    """What replaces identifiers by their pseudonyms under the key as a file is published."""
    from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms

    return Pseudonyms(key.fingerprint, partial(pseudonyms, key))


def personal(identifiers: pl.Series) -> int:
    """How many have the form of a telephone, identity or card number or of an email address.

    Numbers are taken for telephones where they are China's or begin with +, and for cards where
    they have 16 digits or more: shorter ones with a right check digit are often running numbers.
    """
    import polars as pl

    from portrait_assets.methods.personal_data import forms

    text = pl.col("text")
    phone = forms.write_phone(text)
    digits = forms.BANK_CARD.write(text)
    found = pl.any_horizontal(
        forms.is_chinese_id(forms.write_chinese_id(text)),
        forms.is_chinese_phone(phone),
        phone.str.contains(r"^\+\d{7,15}$"),
        forms.is_email(forms.EMAIL.write(text)),
        digits.str.contains(r"^\d{16,19}$") & forms.is_bank_card(digits),
    )
    count: int = identifiers.alias("text").to_frame().select(found.fill_null(False).sum()).item()
    return count


# -- the key of a published file -----------------------------------------------------------


def key_of_publication(settings: Settings, published: str | None) -> tuple[Key, bool]:
    """The key for the next publication of a source, and whether it was made just now.

    Args:
        settings: tell the source.
        published: the fingerprint that the published file notes; None where it notes none.

    Raises:
        PseudonymError: when the file was made with a key that is missing, or with another one that
            was not rotated; the sentence names the place and the remedy.
        KeyFileError: when the key cannot be used as it stands.
    """
    key = find_key(settings, _NAME)
    if published is None or may_be_published(settings, published):
        return (key, False) if key is not None else (make_key(settings, _NAME), True)
    place, file = key_place(settings, _NAME), settings.portrait_file.name
    what = "is missing from" if key is None else "is not the one in"
    raise PseudonymError(
        f"The key of the pseudonyms in {file} (fingerprint {published}) {what} {place}; put it "
        "back from where your secrets are kept, or have other pseudonyms from now on with "
        f"`{command('pseudonyms', 'rotate')}`."
    )


def key_made(settings: Settings) -> str:
    """The sentence that tells where a new key stands, and what it is for."""
    return (
        f"A key of pseudonyms was made: {key_place(settings, _NAME)}; keep a copy "
        "where your secrets are kept, apart from backups and from the published file."
    )


def may_be_published(settings: Settings, published: str) -> bool:
    """Whether the key of this fingerprint, of the published file, is there or was rotated.

    Raises:
        KeyFileError: when the key cannot be used as it stands.
    """
    key = find_key(settings, _NAME)
    is_same = key is not None and key.fingerprint == published
    return is_same or is_retired(settings, _NAME, published)


def key_of(settings: Settings, fingerprint: str) -> Key:
    """The key of this fingerprint: the one in use, or one that was rotated and kept.

    Raises:
        PseudonymError: when there is none.
        KeyFileError: when a key cannot be used as it stands.
    """
    for key in keys(settings):
        if key.fingerprint == fingerprint:
            return key
    raise PseudonymError(
        f"The key of fingerprint {fingerprint} is not in {key_place(settings, _NAME)}, and without "
        "it no pseudonym can be looked up; put it back from where your secrets are kept."
    )


def keys(settings: Settings) -> list[Key]:
    """The key in use, where there is one, and those that were rotated and kept.

    Raises:
        KeyFileError: when one cannot be used as it stands.
    """
    key = find_key(settings, _NAME)
    return [*([] if key is None else [key]), *find_former_keys(settings, _NAME)]


@dataclass(frozen=True)
class Rotated:
    """Where the new key stands, and whether the old one is kept beside it."""

    place: str
    kept: bool


def rotate(settings: Settings, published: str | None, forget: bool = False) -> Rotated:
    """Let another key take the place of the one in use; the next publication writes a new file.

    A key in the environment is the caller's to replace: what is noted then is that it may differ
    from that of the published file.

    Args:
        settings: tell the source.
        published: the fingerprint that the published file notes; None where it notes none.
        forget: remove the old key, so that what bears it cannot be looked up any more.

    Raises:
        PseudonymError: when there is no key yet, or the one in the environment is still the old.
        KeyFileError: when the key cannot be used as it stands.
        OSError: when the folder of keys cannot be written.
    """
    old = find_key(settings, _NAME)
    if old is None and published is None:
        raise PseudonymError(
            "There is no key of pseudonyms yet, so that there is none to rotate; "
            f"`{command('run')}` makes one when it publishes."
        )
    if settings.keys.get(_NAME) is not None and old is not None:
        return _rotated_in_environment(settings, old, published)
    for fingerprint in dict.fromkeys([published, old.fingerprint if old else None]):
        if fingerprint is not None:
            retire_key(settings, _NAME, fingerprint, forget)
    make_key(settings, _NAME)
    return Rotated(key_place(settings, _NAME), old is not None and not forget)


def _rotated_in_environment(settings: Settings, old: Key, published: str | None) -> Rotated:
    place = key_place(settings, _NAME)
    if published is None or published == old.fingerprint:
        raise PseudonymError(
            f"The key stands in {place}, which only you can change; set it to another one of 64 "
            "hexadecimal digits and run this again."
        )
    retire_key(settings, _NAME, published)
    return Rotated(place, False)


# -- looking up ----------------------------------------------------------------------------


def identifiers_of(key: Key, identifiers: pl.Series, wanted: pl.Series) -> pl.DataFrame:
    """Whose these pseudonyms are.

    Args:
        key: that they were made with.
        identifiers: all those that there are, each once.
        wanted: pseudonyms.

    Returns:
        `pseudonym` and `identifier`, a row for each pseudonym that is one of these identifiers'.
    """
    import polars as pl

    table = pl.DataFrame({"pseudonym": pseudonyms(key, identifiers), "identifier": identifiers})
    found: pl.DataFrame = table.join(
        wanted.unique().alias("pseudonym").to_frame(), on="pseudonym", how="semi"
    )
    return found
