"""Six months of a made-up town, where all that a customer has and does is in plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

MONTHS = [f"2024-{month:02d}" for month in range(1, 7)]
MATRIX = matrix_of(
    Column("risk", Type.TEXT, "Risk", "风险", allowed=("high", "low")),
    Column("town", Type.TEXT, "Town", "城镇"),
    Column("likes", Type.TEXTS, "Likes", "喜好"),
    Column("chance", Type.NUMBER, "Chance", "概率"),
)
TAGS = ("risk", "town", "likes", "chance")
WINDOWS = {"risk": 1, "town": 2, "likes": 3, "chance": 0}
CLAIMS = [
    Claim("risk", outcome("silence"), ("high", "low")),
    Claim("chance", outcome("purchase"), is_probability=True),
    Claim("chance", outcome("spend")),
    Claim("risk", outcome("return"), ("low", "high")),
]


class Town:
    """Ninety customers a month, of whom some come, some leave, and some have no value of a tag."""

    def __init__(self, folder: Path) -> None:
        """Six months of them; what each did in a month is in `did`."""
        draw = np.random.default_rng(3)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.did: dict[str, dict[str, tuple[int, int]]] = {}
        self.features: dict[str, dict[str, np.ndarray]] = {}
        world = SmallWorld(folder, MATRIX, 0)
        for number, month in enumerate(MONTHS):
            who = [f"C{n:03d}" for n in range(10 * number, 10 * number + 90)]
            chance = draw.random(90).round(2)
            self.rows[month] = [
                {
                    "customer_id": name,
                    "risk": "low" if p > 0.5 else "high" if p > 0.1 else None,
                    "town": f"T{int(30 * draw.random() ** 2)}" if draw.random() > 0.1 else None,
                    "likes": [["tea"], ["tea", "cake"], ["cake", "tea"], [], None][
                        draw.integers(5)
                    ],
                    "chance": float(p) if n % 9 else None,
                }
                for n, (name, p) in enumerate(zip(who, chance, strict=True))
            ]
            bought = (draw.random(90) < chance).astype(int)
            amounts = bought * draw.integers(1, 100, 90)
            self.did[month] = {
                name: (int(n), int(a)) for name, n, a in zip(who, bought, amounts, strict=True)
            }
            world.customers = who
            tags = pl.DataFrame(self.rows[month], schema_overrides={"town": pl.String})
            self.features[month] = {
                "recency_days": draw.integers(0, 60, 90),
                "purchases_1m": bought,
                "spend_1m": amounts,
            }
            world.add(
                month,
                tags.select(TAGS).to_dict(),
                self.features[month],
                {"purchases": bought, "amount": amounts},
            )
        self.warehouse = world.close()

    def values(self, month: str, tag: str) -> list[Any]:
        """The tag's value of each customer, several in one text."""
        found = [row[tag] for row in self.rows[month]]
        if tag == "likes":
            return [" + ".join(sorted(each or [])) or None for each in found]
        return found

    def bought(self, base: str, horizon: int) -> dict[str, tuple[int, int]]:
        """Purchases and amount of each customer of a month in the months after."""
        months = [next_month(base, ahead) for ahead in range(1, horizon + 1)]
        found = {}
        for row in self.rows[base]:
            each = [self.did[month].get(str(row["customer_id"]), (0, 0)) for month in months]
            found[str(row["customer_id"])] = (sum(n for n, _ in each), sum(a for _, a in each))
        return found
