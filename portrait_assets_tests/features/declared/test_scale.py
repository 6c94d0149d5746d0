"""Money at any scale: small amounts are taken as they are where the contract has the decimals."""

from __future__ import annotations

from typing import Any

import pytest

from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.declared.feature import MONEY
from portrait_assets_tests.features.declared.at_scale import features_at

pytestmark = pytest.mark.slow  # Each scale is a process of its own.


@pytest.fixture(scope="module")
def in_cents() -> dict[str, dict[str, Any]]:
    return features_at(2)


def test_amounts_in_cents_survive(in_cents: dict[str, dict[str, Any]]):
    assert float(in_cents["a"]["spend_12m"]) == 53.03
    assert in_cents["a"]["brand_hhi_12m"] is not None


def test_four_decimals_in_the_contract_are_enough(in_cents: dict[str, dict[str, Any]]):
    """All amounts are a hundredth: shares and ratios stay, and what is money is a hundredth."""
    small = features_at(4)
    assert float(small["a"]["spend_12m"]) == 0.5303
    money = {feature.name for feature in FEATURES if feature.unit == MONEY}
    for who, row in in_cents.items():
        for name, value in row.items():
            found, where = small[who][name], f"{name} of {who}"
            if name in money and value is not None:
                assert float(found) == pytest.approx(float(value) / 100, abs=2e-6), where
            elif isinstance(value, float):
                assert found == pytest.approx(value, abs=2e-6), where
            else:
                assert found == value, where
