"""Assets of the targets stage."""

import dagster as dg

from portrait_assets.stages.targets.windows import STEPS
from portrait_assets.storage.dagster.steps_asset import steps_asset

TABLES = tuple(step.writes for step in STEPS if step.writes is not None)


def targets_assets(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """The steps that add up what was done in the windows that a month closes."""
    return [steps_asset("target", STEPS, partitions)]
