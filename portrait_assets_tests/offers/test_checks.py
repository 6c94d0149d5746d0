"""Each check of offers passes on what was computed, and fails on what was changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.offers.next_product.checks import (
    ALL_SUIT,
    BETTER_THAN_BASE,
    EVERYONE,
    REFUSALS_KEPT,
)
from portrait_assets.stages.offers.next_product.choosing import next_product
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT
from portrait_assets.stages.offers.sets.checks import WITHIN_GRADE, sets_checks
from portrait_assets.stages.offers.sets.choosing import set_steps
from portrait_assets.stages.offers.sets.contract import PRODUCT_SET, SET_OFFER
from portrait_assets.stages.offers.suitability.checks import ADDS_UP
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.storage.dagster.checks import CONTRACT, Finding, TableCheck
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import Step
from portrait_assets_tests.offers.test_sets import MATRIX, SETS
from portrait_assets_tests.offers.world import (
    AFFINITY,
    Bank,
    account,
    assessed,
    found,
    frame_of,
    fund,
    stored,
)

PRODUCT_SETS, SET_OFFERS = set_steps(SETS, MATRIX, AFFINITY, 10)
STEPS: dict[Table, Step] = {
    PRODUCT_RULE: product_rule(1),
    NEXT_PRODUCT: next_product(AFFINITY),
    PRODUCT_SET: PRODUCT_SETS,
    SET_OFFER: SET_OFFERS,
}
CHECKS: dict[Table, tuple[TableCheck, ...]] = {
    PRODUCT_RULE: (ADDS_UP,),
    NEXT_PRODUCT: (ALL_SUIT, EVERYONE, BETTER_THAN_BASE, REFUSALS_KEPT),
    PRODUCT_SET: tuple(sets_checks(SETS)[PRODUCT_SET]),
    SET_OFFER: (ALL_SUIT,),
}


@dataclass
class Computed:
    """What was computed of a bank, and its warehouse."""

    warehouse: Warehouse
    rows: dict[Table, pl.DataFrame] = field(default_factory=dict)

    def found(self, check: TableCheck, table: Table, rows: pl.DataFrame | None = None) -> Finding:
        return found(check, self.warehouse, table, self.rows[table] if rows is None else rows)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computed]:
    likes = {"ann": (0.9, 0.5, 0.2), "old": (0.1, 0.4, 0.6), "bob": (0.1, 0.1, 0.1)}
    bank = Bank(
        [
            assessed("ann", "C5"),
            assessed("old", "C5", age=70),
            assessed("bob", "C1"),
            assessed("no", "C3"),
        ],
        [fund("f1", "R1"), fund("f2", "R2"), fund("f4", "R4")],
        [
            {"customer_id": who, "item": item, "probability": p}
            for who, each in likes.items()
            for item, p in zip(("f1", "f2", "f4"), each, strict=True)
        ],
        refuses=["no"],
        balances=[account("ann", "f1")],
    )
    bank.put(MATRIX, frame_of(MATRIX, [{"customer_id": who} for who in likes]))
    warehouse = stored(bank, tmp_path_factory.mktemp("offers"))
    rows = {
        table: bank.rows(step).cast(dict(table.polars_schema))  # type: ignore[arg-type]
        for table, step in STEPS.items()
    }
    yield Computed(warehouse, rows)
    warehouse.close()


def test_what_is_computed_passes_all_checks(computed: Computed):
    for table, checks in CHECKS.items():
        assert computed.rows[table].height > 0
        for check in (CONTRACT, *checks):
            assert computed.found(check, table).failures == 0, (table.name, check.name)


def test_a_customer_who_is_counted_twice_or_not_at_all_is_found(computed: Computed):
    rows = computed.rows[PRODUCT_RULE]
    first = (pl.col("product_id") == "f1") & (pl.col("rule") == "suitable")
    more = rows.with_columns(customers=pl.col("customers") + first.cast(pl.Int64))
    assert computed.found(ADDS_UP, PRODUCT_RULE, more) == Finding(2, "3 products, 5 customers each")
    fewer = rows.with_columns(customers=pl.lit(1)).unique("product_id")
    assert computed.found(ADDS_UP, PRODUCT_RULE, fewer).failures == 3


def test_an_offer_that_does_not_suit_is_found(computed: Computed):
    rows = computed.rows[NEXT_PRODUCT]
    assert rows.filter(customer_id="old")["product_id"].to_list() == ["f2"], "R4 suits none at 70"
    is_old = pl.col("customer_id") == "old"
    bold = rows.with_columns(product_id=pl.when(is_old).then(pl.lit("f4")).otherwise("product_id"))
    result = computed.found(ALL_SUIT, NEXT_PRODUCT, bold)
    assert result == Finding(1, "4 offers; not: care of elders")
    of_set = computed.rows[SET_OFFER].with_columns(product_id=pl.lit("f4"))
    assert computed.found(ALL_SUIT, SET_OFFER, of_set).failures > 0


def test_a_customer_without_an_answer_and_a_stranger_are_found(computed: Computed):
    rows = computed.rows[NEXT_PRODUCT]
    without = rows.filter(pl.col("customer_id") != "bob")
    assert computed.found(EVERYONE, NEXT_PRODUCT, without).failures == 1
    stranger = rows.tail(1).with_columns(customer_id=pl.lit("x"))
    assert computed.found(EVERYONE, NEXT_PRODUCT, pl.concat([rows, stranger])).failures == 1


@pytest.mark.parametrize(
    "answer",
    [
        [("f1", 2), ("f2", 3)],
        [("f1", 1), ("f2", 3)],
        [("f1", 1), ("f1", 2)],
        [("f1", 1), ("none", 2)],
        [("none", 1), ("none", 2)],
    ],
    ids=["no first", "a gap", "a product twice", "none beside an offer", "none twice"],
)
def test_an_answer_whose_ranks_or_products_do_not_fit_is_found(
    computed: Computed, answer: list[tuple[str, int]]
):
    rows = computed.rows[NEXT_PRODUCT]
    own = pl.DataFrame(answer, schema=["product_id", "rank"], orient="row").cast(
        {"rank": pl.UInt32}
    )
    others, ann = rows.filter(pl.col("customer_id") != "ann"), rows.filter(customer_id="ann")
    given = own.join(ann.head(1).drop("product_id", "rank"), how="cross").select(rows.columns)
    assert computed.found(EVERYONE, NEXT_PRODUCT, pl.concat([others, given])).failures == 1


def test_an_offer_that_is_no_better_than_the_base_is_found(computed: Computed):
    rows = computed.rows[NEXT_PRODUCT]
    personal = rows.filter(basis="personal").height
    level = rows.with_columns(probability=pl.col("base_probability"))
    assert computed.found(BETTER_THAN_BASE, NEXT_PRODUCT, level).failures == personal
    turned = rows.with_columns(probability=1 - 1 / (2 + pl.col("rank").cast(pl.Float64)))
    assert computed.found(BETTER_THAN_BASE, NEXT_PRODUCT, turned).failures == 1


def test_an_affinity_of_somebody_who_refuses_is_found(computed: Computed):
    rows = computed.rows[NEXT_PRODUCT]
    for column, value in (
        *(("probability", 0.5), ("base_probability", 0.5), ("value", 1)),
        ("basis", "personal"),
    ):
        used = rows.with_columns(pl.lit(value).cast(rows.schema[column]).alias(column))
        assert computed.found(REFUSALS_KEPT, NEXT_PRODUCT, used) == Finding(
            1, "1 refuse profiling, 1 rows use it"
        )


def test_a_product_above_the_grade_of_its_set_is_found(computed: Computed):
    rows = computed.rows[PRODUCT_SET]
    bold = pl.concat([rows, rows.head(1).with_columns(product_id=pl.lit("f4"))])
    ghost = pl.concat([rows, rows.head(1).with_columns(product_id=pl.lit("ghost"))])
    for more in (bold, ghost):
        result = computed.found(WITHIN_GRADE, PRODUCT_SET, more)
        assert result == Finding(1, f"{rows.height + 1} products; not: calm")


def test_a_set_without_a_product_is_found(computed: Computed):
    (_, has_products) = sets_checks(SETS)[PRODUCT_SET]
    rows = computed.rows[PRODUCT_SET].filter(pl.col("set_code") != "calm")
    result = computed.found(has_products, PRODUCT_SET, rows)
    assert result == Finding(1, "1 sets; without a product: calm")
