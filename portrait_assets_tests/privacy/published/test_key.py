"""The key that a published file was made with: missing, rotated, readable, left out of backups."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.app.examined.published import key_of_pseudonyms
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import KeyName, find_key, key_file
from portrait_assets.privacy.pseudonyms import PseudonymError, pseudonym
from portrait_assets.storage.publishing.file import published_key
from portrait_assets_tests.faults.command import portrait_here
from portrait_assets_tests.privacy.published.world import naming, published

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def test_a_missing_key_leaves_the_old_file_as_it_is(own_shop: Settings):
    before = own_shop.portrait_file.read_bytes()
    key_file(own_shop, KeyName.PSEUDONYMS).unlink()
    with pytest.raises(PseudonymError, match="is missing from"):
        published(own_shop)
    assert own_shop.portrait_file.read_bytes() == before


def test_rotation_publishes_a_new_file_and_the_old_one_can_be_looked_up(own_shop: Settings):
    old = find_key(own_shop, KeyName.PSEUDONYMS)
    assert old is not None
    data = own_shop.data_dir
    done = portrait_here("pseudonyms", "rotate", "--yes", data=data)
    assert done.returncode == 0, done.stderr
    assert old.secret.hex() not in done.stdout
    new = find_key(own_shop, KeyName.PSEUDONYMS)
    assert new is not None
    published(own_shop)
    assert published_key(own_shop.portrait_file) == new.fingerprint
    assert naming(own_shop.portrait_file) == set()
    for key in (old, new):
        who = pseudonym(key, "13800000001")
        found = portrait_here("pseudonyms", "who", who, data=data)
        assert found.stdout == f"{who}  13800000001\n"
        assert (who.encode() in own_shop.portrait_file.read_bytes()) == (key is new)


def test_doctor_reports_a_key_that_the_next_publication_cannot_use(own_shop: Settings):
    fingerprint, file = (
        published_key(own_shop.portrait_file),
        key_file(own_shop, KeyName.PSEUDONYMS),
    )
    assert list(key_of_pseudonyms(own_shop, fingerprint)) == []
    file.chmod(0o644)
    (issue,) = key_of_pseudonyms(own_shop, fingerprint)
    assert "can be read by others" in str(issue)
    file.unlink()
    (issue,) = key_of_pseudonyms(own_shop, fingerprint)
    assert str(issue).startswith(f"key of pseudonyms: is not in {file}; put it back, or")
    assert list(key_of_pseudonyms(own_shop, None)) == [], "a file of identifiers needs no key"


def test_a_backup_names_both_keys_and_holds_neither(shop: Settings, tmp_path: Path):
    file = tmp_path / "shop.zip"
    ran = portrait_here("backup", "--out", str(file), data=shop.data_dir)
    assert ran.returncode == 0, ran.stderr
    for name in KeyName:
        assert f"Not in it: the key of {name}, {key_file(shop, name)}" in ran.stdout
    assert "keep it apart from the backup" in ran.stdout
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    assert key.secret.hex() not in ran.stdout
    shutil.unpack_archive(file, tmp_path / "unpacked")
    unpacked = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert unpacked
    assert not any(key.secret.hex().encode() in path.read_bytes() for path in unpacked)
