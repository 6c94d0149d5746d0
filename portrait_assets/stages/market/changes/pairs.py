"""Steps that set what customers bought and held in two months side by side.

Each segment is that of the earlier month's end, before anything changed: a segment of now would
have its change chosen by what changed. Who joined since has none.
"""

from __future__ import annotations

from portrait_assets.schema.table import Type
from portrait_assets.stages.market.columns import EVERYONE, HOLDINGS, LAGS, PURCHASES
from portrait_assets.stages.market.facts import (
    BOUGHT_ADDED_UP,
    HOLDING,
    MEMBER,
    bought_before_added_up,
    holding_before,
    member_before,
)
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Step, if_empty

_COLUMNS = {
    "amount": f"amount::{Type.MONEY}",
    "purchases": "lines::BIGINT",
    "quantity": "quantity",
    "without_quantity": "without_quantity",
}


def takings_pairs(comparison: str) -> Step:
    """Takings by group of customers and category in both months, as `before_*` and `now_*`.

    Rows that are a sum over all categories say so in `is_sum`.
    """
    lag = LAGS[comparison]
    members, before = member_before(lag), bought_before_added_up(lag)
    customer = Step(
        f"customer_{lag}",
        (MEMBER, members),
        "SELECT customer_id, m.segment_id "
        f"FROM member FULL JOIN {members.name} AS m USING (customer_id)",
    )
    line = Step(
        f"line_{lag}",
        (BOUGHT_ADDED_UP, MEMBER, before, members),
        f"SELECT *, true AS is_now FROM {BOUGHT_ADDED_UP.name} SEMI JOIN member USING (customer_id)"
        f" UNION ALL SELECT *, false AS is_now FROM {before.name} "
        f"SEMI JOIN {members.name} USING (customer_id)",
    )
    sides = (("before", "NOT is_now"), ("now", "is_now"))
    sums = ", ".join(
        f"coalesce(sum({sql}) FILTER ({when}), 0) AS {side}_{name}"
        for side, when in sides
        for name, sql in _COLUMNS.items()
    )
    counts = ", ".join(
        f"count(*) FILTER ({when} AND has) AS {side}_customers" for side, when in sides
    )
    sql = f"""
    SELECT {literal(comparison)} AS comparison,
        CASE WHEN grouping(segment_id) = 1 THEN {EVERYONE} ELSE segment_id END AS segment_id,
        is_sum, item, {sums}, {counts}
    FROM {line.name} JOIN {customer.name} USING (customer_id)
    GROUP BY GROUPING SETS ((segment_id, is_sum, item), (is_sum, item))
    """
    return Step(
        f"takings_pairs_{lag}",
        (line, customer, members),
        sql,
        grain=Grain.ALL,
        # Without an earlier month there is nothing to compare.
        simpler=if_empty(members, f"{sql} LIMIT 0"),
    )


def reach_pairs(comparison: str) -> Step:
    """Of the customers of the earlier month, by segment and item: who had it then, and now.

    `customers` are all of the segment; `kept` had it in both months, the others in one only.
    """
    lag = LAGS[comparison]
    members, bought, holding = member_before(lag), bought_before_added_up(lag), holding_before(lag)
    sides: list[tuple[str, bool, Step, str]] = [
        (PURCHASES, True, BOUGHT_ADDED_UP, "item AS item FROM {} WHERE has AND NOT is_sum AND"),
        (PURCHASES, False, bought, "item AS item FROM {} WHERE has AND NOT is_sum AND"),
        (HOLDINGS, True, HOLDING, "category AS item FROM {} WHERE"),
        (HOLDINGS, False, holding, "category AS item FROM {} WHERE"),
    ]
    had = Step(
        f"had_{lag}",
        (BOUGHT_ADDED_UP, HOLDING, bought, holding),
        " UNION ALL ".join(
            f"SELECT customer_id, {literal(measure)} AS measure, "
            f"{str(is_now).lower()} AS is_now, {rows.format(of.name)} item IS NOT NULL"
            for measure, is_now, of, rows in sides
        ),
    )
    followed = Step(
        f"followed_{lag}",
        (had, members),
        "SELECT segment_id, customer_id, measure, item, bool_or(NOT is_now) AS was, "
        f"bool_or(is_now) AS has FROM {had.name} JOIN {members.name} USING (customer_id) "
        "GROUP BY ALL",
    )
    size = Step(
        f"size_{lag}",
        (members,),
        f"SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, count(*) AS customers "
        f"FROM {members.name} GROUP BY GROUPING SETS ((segment_id), ())",
    )
    sql = f"""
    SELECT {literal(comparison)} AS comparison, segment_id, measure, item, customers, kept,
        only_before, only_now
    FROM (
        SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, measure, item,
            count(*) FILTER (was AND has) AS kept, count(*) FILTER (NOT has) AS only_before,
            count(*) FILTER (NOT was) AS only_now
        FROM {followed.name} GROUP BY GROUPING SETS ((segment_id, measure, item), (measure, item))
    ) JOIN {size.name} USING (segment_id)
    """
    return Step(
        f"reach_pairs_{lag}",
        (followed, size, members),
        sql,
        grain=Grain.ALL,
        simpler=if_empty(members, f"{sql} LIMIT 0"),
    )
