"""A whole run of a shop whose customers are a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portrait_assets.privacy.keys import KeyName, find_key, key_file
from portrait_assets.storage.publishing.file import published_key
from portrait_assets.testing.worlds.shop import sales_file, short_shop
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait
from portrait_assets_tests.privacy.published.world import PHONES, naming, texts_in

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def readable(path: Path) -> bytes:
    """The bytes of a file, and of what is packed in it where it is a database."""
    found = path.read_bytes()
    if path.suffix == ".duckdb":
        found += "\n".join(text for _, texts in texts_in(path) for text in texts).encode()
    return found


def test_a_whole_run_leaves_identifiers_only_where_they_belong(tmp_path: Path):
    """In the source's own files and in the warehouse: in no report, record or log."""
    settings = short_shop(tmp_path)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("public: true\n", ""))
    sales = sales_file(settings)
    sales.write_text(re.sub(r"\bK(\d{3})\b", r"13800000\1", sales.read_text()))
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    place = key_file(settings, KeyName.PSEUDONYMS)
    assert f"A key of pseudonyms was made: {place}; keep a copy" in ran.stdout
    key = find_key(settings, KeyName.PSEUDONYMS)
    assert key is not None
    assert naming(settings.warehouse_file)
    belongs = {sales, settings.warehouse_file}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert settings.portrait_file in files
    assert settings.warehouse_dir / "report" / "index.html" in files
    assert {path for path in files if PHONES.search(readable(path))} == belongs
    secrets = (key.secret.hex().encode(), key.secret)
    assert {p for p in files if any(each in readable(p) for each in secrets)} == {place}
    assert not PHONES.search((ran.stdout + ran.stderr).encode())

    again = portrait("run", data=tmp_path)
    assert "pseudonyms was made" not in again.stdout
    place.unlink()
    before = settings.portrait_file.read_bytes()
    refused = portrait("run", "--months", "2024-02", data=tmp_path)
    fails_in_a_sentence(refused, "is missing from .*pseudonyms.key; put it back")
    assert settings.portrait_file.read_bytes() == before
    rotated = portrait("pseudonyms", "rotate", "--yes", data=tmp_path)
    assert rotated.returncode == 0, rotated.stderr
    anew = portrait("publish", data=tmp_path)
    assert anew.returncode == 0, anew.stderr + anew.stdout
    assert published_key(settings.portrait_file) not in (None, key.fingerprint)
