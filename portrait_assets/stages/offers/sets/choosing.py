"""Who is of the audience of a set, what is in the set, and what of it to offer to whom."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.affinity.contract import DIGITS
from portrait_assets.stages.offers.next_product.base import listed_products, popular_of
from portrait_assets.stages.offers.next_product.contract import MOST_OFFERED
from portrait_assets.stages.offers.sets.contract import PRODUCT_SET, SET_OFFER
from portrait_assets.stages.offers.sets.declared import ProductSet
from portrait_assets.stages.offers.suitability.rules import refusal_sql
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import TERMS
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Source, Step, read

_NOBODY = "SELECT '' AS set_code, '' AS customer_id WHERE false"
_NOTHING = "SELECT '' AS set_code, '' AS product_id WHERE false"


def audience_step(sets: Sequence[ProductSet], matrix: Table) -> Step:
    """The customers of each audience, by features and tags; who refuses profiling is in none.

    Args:
        sets: the sets.
        matrix: the portrait matrix of the source's catalogue.
    """
    of_tags = set(matrix.column_names)
    names = sorted({name for each in sets for name in each.audience.columns} - {"customer_id"})
    columns = "".join(f", {'t' if name in of_tags else 'f'}.{quote(name)}" for name in names)
    selects = " UNION ALL ".join(
        f"SELECT {literal(each.code)} AS set_code, customer_id FROM described "
        f"WHERE {each.audience.sql}"
        for each in sets
    )
    described = Step(
        "described",
        (read(FEATURE_MATRIX, THE_MONTH), read(matrix, THE_MONTH)),
        f"SELECT f.customer_id{columns} FROM feature_matrix AS f "
        f"LEFT JOIN {quote(matrix.name)} AS t USING (customer_id)",
        grain=Grain.ALL,
    )
    return Step("set_member", (described,), selects or _NOBODY, grain=Grain.ALL)


def items_step(sets: Sequence[ProductSet]) -> Step:
    """The products of each set that are on sale; of a set with a highest grade those with one."""
    selects = " UNION ALL ".join(
        f"SELECT {literal(each.code)} AS set_code, product_id FROM terms "
        f"WHERE is_on_sale AND is_personalisable AND ({each.products.sql})"
        + (
            f" AND grade IS NOT NULL AND level <= {each.highest_grade}"
            if each.highest_grade is not None
            else ""
        )
        for each in sets
    )
    return Step("set_item", (TERMS,), selects or _NOTHING, grain=Grain.ALL)


def _suited_step(member: Step, item: Step, listed: Step) -> Step:
    return Step(
        "set_suited",
        (member, item, SUBJECT, TERMS, popular_of(item), listed),
        f"""
        SELECT m.set_code, c.customer_id, p.product_id, o.customers,
            round(l.probability, {DIGITS}) AS probability
        FROM set_member AS m JOIN set_item AS i USING (set_code)
            JOIN subject AS c ON c.customer_id = m.customer_id
            JOIN terms AS p ON p.product_id = i.product_id
            LEFT JOIN popular_of AS o ON o.product_id = i.product_id
            LEFT JOIN listed AS l
                ON l.customer_id = m.customer_id AND l.product_id = i.product_id
        WHERE {refusal_sql()} IS NULL
        """,
        grain=Grain.ALL,
    )


def _set_offer_sql(scope: Scope) -> str:
    return f"""
    SELECT {scope.day} AS as_of, set_code, customer_id, rank, product_id, probability
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY set_code, customer_id
            ORDER BY probability DESC NULLS LAST, customers DESC NULLS LAST, product_id
        ) AS rank FROM set_suited QUALIFY rank <= {MOST_OFFERED}
    ) ORDER BY set_code, customer_id, rank
    """


def set_rows(
    counted: pl.DataFrame, scope: Scope, sets: Sequence[ProductSet], smallest: int
) -> pl.DataFrame:
    """The rows of `offers.product_set`.

    Args:
        counted: `set_code`, `product_id`, `customers` of the audience, and `suited` of these.
        scope: the month.
        sets: the sets.
        smallest: fewest customers that are counted by themselves.
    """
    stated = pl.DataFrame(
        [
            {
                "set_code": each.code,
                "name_en": each.en,
                "name_zh": each.zh,
                "owner": each.owner,
                "audience": each.audience.text,
                "highest_grade": f"R{each.highest_grade}" if each.highest_grade else None,
                "words": each.words,
                "service": each.service,
            }
            for each in sets
        ],
        schema={
            name: pl.String
            for name in PRODUCT_SET.column_names
            if name not in ("as_of", "product_id", "customers", "suited")
        },
    )
    few = [
        count.is_between(1, smallest - 1) for count in (_CUSTOMERS, _SUITED, _CUSTOMERS - _SUITED)
    ]
    return (
        counted.join(stated, on="set_code")
        .sort("set_code", "product_id")
        .with_columns(
            pl.lit(scope.as_of).alias("as_of"),
            pl.when(~few[0]).then(_CUSTOMERS).alias("customers"),
            pl.when(~pl.any_horizontal(few)).then(_SUITED).alias("suited"),
        )
        .select(PRODUCT_SET.column_names)
    )


_CUSTOMERS, _SUITED = pl.col("customers"), pl.col("suited")


def set_steps(
    sets: Sequence[ProductSet], matrix: Table, affinity: Source, smallest: int
) -> list[Step]:
    """The steps that write `offers.product_set` and `offers.set_offer`.

    Args:
        sets: the sets.
        matrix: the portrait matrix of the source's catalogue.
        affinity: as for `next_product`.
        smallest: as for `set_rows`.
    """
    member, item = audience_step(sets, matrix), items_step(sets)
    suited = _suited_step(member, item, listed_products(affinity))
    counted = Step(
        "set_counted",
        (member, item, suited),
        """
        SELECT i.set_code, i.product_id, coalesce(m.customers, 0) AS customers,
            coalesce(s.customers, 0) AS suited
        FROM set_item AS i LEFT JOIN (
            SELECT set_code, count(*) AS customers FROM set_member GROUP BY set_code
        ) AS m USING (set_code) LEFT JOIN (
            SELECT set_code, product_id, count(*) AS customers FROM set_suited GROUP BY ALL
        ) AS s USING (set_code, product_id)
        """,
        grain=Grain.ALL,
    )
    return [
        Step(
            "product_set",
            (counted,),
            compute=lambda scope, frame: set_rows(frame, scope, sets, smallest),
            grain=Grain.ALL,
            writes=PRODUCT_SET,
        ),
        Step("set_offer", (suited,), _set_offer_sql, grain=Grain.ALL, writes=SET_OFFER),
    ]
