"""Assets of the consent stage: what silence means, and what each customer allows."""

import dagster as dg

from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.consent.deciding import consent_steps
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.dagster.steps_asset import steps_asset

TABLES = (CONSENT_DEFAULT, CUSTOMER_CONSENT)


def consent_assets(
    source: Source, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The steps that decide what each customer allows as of each month."""
    steps = consent_steps(source.definition.consent_default)
    return [steps_asset("customer_consent", steps, partitions)]
