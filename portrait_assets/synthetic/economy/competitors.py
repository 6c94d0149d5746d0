"""What the synthetic bank and its competitors pay and charge, by class of products and month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical, codes, dates, repeated
from portrait_assets.synthetic.common.randomness import Draws, Floats
from portrait_assets.synthetic.economy.events import COMPETITORS, Happenings
from portrait_assets.synthetic.economy.market import Market

OFFERED = "offered_rate"
CLASSES = {"term_deposit": 0.0, "fund": 0.7, "consumer_loan": 3.6, "mortgage": 2.3}
"""Classes of products, and what their rates exceed that of deposits by, in points."""
OWN = 0


@dataclass(frozen=True)
class Offers:
    """Rates in per cent a year, shape (months, 1 + competitors, classes); the bank's own first."""

    rates: Floats


def make_offers(market: Market, happenings: Happenings, seed: int) -> Offers:
    """Competitors keep a distance of their own from the bank's rates, but for what happens."""
    months = np.arange(len(market.deposit_rate))
    own = market.deposit_rate[:, None] + np.array(list(CLASSES.values()))
    rates = [own]
    for position in range(len(COMPETITORS)):
        draws = Draws.of(seed, f"competitor {position}", months)
        distance = 0.12 * Draws.of(seed, "distance", np.array([position])).normal("distance")
        noise = np.stack([draws.normal(name) for name in CLASSES], axis=1)
        rates.append(own + distance + 0.04 * noise)
    deposits = list(CLASSES).index("term_deposit")
    for rise in happenings.rises:
        rates[1 + rise.competitor][rise.first : rise.last + 1, deposits] += rise.points
    return Offers(np.stack(rates, axis=1).round(2))


def offers_table(offers: Offers, market: Market) -> pa.Table:
    """Rows of the canonical `market`: the rate of each class, of competitor null for the bank's."""
    shape = offers.rates.shape
    month, company, product_class = (np.indices(shape)[axis].ravel() for axis in range(3))
    ends = market.calendar.starts[1:] - 1
    rows = len(month)
    return canonical(
        "market",
        {
            "indicator": repeated(OFFERED, rows).dictionary_decode(),
            "observed_on": dates(ends[month]),
            "value": pa.array(offers.rates.ravel()),
            "competitor": codes(
                company - 1, COMPETITORS, missing=company == OWN
            ).dictionary_decode(),
            "product_class": codes(product_class, list(CLASSES)).dictionary_decode(),
        },
        rows,
    )
