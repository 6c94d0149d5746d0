"""Pseudonyms and their key: which key a file is made with, and when none is."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

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
)
from portrait_assets.privacy.pseudonyms import (
    PseudonymError,
    identifiers_of,
    is_pseudonym,
    key_of,
    key_of_publication,
    personal,
    pseudonym,
    pseudonyms,
    rotate,
    under,
)

NAME = KeyName.PSEUDONYMS
KEY = Key(NAME, bytes(range(32)))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, source="bank")


def test_a_pseudonym_is_the_hmac_of_the_identifier():
    by_hmac = hmac.new(bytes(range(32)), "客户1".encode(), hashlib.sha256).hexdigest()
    assert pseudonym(KEY, "客户1") == f"p{by_hmac[:32]}"
    assert is_pseudonym(pseudonym(KEY, "客户1"))
    assert not is_pseudonym("C0000001")


def test_those_of_a_series_are_the_same_and_no_two_alike():
    ids = pl.Series("customer_id", ["C1", None, "C2", "客户1", "C1"])
    found = pseudonyms(KEY, ids)
    assert found.to_list() == [None if each is None else pseudonym(KEY, each) for each in ids]
    assert found.dtype == pl.String
    assert pseudonyms(KEY, pl.Series([f"{n}" for n in range(1000)])).n_unique() == 1000
    assert pseudonym(Key(NAME, b"x" * 32), "C1") != pseudonym(KEY, "C1")


def test_what_replaces_identifiers_shows_the_key_nowhere():
    shown = repr(under(KEY)) + str(under(KEY)) + repr(KEY)
    assert KEY.secret.hex() not in shown
    assert str(KEY.secret) not in shown
    assert KEY.fingerprint in shown


def test_whose_a_pseudonym_is_only_the_key_tells():
    known = pl.Series(["C1", "C2", "C3"])
    wanted = pseudonyms(KEY, pl.Series(["C3", "C1", "C9"]))
    assert dict(identifiers_of(KEY, known, wanted).iter_rows()) == {
        pseudonym(KEY, "C1"): "C1",
        pseudonym(KEY, "C3"): "C3",
    }
    assert identifiers_of(Key(NAME, b"x" * 32), known, wanted).is_empty()


@pytest.mark.parametrize(
    "identifier",
    [
        "13800138000",
        "138 0013 8000",
        "+86 13800138000",
        "010-12345678",
        "+442071838750",
        "11010519491231002X",
        "ann@example.com",
        "6222 0212 3456 7894",
    ],
)
def test_forms_of_personal_data_are_found_among_identifiers(identifier: str):
    assert personal(pl.Series(["C1", identifier, None])) == 1


def test_running_numbers_and_codes_are_no_personal_data():
    ids = [str(number) for number in range(0, 100_000, 7)]
    assert (
        personal(pl.Series([*ids, "K001", "C0000001", "2024010100001", "10000000146", "客户"])) == 0
    )


# -- which key -----------------------------------------------------------------------------


def test_the_first_publication_makes_the_key_and_later_ones_find_it(settings: Settings):
    key, is_new = key_of_publication(settings, None)
    assert is_new
    assert stat.S_IMODE(key_file(settings, NAME).stat().st_mode) == 0o600
    assert key_of_publication(settings, key.fingerprint) == (key, False)
    assert key_of_publication(settings, None) == (key, False)


def test_a_file_whose_key_is_missing_is_not_replaced(settings: Settings):
    key, _ = key_of_publication(settings, None)
    key_file(settings, NAME).unlink()
    with pytest.raises(PseudonymError, match=rf"is missing from {key_file(settings, NAME)}; put"):
        key_of_publication(settings, key.fingerprint)
    assert find_key(settings, NAME) is None, "no other key is made in its place"


def test_a_file_of_another_key_is_not_replaced_unless_it_was_rotated(settings: Settings):
    key, _ = key_of_publication(settings, None)
    with pytest.raises(PseudonymError, match=r"is not the one in .*; put it back") as caught:
        key_of_publication(settings, "0123456789abcdef")
    assert key.secret.hex() not in str(caught.value)
    rotate(settings, "0123456789abcdef")
    other, is_new = key_of_publication(settings, "0123456789abcdef")
    assert other != key
    assert not is_new


def test_a_key_that_others_may_read_is_refused(settings: Settings):
    key, _ = key_of_publication(settings, None)
    key_file(settings, NAME).chmod(0o640)
    with pytest.raises(KeyFileError, match="can be read by others"):
        key_of_publication(settings, key.fingerprint)


def test_a_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PORTRAIT_KEYS__PSEUDONYMS", KEY.secret.hex())
    settings = Settings(data_dir=tmp_path, source="bank")
    assert key_of_publication(settings, None) == (KEY, False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PseudonymError, match=r"is not the one in PORTRAIT_KEYS__PSEUDONYMS"):
        key_of_publication(settings, "0123456789abcdef")


# -- rotation ------------------------------------------------------------------------------


def test_a_rotated_key_is_kept_beside_the_new_one(settings: Settings):
    old = make_key(settings, NAME)
    done = rotate(settings, old.fingerprint)
    new, is_new = key_of_publication(settings, old.fingerprint)
    assert (done.kept, is_new, new == old) == (True, False, False)
    assert find_former_keys(settings, NAME) == [old]
    assert key_of(settings, old.fingerprint) == old, "old files can still be looked up"
    assert key_of(settings, new.fingerprint) == new
    assert {stat.S_IMODE(p.stat().st_mode) for p in settings.key_dir.iterdir()} == {0o600}


def test_an_old_key_that_is_put_back_is_in_use_again(settings: Settings):
    old = make_key(settings, NAME)
    assert not is_rotated(settings, NAME, old.fingerprint)
    rotate(settings, old.fingerprint)
    assert is_rotated(settings, NAME, old.fingerprint)
    kept = settings.key_dir / f"{NAME}.{old.fingerprint}.key"
    kept.replace(key_file(settings, NAME))
    assert not is_rotated(settings, NAME, old.fingerprint)
    assert key_of_publication(settings, old.fingerprint) == (old, False)


def test_a_forgotten_key_is_gone_and_the_next_file_is_made_all_the_same(settings: Settings):
    old = make_key(settings, NAME)
    done = rotate(settings, old.fingerprint, forget=True)
    assert not done.kept
    kept = b"".join(path.read_bytes() for path in settings.key_dir.iterdir())
    assert old.secret.hex().encode() not in kept
    with pytest.raises(PseudonymError, match="no pseudonym can be looked up"):
        key_of(settings, old.fingerprint)
    assert key_of_publication(settings, old.fingerprint)[0] != old


def test_a_key_that_was_kept_is_forgotten_with_the_next(settings: Settings):
    """Two rotations before the next publication: the file still bears the first key."""
    published = make_key(settings, NAME)
    rotate(settings, published.fingerprint)
    rotate(settings, published.fingerprint, forget=True)
    assert find_former_keys(settings, NAME) == []
    with pytest.raises(PseudonymError, match="no pseudonym can be looked up"):
        key_of(settings, published.fingerprint)
    assert key_of_publication(settings, published.fingerprint)[0] == find_key(settings, NAME)


def test_a_rotation_that_was_cut_off_goes_on(settings: Settings):
    old = make_key(settings, NAME)
    rotate(settings, old.fingerprint)
    key_file(settings, NAME).unlink()  # As it was before the new key was written.
    key, is_new = key_of_publication(settings, old.fingerprint)
    assert is_new
    assert key != old


def test_a_key_that_is_lost_can_be_rotated_too(settings: Settings):
    lost = make_key(settings, NAME)
    key_file(settings, NAME).unlink()
    assert not rotate(settings, lost.fingerprint).kept
    assert key_of_publication(settings, lost.fingerprint)[0] == find_key(settings, NAME)


def test_without_a_key_there_is_nothing_to_rotate(settings: Settings):
    with pytest.raises(PseudonymError, match="no key of pseudonyms yet"):
        rotate(settings, None)


def test_a_key_in_the_environment_is_rotated_there(settings: Settings):
    same = settings.model_copy(update={"keys": {NAME: SecretStr(KEY.secret.hex())}})
    with pytest.raises(PseudonymError, match="PORTRAIT_KEYS__PSEUDONYMS, which only you can"):
        rotate(same, KEY.fingerprint)
    with pytest.raises(PseudonymError, match="which only you can"):
        rotate(same, None)  # Nothing is published that another key could be compared with.
    assert not key_file(settings, NAME).parent.exists()
    other = settings.model_copy(update={"keys": {NAME: SecretStr("ab" * 32)}})
    rotate(other, KEY.fingerprint)
    assert key_of_publication(other, KEY.fingerprint)[0].secret.hex() == "ab" * 32
    assert not key_file(settings, NAME).exists()
