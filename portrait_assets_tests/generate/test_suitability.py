"""What suits customers is recorded, expires, broken where the truth says so only."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.assessments import make_assessments
from portrait_assets.synthetic.holdings.balances import make_holdings
from portrait_assets.synthetic.holdings.products import PRODUCTS
from portrait_assets.synthetic.persons.lifecycle import NEVER, make_lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, make_people
from portrait_assets.synthetic.persons.records.customers import record_dates
from portrait_assets.synthetic.settings import Life, Suitability
from portrait_assets_tests.generate.conftest import CUSTOMERS, Query

BY_AGE = """
WITH person AS (
    SELECT customer_id, min(try_cast(birth_date AS DATE)) AS born FROM customers
    WHERE birth_date LIKE '____-__-__' AND birth_date > '1901' GROUP BY 1
)
SELECT DISTINCT customer_id, product_id FROM balances
JOIN products USING (product_id) JOIN person USING (customer_id)
WHERE risk_grade IN ('R4', 'R5') AND born + INTERVAL 66 YEAR <= balance_on
ORDER BY ALL
"""
"""Who holds a fund above R3 when over 65, by what the bank records."""
ASSESSED = """
SELECT customer_id, product_id, balance_on, sold_to_risk_tolerance,
    arg_max(risk_tolerance, recorded_on) AS tolerance,
    arg_max(risk_tolerance_expires_on, recorded_on) AS expires_on
FROM balances JOIN products USING (product_id) JOIN customers USING (customer_id)
WHERE category = 'fund' AND recorded_on <= balance_on AND risk_tolerance IS NOT NULL GROUP BY ALL
"""
"""Every fund held, with the tolerance last assessed by then."""
BY_TOLERANCE = (
    f"SELECT DISTINCT customer_id, product_id FROM ({ASSESSED}) "
    "WHERE sold_to_risk_tolerance > tolerance ORDER BY ALL"
)
LATEST = """
SELECT DISTINCT ON (customer_id) * FROM customers
WHERE customer_id LIKE 'C%' ORDER BY customer_id, recorded_on DESC
"""


@pytest.mark.parametrize("oracle", [BY_AGE, BY_TOLERANCE], ids=["age", "tolerance"])
def test_what_was_sold_wrongly_is_found_and_nothing_else(
    planted: Query, unplanted: Query, oracle: str
) -> None:
    truth = planted("SELECT customer_id, product_id FROM truth_unsuitable ORDER BY ALL").rows()
    found = planted(oracle).rows()
    # A date of birth may be missing or spoilt; nothing else hides a holding.
    assert set(found) <= set(truth)
    assert len(found) > 0.95 * len(truth) > 10
    assert unplanted(oracle).is_empty()
    assert unplanted("FROM truth_unsuitable").is_empty()


def test_the_share_of_elders_is_the_one_set(planted: Query) -> None:
    elders, sold = planted(
        "SELECT count(DISTINCT b.customer_id), count(DISTINCT u.customer_id) FROM balances b "
        "JOIN products USING (product_id) "
        "JOIN (SELECT customer_id, min(try_cast(birth_date AS DATE)) AS born FROM customers "
        "WHERE birth_date LIKE '____-__-__' AND birth_date > '1901' GROUP BY 1) "
        "USING (customer_id) LEFT JOIN truth_unsuitable u USING (customer_id) "
        "WHERE category = 'fund' AND born <= DATE '1956-12-30'"
    ).row(0)
    assert abs(sold / elders - 0.6) < 4 * (0.24 / elders) ** 0.5


def test_truth_names_the_months_in_which_it_was_held(planted: Query) -> None:
    differing = planted(
        "WITH held AS (SELECT customer_id, product_id, min(balance_on) AS since, "
        "max(balance_on) AS until FROM balances GROUP BY ALL) "
        "SELECT count(*) FILTER (since = first_held_on AND until = last_held_on) - count(*) "
        "FROM truth_unsuitable LEFT JOIN held USING (customer_id, product_id)"
    ).item()
    assert differing == 0


def test_holders_of_funds_were_assessed_before_and_some_assessments_have_expired(
    query: Query, unplanted: Query
) -> None:
    funds = (
        "SELECT count(DISTINCT (customer_id, product_id, balance_on)) FROM balances "
        "JOIN products USING (product_id) WHERE category = 'fund'"
    )
    assert query(f"SELECT count(*) FROM ({ASSESSED})").item() == query(funds).item() > 1_000
    expired = f"SELECT avg((expires_on <= balance_on)::INT) FROM ({ASSESSED})"
    assert 0.05 < query(expired).item() < 0.4
    # Where everybody renews on the day, nobody's has.
    assert unplanted(expired).item() == 0
    assert unplanted(f"SELECT avg((tolerance IS NOT NULL)::INT) FROM ({ASSESSED})").item() == 1


def test_an_assessment_is_recorded_on_its_day_and_counts_for_a_year(query: Query) -> None:
    days = query(
        "SELECT min(risk_tolerance_expires_on - risk_assessed_on), "
        "max(risk_tolerance_expires_on - risk_assessed_on), max(risk_assessed_on - recorded_on), "
        "count(*) FILTER ((risk_tolerance IS NULL) <> (risk_assessed_on IS NULL)) FROM customers"
    ).row(0)
    assert days == (365, 365, 0, 0)
    levels = query("SELECT DISTINCT risk_tolerance FROM customers ORDER BY 1 NULLS LAST")
    assert levels["risk_tolerance"].to_list() == ["C1", "C2", "C3", "C4", "C5", None]


def test_care_insurance_and_professionals_are_recorded(query: Query) -> None:
    cared, insured, professional, means = query(
        "SELECT count(extra_care_recorded_on), count(insurance_need_assessed_on), "
        "count(*) FILTER (is_professional_investor), "
        "count(*) FILTER (is_professional_investor AND risk_tolerance IS NULL) "
        f"FROM ({LATEST})"
    ).row(0)
    assert 0.003 < cared / CUSTOMERS < 0.04
    assert 0.05 < insured / CUSTOMERS < 0.4
    assert 3 < professional < 0.02 * CUSTOMERS
    assert means == 0
    early = query(
        "SELECT count(*) FROM customers WHERE extra_care_recorded_on > recorded_on "
        "OR insurance_need_assessed_on > recorded_on"
    ).item()
    assert early == 0


def test_a_further_record_says_what_the_last_one_said(query: Query) -> None:
    """But for the age, what suits, and what dirt has spoilt."""
    names = query(
        "SELECT count(DISTINCT phone) FROM customers WHERE customer_id IN "
        "(SELECT customer_id FROM customers GROUP BY 1 HAVING count(*) > 2) "
        "AND length(phone) = 11 GROUP BY customer_id"
    ).to_series()
    assert names.max() == 2
    same_day = query(
        "SELECT count(*) FROM (SELECT 1 FROM customers GROUP BY customer_id, recorded_on "
        "HAVING count(*) > 1)"
    ).item()
    assert same_day == 0


def test_every_product_has_terms_and_funds_are_sold_to_their_grade(query: Query) -> None:
    products = query("SELECT * FROM products")
    assert len(products) == len(PRODUCTS)
    assert products["minimum_amount"].null_count() == products["margin_rate"].null_count() == 0
    funds = products.filter(products["category"] == "fund")
    assert (funds["sold_to_risk_tolerance"].str.slice(1) == funds["risk_grade"].str.slice(1)).all()
    assert funds["needs_assessment"].all()
    assert not products.filter(products["department"] == "deposit")["needs_assessment"].any()
    assert set(products["is_personalisable"]) == {True, False}


def test_who_buys_a_fund_by_an_offer_was_assessed_in_its_month() -> None:
    settings, calendar = Suitability(assessed=0.0, renewing=0.0), Calendar("2023-01", 6)
    people = make_people(3, np.arange(1, 2_001), Life(), REGION_WEIGHTS)
    lives = make_lifecycle(people, calendar, Life())
    holdings = make_holdings(people, lives, calendar, suitability=settings)
    day = record_dates(people, lives, calendar)
    buyers = np.flatnonzero(
        (holdings.opened[:, 2] == NEVER) & (lives.join_month < 0) & ~people.is_minor
    )
    before = make_assessments(people, lives, holdings, day, calendar, settings)
    assert (before.assessed[0][buyers] > calendar.starts[-1]).all()
    months = np.full(len(buyers), 3)
    bought = make_assessments(people, lives, holdings, day, calendar, settings, (buyers, months))
    assert (bought.assessed[0][buyers] == calendar.starts[3]).all()
    assert (bought.tolerance[0][buyers] >= 2).all()
    others = np.setdiff1d(np.arange(2_000), buyers)
    assert (bought.assessed[:, others] == before.assessed[:, others]).all()
    assert (bought.tolerance[:, others] == before.tolerance[:, others]).all()
