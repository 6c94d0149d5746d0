"""A month that does not fit into memory is typed in parts, and nothing becomes another."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.schema.describe import asset_key
from portrait_assets.stages.cleaned import assets as cleaned
from portrait_assets.stages.identity import assets as identity
from portrait_assets.stages.raw import assets as raw
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import QUIET, SHOP_MONTHS, sales_file, short_shop


def typed(folder: Path, bounds: Bounds) -> dict[str, list[tuple[object, ...]]]:
    """The raw and cleaned tables of a shop some of whose rows are repeated, also far apart."""
    folder.mkdir()
    settings = short_shop(folder).model_copy(update={"bounds": bounds})
    lines = sales_file(settings).read_text().splitlines(keepends=True)
    sales_file(settings).write_text("".join([*lines, lines[1], lines[-1], lines[1]]))
    materialize(settings)
    return contents(settings.warehouse_file)


def materialize(settings: Settings) -> None:
    tables = {asset_key(table) for table in (*raw.TABLES, *identity.TABLES, *cleaned.TABLES)}
    job = build_defs(settings).resolve_job_def(JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.get_subset(
            asset_selection=tables, asset_check_selection=set()
        ).execute_in_process(instance=instance, tags=range_tags(SHOP_MONTHS[:2]), run_config=QUIET)
    assert result.success


@pytest.mark.slow
def test_months_typed_in_parts_give_the_same_tables(tmp_path: Path) -> None:
    at_once = typed(tmp_path / "at_once", Bounds())
    in_parts = typed(tmp_path / "in_parts", Bounds(typed_values=48, record_customers=1))
    assert in_parts == at_once
    assert len(at_once["cleaned.golden_record"]) > 1
    merged = [row for row in at_once["cleaned.rejects"] if "exact duplicate" in row]
    assert len(merged) == 3
