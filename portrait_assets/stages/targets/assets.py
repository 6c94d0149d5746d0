"""Assets of the targets stage."""

import dagster as dg

from portrait_assets.stages.targets.adding import target_steps
from portrait_assets.stages.targets.contract import (
    BALANCE_TARGET,
    CAMPAIGN_TARGET,
    PRODUCT_TARGET,
    SOURCE_OUTCOME,
    TARGET,
)
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.dagster.steps_asset import steps_asset

TABLES = (TARGET, SOURCE_OUTCOME, BALANCE_TARGET, CAMPAIGN_TARGET, PRODUCT_TARGET)


def targets_assets(
    targets: Targets, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The steps that add up what was done in the windows that a month closes."""
    return [steps_asset("target", target_steps(targets), partitions)]
