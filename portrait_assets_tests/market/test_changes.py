"""What a change of takings is made of, and for whom demand changed."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from portrait_assets.stages.market.changes.contract import TAKINGS_CHANGE
from portrait_assets.stages.market.changes.pairs import reach_pairs, takings_pairs
from portrait_assets.stages.market.changes.reach import reach_rows
from portrait_assets.stages.market.changes.takings import takings_rows, takings_step
from portrait_assets.stages.market.columns import EVERYONE, MONTH_BEFORE
from portrait_assets.stages.market.facts import member_before
from portrait_assets_tests.market.world import accounts, lines, members, step_rows

PAIRS = takings_pairs(MONTH_BEFORE)


def pairs(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    return step_rows(
        PAIRS,
        bought=now,
        bought_1=before,
        member=members(ann=1, bob=2, new=2),
        member_1=members(ann=1, bob=1),
    )


def split(rows: list[dict[str, object]], segment: object, item: str = "all") -> dict[str, object]:
    (row,) = [r for r in rows if (r["segment_id"], r["item"]) == (segment, item)]
    return row


def test_takings_are_split_by_the_segment_of_before_and_newcomers_are_apart() -> None:
    before = lines(("ann", "tea", 20, 10), ("bob", "jam", 20, 5))
    now = lines(("ann", "tea", 30, 12), ("bob", "jam", 32, 8), ("new", "tea", 5, 1))
    rows = takings_rows(pairs(before, now))
    assert split(rows, 1)["change"] == Decimal(22), "bob is where he was, in segment 1"
    assert split(rows, None)["change"] == Decimal(5)
    assert split(rows, None)["range_change"] == Decimal(5), "nothing was theirs before"
    whole = split(rows, EVERYONE)
    assert whole["change"] == Decimal(27)
    assert (whole["customers_before"], whole["customers"]) == (2, 3)
    tea = split(rows, 1, "tea")
    assert (tea["price"], tea["price_of"]) == (Decimal(6), "quantity")
    assert tea["volume"] == 0, "one purchase, as before"
    assert tea["mix"] == Decimal(4), "of two more units"


def test_without_quantities_the_price_is_of_a_purchase() -> None:
    before = lines(("ann", "tea", 20, 10), ("ann", "tea", 20))
    now = lines(("ann", "tea", 30, 12))
    tea = split(takings_rows(pairs(before, now)), 1, "tea")
    assert (tea["price"], tea["price_of"]) == (Decimal(10), "purchases")


def test_a_category_that_vanished_is_of_the_range() -> None:
    rows = takings_rows(
        pairs(lines(("ann", "tea", 20), ("ann", "jam", 9)), lines(("ann", "tea", 20)))
    )
    jam = split(rows, 1, "jam")
    assert (jam["amount"], jam["mix"], jam["range_change"]) == (0, Decimal(-9), Decimal(-9))
    assert split(rows, 1, "tea")["change"] == 0


LINE = st.tuples(
    st.sampled_from(["ann", "bob", "new"]),
    st.sampled_from(["tea", "jam", None]),
    st.none() | st.decimals(-(10**7), 10**7, places=2, allow_nan=False, allow_infinity=False),
    st.none() | st.integers(0, 20),
)


@settings(max_examples=40)
@given(st.lists(LINE, max_size=8), st.lists(LINE, max_size=8))
@pytest.mark.slow
def test_every_row_adds_up_to_the_cent(
    before: list[tuple[object, ...]], now: list[tuple[object, ...]]
) -> None:
    rows = takings_rows(pairs(lines(*before), lines(*now)))
    for row in rows:
        parts = [Decimal(str(row[name])) for name in ("volume", "price", "mix", "change")]
        assert sum(parts[:3], Decimal(0)) == parts[3]
    for segment in {row["segment_id"] for row in rows}:
        own = [row for row in rows if row["segment_id"] == segment and row["item"] != "all"]
        for name in ("amount", "amount_before", "change", "volume", "price", "mix"):
            added = sum((Decimal(str(row[name])) for row in own), Decimal(0))
            assert added == Decimal(str(split(rows, segment)[name]))


def test_small_groups_are_left_out_and_the_first_month_has_no_rows() -> None:
    step = takings_step(10)
    frames = {
        "takings_pairs_1": pairs(lines(("ann", "tea", 20)), lines(("ann", "tea", 20))),
        "takings_pairs_12": pairs(lines(), lines(("ann", "tea", 20))),
    }
    assert step_rows(step, **frames).is_empty()
    newcomer = pairs(lines(("ann", "tea", 20)), lines(("ann", "tea", 20), ("new", "tea", 5)))
    with_new = step_rows(takings_step(1), **{**frames, "takings_pairs_1": newcomer})
    assert with_new.filter(item="all")["segment_id"].to_list() == [0, 1, None]
    found = step_rows(takings_step(1), **frames)
    assert found.select("segment_id", "item", "customers_before").rows() == [
        *((0, "all", 1), (0, "tea", 1), (1, "all", 1), (1, "tea", 1))
    ]
    first = frames["takings_pairs_12"]
    rows = step_rows(takings_step(1), takings_pairs_1=first, takings_pairs_12=first)
    assert rows.is_empty(), "of the first month nothing earlier is known"


def test_what_few_gave_back_in_a_month_in_which_nobody_bought_it_is_left_out() -> None:
    """Jam was bought by all, and now one gives some back; the smaller of the others hides it."""
    everyone = [f"k{n:02}" for n in range(14)]
    bought = [*((who, "tea", 20) for who in everyone), *((who, "rye", 9) for who in everyone[:12])]
    who = members(**dict.fromkeys(everyone, 1))
    changed = step_rows(
        PAIRS,
        bought=lines(*bought, ("k00", "jam", -5)),
        bought_1=lines(*bought, *((who, "jam", 5) for who in everyone)),
        member=who,
        member_1=who,
    )
    frames = {"takings_pairs_1": changed, "takings_pairs_12": changed.clear()}
    found = step_rows(takings_step(10), **frames)
    assert found["item"].unique().sort().to_list() == ["all", "tea"]
    assert found.columns == [*TAKINGS_CHANGE.column_names]
    every = step_rows(takings_step(1), **frames)
    assert every["item"].unique().sort().to_list() == ["all", "jam", "rye", "tea"]


def test_who_may_not_be_profiled_any_more_is_no_loss() -> None:
    assigned = members(ann=1, bob=1, two=2)
    found = step_rows(
        member_before(1),
        assignment_1=pl.concat([assigned, members(two=1)]),
        unprofiled=members(bob=0).select("customer_id"),
    )
    assert dict(found.sort("customer_id").iter_rows()) == {"ann": 1, "two": 1}


def reach(**had: pl.DataFrame) -> pl.DataFrame:
    return step_rows(reach_pairs(MONTH_BEFORE), **had)


def test_reach_follows_the_customers_of_before() -> None:
    pair = reach(
        bought=lines(("ann", "tea", 1), ("new", "tea", 1)),
        bought_1=lines(("ann", "tea", 1), ("bob", "tea", 1), ("bob", "jam", -1)),
        holding=accounts(("bob", "fund 1", 5)),
        holding_1=accounts(),
        member_1=members(ann=1, bob=1),
    )
    (tea,) = pair.filter(segment_id=EVERYONE, item="tea").to_dicts()
    assert (tea["customers"], tea["kept"], tea["only_before"], tea["only_now"]) == (2, 1, 1, 0)
    (fund,) = pair.filter(segment_id=1, item="fund").to_dicts()
    assert (fund["measure"], fund["only_now"]) == ("holdings", 1)
    assert pair.filter(item="jam").is_empty(), "what is given back is not had"


def pair(item: str, lost: int, won: int, kept: int = 50, segment: int = 1) -> dict[str, object]:
    return {"comparison": "month before", "segment_id": segment, "measure": "purchases"} | {
        "item": item,
        "customers": 400,
        "kept": kept,
        "only_before": lost,
        "only_now": won,
    }


def test_a_change_is_tested_by_those_who_switched() -> None:
    rows = reach_rows(
        pl.DataFrame([pair("tea", 10, 40), pair("jam", 12, 15), pair("ham", 0, 0)]), 1
    )
    tea, jam, ham = (rows.filter(item=item).row(0, named=True) for item in ("tea", "jam", "ham"))
    assert tea["p_value"] == pytest.approx(binomtest(10, 50).pvalue)
    assert (tea["direction"], jam["direction"], ham["direction"]) == (
        "more",
        "none is sure",
        "none is sure",
    )
    assert tea["reach_change"] == pytest.approx(30 / 400)
    assert tea["reach_change_low"] < 30 / 400 < tea["reach_change_high"]
    assert tea["reach_change_low"] > 0
    assert ham["p_value"] is None


def test_of_many_that_do_not_change_none_is_called_a_change() -> None:
    chance = [binomtest(k, 40).pvalue for k in range(41)]
    assert sum(p < 0.05 for p in chance) > 20
    rows = [pair(f"i{n}", 20 + n % 7 - 3, 20 - n % 7 + 3) for n in range(60)]
    assert set(reach_rows(pl.DataFrame(rows), 1)["direction"]) == {"none is sure"}


def test_a_few_who_switched_are_left_out() -> None:
    rows = [pair("tea", 3, 40), pair("jam", 30, 40), pair("ham", 25, 40), pair("oil", 20, 40)]
    left = reach_rows(pl.DataFrame(rows), 10)["item"].to_list()
    assert "tea" not in left
    assert len(left) == 2, "and another, from which it could be computed"
