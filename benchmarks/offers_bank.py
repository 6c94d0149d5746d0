"""A generated bank's takings in three months, beside an oracle that knows the true affinities.

Of each customer who takes a product of their own accord: how well it was ranked among those that
they did not have, by the method, by popularity, by the true probabilities (the oracle) and by what
of these can be seen: the true probability to expect of customers with the same features, learned of
half of them from the true probabilities of the other half, which are 0 for what they would never
take. No model of these features, from however many takings, is expected to rank better. Features
are attributes, what is owned and what transactions of a year show, from the bank's files.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.fitting import fit_number
from portrait_assets.methods.recommendation.products.dealings import with_days
from portrait_assets.methods.recommendation.products.takings import (
    Kinds,
    Takings,
    Window,
    fit_takings,
)
from portrait_assets.methods.recommendation.ranking import best, judged
from portrait_assets.methods.statistics.discrimination.paired import mean_gain
from portrait_assets.stages.offers.affinity.holdings import LAUNCH_MONTHS
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES

AHEAD, WINDOWS, MONTHS, YEAR = 3, 4, 24, 12
ATTRIBUTES = (
    *("age", "age_band", "occupation", "education", "income", "income_band", "household_type"),
    *("children", "home_ownership", "region", "risk_tolerance"),
)
LASTING = tuple(name for name in ATTRIBUTES if name != "risk_tolerance")
"""What a customer is, whatever they hold: the risk tolerance is assessed when a fund is sold."""
SEEN = "what can be seen of the oracle's"
HALVES, LEAST_LEARNED = 2, 100
TAUGHT = replace(PARAMETERS, leaves=(8,), one_split_from=0, bins=63)


def _month(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 12 + day.dt.month()


class Files(NamedTuple):
    """The bank's files as frames; months are counted from the year 0. `products` are on sale."""

    owned: pl.DataFrame
    first: pl.DataFrame
    spent: pl.DataFrame
    dealt: pl.DataFrame
    records: pl.DataFrame
    truth: pl.DataFrame
    products: pl.Series
    kinds: pl.DataFrame

    def window(self, began: int) -> tuple[Window, pl.Series]:
        """What was known of the month's customers, and what they took after it; their names."""
        features = self.features(began)
        names = features["customer_id"]
        had = self.first.filter(pl.col("first") <= began)
        taken = self.first.filter(
            pl.col("first") > began, pl.col("first") <= began + AHEAD, pl.col("is_own")
        )
        owned, took = (matrix(each, names, self.products) for each in (had, taken))
        days = matrix(self.dealings(began), names, self.products)
        segment = np.zeros(names.len(), dtype=np.int64)
        return Window(features.drop("customer_id"), owned, took, segment, days), names

    def dealings(self, month: int) -> pl.DataFrame:
        """Days of the last year with transactions with what customers did not have by then."""
        lately = self.dealt.filter(pl.col("month") <= month, pl.col("month") > month - YEAR)
        return lately.group_by("customer_id", "product_id").agg(pl.col("days").sum())

    def features(self, month: int) -> pl.DataFrame:
        """By customer of the month: attributes, balances by product and category, and habits."""
        now = self.owned.filter(pl.col("month") == month)
        records = (
            self.records.filter(pl.col("recorded") <= month)
            .sort("customer_id", "recorded")
            .unique("customer_id", keep="last", maintain_order=True)
            .select("customer_id", *ATTRIBUTES, tenure=month - pl.col("joined"))
        )
        spent = (
            self.spent.filter(pl.col("month") <= month, pl.col("month") > month - YEAR)
            .group_by("customer_id")
            .agg(pl.exclude("month").sum())
        )
        spent = spent.with_columns(
            (pl.col(name) / pl.col("lines")).alias(f"{name}_share")
            for name in spent.columns
            if name not in ("customer_id", "lines", "amount")
        )
        features = now.select(pl.col("customer_id").unique().sort())
        by_product = [
            pl.col("balance").filter(pl.col("product_id") == each).sum().alias(f"balance_{each}")
            for each in self.products
        ]
        by_kind = [
            (pl.col("category") == each).sum().alias(f"held_{each}")
            for each in self.kinds["category"].unique().sort()
        ]
        balances = now.join(self.kinds, on="product_id").group_by("customer_id")
        for more in (records, spent, balances.agg(*by_product, *by_kind)):
            features = features.join(more, on="customer_id", how="left", maintain_order="left")
        return features


def read(folder: Path) -> Files:
    """The files of a bank."""
    owned = (
        pl.scan_parquet(folder / "balances" / "*.parquet")
        .group_by("customer_id", "product_id", _month(pl.col("balance_on")).alias("month"))
        .agg(pl.col("balance").sum().cast(pl.Float64))
        .collect()
    )
    lines = pl.scan_parquet(folder / "transactions" / "*.parquet").with_columns(
        _month(pl.col("occurred_at")).alias("month")
    )
    shown = {
        "branch": pl.col("channel") == "branch",
        **{each: pl.col("category") == each for each in CATEGORIES},
    }
    spent = (
        lines.group_by("customer_id", "month")
        .agg(
            pl.len().alias("lines"),
            pl.col("amount").cast(pl.Float64).sum(),
            *(each.sum().alias(name) for name, each in shown.items()),
        )
        .collect()
    )
    days = (
        lines.filter(pl.col("amount") > 0)
        .group_by("customer_id", "product_id", "month")
        .agg(pl.col("occurred_at").dt.date().n_unique().alias("days"))
        .collect()
    )
    answered = (
        pl.scan_parquet(folder / "responses" / "*.parquet")
        .select("customer_id", _month(pl.col("responded_on")).alias("first"))
        .unique()
        .collect()
        .with_columns(pl.lit(False).alias("is_own"))
    )
    first = owned.group_by("customer_id", "product_id").agg(pl.col("month").min().alias("first"))
    dealt = days.join(first, on=["customer_id", "product_id"], how="left").filter(
        (pl.col("first") > pl.col("month")).fill_null(True)
    )
    products = pl.read_parquet(folder / "products.parquet")
    known = products.select(
        "product_id",
        "category",
        launched=_month(pl.col("introduced_on")),
        withdrawn=_month(pl.col("withdrawn_on")),
    )
    first = first.join(known, on="product_id", how="left")
    lost = first.filter(pl.col("withdrawn").is_not_null()).select(
        "customer_id", "category", "withdrawn", had=pl.col("first")
    )
    replaced = (
        first.drop("withdrawn")
        .join(lost, on=["customer_id", "category"])
        .filter(
            pl.col("had") < pl.col("first"),
            (pl.col("first") - pl.col("withdrawn")).is_between(0, LAUNCH_MONTHS),
        )
        .select("customer_id", "product_id", is_instead=pl.lit(True))
        .unique()
    )
    first = (
        first.join(answered, on=["customer_id", "first"], how="left")
        .join(replaced, on=["customer_id", "product_id"], how="left")
        .select(
            "customer_id",
            "product_id",
            "first",
            pl.col("is_own").fill_null(True)
            & (pl.col("first") - pl.col("launched") > LAUNCH_MONTHS).fill_null(True)
            & pl.col("is_instead").is_null(),
        )
    )
    records = pl.read_parquet(folder / "customers.parquet").with_columns(
        _month(pl.col("recorded_on")).alias("recorded"),
        _month(pl.col("joined_on")).alias("joined"),
        pl.coalesce(
            pl.col("age").cast(pl.Float64),
            2024 - pl.col("birth_date").str.slice(0, 4).cast(pl.Float64, strict=False),
        ).alias("age"),
        pl.col("income").cast(pl.Float64),
    )
    kinds = products.select("product_id", "category")
    truth = pl.read_parquet(folder / "truth" / "affinities.parquet")
    as_of: date = truth["as_of"][0]
    gone = products.filter(pl.col("withdrawn_on") <= as_of)["product_id"]
    on_sale = first.filter(~pl.col("product_id").is_in(gone.implode()))["product_id"]
    return Files(owned, first, spent, dealt, records, truth, on_sale.unique().sort(), kinds)


def matrix(pairs: pl.DataFrame, names: pl.Series, products: pl.Series) -> sparse.csr_matrix:
    """By place of the customer in `names` and of the product: ones, or `days` where they stand."""
    rows = pl.DataFrame({"customer_id": names}).with_row_index("row")
    columns = pl.DataFrame({"product_id": products}).with_row_index("column")
    at = pairs.join(rows, on="customer_id").join(columns, on="product_id").sort("row", "column")
    values = at["days"].to_numpy() if "days" in at.columns else np.ones(at.height)
    return sparse.csr_matrix(
        (values.astype(np.float64), (at["row"].to_numpy(), at["column"].to_numpy())),
        shape=(names.len(), products.len()),
    )


def bank(customers: int, seed: int) -> dict[str, float]:
    """The figures of a bank of so many customers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank"
        generate_bank(path, customers, MONTHS, seed=seed)
        files = read(path)
    as_of: date = files.truth["as_of"][0]
    now = as_of.year * 12 + as_of.month
    windows = [files.window(now - AHEAD * back)[0] for back in range(1, WINDOWS + 1)]
    categories = dict(files.kinds.iter_rows())
    kinds = Kinds([categories[each] for each in files.products], LASTING)
    began = time.process_time()
    model = fit_takings(windows, kinds=kinds)
    fitted = time.process_time() - began
    today, names = files.window(now)
    figures = _compared(model, windows, today, names, files)
    return {f"{customers:,} customers, {name}": value for name, value in figures.items()} | {
        "fit, s of processor time": fitted
    }


def _compared(
    model: Takings, windows: list[Window], today: Window, names: pl.Series, files: Files
) -> dict[str, float]:
    true = files.truth.filter(pl.col("customer_id").is_in(names.implode()))
    happened = matrix(true.filter("is_taken"), names, files.products).multiply(today.taken)
    takers = np.flatnonzero(np.asarray(happened.sum(axis=1)).ravel())
    pairs = sparse.coo_matrix(happened.tocsr()[takers])
    taken = pl.DataFrame({"customer": pairs.row, "item": pairs.col}).cast(pl.Int64)
    has = today.owned[takers].toarray() > 0
    taken_before = sum(np.asarray(each.taken.sum(axis=0)).ravel() for each in windows)
    probabilities = model.probabilities(today.features, today.owned, today.segment, today.dealt)
    oracle = np.zeros(probabilities.shape)
    place = dict(zip(names, range(names.len()), strict=True))
    column = dict(zip(files.products, range(files.products.len()), strict=True))
    true = true.filter(pl.col("product_id").is_in(files.products.implode()))
    rows = [place[each] for each in true["customer_id"]]
    oracle[rows, [column[each] for each in true["product_id"]]] = true["probability"]
    scores = {
        "method": probabilities[takers],
        "popularity": np.broadcast_to(taken_before, has.shape),
        "oracle": oracle[takers],
        SEEN: seen(oracle, today)[takers],
    }
    figures: dict[str, float] = {"takings": float(taken.height)}
    losses: dict[str, dict[str, Floats]] = {"MAP at 7": {}, "hit at 3": {}}
    for name, each in scores.items():
        ranked = best(np.where(has, np.nan, each), 7)
        of_seven, of_three = judged(ranked, taken, 7), judged(ranked, taken, 3)
        losses["MAP at 7"][name] = 1 - of_seven["average_precision"].to_numpy()
        losses["hit at 3"][name] = 1 - of_three["hit"].cast(pl.Float64).to_numpy()
    for what, lost in losses.items():
        for name, values in lost.items():
            figures[f"{name}, {what}, score"] = 1 - float(values.mean())
        gain = mean_gain(lost["method"], lost["popularity"])
        whole = mean_gain(lost["oracle"], lost["popularity"]).value
        most = mean_gain(lost[SEEN], lost["popularity"]).value
        figures[f"gain over popularity, low end of 95 %, {what}, score"] = gain.low
        figures[f"share of the oracle's gain, {what}, score"] = gain.value / whole
        figures[f"share of the oracle's gain that can be seen, {what}, score"] = most / whole
        figures[f"share of the gain that can be seen, {what}, score"] = gain.value / most
    expected, actual = np.nansum(probabilities), float(today.taken.sum())
    figures["takings expected over taken"] = float(expected) / actual
    return figures


def seen(true: Floats, today: Window) -> Floats:
    """The true probability to expect of each customer by their features, by product; 0 where they
    have it. Trees of each half of the customers are taught by the true ones of the other.

    Whom a product would never be taken by is taught as well, for no column says who that is.
    """
    found = np.zeros(true.shape)
    features = today.features
    if today.dealt is not None:
        features = with_days(features, today.dealt, range(true.shape[1]))
    half = np.random.default_rng(0).permutation(len(true)) % HALVES
    has = today.owned.toarray() > 0
    for product, one in itertools.product(range(true.shape[1]), range(HALVES)):
        lacks = ~has[:, product]
        learned, scored = (np.flatnonzero(lacks & side) for side in (half != one, half == one))
        if (true[learned, product] > 0).sum() < LEAST_LEARNED or not len(scored):
            continue
        rows = features[learned]
        model = fit_number(rows, true[learned, product], "trees", parameters=TAUGHT)
        found[scored, product] = model.expected(features[scored])
    return found
