"""Small worlds for whole runs: a shop whose source is four files, and its warehouse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import dagster as dg

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs

SHOP_MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def shop(folder: Path) -> Settings:
    """A copy of the corner shop's source in a data folder of its own."""
    shutil.copytree(PACKAGED_SOURCES / "corner_shop", folder / "sources" / "corner_shop")
    return Settings(data_dir=folder, source="corner_shop", lock_wait_seconds=0.5)


def short_shop(folder: Path) -> Settings:
    """The corner shop cut to its first two months, for tests that run it often."""
    settings = shop(folder)
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text().replace(SHOP_MONTHS[-1], SHOP_MONTHS[1]))
    header, *lines = sales_file(settings).read_text().splitlines(keepends=True)
    kept = [line for line in lines if line[:7] in SHOP_MONTHS[:2]]
    sales_file(settings).write_text("".join([header, *kept]))
    return settings


def sales_file(settings: Settings) -> Path:
    """The shop's one data file."""
    return settings.source_dir / "sales.csv"


def sales_versions(settings: Settings) -> dict[str, bytes]:
    """Two versions of the shop's file that differ in every month, by name."""
    whole = sales_file(settings).read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if number == 0 or number % 3]
    return {"whole": whole, "thinned": b"".join(kept)}


def put_sales(settings: Settings, version: bytes) -> None:
    """Replace the shop's file by this version."""
    sales_file(settings).write_bytes(version)


def run(
    settings: Settings,
    months: Sequence[str] = SHOP_MONTHS,
    instance: dg.DagsterInstance | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the whole job for these months; never raises."""
    with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as used:
        return (
            build_defs(settings)
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=used, tags=range_tags(months), run_config=QUIET, raise_on_error=False
            )
        )


def run_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    """The record of a run, which must be there."""
    found = instance.get_run_by_id(run_id)
    assert found is not None
    return found


def clean_environment() -> dict[str, str]:
    """The environment for a process of its own, without this one's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTRAIT_")}
