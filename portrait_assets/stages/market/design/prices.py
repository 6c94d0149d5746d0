"""At which prices each segment buys, and at which something is on offer."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.schema.table import MONEY_SCALE, Type
from portrait_assets.stages.features.contract import PRODUCT_MONTH
from portrait_assets.stages.market.columns import DIGITS, EVERYONE, HOLDINGS, PURCHASES
from portrait_assets.stages.market.facts import BOUGHT, HOLDING, NUMBERED_MEMBER, of_members
from portrait_assets.stages.market.shown import shown
from portrait_assets.storage.steps import THE_MONTH, Grain, Step, read

LEAST_LINES = 100
"""Lines, or accounts, of a category that bands of its prices are made from at least."""
EDGES = (0.2, 0.4, 0.6, 0.8)
"""Shares of the lines up to the highest price of each band but the last."""
_KEYS = ["segment_id", "measure", "item", "band"]

PRICED = Step(
    "priced",
    (BOUGHT, HOLDING, NUMBERED_MEMBER),
    f"""
    SELECT customer, segment_id, '{PURCHASES}' AS measure, category AS item,
        CAST(CASE WHEN quantity > 0 THEN amount / quantity ELSE amount END AS {Type.MONEY}) AS price
    {of_members(BOUGHT, NUMBERED_MEMBER)}
    WHERE NOT gives_back AND amount > 0 AND category IS NOT NULL
    UNION ALL
    SELECT customer, segment_id, '{HOLDINGS}' AS measure, category AS item, amount AS price
    {of_members(HOLDING, NUMBERED_MEMBER)} WHERE amount > 0 AND category IS NOT NULL
    """,
)
"""The unit price of each line, or its amount without a quantity; the balance of what is held."""

OFFER_PRICE = Step(
    "offer_price",
    (read(PRODUCT_MONTH, THE_MONTH, "sold"),),
    f"SELECT category AS item, CAST(amount / quantity AS {Type.MONEY}) AS price FROM sold "
    "WHERE category IS NOT NULL",
    grain=Grain.ALL,
)
"""The unit price of each product in the month."""

_QUANTILES = f"quantile_disc(price, [{', '.join(map(str, EDGES))}])"
_UNIT = f"power(10, floor(log10(greatest(e, {10**-MONEY_SCALE}))) - 1)"
_ROUNDED = f"lambda e: CAST(ceil(round(e / {_UNIT}, 6)) * {_UNIT} AS {Type.MONEY})"
EDGE = Step(
    "edge",
    (PRICED,),
    f"""
    SELECT measure, item, row_number() OVER (ORDER BY measure, item)::INTEGER AS place,
        list_sort(list_distinct(list_transform({_QUANTILES}, {_ROUNDED}))) AS edges
    FROM priced GROUP BY measure, item
    -- What costs less than the last digit of money a piece has no unit price.
    HAVING count(*) >= {LEAST_LINES} AND quantile_disc(price, 0.5) > 0
    """,
    grain=Grain.ALL,
)
"""The highest price of each band but the last, by category: two digits of it, rounded up.

So it is no price that a single customer paid. Categories are numbered, as numbers are grouped by in
a third of the time of texts.
"""
PAID = Step(
    "paid",
    (PRICED, EDGE),
    "SELECT customer, segment_id, place, price FROM priced JOIN edge USING (measure, item)",
    in_table=True,
)
"""The prices of categories that have bands."""

_BAND = "1 + len(list_filter(edges, lambda e: e < price)) AS band"
PRICE_BAND = Step(
    "price_band",
    (PAID, EDGE),
    f"""
    SELECT place, price, band, 1 = row_number() OVER (
            PARTITION BY place, band ORDER BY lines DESC, price
        ) AS is_usual
    FROM (
        SELECT place, price, lines, {_BAND}
        FROM (SELECT place, price, count(*) AS lines FROM paid GROUP BY ALL)
            JOIN edge USING (place)
    )
    """,
    in_table=True,
)
"""The band of each price, and whether it is the one that is paid most often in it."""
BANDED = Step(
    "banded",
    (PAID, PRICE_BAND),
    "SELECT segment_id, customer, place, band, count(*) AS lines, bool_or(is_usual) AS pays_usual "
    "FROM paid JOIN price_band USING (place, price) GROUP BY ALL",
    in_table=True,
)
"""The lines of each customer by category and band."""
USUAL = Step(
    "usual",
    (BANDED, PRICE_BAND),
    """
    SELECT place, band, price AS usual_price, paid_by
    FROM (FROM price_band WHERE is_usual) JOIN (
        SELECT place, band, count(*) FILTER (pays_usual) AS paid_by FROM banded GROUP BY ALL
    ) USING (place, band)
    """,
)
"""The usual price of each band, and by how many it is paid."""
BANDS = Step(
    "band_count",
    (BANDED, USUAL, EDGE, OFFER_PRICE),
    f"""
    SELECT c.segment_id, e.measure, e.item, c.band, c.customers, c.lines, b.buyers, u.usual_price,
        u.paid_by, edges[c.band - 1] AS price_above, edges[c.band] AS price_to,
        CASE WHEN e.measure = '{PURCHASES}' AND EXISTS (FROM offer_price)
            THEN coalesce(o.offered, 0) END AS offered
    FROM (
        SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, place, band,
            count(*) AS customers, sum(lines)::BIGINT AS lines
        FROM banded GROUP BY GROUPING SETS ((segment_id, place, band), (place, band))
    ) AS c JOIN (
        SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, place, count(*) AS buyers
        FROM (SELECT DISTINCT segment_id, customer, place FROM banded)
        GROUP BY GROUPING SETS ((segment_id, place), (place))
    ) AS b USING (segment_id, place)
        JOIN edge AS e USING (place)
        JOIN usual AS u USING (place, band)
        LEFT JOIN (
            SELECT place, {_BAND}, count(*) AS offered
            FROM offer_price JOIN edge USING (item) GROUP BY ALL
        ) AS o USING (place, band)
    """,
    grain=Grain.ALL,
)
"""Lines and customers by segment, category and band of prices; bands are those of all customers."""


def price_rows(counts: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.price_point` but for `as_of`.

    Shares are of lines; whether a segment differs is tested by customers, for one customer's lines
    resemble each other: those who bought in the band, of all who bought the category.

    Args:
        counts: as of BANDS.
        smallest: fewest customers of what is published by itself.
    """
    of_band, names = ["measure", "item", "band"], ("customers", "lines", "buyers")
    whole = counts.filter(pl.col("segment_id") == EVERYONE)
    rows = counts.join(
        whole.select(*of_band, *(pl.col(name).alias(f"all_{name}") for name in names)),
        on=of_band,
        how="left",
    ).sort(_KEYS)
    own, others = ("customers", "buyers"), ("all_customers", "all_buyers")
    inside = [rows[name].to_numpy() for name in own]
    outside = [(rows[o] - rows[n]).to_numpy() for n, o in zip(own, others, strict=True)]
    of_item = ["segment_id", "measure", "item"]
    other = pl.col("all_lines") - pl.col("lines")
    other_all = other.sum().over(of_item)
    offers = pl.col("offered").sum().over(of_item)
    finished = rows.with_columns(
        pl.Series("p_value", two_proportions(*inside, *outside)).fill_nan(None),
        (pl.col("lines") / pl.col("lines").sum().over(of_item)).round(DIGITS).alias("demand_share"),
        pl.when(other_all > 0).then((other / other_all).round(DIGITS)).alias("base_share"),
        pl.when(offers > 0).then((pl.col("offered") / offers).round(DIGITS)).alias("offer_share"),
        pl.when(pl.col("paid_by") >= smallest).then("usual_price").alias("usual_price"),
    ).with_columns(
        false_discovery_rate(pl.col("p_value")).alias("q_value"),
        (pl.col("demand_share") - pl.col("offer_share")).round(DIGITS).alias("gap"),
    )
    return shown(finished, ["customers"], smallest, ["measure", "item"], "band").sort(_KEYS)
