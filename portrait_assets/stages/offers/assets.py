"""Assets of the offers stage."""

from collections.abc import Sequence

import dagster as dg

from portrait_assets.stages.offers.affinity.contract import PRODUCT_AFFINITY, SEGMENT_PRODUCT
from portrait_assets.stages.offers.affinity.listing import affinity_step
from portrait_assets.stages.offers.affinity.segments import segment_step
from portrait_assets.stages.offers.next_product.choosing import next_product
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT
from portrait_assets.stages.offers.sets.choosing import set_steps
from portrait_assets.stages.offers.sets.contract import PRODUCT_SET, SET_OFFER
from portrait_assets.stages.offers.sets.declared import ProductSet
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.storage.dagster.steps_asset import steps_asset
from portrait_assets.storage.steps import THE_MONTH, read

TABLES = (PRODUCT_AFFINITY, SEGMENT_PRODUCT, PRODUCT_RULE, NEXT_PRODUCT, PRODUCT_SET, SET_OFFER)


def offers_assets(
    sets: Sequence[ProductSet],
    catalogue: Catalogue,
    partitions: dg.PartitionsDefinition[str],
    smallest: int,
    smallest_stored: int,
) -> list[dg.AssetsDefinition]:
    """The steps that predict what is taken, count whom products suit, and choose what to offer.

    Args:
        sets: the product sets of the source.
        catalogue: of the source, whose tags audiences of sets read.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
        smallest_stored: the same of what an erasure does not count again.
    """
    affinity = read(PRODUCT_AFFINITY, THE_MONTH)
    steps = [
        product_rule(smallest),
        next_product(affinity, smallest),
        *set_steps(sets, portrait_matrix_table(catalogue), affinity, smallest_stored),
    ]
    # Apart, because affinities are computed from no record of a person.
    affinities = [affinity_step(smallest), segment_step(smallest)]
    return [
        steps_asset("product_affinity", affinities, partitions, together=True),
        steps_asset("offers", steps, partitions),
    ]
