"""Visits counted in small units become frequencies of visits; what is on sale is by the day."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.offers.affinity.listing import _frequencies
from portrait_assets.stages.offers.affinity.purchases import SOLD, UNIT, _weight
from portrait_assets.storage.steps import Scope


def test_shares_are_of_weighted_visits_before_and_now():
    visits = pl.DataFrame({"customer": [0, 2], "before": [2 * UNIT, 0], "now": [4 * UNIT, UNIT]})
    purchase = pl.DataFrame(
        {
            "customer": [0, 0, 2],
            "item": [1, 0, 1],
            "before": [UNIT, 0, 0],
            "now": [UNIT, 3 * UNIT, UNIT],
            "is_bought": [True, False, True],
        }
    )
    found = _frequencies(3, 2, visits, purchase)
    assert found.then.visits.tolist() == [2.0, 0.0, 0.0]
    assert found.now.visits.tolist() == [4.0, 0.0, 1.0]
    np.testing.assert_allclose(found.then.shares.toarray(), [[0.0, 0.5], [0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(found.now.shares.toarray(), [[0.75, 0.25], [0.0, 0.0], [0.0, 1.0]])
    assert found.then.shares.nnz == 1, "nothing is no entry"
    assert found.bought.toarray().tolist() == [[0, 1], [0, 0], [0, 1]]


def test_a_day_counts_half_after_six_months():
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {_weight('a')} FROM (VALUES (0), (6), (12)) AS t(a)")
        assert [row[0] for row in found.fetchall()] == [UNIT, UNIT // 2, UNIT // 4]


@pytest.mark.parametrize(
    ("introduced", "withdrawn", "is_on_sale"),
    [
        (None, None, True),
        (date(2024, 6, 30), None, True),
        (date(2024, 7, 1), None, False),
        (None, date(2024, 7, 1), True),
        (None, date(2024, 6, 30), False),
    ],
)
def test_a_product_is_on_sale_from_its_first_day_until_its_last(
    introduced: date | None, withdrawn: date | None, is_on_sale: bool
):
    sql: Any = SOLD.sql
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE products (month VARCHAR, product_id VARCHAR, category VARCHAR, "
            "product_type VARCHAR, introduced_on DATE, withdrawn_on DATE, is_merchandise BOOLEAN)"
        )
        row = ("p", "fund", "r", introduced, withdrawn, None)
        con.execute("INSERT INTO products VALUES ('2024-06', ?, ?, ?, ?, ?, ?)", row)
        old = ("p", "old", "r", date(2030, 1, 1), None, False)
        con.execute("INSERT INTO products VALUES ('2024-05', ?, ?, ?, ?, ?, ?)", old)
        found = con.sql(sql(Scope("2024-06"))).pl()
    assert found.select("category", "is_sold", "is_on_sale").rows() == [("fund", True, is_on_sale)]
