"""Assets of the features stage: monthly aggregates, then the matrix as of each month."""

import dagster as dg

from portrait_assets.stages.features import given, matrix, persons
from portrait_assets.stages.features.contract import FITTED
from portrait_assets.stages.features.described import catalogue, selection
from portrait_assets.stages.features.monthly import steps as monthly
from portrait_assets.storage.dagster.steps_asset import steps_asset

MATRIX = (
    persons.UNPROFILED,
    matrix.FEATURE_MATRIX,
    matrix.CAMPAIGN_RESPONSE,
    given.LISTED,
    selection.SELECTION,
    catalogue.CATALOGUE,
)
STEPS = (*monthly.STEPS, *MATRIX)
TABLES = (*(step.writes for step in STEPS if step.writes is not None), FITTED)


def features_assets(
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The steps that aggregate each month and that build the matrix from the aggregates."""
    return [
        steps_asset("customer_month", monthly.STEPS, partitions),
        steps_asset("feature_matrix", MATRIX, partitions, FITTED),
    ]
