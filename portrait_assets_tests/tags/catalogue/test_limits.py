"""Tags of the packs on both sides of their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets_tests.tags.catalogue.test_meaning import BANK, RETAIL, tags_of

Limits = Mapping[str, tuple[str, Sequence[tuple[float, str | bool]]]]
"""By tag the feature that decides it, and values of that with the tag's."""

OF_EVERY_SOURCE: Limits = {
    "recency_band": (
        "recency_days",
        [
            (7, "week"),
            (8, "month"),
            (31, "month"),
            (32, "quarter"),
            (92, "quarter"),
            (93, "longer"),
        ],
    ),
    "spend_trend": (
        "spend_trend_3m",
        [(0.2, "rising"), (0.19, "level"), (-0.19, "level"), (-0.2, "falling")],
    ),
    "regularity": (
        "active_month_share_12m",
        [(1, "every_month"), (0.99, "most_months"), (0.6, "most_months"), (0.59, "some_months")],
    ),
    "complaint": ("complaints_12m", [(0, "none"), (1, "once"), (2, "repeated")]),
    "contact_pressure": ("contacts_12m", [(0, "none"), (1, "light"), (3, "light"), (4, "heavy")]),
    "ticket_stability": (
        "ticket_spread_12m",
        [(0.49, "steady"), (0.5, "varied"), (0.99, "varied"), (1, "erratic")],
    ),
    "category_dependence": (
        "top_category_share_12m",
        [(0.3, "high"), (0.29, "some"), (0.15, "some"), (0.14, "low")],
    ),
    "campaign_effect": (
        "campaign_uplift_12m",
        [(0.05, "more"), (0.04, "same"), (-0.04, "same"), (-0.05, "less")],
    ),
    "response_speed": ("response_lag_days_12m", [(14, "fast"), (15, "slow")]),
    "withdrawal_effect": (
        "withdrawal_reaction_12m",
        [(-0.3, "turned_away"), (-0.29, "stayed"), (0.5, "stayed")],
    ),
    "one_time_buyer": ("purchases_12m", [(0, False), (1, True), (2, False)]),
    "active_this_month": ("purchases_1m", [(0, False), (1, True)]),
    "generation": ("age", [(34, "young"), (35, "middle"), (54, "middle"), (55, "senior")]),
}
OF_BANKS: Limits = {
    "overdraft": ("total_balance", [(-1, True), (0, False)]),
    "past_due": (
        "max_days_past_due",
        [
            *((0, "none"), (1, "up_to_30"), (30, "up_to_30")),
            *((31, "up_to_90"), (90, "up_to_90"), (91, "over_90")),
        ],
    ),
    "credit_use": (
        "credit_utilisation",
        [(0.3, "light"), (0.31, "regular"), (0.8, "regular"), (0.81, "strained")],
    ),
    "payment_discipline": (
        "past_due_months_12m",
        [(0, "always_on_time"), (1, "late_at_times"), (2, "late_at_times"), (3, "often_late")],
    ),
    "balance_movement": (
        "balance_trend_3m",
        [(-0.15, "leaving"), (-0.14, "level"), (0.14, "level"), (0.15, "growing")],
    ),
    "product_breadth": (
        "products_held",
        [(1, "single"), (2, "two"), (3, "several"), (4, "several")],
    ),
    "risk_appetite": (
        "risk_appetite_12m",
        [(1.99, "cautious"), (2, "balanced"), (3.49, "balanced"), (3.5, "bold")],
    ),
    "market_reaction": (
        "market_reaction_12m",
        [
            *((0.4, "with_the_market"), (0.39, "independent")),
            *((-0.39, "independent"), (-0.4, "against_the_market")),
        ],
    ),
}
OF_SHOPS: Limits = {
    "returns_level": (
        "return_share_12m",
        [(0, "none"), (0.01, "some"), (0.09, "some"), (0.1, "frequent")],
    ),
    "own_label_loyalty": (
        "own_label_share_12m",
        [(0.14, "brands"), (0.15, "mixed"), (0.39, "mixed"), (0.4, "loyal")],
    ),
    "deal_depth": (
        "discount_depth_12m",
        [(0.09, "shallow"), (0.1, "moderate"), (0.19, "moderate"), (0.2, "deep")],
    ),
    "brand_loyalty": (
        "brand_loyalty_12m",
        [(0.44, "switching"), (0.45, "leaning"), (0.69, "leaning"), (0.7, "loyal")],
    ),
    "quality_choice": (
        "quality_level_12m",
        [(0.89, "value"), (0.9, "middle"), (1.14, "middle"), (1.15, "premium")],
    ),
}


@pytest.mark.parametrize(
    ("catalogue", "limits"),
    [(BANK, {**OF_EVERY_SOURCE, **OF_BANKS}), (RETAIL, {**OF_EVERY_SOURCE, **OF_SHOPS})],
    ids=["bank", "retail"],
)
def test_a_limit_belongs_to_the_value_that_it_is_declared_with(
    catalogue: Catalogue, limits: Limits
):
    height = max(len(cases) for _, cases in limits.values())
    features = {
        feature: [value for value, _ in cases] + [None] * (height - len(cases))
        for feature, cases in limits.values()
    }
    found = tags_of(catalogue, **features)
    shown = {code: found[code].to_list()[: len(cases)] for code, (_, cases) in limits.items()}
    assert shown == {code: [value for _, value in cases] for code, (_, cases) in limits.items()}
