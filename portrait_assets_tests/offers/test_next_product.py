"""What to offer each customer next, from affinities, records and products of a small bank."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.stages.offers.next_product.base import (
    base_probability,
    listed_products,
    usual_amount,
)
from portrait_assets.stages.offers.next_product.choosing import MOST_POPULAR, next_product
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT
from portrait_assets_tests.offers.world import AFFINITY, Bank, account, assessed, fund

NEXT = next_product(AFFINITY)
SOLD = [fund(f"f{n}", f"R{n}", margin_rate=0.01) for n in range(1, 6)]


def likes(who: str, **probabilities: float) -> list[dict[str, Any]]:
    return [{"customer_id": who, "item": i, "probability": p} for i, p in probabilities.items()]


def offers(bank: Bank, who: str) -> list[str]:
    rows = bank.rows(NEXT).filter(customer_id=who)
    return rows.sort("rank")["product_id"].to_list()


def why(bank: Bank, who: str) -> str:
    return str(bank.rows(NEXT).filter(customer_id=who)["reason"][0])


def test_the_usual_amount_is_the_median_of_what_is_held_or_owed():
    accounts = [("ann", "f1", 100), ("bob", "f1", 300), ("cat", "f1", 200), ("ann", "loan", -50)]
    accounts += [("bob", "loan", -70), ("cat", "loan", 0), ("ann", "f2", 9)]
    bank = Bank(
        [assessed(who, "C4") for who in ("ann", "bob", "cat")],
        [*SOLD, {"product_id": "loan", "category": "loan"}],
        balances=[account(*each) for each in accounts],
    )
    found = bank.rows(usual_amount(2))
    assert dict(found.rows()) == {"f1": 200, "loan": 50}


def test_the_usual_amount_is_of_payments_where_nobody_holds_anything():
    paid = [
        ("ann", "f1", 7),
        ("bob", "f1", 7),
        ("ann", "f3", 5),
        ("ann", "f3", 4),
        ("bob", "f3", 30),
    ]
    bank = Bank(
        [assessed(who, "C4") for who in ("ann", "bob")],
        [*SOLD, {"product_id": "free"}],
        balances=[account("ann", "f1", 100), account("bob", "f1", 300)],
        transactions=[
            {"customer_id": who, "product_id": product, "amount": amount}
            for who, product, amount in [*paid, ("ann", "free", 3), ("bob", "free", 3)]
        ],
    )
    assert dict(bank.rows(usual_amount(2)).rows()) == {"f1": 100, "f3": 9}


def test_of_what_suits_the_most_probable_come_first_and_three_at_most():
    bank = Bank(
        [assessed("ann", "C4"), assessed("bob", "C2")],
        SOLD,
        [
            *likes("ann", f5=0.9, f4=0.2, f3=0.3, f2=0.5, f1=0.4),
            *likes("bob", f5=0.1, f4=0.1, f3=0.1, f2=0.1, f1=0.1),
        ],
    )
    rows = bank.rows(NEXT)
    assert rows.columns == list(NEXT_PRODUCT.column_names)
    assert offers(bank, "ann") == ["f2", "f1", "f3"], "R5 is not sold to C4"
    assert offers(bank, "bob") == ["none"], "nothing is more probable than for both on average"
    assert why(bank, "bob") == "none_better"
    first = rows.filter(customer_id="ann").row(0, named=True)
    assert (first["probability"], first["base_probability"]) == (0.5, 0.3)
    assert first["reason_en"] == (
        "1.7 times as probable as for all customers; it needs C2, the customer is assessed as C4."
    )
    assert first["reason_zh"] == "购买概率为全体客户的1.7倍；产品要求C2，客户测评等级为C4。"


def test_equal_probabilities_are_ordered_by_product():
    others = likes("bob", f1=0.1, f2=0.1, f3=0.1, f4=0.1)
    bank = Bank(
        [assessed("ann", "C5"), assessed("bob", "C5")],
        SOLD,
        [*likes("ann", f4=0.2, f2=0.2, f3=0.2, f1=0.2), *others],
    )
    assert offers(bank, "ann") == ["f1", "f2", "f3"]


def test_why_nothing_is_offered_has_a_reason():
    bank = Bank(
        [assessed("ann", "C1"), assessed("bob", "C5"), {"customer_id": "new"}],
        SOLD,
        [*likes("ann", f5=0.9), *likes("bob", f5=0.1)],
    )
    assert [why(bank, who) for who in ("ann", "bob", "new")] == [
        "none_suits",
        "none_better",
        "nothing_known",
    ]


def test_who_refuses_profiling_gets_what_most_have_of_what_suits():
    holders_of = {"f5": ["a", "b", "c"], "f2": ["a", "b"], "f1": ["a"], "f3": ["b", "c"]}
    balances = [account(who, i) for i, holders in holders_of.items() for who in holders]
    people = [assessed(who, "C5") for who in "abc"]
    refuse = [assessed("no", "C2", means=9), assessed("nono", "C5", means=9)]
    kid = assessed("kid", "C5", age=10)
    bank = Bank(
        [*people, *refuse, kid],
        SOLD,
        likes("no", f1=0.9),
        refuses=["no", "nono"],
        children=["kid"],
        balances=balances,
    )
    rows = bank.rows(NEXT)
    assert offers(bank, "no") == ["f2", "f1"]
    assert offers(bank, "nono") == ["f5", "f2", "f3"]
    assert "kid" not in rows["customer_id"], "nothing is offered to a child"
    generic = rows.filter(pl.col("customer_id").is_in(["no", "nono"]))
    assert set(generic["basis"]) == {"generic"}
    assert generic.select("probability", "base_probability", "value").null_count().row(0) == (
        5,
        5,
        5,
    )


def test_who_refuses_profiling_gets_the_most_popular_of_however_many():
    sold = [fund(f"p{n:02}", "R1") for n in range(MOST_POPULAR + 2)]
    accounts = [account("a", each["product_id"]) for each in sold]
    bank = Bank(
        [assessed(who, "C5") for who in ("a", "b", "no")],
        sold,
        refuses=["no"],
        balances=[*accounts, account("b", "p51"), account("b", "p50")],
    )
    assert offers(bank, "no") == ["p50", "p51", "p00"]


def test_what_may_not_be_personalised_is_offered_to_all_alike_only():
    sold = [fund("f1", "R1", is_personalisable=False)]
    bank = Bank(
        [assessed("ann", "C5"), assessed("bob", "C5"), assessed("no", "C5")],
        sold,
        [*likes("ann", f1=0.9), *likes("bob", f1=0.1)],
        refuses=["no"],
        balances=[account("ann", "f1")],
    )
    assert offers(bank, "ann") == ["none"]
    assert offers(bank, "no") == ["f1"]


def value(bank: Bank, smallest: int = 1) -> Any:
    rows = bank.rows(next_product(AFFINITY, smallest)).filter(customer_id="ann")
    return rows["value"][0]


def test_the_value_is_that_of_the_amount_that_holders_usually_have():
    holders = [account(who, "f1", b) for who, b in {"b": 1000, "c": 3000, "d": 80_000}.items()]
    people = [assessed(who, "C5") for who in ("ann", "b", "c", "d")]
    affinities = [*likes("ann", f1=0.5), *likes("b", f1=0.1)]
    bank = Bank(people, SOLD, affinities, balances=holders)
    assert float(value(bank)) == 15.00  # 0.5 x 1 % x 3,000
    assert value(bank, smallest=4) is None, "an amount of few customers is not shown"
    bank = Bank(people, [fund("f1", "R1")], affinities, balances=holders)
    assert value(bank) is None, "no margin is known"


def test_the_base_counts_for_whom_a_full_list_leaves_the_product_out():
    full = {f"f{n}": 0.4 for n in range(9)} | {"low": 0.2}
    bank = Bank((), (), [*likes("ann", **full), *likes("bob", rare=0.5), *likes("cat", f1=0.1)])
    base = dict(bank.rows(base_probability(listed_products(AFFINITY))).iter_rows())
    assert base["rare"] == 0.35, "Ann's is at most 0.2; Cat's short list leaves out what she has"
    assert base["f1"] == 0.25
    assert base["low"] == 0.2


def test_goods_of_a_shop_without_products_are_offered_too():
    bank = Bank(
        [{"customer_id": "ann"}, {"customer_id": "bob"}],
        (),
        [*likes("ann", milk=0.6, bread=0.1), *likes("bob", milk=0.2, bread=0.1)],
    )
    assert offers(bank, "ann") == ["milk"]
    assert offers(bank, "bob") == ["none"]


def test_of_a_bank_a_product_in_no_table_is_not_offered():
    bank = Bank(
        [assessed("ann", "C5"), assessed("bob", "C5")],
        SOLD,
        [*likes("ann", ghost=0.6), *likes("bob", ghost=0.1)],
    )
    assert offers(bank, "ann") == ["none"]
