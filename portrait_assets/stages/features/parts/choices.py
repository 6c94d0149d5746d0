"""What customers choose where there is a choice: categories, brands, and what is new to them."""

from __future__ import annotations

from portrait_assets.schema.table import MONEY_FACTOR, Type
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH
from portrait_assets.stages.features.declared.concept import FEWEST_BUYERS, PRIOR_INDEX_LINES
from portrait_assets.stages.features.declared.expressions import Z_95
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.features.persons import added_up
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import THE_MONTH, Grain, Step, read, window

RECENT = 0b111
"""The bits of the last three months."""
WINDOW = added_up(
    CUSTOMER_CATEGORY_MONTH, aggregates.CUSTOMER_CATEGORY_MONTH, window(WINDOW_MONTHS)
)

_NAMED = (
    "SELECT choice_id, any_value(category) AS category, any_value(brand) AS brand "
    "FROM {} GROUP BY choice_id"
)
_IS_HELD = "coalesce(bool_or(is_held AND table_name = '{}' AND column_name = '{}'), false) AS {}"
HELD_BACK = Step(
    "held_back",
    (read(CATEGORY_COLUMNS, THE_MONTH),),
    "SELECT "
    + ", ".join(
        (
            _IS_HELD.format("transactions", "category", "own_category"),
            _IS_HELD.format("products", "category", "product_category"),
            _IS_HELD.format("products", "brand", "product_brand"),
        )
    )
    + " FROM category_columns",
    grain=Grain.ALL,
)
"""Which columns with names of choices are held back in the month."""
_CATEGORY_IS_FREE_TEXT = (
    "h.product_category OR h.own_category AND n.category NOT IN "
    "(SELECT category FROM product WHERE category IS NOT NULL)"
)
CHOICE_NAME = Step(
    "choice_name",
    (
        Step("part", (WINDOW,), _NAMED.format("customer_category_month"), grain=Grain.PARTIAL),
        HELD_BACK,
        PRODUCT,
    ),
    f"""
    SELECT *, CASE WHEN category IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY category) AS INTEGER) END AS category_no,
        CASE WHEN brand IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY brand) AS INTEGER) END AS brand_no
    FROM (
        SELECT choice_id,
            CASE WHEN NOT ({_CATEGORY_IS_FREE_TEXT}) THEN n.category END AS category,
            CASE WHEN NOT h.product_brand THEN n.brand END AS brand
        FROM ({_NAMED.format("part")}) AS n CROSS JOIN held_back AS h
    )
    """,
    grain=Grain.ALL,
)
"""Category and brand of each choice, numbered in the order of their names.

What months before noted of a column that is held back by now is nobody's choice either.
"""
CATEGORY_NAME = Step(
    "category_name",
    (CHOICE_NAME,),
    "SELECT DISTINCT category_no, category FROM choice_name",
    grain=Grain.ALL,
)

CHOICE = Step(
    "choice",
    (WINDOW, CHOICE_NAME),
    f"""
    SELECT c.*, n.category_no, n.brand_no
    FROM (
        SELECT customer_id, choice_id, CAST(sum(lines) AS BIGINT) AS lines,
            CAST(sum(amount) AS {Type.MONEY}) AS amount,
            coalesce(bit_or(CASE WHEN lines > 0 THEN 1 << CAST(ago AS INTEGER) END), 0) AS months
        FROM customer_category_month GROUP BY customer_id, choice_id
    ) AS c JOIN choice_name AS n USING (choice_id)
    """,
)
"""What was chosen over the window, by category and brand.

`months` has a bit for each month in which it was bought, the lowest for the month itself.
"""

BY_CATEGORY = Step(
    "by_category",
    (CHOICE,),
    f"""
    SELECT customer_id, category_no, CAST(sum(lines) AS BIGINT) AS lines,
        CAST(sum(amount) AS {Type.MONEY}) AS amount,
        CAST(coalesce(sum(lines) FILTER (brand_no IS NOT NULL), 0) AS BIGINT) AS branded_lines,
        coalesce(max(lines) FILTER (brand_no IS NOT NULL), 0) AS first_brand_lines
    FROM choice WHERE category_no IS NOT NULL GROUP BY customer_id, category_no
    """,
)
"""What was chosen by category, and how much of it was of its first brand."""
BASE_CATEGORY = fit(
    "base_category",
    (WINDOW, CHOICE_NAME),
    "SELECT category_no, sum(lines) AS lines, count(DISTINCT customer_id) AS buyers "
    "FROM customer_category_month JOIN choice_name USING (choice_id) "
    "WHERE category_no IS NOT NULL GROUP BY category_no",
    "SELECT category_no, sum(lines) / nullif(sum(sum(lines)) OVER (), 0) AS line_share, "
    "sum(buyers) AS buyers FROM part GROUP BY category_no",
)
"""The base's share of lines by category, and the customers who bought of it."""
_INDEX = f"(lines + {PRIOR_INDEX_LINES}) / (expected + {PRIOR_INDEX_LINES})"
_INDEX_LOW = (
    f"pow(1 - 1 / (9 * (lines + {PRIOR_INDEX_LINES})) "
    f"- {Z_95} / (3 * sqrt(lines + {PRIOR_INDEX_LINES})), 3)"
)
CATEGORY = Step(
    "category",
    (BY_CATEGORY, BASE_CATEGORY, CATEGORY_NAME),
    f"""
    SELECT c.*, f.category AS first_category, i.category AS index_category,
        round(100 * raw_index, 4) AS index, round(100 * raw_index_low, 4) AS index_low
    FROM (
        SELECT customer_id, sum(lines) AS lines,
            sum(amount) FILTER (amount > 0) AS spend,
            max(amount) AS first_amount,
            arg_min(category_no, {{'less': -amount, 'no': category_no}}) FILTER (amount > 0)
                AS first_no,
            arg_min(lines, {{'less': -amount, 'no': category_no}}) FILTER (amount > 0)
                AS first_lines,
            sum(CAST(amount AS {MONEY_FACTOR}) * amount) FILTER (amount > 0)
                AS squares,
            count(*) FILTER (amount > 0) AS categories,
            coalesce(sum(branded_lines) FILTER (branded_lines > 1), 0) AS loyal_of_lines,
            coalesce(sum(first_brand_lines) FILTER (branded_lines > 1), 0) AS loyal_lines,
            arg_min(category_no, {{'less': -raw_index_low, 'no': category_no}})
                FILTER (raw_index_low IS NOT NULL) AS index_no,
            arg_min(raw_index, {{'less': -raw_index_low, 'no': category_no}})
                FILTER (raw_index_low IS NOT NULL) AS raw_index,
            max(raw_index_low) AS raw_index_low
        FROM (
            SELECT *, round({_INDEX}, 6) AS raw_index,
                CASE WHEN lines > 0 AND buyers >= {FEWEST_BUYERS}
                    THEN round({_INDEX} * {_INDEX_LOW}, 6) END AS raw_index_low
            FROM (
                SELECT c.*, b.buyers, b.line_share
                    * greatest(sum(c.lines) OVER (PARTITION BY customer_id), 0) AS expected
                FROM by_category AS c JOIN base_category AS b USING (category_no)
            )
        ) GROUP BY customer_id
    ) AS c
    LEFT JOIN category_name AS f ON f.category_no = c.first_no
    LEFT JOIN category_name AS i ON i.category_no = c.index_no
    """,
)
"""Preferences over categories: the first one, their spread, and what stands out.

The target group index of a category is 100 x lines / the lines to expect from the base's share,
both with a few more, so that one line of a category of which little is expected does not stand out
(W. DuMouchel, 1999, "Bayesian data mining in large frequency tables"). The category is chosen by
the lower limit of the index, that of a gamma distribution (E. B. Wilson, M. M. Hilferty, 1931,
"The distribution of chi-square"), among those that enough customers buy. Loyalty looks at
categories with a second line only: one line has one brand.
"""

BRAND_NAME = Step(
    "brand_name",
    (CHOICE_NAME,),
    "SELECT DISTINCT brand_no, brand FROM choice_name",
    grain=Grain.ALL,
)
BRAND = Step(
    "brand",
    (CHOICE, BRAND_NAME),
    f"""
    SELECT b.*, n.brand AS first_brand
    FROM (
        SELECT customer_id, sum(lines) AS lines,
            sum(amount) FILTER (amount > 0) AS spend, max(amount) AS first_amount,
            arg_min(brand_no, {{'less': -amount, 'no': brand_no}}) FILTER (amount > 0) AS first_no,
            sum(CAST(amount AS {MONEY_FACTOR}) * amount) FILTER (amount > 0)
                AS squares
        FROM (
            SELECT customer_id, brand_no, sum(lines) AS lines,
                CAST(sum(amount) AS {Type.MONEY}) AS amount
            FROM choice WHERE brand_no IS NOT NULL GROUP BY customer_id, brand_no
        ) GROUP BY customer_id
    ) AS b
    LEFT JOIN brand_name AS n ON n.brand_no = b.first_no
    """,
)
"""Preferences over brands: the first one and their spread."""

CHOSEN = Step(
    "chosen",
    (CHOICE,),
    f"""
    SELECT customer_id, count(*) AS choices,
        count(*) FILTER (bit_count(months) > 1) AS repeated,
        count(*) FILTER (months & {RECENT} > 0) AS recent,
        count(*) FILTER (months <= {RECENT}) AS novel,
        bit_or(months) > {RECENT} AS has_earlier
    FROM choice WHERE months > 0 GROUP BY customer_id
    """,
)
"""How often a choice of category and brand was repeated, and how many are new."""
