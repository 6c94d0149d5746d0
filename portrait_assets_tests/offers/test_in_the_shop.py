"""Offers of a source that sells goods: everybody has an answer, and nothing has to suit."""

from __future__ import annotations

import duckdb

from portrait_assets.core.settings import Settings


def test_every_customer_of_every_month_has_an_answer(all_months: Settings):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        without = con.execute(
            "SELECT count(*) FROM features.feature_matrix AS f "
            "ANTI JOIN offers.next_product AS o USING (as_of, customer_id)"
        ).fetchall()
        (months,) = con.execute(
            "SELECT count(DISTINCT as_of) FROM offers.next_product WHERE rank = 1"
        ).fetchall()
        rules = con.execute("SELECT count(*) FROM offers.product_rule").fetchall()
    assert without == [(0,)]
    assert months == (4,)
    assert rules == [(0,)], "goods suit everybody"


def test_checks_of_sets_ask_for_no_grade_where_nothing_has_one(all_months: Settings):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        found = con.execute(
            "SELECT DISTINCT detail, passed FROM validation.check_results "
            "WHERE table_name = 'offers.product_set' AND check_name = 'every_set_has_products'"
        ).fetchall()
    assert found == [("no product has a grade", True)]
