"""Features of amounts with more decimals, as a process of its own: types are declared once.

`python -m portrait_assets_tests.features.declared.at_scale DECIMALS` declares money with so many
decimals, takes the amounts of `AMOUNTS` from raw text to the feature matrix, and prints its rows as
JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from portrait_assets_tests.edited import load_edited

AMOUNTS = [12, 2_571, 943, 1_417, 3_119, 823, 1_229, 2_048]
"""In units of the last decimal."""


def features_at(decimals: int) -> dict[str, dict[str, Any]]:
    """By customer the features of `AMOUNTS`, which have so many decimals."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, str(decimals)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, Any]] = json.loads(ran.stdout)
    return found


def declare(decimals: int) -> None:
    """Load the contract's types as if they were declared with so many decimals of money."""
    load_edited(
        "portrait_assets.schema.table",
        lambda text: text.replace("MONEY_SCALE = 2\n", f"MONEY_SCALE = {decimals}\n"),
    )


def main(decimals: int) -> None:
    """Print the features."""
    declare(decimals)
    import polars as pl

    from portrait_assets.methods.typing.rules import Conventions
    from portrait_assets.stages.cleaned.rows.clean import clean
    from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
    from portrait_assets.testing.worlds.features import World, day

    raw = pl.DataFrame(
        [
            {
                "customer_id": "ab"[n % 2],
                "occurred_at": f"2024-0{1 + n % 3}-1{n} 10:00:00",
                "amount": f"{amount / 10**decimals:.{decimals}f}",
                "product_id": "pq"[n // 2 % 2],
                "month": f"2024-0{1 + n % 3}",
                "source_file": "f",
                "source_row": n,
            }
            for n, amount in enumerate(AMOUNTS)
        ]
    )
    names = [column.name for column in TRANSACTIONS.columns]
    raw = raw.with_columns(pl.lit(None, pl.String).alias(n) for n in names if n not in raw.columns)
    kept = clean(raw, TRANSACTIONS, Conventions()).kept
    world = World(
        "2024-03",
        transactions=kept.to_dicts(),
        products=[
            {"product_id": "p", "category": "tea", "brand": "leaf", "is_own_label": True},
            {"product_id": "q", "category": "rice", "brand": "bush", "is_own_label": False},
        ],
        contacts=[
            {"customer_id": "a", "campaign_id": "k", "contacted_on": day("2024-02-01")},
        ],
    )
    rows = world.matrix("2024-03").to_dicts()
    print(json.dumps({row["customer_id"]: row for row in rows}, default=str))


if __name__ == "__main__":
    main(int(sys.argv[1]))
