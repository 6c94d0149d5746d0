"""Features over 24 months, as a process of its own: they are declared in one place.

`python -m portrait_assets_tests.features.declared.longer_window` adds them to the declared features
and nothing else, and prints those of a small world as JSON.
"""

from __future__ import annotations

import json

from portrait_assets_tests.edited import load_edited

DECLARED = """\
FEATURES: tuple[Feature, ...] = (
    _symbol(
        "largest_purchase_24m",
        Type.MONEY,
        "Largest purchase of two years",
        "近24月最大单笔金额",
        "largest amount of one purchase in the last 24 months",
        "b.largest_ticket_24m",
        unit=MONEY,
        window_months=24,
        needs=(needs.AMOUNT,),
    ),
"""
COLUMNS = ("spend_12m", "spend_24m", "purchases_24m", "largest_ticket_12m", "largest_purchase_24m")
SALES = (
    ("recent", "2024-02-10", 5.0),
    ("recent", "2022-03-02", 80.5),
    ("recent", "2022-02-28", 900.0),
    ("away", "2022-09-01", 12.0),
    ("gone", "2021-01-15", 70.0),
)


def declare() -> None:
    """Load the features of behaviour with those of 24 months among them."""
    start = "FEATURES: tuple[Feature, ...] = (\n"
    load_edited(
        "portrait_assets.stages.features.declared.symbol",
        lambda text: text.replace(start, DECLARED).replace("(1, 3, 6, 12)", "(1, 3, 6, 12, 24)"),
    )


def main() -> None:
    """Print the features as of February 2024."""
    declare()
    from portrait_assets.stages.features.contract import FEATURE_MATRIX
    from portrait_assets.testing.worlds.features import World, sale

    world = World("2024-02", transactions=[sale(*line) for line in SALES])
    rows = world.matrix("2024-02").select("customer_id", *COLUMNS).rows()
    of_class = FEATURE_MATRIX.column("largest_purchase_24m").sensitivity
    found = {who: values for who, *values in rows}
    print(json.dumps({"rows": found, "class": of_class}, default=float))


if __name__ == "__main__":
    main()
