"""A newer version opens the warehouses of older ones, each kept as its version left it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from portrait_assets.app.doctor import examine
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.migrations import current_format
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.published import columns_of, contents
from portrait_assets.testing.worlds.shop import run
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait

ARCHIVES = sorted(Path(__file__).parent.glob("format-*.zip"))
ENDS = pytest.mark.parametrize("archive", [ARCHIVES[0], ARCHIVES[-1]], ids=lambda path: path.stem)
"""The oldest goes through every migration, and the newest through the last alone."""
EVERY = [ARCHIVES[0], *(pytest.param(p, marks=pytest.mark.slow) for p in ARCHIVES[1:-1])]
EVERY.append(ARCHIVES[-1])


@pytest.fixture(params=EVERY, ids=lambda path: path.stem)
def archive(request: pytest.FixtureRequest) -> Path:
    """What the version of one format left."""
    path: Path = request.param
    return path


@pytest.fixture
def old(archive: Path, tmp_path: Path) -> Settings:
    """The shop of two months as the version of that format left it."""
    with zipfile.ZipFile(archive) as kept:
        kept.extractall(tmp_path)
    return Settings(data_dir=tmp_path, source="corner_shop", lock_wait_seconds=0.5)


ADDED_OR_REWORDED = {
    "baseline_share",  # of a segment of `clusters.cluster_model`, since format 4
    "PSI of the mix since the fit",  # in `validation.validation_report`, before format 4
    "PSI of the mix since segments were chosen",
    "tables failed",  # in the same: it says how many tables there are
    "exchange_rates",  # a canonical table since format 6
    *("assignments", "consents", "requests", "prospects"),  # since format 7
}
"""Words of rows that only one of the versions has, or has otherwise."""


@pytest.fixture
def tables(old: Settings) -> list[Table]:
    """The contracts of this version."""
    return context_of(old).tables


FORMER_TAGS = {
    "coupon_response",  # campaign_response since the tags come in packs
    "shopping_times",  # purchase_times
    *("category_theme", "baby_club"),  # of one source
    "digital_migration",  # of banks
}
"""Tags that the shop no longer has; those of the pack `bank` had no value here."""
WIDENED_CLEANED = ("cleaned.customers", "cleaned.golden_record")
WIDENED = (
    "raw.receipts",
    *("features.feature_matrix", "features.feature_catalogue"),
    *("tags.portrait_matrix", "tags.tag_catalogue"),
    *WIDENED_CLEANED,
)
"""Tables with more columns from version to version."""


def public_contents(
    path: Path, tables: list[Table], columns: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[tuple[object, ...]]]:
    """The tables that analysts read; the tables behind a view may differ by version.

    Of tables that `columns` names these columns count, and of the tag table tags there still are.
    Numbers are rounded: versions that sum in another order differ in what is zero but for that.
    """
    names = {table.full_name for table in tables if table.published}
    return {
        name: [
            tuple(round(v, 9) if isinstance(v, float) else v for v in row)
            for row in rows
            if not (ADDED_OR_REWORDED | (FORMER_TAGS if name == "tags.tag_table" else set()))
            & {v for v in row if isinstance(v, str)}
        ]
        for name, rows in contents(path, columns).items()
        if name in names
    }


def test_an_older_warehouse_is_migrated_without_a_change_to_what_analysts_read(
    old: Settings, tables: list[Table]
):
    columns = columns_of(old.warehouse_file, *WIDENED)
    before = public_contents(old.warehouse_file, tables, columns)

    warehouse = Warehouse(old.warehouse_file, "corner_shop", "run-2", contracts=tables)

    assert warehouse.con.execute("FROM meta.source").fetchall() == [
        ("corner_shop", current_format())
    ]
    warehouse.close()
    assert "tags.tag_table" in before
    assert public_contents(old.warehouse_file, tables, columns) == before


@ENDS
@pytest.mark.slow
def test_a_migrated_warehouse_is_well_after_one_month_was_run_again(
    old: Settings, tables: list[Table]
):
    columns = columns_of(old.portrait_file, "raw.receipts", *WIDENED_CLEANED)
    before = public_contents(old.portrait_file, tables, columns)
    definition = old.source_dir / "source.yaml"
    definition.write_text(f"{definition.read_text()}\npublic: true\n")
    assert run(old, ["2024-02"]).success
    # All that is left to say of the other month is that an older version wrote it, without tables
    # that are newer.
    left = [str(each) for each in examine(old) if "version have changed" not in each.what]
    lacking = re.compile(r"2024-01: \S+ was not materialized; run `.* run --months 2024-01\b.*`\.")
    assert [each for each in left if not lacking.fullmatch(each)] == []
    after = public_contents(old.portrait_file, tables, columns)
    # Since format 5 there are other features and tags, and what is computed from them differs.
    newer = ("features.feature_", "features.source_evidence", "clusters.", "tags.", "validation.")
    same = {name for name in before if not name.startswith((*newer, "portrait"))}
    assert {"cleaned.rejects", "cleaned.customers"} <= same
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


@ENDS
@pytest.mark.slow
def test_what_only_reads_leaves_an_older_warehouse_as_it_is(old: Settings, archive: Path):
    before = old.warehouse_file.read_bytes()
    fails_in_a_sentence(portrait("doctor", data=old.data_dir), "migrate it with `.* run")
    status = portrait("status", data=old.data_dir)
    if archive.stem == "format-2":
        fails_in_a_sentence(status, "published by another version")
    else:
        assert "months materialized: 2 of 2" in status.stdout
    assert old.warehouse_file.read_bytes() == before


@ENDS
@pytest.mark.slow
def test_what_an_older_version_published_is_published_again(
    old: Settings, archive: Path, tables: list[Table]
):
    if archive.stem == "format-2":
        lacking = "lacks tags.tag_details of this version; run `"
    else:
        lacking = "does not hold what was materialized last of 2024-01 to 2024-02"
    Warehouse(old.warehouse_file, "corner_shop", "run-2", contracts=tables).close()
    found = "\n".join(map(str, examine(old)))
    assert f"portrait.duckdb: {lacking}" in found
