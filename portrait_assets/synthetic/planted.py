"""What is planted in the world that all customers of a bank share, and the truth about it."""

from __future__ import annotations

from portrait_assets.synthetic.chunk import World
from portrait_assets.synthetic.common.writing import Piece
from portrait_assets.synthetic.economy.competitors import make_offers, offers_table
from portrait_assets.synthetic.economy.events import events_table
from portrait_assets.synthetic.service.journeys import breakpoints_table


def planted(world: World) -> list[Piece]:
    """Competitors' rates, for the end of the market, and the truth of events and breakpoints."""
    offers = make_offers(world.market, world.happenings, world.seed)
    return [
        Piece("market.parquet", offers_table(offers, world.market)),
        Piece("truth/events.parquet", events_table(world.happenings, world.calendar)),
        Piece("truth/breakpoints.parquet", breakpoints_table(world.journeys, world.calendar)),
    ]
