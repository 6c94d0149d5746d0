"""Whether groups of customers are offered products as often as others.

A product is offered to a customer who has it among `offers.next_product` for an affinity; those who
refuse profiling, who are all offered alike, are not counted. Equal opportunity is among those who
then took it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.months import next_month
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.declared.expressions import GIVES_BACK
from portrait_assets.stages.offers.affinity.contract import AHEAD
from portrait_assets.stages.offers.affinity.purchases import of_window
from portrait_assets.stages.offers.next_product.contract import GENERIC, NEXT_PRODUCT, PERSONAL
from portrait_assets.stages.validation.contract import FAIRNESS
from portrait_assets.stages.validation.fairness.picked import Groups, Picked, fairness_of_picked
from portrait_assets.stages.validation.fairness.tags import groups_known
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Scope, Step, read, window

OFFER = NEXT_PRODUCT.name
"""What stands in the place of a tag's code."""
ANY = "(any product)"
TAKEN = "product taken"
"""The outcome: within three months of the offer."""
MOST_COMPARED = 20
"""Products that are compared one by one, those offered to most customers."""
_HELD = of_window(CLEANED["balances"], AHEAD + 1, "held_4m")
_PAID = of_window(CLEANED["transactions"], AHEAD, "paid_3m")
TAKINGS = Step(
    "takings",
    (_HELD, _PAID),
    f"""
    SELECT customer_id, product_id FROM held_4m WHERE product_id IS NOT NULL
    GROUP BY customer_id, product_id HAVING max(ago) < {AHEAD}
    UNION
    SELECT customer_id, product_id FROM paid_3m
    WHERE NOT ({GIVES_BACK}) AND product_id NOT IN
        (SELECT product_id FROM held_4m WHERE product_id IS NOT NULL)
    """,
)
"""What each customer bought in three months, or holds since and did not in the month before them.

A transaction with a product that is held is made with it, and is no purchase of it.
"""
READ = (
    read(NEXT_PRODUCT, THE_MONTH),
    read(NEXT_PRODUCT, window(1, ago=AHEAD)),
    read(CLEANED["balances"], window(AHEAD + 1)),
    read(CLEANED["transactions"], window(AHEAD)),
)
"""What is read of offers and of what was taken."""


def offer_fairness(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of what is offered next, judged as one family.

    Selection rates are of the month's own offers; true positive rates are of those of three months
    before, by what was taken since. Nothing later than the month is read.

    Args:
        warehouse: with the offers of the month.
        month: the month.
    """
    if not groups_known(warehouse, month):
        return FAIRNESS.empty()
    groups = Groups(warehouse)
    picked = list(_picked(groups, _offers(warehouse, month), month))
    before = next_month(month, -AHEAD)
    offers = _offers(warehouse, before)
    if not offers.is_empty():
        takings = Engine(warehouse.con).frame(TAKINGS, Scope(month))
        picked += _picked(groups, offers, before, takings)
    return fairness_of_picked(picked, month)


def _offers(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """Customers whose offers rest on their affinities, and what they are offered if anything."""
    if not warehouse.materialized(NEXT_PRODUCT).get(month):
        return NEXT_PRODUCT.empty().select("customer_id", "product_id")
    rows = warehouse.scan(NEXT_PRODUCT, [month]).filter(pl.col("basis") != GENERIC)
    is_offered = pl.col("basis") == PERSONAL
    product = pl.when(is_offered).then(pl.col("product_id")).alias("product_id")
    return rows.select("customer_id", product).collect()


def _picked(
    groups: Groups, offers: pl.DataFrame, month: str, takings: pl.DataFrame | None = None
) -> Iterator[Picked]:
    """By product who is offered it, and whether anything is; of those who took it where given."""
    customers = offers.select(pl.col("customer_id").unique().sort())
    outcome = None if takings is None else TAKEN
    for value in (ANY, *_most_offered(offers)) if offers.height else ():
        own = offers.drop_nulls("product_id")
        of = takings
        if value != ANY:
            own = own.filter(pl.col("product_id") == value)
            of = takings.filter(pl.col("product_id") == value) if takings is not None else None
        who = customers if of is None else customers.join(of, on="customer_id", how="semi")
        selected = pl.col("customer_id").is_in(own["customer_id"].unique().implode())
        counts = groups.counted(month, who.with_columns(selected=selected))
        yield Picked(OFFER, value, month, counts, outcome)


def _most_offered(offers: pl.DataFrame) -> Sequence[str]:
    """The products that are compared, those offered to most customers first."""
    counts = offers.drop_nulls("product_id").group_by("product_id").len()
    shown = counts.filter(pl.col("len") >= SMALLEST_CELL)
    return shown.sort("len", "product_id", descending=[True, False])["product_id"].to_list()[
        :MOST_COMPARED
    ]
