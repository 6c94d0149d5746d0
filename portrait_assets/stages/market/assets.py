"""Assets of the market stage."""

import dagster as dg

from portrait_assets.stages.market.changes.contract import DEMAND_CHANGE, TAKINGS_CHANGE
from portrait_assets.stages.market.changes.reach import reach_step
from portrait_assets.stages.market.changes.takings import takings_step
from portrait_assets.stages.market.competitors.comparing import COMPARED
from portrait_assets.stages.market.competitors.contract import COMPETITOR, LAUNCH
from portrait_assets.stages.market.competitors.launches import launch_step
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH, SEASON, TREND
from portrait_assets.stages.market.demand.items import ITEM_MONTH as ITEMS
from portrait_assets.stages.market.demand.listing import demand_steps
from portrait_assets.stages.market.design import bundling, needs, prices
from portrait_assets.stages.market.design.contract import BUNDLE, PRICE_POINT, SEGMENT_NEED
from portrait_assets.stages.market.shown import shown_step
from portrait_assets.storage.dagster.steps_asset import steps_asset
from portrait_assets.storage.steps import Step

TABLES = (
    *(ITEM_MONTH, DEMAND, SEASON, TREND),
    *(TAKINGS_CHANGE, DEMAND_CHANGE),
    *(COMPETITOR, LAUNCH),
    *(SEGMENT_NEED, PRICE_POINT, BUNDLE),
)


def market_steps(smallest: int) -> tuple[Step, ...]:
    """The steps of the stage, in the order of writing.

    Args:
        smallest: fewest customers of what is published by itself.
    """
    return (
        ITEMS,
        *demand_steps(smallest),
        takings_step(smallest),
        reach_step(smallest),
        COMPARED,
        launch_step(smallest),
        shown_step(SEGMENT_NEED, (needs.COUNTS, needs.OFFERED), needs.need_rows, smallest),
        shown_step(PRICE_POINT, (prices.BANDS,), prices.price_rows, smallest),
        shown_step(BUNDLE, (bundling.NUMBERED, bundling.ITEM), bundling.bundle_rows, smallest),
    )


def market_assets(
    partitions: dg.PartitionsDefinition[str], smallest: int
) -> list[dg.AssetsDefinition]:
    """The step that writes the tables of the stage.

    Args:
        partitions: the source's months.
        smallest: fewest customers of what is published by itself.
    """
    return [steps_asset("market", market_steps(smallest), partitions, together=True)]
