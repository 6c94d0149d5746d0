"""Secret keys: where they come from, and when they are refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import (
    Key,
    KeyFileError,
    KeyName,
    find_former_keys,
    find_key,
    is_rotated,
    key_file,
    make_key,
    retire_key,
)

NAME = KeyName.PSEUDONYMS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, source="shop")


def test_a_new_key_is_found_again_and_only_its_owner_reads_it(settings: Settings) -> None:
    key = make_key(settings, NAME)
    assert find_key(settings, NAME) == key
    assert len(key.secret) == 32
    path = key_file(settings, NAME)
    assert path == settings.data_dir / "keys" / "shop" / "pseudonyms.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_there_is_none_before_one_is_written(settings: Settings) -> None:
    assert find_key(settings, NAME) is None


def test_two_keys_differ_and_so_do_their_fingerprints(settings: Settings) -> None:
    one, other = make_key(settings, NAME), make_key(settings, KeyName.TOMBSTONES)
    assert one.secret != other.secret
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("secret", [b"", b"k" * 32, b"k" * 64, b"k" * 65])
def test_digests_of_many_texts_are_those_of_each(secret: bytes) -> None:
    key, texts = Key(NAME, secret), ["", "17", "王小明"]
    assert [*key.hex_digests(texts)] == [key.digest(each).hex() for each in texts]


def test_a_key_is_never_written_over(settings: Settings) -> None:
    key = make_key(settings, NAME)
    with pytest.raises(KeyFileError, match="is there already"):
        make_key(settings, NAME)
    assert find_key(settings, NAME) == key


def test_half_a_key_does_not_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            make_key(settings, NAME)
    assert list(settings.key_dir.iterdir()) == []
    assert make_key(settings, NAME) == find_key(settings, NAME)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(settings: Settings, mode: int) -> None:
    make_key(settings, NAME)
    key_file(settings, NAME).chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        find_key(settings, NAME)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_what_is_no_key_is_refused(settings: Settings, text: str) -> None:
    make_key(settings, NAME)
    key_file(settings, NAME).write_text(text)
    with pytest.raises(KeyFileError, match="holds no key of 64 hexadecimal digits"):
        find_key(settings, NAME)


@pytest.mark.parametrize("kind", ["folder", "link to nothing"])
def test_what_is_no_file_is_named_and_no_key_is_made(kind: str, settings: Settings) -> None:
    place = key_file(settings, KeyName.PSEUDONYMS)
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nothing")
    with pytest.raises(KeyFileError, match=rf"^{place} is no file that holds a key; move it away"):
        find_key(settings, KeyName.PSEUDONYMS)


def test_the_environment_comes_before_the_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(settings, NAME)
    monkeypatch.setenv("PORTRAIT_KEYS__PSEUDONYMS", "ab" * 32)
    given = find_key(Settings(data_dir=settings.data_dir, source="shop"), NAME)
    assert given is not None
    assert given.secret == b"\xab" * 32


def test_digest_is_hmac_sha_256() -> None:
    """Test case 2 of RFC 4231 has a key of four bytes."""
    digest = Key(NAME, b"Jefe").digest("what do ya want for nothing?").hex()
    assert digest == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_no_text_shows_the_secret(settings: Settings) -> None:
    key = make_key(settings, NAME)
    assert key.secret.hex() not in f"{key} {key!r} {key.fingerprint}"
    with_key = Settings(data_dir=settings.data_dir, keys={"pseudonyms": "ab" * 32})
    assert "abab" not in f"{with_key} {with_key!r}"


def test_a_key_is_rotated_once_another_is_in_its_place_or_none(settings: Settings) -> None:
    key = make_key(settings, NAME)
    assert not is_rotated(settings, NAME, key.fingerprint), "it was not retired"
    retire_key(settings, NAME, key.fingerprint)
    assert is_rotated(settings, NAME, key.fingerprint), "the next publication makes another"
    assert [each.fingerprint for each in find_former_keys(settings, NAME)] == [key.fingerprint]
    make_key(settings, NAME)
    assert is_rotated(settings, NAME, key.fingerprint)
    key_file(settings, NAME).write_text(key.secret.hex())
    assert not is_rotated(settings, NAME, key.fingerprint), "it was put back"
