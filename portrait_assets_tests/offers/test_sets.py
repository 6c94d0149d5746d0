"""Product sets: what a file may hold, who is of the audience, and what is offered to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from portrait_assets.schema.table import CUSTOMER_ID, Column, PartitionBy, Table, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.sets.choosing import set_steps
from portrait_assets.stages.offers.sets.contract import PRODUCT_SET, SET_OFFER
from portrait_assets.stages.offers.sets.declared import (
    PACKAGED,
    ProductSet,
    declared_sets,
)
from portrait_assets.stages.offers.sets.entries import OfferError, SetEntry, merged_sets
from portrait_assets_tests.offers.world import AFFINITY, Bank, account, assessed, frame_of, fund

MATRIX = Table(
    schema="tags",
    name="portrait_matrix",
    en="Tags",
    zh="标签",
    columns=(CUSTOMER_ID, Column("is_vip", Type.BOOLEAN, "Important", "贵宾")),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
)
CUSTOMERS = {column.name: column for column in (*FEATURE_MATRIX.all_columns, *MATRIX.all_columns)}


def sets_of(*entries: dict[str, Any]) -> tuple[ProductSet, ...]:
    named = {"name": {"en": "Set", "zh": "组合"}, "owner": "products"}
    return declared_sets((SetEntry.model_validate(named | each) for each in entries), CUSTOMERS)


SETS = sets_of({"code": "calm", "audience": "age >= 60", "rule": {"highest_grade": "R2"}})
SOLD = [
    fund("f1", "R1"),
    fund("f2", "R2", minimum_amount=10_000),
    fund("f3", "R3"),
    fund("f8", None, sold_to_risk_tolerance="C2"),
    fund("f9", None),
    {"product_id": "life", "category": "insurance"},
]


def bank(*people: dict[str, Any], vips: tuple[str, ...] = (), **more: Any) -> Bank:
    small = Bank(people, SOLD, **more)
    tags = [
        {"customer_id": who["customer_id"], "is_vip": who["customer_id"] in vips} for who in people
    ]
    small.put(MATRIX, frame_of(MATRIX, tags))
    return small


def ten_of_each(people: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Enough to be counted."""
    return [who | {"customer_id": f"{who['customer_id']}_{n}"} for who in people for n in range(10)]


def of_sets(small: Bank, sets: tuple[ProductSet, ...] = SETS, smallest: int = 10) -> dict[str, Any]:
    """By set and product the customers of the audience, and those whom it suits."""
    step, _ = set_steps(sets, MATRIX, AFFINITY, smallest)
    rows = small.rows(step)
    assert rows.columns == list(PRODUCT_SET.column_names)
    return {
        f"{row['set_code']} {row['product_id']}": (row["customers"], row["suited"])
        for row in rows.iter_rows(named=True)
    }


def offered(small: Bank, sets: tuple[ProductSet, ...] = SETS) -> list[tuple[Any, ...]]:
    _, step = set_steps(sets, MATRIX, AFFINITY, 10)
    rows = small.rows(step)
    assert rows.columns == list(SET_OFFER.column_names)
    return rows.select("set_code", "customer_id", "product_id").rows()


def test_a_set_has_products_of_a_known_grade_up_to_its_highest():
    people = [assessed("old", "C5", age=64), assessed("poor", "C5", age=60, means=5)]
    people.append(assessed("ann", "C5", age=59))
    small = bank(*people)
    assert of_sets(small) == {"calm f1": (None, None), "calm f2": (None, None)}, "two are few"
    assert of_sets(bank(*ten_of_each(people))) == {"calm f1": (20, 20), "calm f2": (20, 10)}
    assert offered(small) == [("calm", "old", "f1"), ("calm", "old", "f2"), ("calm", "poor", "f1")]


def test_the_packaged_sets_are_for_sixty_and_over_and_for_young_adults():
    packaged = declared_sets(merged_sets(PACKAGED, None), CUSTOMERS)
    assert [(each.code, each.words, each.service) for each in packaged] == [
        ("silver", "plain", "human"),
        ("young", "standard", "any"),
    ]
    people = [assessed(f"a{age}", "C5", age=age) for age in (17, 18, 34, 35, 59, 60, 61)]
    assert of_sets(bank(*ten_of_each(people)), packaged) == {
        "silver f1": (20, 20),
        "silver f2": (20, 20),
        "young f1": (20, 20),
        "young f3": (20, 20),
    }


def test_what_is_probable_comes_first_and_then_what_most_have():
    people = [assessed("old", "C5", age=64), assessed("ann", "C5"), assessed("bob", "C5")]
    balances = [account("ann", "f2"), account("bob", "f2"), account("ann", "f3")]
    any_fund = sets_of({"code": "funds", "audience": "age = 64", "products": "category = 'fund'"})
    assert offered(bank(*people, balances=balances), any_fund) == [
        ("funds", "old", "f2"),
        ("funds", "old", "f3"),
        ("funds", "old", "f1"),
    ]
    likes = [{"customer_id": "old", "item": "f1", "probability": 0.01}]
    liked = offered(bank(*people, balances=balances, affinities=likes), any_fund)
    assert liked[0] == ("funds", "old", "f1")


def test_an_audience_may_read_tags_and_has_nobody_who_refuses_profiling():
    only_r1 = {"highest_grade": "R1"}
    vips = sets_of({"code": "vips", "audience": "is_vip AND age > 20", "rule": only_r1})
    people = [assessed("ann", "C5"), assessed("bob", "C5"), assessed("no", "C5")]
    small = bank(*people, vips=("ann", "no"), refuses=["no"])
    assert offered(small, vips) == [("vips", "ann", "f1")]


def test_few_customers_are_not_counted():
    young = [assessed(f"y{n}", "C5", age=64) for n in range(12)]
    small = bank(*young, assessed("poor", "C5", age=64, means=5))
    assert of_sets(small) == {"calm f1": (13, 13), "calm f2": (13, None)}
    poor = [assessed(f"p{n}", "C5", age=64, means=5) for n in range(9)]
    mostly_poor = of_sets(bank(*young[:4], *poor))
    assert mostly_poor == {"calm f1": (13, 13), "calm f2": (13, None)}
    few = of_sets(bank(*young[:9]))
    assert few == {"calm f1": (None, None), "calm f2": (None, None)}


OWN = """
sets:
  - code: silver
    audience: age >= 65
  - code: vips
    name: {en: VIPs, zh: 贵宾}
    owner: private banking
    audience: is_vip
    products: category = 'fund' AND risk_grade IN ('R1', 'R2')
"""


def written(folder: Path, text: str) -> tuple[ProductSet, ...]:
    path = folder / "product_sets.yaml"
    path.write_text(text, encoding="utf-8")
    return declared_sets(merged_sets(PACKAGED, path), CUSTOMERS)


def test_a_bank_changes_packaged_sets_and_adds_its_own(tmp_path: Path):
    sets = {each.code: each for each in written(tmp_path, OWN)}
    assert list(sets) == ["silver", "young", "vips"]
    assert sets["silver"].audience.text == "age >= 65"
    assert (sets["silver"].en, sets["silver"].highest_grade) == ("Silver customers", 2)
    assert sets["vips"].highest_grade is None


AT = "product_sets.yaml, line 6: "
NO_PRICE = (
    "of its own, and no price may depend on who a customer is; leave it out and state one price "
    "for all with the product."
)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("discount: 0.1", f"{AT}product set mine has a 'discount' {NO_PRICE}"),
        ("rule: {rate: 0.1}", f"{AT}product set mine has a 'rate' {NO_PRICE}"),
        (
            "products: margin_rate > 0",
            f"{AT}product set mine: its products cannot be selected: there is no column "
            "margin_rate.",
        ),
        (
            "products: term_days + 1",
            f"{AT}product set mine: its products 'term_days + 1' gives BIGINT; write a "
            "condition that is true or false.",
        ),
        (
            "rule: {highest_grade: R6}",
            f"{AT}highest_grade of rule of product set mine must be one of R1, R2",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, line: str, sentence: str):
    head = "sets:\n  - code: mine\n    name: {en: S, zh: 组}\n    owner: o\n    audience: is_vip\n"
    with pytest.raises(OfferError) as error:
        written(tmp_path, f"{head}    {line}\n")
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_an_audience_that_cannot_be_selected_is_named(tmp_path: Path):
    text = "sets:\n  - code: silver\n    audience: agee >= 60\n"
    with pytest.raises(OfferError, match=r"line 3: product set silver: .*agee.*did you mean"):
        written(tmp_path, text)
    with pytest.raises(OfferError, match="line 3: product set silver: its audience 'age' gives"):
        written(tmp_path, "sets:\n  - code: silver\n    audience: age\n")
    with pytest.raises(OfferError, match="product set own stands twice"):
        written(tmp_path, "sets:\n  - code: own\n  - code: own\n")


def test_no_table_of_offers_has_a_price():
    from portrait_assets.stages.offers.assets import TABLES
    from portrait_assets.stages.offers.sets.entries import PRICES

    names = {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}
    assert not {name for name in names if set(name.partition(".")[2].split("_")) & PRICES}
    assert {"margin", "rate"} & PRICES, "it would be found"
