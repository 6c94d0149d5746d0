"""Secret keys: files beside the warehouse that only their owner may read, or the environment.

A key stands outside of the warehouse, so that who copies the warehouse's folder, or gets the
published file, does not have it. `portrait backup` names the keys and copies none.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import sync
from portrait_assets.core.settings import Settings

_BYTES = 32
"""As many as SHA-256 gives: RFC 2104, section 3."""


class KeyFileError(PortraitError):
    """A key is missing, cannot be used as it stands, or others may read it."""


class KeyName(StrEnum):
    """What a key is for."""

    PSEUDONYMS = "pseudonyms"  # of customers in the published file; may be rotated
    TOMBSTONES = "tombstones"  # of customers who were erased; never rotated


@dataclass(frozen=True)
class Key:
    """A secret key, of which neither text nor error shows more than the name."""

    name: KeyName
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell keys apart and say nothing of the secret."""
        return self.digest(f"fingerprint of {self.name}").hex()[:16]

    def digest(self, text: str) -> bytes:
        """HMAC-SHA-256 of the text in UTF-8 (RFC 2104): 32 bytes."""
        return hmac.digest(self.secret, text.encode(), hashlib.sha256)


def key_file(settings: Settings, name: KeyName) -> Path:
    """Where the source's key of this name stands unless the environment has it."""
    return settings.key_dir / f"{name}.key"


def find_key(settings: Settings, name: KeyName) -> Key | None:
    """The key, from the environment or its file; None where neither has it.

    Raises:
        KeyFileError: when it is no key, or others may read its file.
    """
    given = settings.keys.get(name)
    if given is not None:
        return _read(name, given.get_secret_value(), f"PORTRAIT_KEYS__{name.upper()}")
    path = key_file(settings, name)
    if not path.is_file():
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(
            f"{path} can be read by others than its owner; run `chmod 600 {path}`, and have the "
            "key rotated if it may have been read."
        )
    return _read(name, path.read_text("utf-8", errors="replace"), str(path))


def make_key(settings: Settings, name: KeyName) -> Key:
    """A new key from the system's random source, written to its file, which must not be there.

    Raises:
        KeyFileError: when there is one already.
        OSError: when the file cannot be written.
    """
    path = key_file(settings, name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Key(name, secrets.token_bytes(_BYTES))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} is there already; a key is never written over.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{key.secret.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
    return key


def _read(name: KeyName, text: str, place: str) -> Key:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != _BYTES:
        raise KeyFileError(
            f"{place} holds no key of {2 * _BYTES} hexadecimal digits; restore it from where your "
            "secrets are kept."
        )
    return Key(name, secret)
