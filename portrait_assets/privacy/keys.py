"""Secret keys: files beside the warehouse that only their owner may read, or the environment.

A key stands outside of the warehouse, so that who copies the warehouse's folder, or gets the
published file, does not have it. `portrait backup` names the keys and copies none. A key that was
rotated stays beside the new one, under its fingerprint, so that what bears it can be looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
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


WITHOUT = {
    KeyName.PSEUDONYMS: "pseudonyms of the published file name nobody, and the next file is "
    "published under others",
    KeyName.TOMBSTONES: "customers who were erased are not known again in the source's files",
}
"""What is lost with each key."""


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

    def hex_digests(self, texts: Iterable[str]) -> Iterator[str]:
        """The `digest` of each of many texts, in 64 hexadecimal digits."""
        # HMAC spelt out (RFC 2104, section 2) takes half the time of a call of `hmac` for each.
        sha256 = hashlib.sha256
        size = sha256().block_size
        secret = self.secret if len(self.secret) <= size else sha256(self.secret).digest()
        block = secret.ljust(size, b"\0")
        inner, outer = bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
        for text in texts:
            yield sha256(outer + sha256(inner + text.encode()).digest()).hexdigest()


def key_file(settings: Settings, name: KeyName) -> Path:
    """Where the source's key of this name stands unless the environment has it."""
    return settings.key_dir / f"{name}.key"


def key_place(settings: Settings, name: KeyName) -> str:
    """Where the key is looked for, in words: the environment's variable, or the file."""
    return str(key_file(settings, name)) if settings.keys.get(name) is None else _variable(name)


def has_key(settings: Settings, name: KeyName) -> bool:
    """Whether there is one, be it usable or not."""
    return settings.keys.get(name) is not None or key_file(settings, name).is_file()


def find_key(settings: Settings, name: KeyName) -> Key | None:
    """The key, from the environment or its file; None where neither has it.

    Raises:
        KeyFileError: when it is no key, or others may read its file.
    """
    given = settings.keys.get(name)
    if given is not None:
        return _parsed(name, given.get_secret_value(), _variable(name))
    return _in_file(key_file(settings, name), name)


def find_former_keys(settings: Settings, name: KeyName) -> list[Key]:
    """The keys that were rotated and kept, in the order of their fingerprints.

    Raises:
        KeyFileError: when one is no key, or others may read its file.
    """
    found = (_in_file(path, name) for path in sorted(settings.key_dir.glob(f"{name}.*.key")))
    return [key for key in found if key is not None]


def is_retired(settings: Settings, name: KeyName, fingerprint: str) -> bool:
    """Whether the key of this fingerprint was rotated, so that another may take its place."""
    files = _former_files(settings, name, fingerprint)
    return any(path.is_file() for path in files)


def is_rotated(settings: Settings, name: KeyName, fingerprint: str) -> bool:
    """Whether another key than the one of this fingerprint is, or is to be, in use by now."""
    if not is_retired(settings, name, fingerprint):
        return False
    try:
        key = find_key(settings, name)
    except KeyFileError:
        return True  # Whoever needs it will tell.
    return key is None or key.fingerprint != fingerprint


def retire_key(settings: Settings, name: KeyName, fingerprint: str, forget: bool = False) -> None:
    """Note that another key may take the place of the one of this fingerprint.

    Where it is the key in the file, it is moved beside it under its fingerprint. Where it is to be
    forgotten it is removed, also from there, and nothing that bears it can be looked up any more.

    Raises:
        KeyFileError: as `find_key`.
        OSError: when the folder cannot be written.
    """
    kept, note = _former_files(settings, name, fingerprint)
    path = key_file(settings, name)
    key = _in_file(path, name)
    if key is None or key.fingerprint != fingerprint or forget:
        settings.key_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.touch(mode=0o600)
    if key is not None and key.fingerprint == fingerprint:
        if forget:
            path.unlink()
        else:
            os.replace(path, kept)
    if forget:
        kept.unlink(missing_ok=True)
    sync(settings.key_dir)


def _former_files(settings: Settings, name: KeyName, fingerprint: str) -> tuple[Path, Path]:
    """Where a key that was rotated stands, and what notes that one is not kept."""
    folder = settings.key_dir
    return folder / f"{name}.{fingerprint}.key", folder / f"{name}.{fingerprint}.retired"


def _variable(name: KeyName) -> str:
    return f"PORTRAIT_KEYS__{name.upper()}"


def _in_file(path: Path, name: KeyName) -> Key | None:
    if not path.is_file():
        if os.path.lexists(path):
            raise KeyFileError(
                f"{path} is no file that holds a key; move it away, and restore the key from where "
                "your secrets are kept."
            )
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(
            f"{path} can be read by others than its owner; run `chmod 600 {path}`, and have the "
            "key rotated if it may have been read."
        )
    return _parsed(name, path.read_text("utf-8", errors="replace"), str(path))


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
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{key.secret.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()  # Half a key would be refused ever after.
        raise
    sync(path.parent)
    return key


def _parsed(name: KeyName, text: str, place: str) -> Key:
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
