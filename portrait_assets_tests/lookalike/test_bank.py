"""The generated bank's prospects: customers among them are found, and who will be worth much.

Judged by the bank's truth, of which nothing is computed.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.app.lookalike.attributes import attributes
from portrait_assets.app.lookalike.setting_aside import KEYS, THRESHOLD
from portrait_assets.methods.linkage.matching import match
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.methods.lookalike.lookalike import learn
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.statistics.discrimination.paired import auc_interval
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS, KNOWN_OF_PROSPECTS, PROSPECTS
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.settings import Life, Prospects, Settings

pytestmark = pytest.mark.slow
SEED_MONTH = date(2023, 5, 31)
ABOUT = [name for name in KNOWN_OF_PROSPECTS if name != "recorded_on"]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prospects") / "bank"
    planted = Prospects(listed=0.5, known=0.2)
    settings = Settings(life=Life(joining=0.4), prospects=planted)
    generate_bank(folder, 4_000, 12, seed=5, settings=settings)
    return folder


def cleaned(bank: Path, canonical: Canonical) -> pl.DataFrame:
    raw = pl.read_parquet(bank / f"{canonical.name}.parquet")
    missing = [column.name for column in canonical.columns if column.name not in raw.columns]
    rows = raw.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in missing),
        month=pl.lit("2023-12"),
        source_file=pl.lit("f"),
        source_row=pl.int_range(pl.len()) + 1,
    )
    return clean(rows, canonical, Conventions("Asia/Shanghai", "CN")).kept


@pytest.fixture(scope="module")
def customers(bank: Path) -> pl.DataFrame:
    return cleaned(bank, CUSTOMERS)


@pytest.fixture(scope="module")
def prospects(bank: Path) -> pl.DataFrame:
    return cleaned(bank, PROSPECTS)


@pytest.fixture(scope="module")
def truth(bank: Path) -> pl.DataFrame:
    return pl.read_parquet(bank / "truth" / "prospects.parquet")


def test_customers_among_the_prospects_are_found_and_nobody_else(
    customers: pl.DataFrame, prospects: pl.DataFrame, truth: pl.DataFrame
):
    new = prospects.select(pl.col("prospect_id").alias("id"), *ABOUT)
    known = customers.select(pl.col("customer_id").alias("id"), *ABOUT)
    keys = (("phone", "birth_date"), *KEYS)
    found = match(new, known, keys, None, LinkageSettings(THRESHOLD)).filter("is_known")
    is_customer = pl.col("was_customer") | pl.col("joined_on").is_not_null()
    true = set(truth.filter(is_customer)["prospect_id"])
    assert len(true) > 400
    ids = set(found["id"])
    assert len(ids & true) / len(ids) > 0.99, "precision"
    assert len(ids & true) / len(true) > 0.97, "recall"


def test_a_seed_of_wealthy_customers_finds_who_joins_and_who_is_worth_much(
    bank: Path, customers: pl.DataFrame, prospects: pl.DataFrame, truth: pl.DataFrame
):
    assets = (
        pl.read_parquet(bank / "balances" / "2023-05.parquet")
        .filter(pl.col("credit_limit").is_null())
        .group_by(pl.col("customer_id").cast(pl.String))
        .agg(pl.col("balance").cast(pl.Float64).sum().alias("assets"))
    )
    by_then = customers.filter(pl.col("recorded_on") <= SEED_MONTH).sort("recorded_on")
    base = by_then.unique("customer_id", keep="last", maintain_order=True).join(
        assets, on="customer_id"
    )
    is_seed = (base["assets"] > base["assets"].quantile(0.8)).to_numpy()
    few = Parameters(folds=3, most_trees=40)
    model = learn(attributes(base, SEED_MONTH), is_seed, parameters=few).model

    listed = prospects.join(
        truth.filter(~pl.col("was_customer")), on="prospect_id", maintain_order="left"
    )
    margin = model.margin(attributes(listed, SEED_MONTH))
    joined = listed["joined_on"].is_not_null().to_numpy()
    assert joined.sum() > 200
    assert auc_interval(margin, joined).low > 0.6
    value = listed["value_after_six_months"]
    is_valued = value.is_not_null().to_numpy()
    much = (value > value.drop_nulls().median()).fill_null(False).to_numpy()
    assert auc_interval(margin[is_valued], much[is_valued]).low > 0.6
    assert auc_interval(margin, much).low > 0.65
