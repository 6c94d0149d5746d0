"""What is stored of small worlds changes only on purpose: it is compared with golden files.

The oracles of other tests show that values are right; this one that none changes unseen.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.golden.file import read, write
from portrait_assets.testing.golden.values import (
    BANK,
    COMMAND,
    PUBLISHED,
    STORED,
    bank_keys,
    differences,
    figures,
    published_keys,
    unpublished_keys,
)

KEYS = {"tags.held": ["customer_id"], "tags.quality": ["tag_code"]}
WORLD = """
CREATE SCHEMA tags;
CREATE TABLE tags.held (customer_id TEXT, spend DOUBLE, tier TEXT, run_id TEXT);
INSERT INTO tags.held VALUES ('A', 10, 'low', 'r1'), ('B', 250, 'high', 'r1'), ('C', NULL, 'low', 'r1');
CREATE TABLE tags.quality (tag_code TEXT, lift DOUBLE, verdict TEXT);
INSERT INTO tags.quality VALUES ('tier', 1.8, 'pass'), ('age', 1.1, 'warn');
"""  # noqa: E501


def test_what_is_published_of_the_shop_is_as_in_the_golden_file(all_months: Settings):
    changed = differences(read(PUBLISHED), figures(all_months.portrait_file, published_keys()))
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


@pytest.mark.slow
def test_what_is_stored_of_a_bank_is_as_in_the_golden_file(bank_months: Settings):
    changed = differences(read(BANK), figures(bank_months.warehouse_file, bank_keys()))
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_what_is_stored_beside_it_is_as_in_the_golden_file(all_months: Settings):
    changed = differences(read(STORED), figures(all_months.warehouse_file, unpublished_keys()))
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a published file and its golden file."""
    folder = tmp_path_factory.mktemp("golden")
    file = folder / "published.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(WORLD)
    write(figures(file, KEYS), folder / "golden.json")
    return folder


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("UPDATE tags.held SET spend = 11 WHERE customer_id = 'A'", ["tags.held spend"]),
        ("UPDATE tags.held SET tier = 'mid' WHERE customer_id = 'A'", ["tags.held tier"]),
        ("UPDATE tags.held SET spend = 0 WHERE spend IS NULL", ["tags.held spend"]),
        (
            "UPDATE tags.held SET spend = 260 - spend WHERE spend IS NOT NULL",
            ["tags.held spend"],
        ),
        ("UPDATE tags.quality SET verdict = 'fail' WHERE tag_code = 'age'", ["tags.quality age"]),
        ("UPDATE tags.quality SET lift = -lift WHERE tag_code = 'tier'", ["tags.quality tier"]),
        ("DELETE FROM tags.quality WHERE tag_code = 'age'", ["tags.quality age"]),
        (
            "DELETE FROM tags.held",
            ["tags.held customer_id", "tags.held spend", "tags.held tier"],
        ),
        ("ALTER TABLE tags.held ADD COLUMN age INTEGER", []),
        ("INSERT INTO tags.quality VALUES ('reach', 1.0, 'pass')", []),
        ("UPDATE tags.held SET run_id = 'r2'", []),
        ("UPDATE tags.held SET spend = spend * 1.0000001", []),
    ],
)
def test_a_changed_value_is_named_and_what_is_new_is_none(
    world: Path, tmp_path: Path, change: str, names: list[str]
):
    changed = Path(shutil.copy(world / "published.duckdb", tmp_path))
    with duckdb.connect(str(changed)) as con:
        con.execute(change)
    found = differences(read(world / "golden.json"), figures(changed, KEYS))
    assert sorted(each.split(":")[0].removesuffix(" is gone") for each in found) == names
