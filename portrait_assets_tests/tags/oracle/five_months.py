"""Five months of sixty customers, and what the tags have them to be."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, month_range
from portrait_assets.testing.worlds.tags import COLUMNS

DAYS = [last_day(month) for month in month_range("2023-12", "2024-04")]
RANKED = """\
  - code: third
    values:
      - {value: top, en: Top, zh: 上, when: "rank_share(share) >= 0.667"}
      - {value: rest, en: Rest, zh: 下, when: "rank_share(share) < 0.667"}
  - code: amount
    expression: spend
    type: money
  - code: answers
    expression: member
    type: boolean
"""


def world(as_of: date) -> pl.DataFrame:
    """Sixty customers a month, of whom five leave and five are new in the next."""
    draw = np.random.default_rng(as_of.month)
    start = 5 * (as_of.month % 12)

    def some(values: np.ndarray, known: float = 0.8) -> list[object]:
        return [v if draw.random() < known else None for v in values.tolist()]

    columns = {
        "spend": some(draw.integers(0, 200, 60)),
        "visits": some(draw.integers(0, 20, 60), 0.9),
        "share": some(draw.random(60).round(1)),
        "region": some(draw.choice(["north", "south", "east"], 60, p=[0.5, 0.3, 0.2]), 0.6),
        "member": some(draw.random(60) < 0.3),
    }
    return pl.DataFrame(
        {
            "as_of": [as_of] * 60,
            "customer_id": [f"C{n:03d}" for n in range(start, start + 60)],
            **columns,
            "salary": [None] * 60,
        },
        schema={"as_of": pl.Date(), "customer_id": pl.String()}
        | {name: column.polars_type for name, column in COLUMNS.items()},
        strict=False,
    )


def values_of(con: duckdb.DuckDBPyConnection, as_of: date, code: str) -> dict[str, object]:
    """Each customer's value, several in one text; None where there is none."""
    rows = con.execute(
        f"SELECT customer_id, {code} FROM tags.portrait_matrix WHERE as_of = ?", [as_of]
    ).fetchall()
    texts = ((who, " + ".join(v) or None if isinstance(v, list) else v) for who, v in rows)
    return {who: str(v).lower() if isinstance(v, bool) else v for who, v in texts}
