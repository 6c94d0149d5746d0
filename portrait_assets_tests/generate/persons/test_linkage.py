"""A linkage attack on the generated bank's customers: as recorded, and after k-anonymity."""

from __future__ import annotations

import pytest

from portrait_assets.methods.anonymity.anonymise import anonymise
from portrait_assets.methods.anonymity.hierarchy import QuasiIdentifier
from portrait_assets_tests.generate.conftest import Query
from portrait_assets_tests.methods.anonymity.linkage import attack

KNOWN = """
    SELECT gender, date_diff('year', TRY_CAST(birth_date AS DATE), DATE '2024-01-01') AS age,
        region, occupation, education, marital_status, income_band, household_type, children,
        home_ownership
    FROM customers QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY recorded_on) = 1
    ORDER BY customer_id LIMIT 250
"""
BANDS = ("very_low", "low", "medium", "high", "very_high")


@pytest.mark.parametrize("k", [5, 10])
def test_most_are_found_as_recorded_and_at_most_one_in_k_when_anonymous(query: Query, k: int):
    people = query(KNOWN)
    orders = {"income_band": BANDS}
    assert attack(people, people, orders).success > 0.9
    columns = [QuasiIdentifier(name, orders.get(name, ())) for name in people.columns]
    found = attack(people, anonymise(people, columns, k).rows, orders)
    assert found.misses == 0
    assert 0.2 / k < found.success <= 1 / k
    assert found.highest <= 1 / k
