"""Assets of the offers room."""

from collections.abc import Sequence

import dagster as dg

from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.next_product.choosing import next_product
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.storage.dagster.steps_asset import steps_asset
from portrait_assets.storage.steps import THE_MONTH, Grain, Source, Step, read

NO_AFFINITY = Step(
    "product_affinity",
    (read(FEATURE_MATRIX, THE_MONTH),),
    "SELECT customer_id, NULL::VARCHAR AS item_kind, NULL::VARCHAR AS item, "
    "NULL::DOUBLE AS probability FROM feature_matrix WHERE false",
    grain=Grain.ALL,
)
"""What stands for affinities where there are none."""
TABLES = (PRODUCT_RULE, NEXT_PRODUCT)


def offers_assets(
    partitions: dg.PartitionsDefinition[str], smallest: int, affinity: Source = NO_AFFINITY
) -> Sequence[dg.AssetsDefinition]:
    """The steps that count whom products suit, and choose what to offer next.

    Args:
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
        affinity: what customers probably take, as `offers.product_affinity`.
    """
    steps = [product_rule(smallest), next_product(affinity, smallest)]
    return [steps_asset("offers", steps, partitions)]
