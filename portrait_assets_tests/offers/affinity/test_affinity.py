"""What customers of a small bank will buy and take next, and what its segments do more often."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.affinity.checks import IN_ORDER
from portrait_assets.stages.offers.affinity.contract import PRODUCT_AFFINITY
from portrait_assets.stages.offers.affinity.holdings import DEALT, HOLDING, LEANING, WINDOWS
from portrait_assets.stages.offers.affinity.listing import affinity_step
from portrait_assets.stages.offers.affinity.purchases import MEMBER, item_step, purchase_step
from portrait_assets.stages.offers.affinity.segments import _rows, segment_step
from portrait_assets.stages.offers.affinity.taking import Leanings, window
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.standing import shared_steps
from portrait_assets.storage.steps import Scope
from portrait_assets_tests.offers.affinity_world import (
    BEFORE,
    CUSTOMERS,
    PRODUCTS,
    Computed,
    balances,
    bank_of,
    bought,
    owned,
    purchases,
)
from portrait_assets_tests.offers.world import DAY, MONTH, Bank, Row, account, found, frame_of


def test_what_is_bought_every_month_comes_first(computed: Computed):
    assert computed.affinities.columns == list(PRODUCT_AFFINITY.column_names)
    even = computed.of("c00", "product")
    assert even["item"].to_list()[:2] == ["tea", "bread"]
    assert even["basis"].to_list()[:2] == ["repurchase", "repurchase"]
    assert computed.of("c00", "category")["item"].to_list()[:2] == ["drinks", "food"]
    assert computed.of("c01", "type")["item"][0] == "cold"
    assert even["probability"][0] > 0.9


def test_what_was_bought_three_months_ago_was_not_bought_in_the_window():
    lines = [bought(who, 3, 3, "tea") for who in CUSTOMERS[:2]]
    lines += [bought(who, 4, 3, "tea") for who in CUSTOMERS[2:4]]
    bank = bank_of(lines)
    rows = bank.rows(purchase_step(item_step(1))).filter(item_kind="product")
    names = bank.rows(MEMBER).select("customer", "customer_id")
    found = rows.join(names, on="customer").sort("customer_id")
    assert found.select("customer_id", "is_bought").rows() == [
        *(("c00", False), ("c01", False), ("c02", True), ("c03", True))
    ]
    assert (found["before"] > 0).to_list() == [True, True, False, False]


def test_what_is_taken_in_a_window_is_not_held_before_it():
    """Of customers 2 and 5, a window that began three months ago and ended with this month."""
    owned = pl.DataFrame(
        [
            *((2, 0, 3, True), (2, 1, 2, True), (2, 2, 0, True), (2, 3, -1, True)),
            *((5, 0, 4, True), (5, 1, 1, False), (5, 3, 2, True), (9, 2, 2, True)),
        ],
        schema=["customer", "product", "since", "is_own"],
        orient="row",
    )
    rows = pl.DataFrame({"customer": [2, 5], "began": [3, 3], "balance": [10.0, 20.0]})
    days = pl.DataFrame(
        [(2, 1, 3, 1), (2, 1, 14, 2), (2, 1, 15, 4), (2, 3, 2, 8), (5, 0, 1, 8)],
        schema=["customer", "product", "ago", "days"],
        orient="row",
    )
    found = window(rows, owned, days, 4, np.array([7, 7, 1, 7, 7, 2]), 3)
    assert found.features.columns == ["balance"]
    assert found.owned.toarray().tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]
    assert found.taken.toarray().tolist() == [[0, 1, 1, 0], [0, 0, 0, 1]]
    assert found.segment.tolist() == [1, 2]
    assert found.dealt is not None
    assert found.dealt.toarray().tolist() == [[0, 3, 0, 0], [0, 0, 0, 0]], "in the year before it"


def test_who_is_in_no_segment_is_in_no_cell():
    member = pl.DataFrame({"segment": [0] * 5 + [1] * 4 + [2] * 6})
    bought_by = [("product", "tea", 1, 3), ("product", "tea", 2, 2), ("product", "jam", 2, 6)]
    counts = pl.DataFrame(
        bought_by, schema=["item_kind", "item", "segment", "customers"], orient="row"
    )
    found = _rows(Scope(MONTH), counts, member, 1)
    assert found.select("item", "segment", "customers", "segment_size").rows() == [
        *(("jam", "1", 0, 4), ("jam", "2", 6, 6), ("tea", "1", 3, 4), ("tea", "2", 2, 6))
    ]
    # 3 of 4 beside 5 of 10: an index of 150.
    assert found.filter(item="tea", segment="1")["tgi"].item() == pytest.approx(150)
    one = member.filter(pl.col("segment") < 2)
    assert _rows(Scope(MONTH), counts, one, 1).is_empty(), "one segment has no others"


def test_what_was_bought_more_than_a_year_ago_is_bought_by_nobody():
    old = bought("c03", 5, 4, "bread")
    old |= {"month": "2023-05", "occurred_at": datetime(2023, 5, 4, 12)}
    found = bank_of([*purchases(), old]).rows(segment_step(1)).filter(item="bread")
    assert found.select("segment", "customers").rows() == [("1", 29), ("2", 0)]


def test_who_gave_a_product_back_does_not_hold_it():
    accounts = [owned(who, month, "fund") for who in CUSTOMERS[:6] for month in (4, 5)]
    accounts += [owned(who, 6, "fund") for who in CUSTOMERS[:4]]
    found = bank_of([], accounts=accounts).rows(segment_step(1)).filter(item="fund")
    assert found.select("segment", "customers").rows() == [("1", 2), ("2", 2)]


def test_windows_lie_side_by_side_in_the_year():
    assert WINDOWS == (3, 6, 9, 12)


def test_what_too_few_bought_is_no_item(computed: Computed):
    assert set(computed.affinities["item"]).isdisjoint({"rare", "own"})
    assert set(computed.segments["item"]).isdisjoint({"rare", "own"})


def test_what_few_bought_is_listed_for_those_who_bought_it_alone(
    computed: Computed, monkeypatch: pytest.MonkeyPatch
):
    """Thirty of sixty are needed to learn from; six bought spice, twice within the half year."""
    monkeypatch.setattr("portrait_assets.stages.offers.affinity.purchases.LEAST_CUSTOMERS", 2)
    monkeypatch.setattr("portrait_assets.stages.offers.affinity.purchases.MOST_NEEDED", 30)
    own = set(CUSTOMERS[1:13:2])
    spice = [bought(who, month, 5, "rare") for who in own for month in (2, 5)]
    bank = bank_of([*purchases(), *spice])
    item_step.cache_clear()
    try:
        affinities, segments = bank.rows(affinity_step(6)), bank.rows(segment_step(6))
    finally:
        item_step.cache_clear()
    listed = affinities.filter(item="rare")
    assert set(listed["customer_id"]) == own
    assert listed["basis"].unique().to_list() == ["repurchase"]
    assert found(IN_ORDER, computed.warehouse, PRODUCT_AFFINITY, affinities).failures == 0
    assert "rare" not in segments["item"].to_list()


def test_what_came_in_the_place_of_something_withdrawn_is_not_of_ones_own_accord():
    """One was withdrawn in March: who held it and has its successor since that month or the next
    did not take it by themselves, as who took it later or never held the other did.
    """
    products = [each for each in PRODUCTS if each["product_id"] != "gone"]
    gone = {"product_id": "gone", "category": "fund", "withdrawn_on": BEFORE}
    accounts = [
        *(owned("c00", month, "gone") for month in (1, 2, 3)),
        *(owned(who, month, "fund") for who in ("c00", "c01") for month in (4, 5, 6)),
        *(owned("c02", month, "gone") for month in (1, 2, 3)),
        owned("c02", 6, "fund"),
        *(owned("c03", month, "gone") for month in (1, 2, 3)),
        *(owned("c03", month, "deposit") for month in (4, 5, 6)),
        *(owned(who, month, "gone") for who in ("c04", "c05") for month in (1, 2)),
        *(owned("c04", month, "fund") for month in (3, 4, 5, 6)),
        *(owned("c05", month, "fund") for month in (5, 6)),
    ]
    bank = Bank([{"customer_id": who} for who in CUSTOMERS], [*products, gone], balances=accounts)
    bank.put(CLEANED["responses"], frame_of(CLEANED["responses"], []))
    bank.put(CLUSTER_ASSIGNMENT, frame_of(CLUSTER_ASSIGNMENT, []))
    rows = bank.rows(HOLDING).select("customer", "product_id", "is_own").rows()
    assert rows[:3] == [(0, "fund", False), (1, "fund", True), (2, "fund", True)]
    assert rows[3:] == [(3, "deposit", True), (4, "fund", False), (5, "fund", True)]


def test_what_was_taken_in_the_month_of_an_answer_is_not_of_ones_own_accord():
    """Both have held the fund since a month of the year before last; the first had answered."""
    accounts_of = [
        account(who, "fund") | {"month": month, "balance_on": date(2024, 6, 28)}
        for who in ("c00", "c01")
        for month in ("2022-09", "2024-06")
    ]
    bank = Bank([{"customer_id": who} for who in CUSTOMERS], PRODUCTS, balances=accounts_of)
    answers: list[Row] = [
        {"customer_id": "c00", "month": "2022-09", "responded_on": date(2022, 9, 7)},
        {"customer_id": "c01", "month": "2022-10", "responded_on": date(2022, 10, 7)},
    ]
    bank.put(CLEANED["responses"], frame_of(CLEANED["responses"], answers))
    bank.put(CLUSTER_ASSIGNMENT, frame_of(CLUSTER_ASSIGNMENT, []))
    rows = bank.rows(HOLDING).select("customer", "product_id", "is_own").rows()
    assert rows == [(0, "fund", False), (1, "fund", True)]


def test_customers_deal_with_what_others_hold_and_they_themselves_do_not_yet():
    """Two days of May, of which one with two further lines, one of another category; one day of
    June, when it is held.
    """
    lines = [
        *(bought("c00", 5, day, "fund") for day in (2, 2, 9)),
        bought("c00", 5, 2, "fund", category="fees"),
        *(bought("c00", month, 5, "fund") for month in (6,)),
        bought("c00", 5, 3, "tea"),
        bought("c01", 4, 3, "fund", amount=-5),
        bought("c02", 4, 3, "deposit"),
    ]
    accounts = [owned("c00", 6, "fund"), *(owned("c02", month, "deposit") for month in (4, 5, 6))]
    assert bank_of(lines, accounts=accounts).rows(DEALT).rows() == [(0, "fund", 1, 2)]


def test_a_leaning_is_the_share_of_a_usual_category_in_the_year_before():
    """Of June and of the window before: of thirty who bought food, and nineteen who bought tea."""
    lines = [bought(who, 6, day, "bread") for who in CUSTOMERS[:20] for day in (1, 2)]
    lines += [bought(who, 6, 3, "tea") for who in CUSTOMERS[1:20]]
    lines += [bought("c00", 2, 3, "bread")]
    rows = bank_of(lines, accounts=list(balances())).rows(LEANING)
    assert rows["category"].unique().to_list() == ["food"], "nineteen are not enough"
    assert rows.filter(customer=0).rows() == [(0, 0, "food", 3), (3, 0, "food", 1)]
    assert bank_of(lines).rows(LEANING).is_empty(), "nothing is held, and nothing is taken"


def test_leanings_stand_beside_the_features_of_their_window():
    days = [(0, 2, "food", 3), (0, 2, "rent", 1), (3, 2, "food", 2), (0, 5, "rent", 4)]
    leaning = pl.DataFrame(days, schema=["began", "customer", "category", "days"], orient="row")
    rows = pl.DataFrame({"customer": [2, 4, 5], "age": [30, 40, 50]})
    found = Leanings.of(leaning).beside(rows, 0)
    assert found["share of food"].to_list() == [0.75, None, 0.0]
    assert found["share of rent"].to_list() == [0.25, None, 1.0]
    then = Leanings.of(leaning).beside(rows, 3)
    assert then["share of food"].to_list() == [1.0, None, None]
    assert Leanings.of(leaning.clear()).beside(rows, 0).equals(rows)


def test_who_refuses_profiling_has_none(computed: Computed):
    assert computed.of("c58", "product").is_empty()
    assert computed.affinities["customer_id"].n_unique() == len(CUSTOMERS) - 1


def test_a_product_is_taken_by_who_does_not_have_it_and_while_it_is_sold(computed: Computed):
    to_take = computed.affinities.filter(pl.col("item") == "fund", item_kind="product")
    holders = {who for n, who in enumerate(CUSTOMERS) if n % 9 < 3}
    assert holders.isdisjoint(to_take["customer_id"])
    assert to_take["basis"].is_in(["segment", "companions", "boosted trees"]).all()
    # Fourteen of 53 took it in the last quarter.
    assert 0.15 < to_take["probability"].mean() < 0.35  # type: ignore[operator]
    assert "gone" not in computed.affinities["item"].to_list()
    assert "deposit" not in computed.affinities["item"].to_list(), "everybody has it"


def test_only_what_was_known_by_the_month_counts(computed: Computed):
    later = [bought(who, 7, 1, "bread") for who in CUSTOMERS]
    other = bank_of([*purchases(), *later], accounts=[*balances(), owned("c04", 7, "fund")])
    assert other.rows(affinity_step(5)).equals(computed.affinities)


def test_equal_inputs_in_any_order_give_equal_rows(computed: Computed):
    other = bank_of(list(purchases())[::-1], accounts=list(balances())[::-1])
    assert other.rows(affinity_step(5)).equals(computed.affinities)
    assert other.rows(segment_step(5)).equals(computed.segments)


def test_customers_are_listed_the_same_however_many_at_a_time(
    computed: Computed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portrait_assets.stages.offers.affinity.listing.CHUNK", 7)
    listed = computed.bank.rows(affinity_step(5))
    assert listed.equals(computed.affinities)
    assert listed["customer_id"].is_sorted()


@pytest.mark.parametrize(("least", "are_listed"), [(59, True), (60, False)])
def test_nothing_is_learned_of_too_few(
    computed: Computed, monkeypatch: pytest.MonkeyPatch, least: int, are_listed: bool
):
    """There are 59 who may be profiled."""
    monkeypatch.setattr("portrait_assets.stages.offers.affinity.listing.LEAST_MEMBERS", least)
    rows = computed.bank.rows(affinity_step(5))
    assert rows.equals(computed.affinities if are_listed else computed.affinities.clear())


def test_purchases_are_computed_once_for_both_tables(computed: Computed):
    stood: list[str] = []
    engine = Engine(
        computed.bank.con, on_standing=lambda step, scope, table: stood.append(step.name)
    )
    scope = Scope(MONTH)
    targets = [affinity_step(5), segment_step(5)]
    with engine.shared(shared_steps(targets), scope):
        assert engine.frame(targets[0], scope).equals(computed.affinities)
        assert engine.frame(targets[1], scope).equals(computed.segments)
    engine.close()
    assert {"member", "bought_month", "item", "purchase", "holding"} <= set(stood)
    assert len(stood) == len(set(stood)), "no step stands twice"


def test_a_return_is_no_purchase():
    back = [bought(who, 6, 20, "bread", amount=-5) for who in CUSTOMERS]
    with_returns = bank_of([*purchases(), *back]).rows(affinity_step(5))
    assert with_returns.equals(bank_of(list(purchases())).rows(affinity_step(5)))


def test_before_a_window_is_over_nothing_is_known():
    bank = bank_of(list(purchases()))
    bank.con.execute(f"DELETE FROM {FEATURE_MATRIX.full_name} WHERE as_of < DATE '{DAY}'")
    assert bank.rows(affinity_step(5)).is_empty()


def test_segments_are_held_against_all_others(computed: Computed):
    row = computed.segments.filter(item_kind="product", item="tea", segment="1").row(0, named=True)
    assert (row["customers"], row["segment_size"]) == (29, 29), "one of thirty refuses profiling"
    assert row["tgi"] == pytest.approx(100 * 1.0 / (29 / 59), abs=1e-4)
    assert row["lift"] is None, "nobody else buys it"
    assert row["stands_out"] is True
    other = computed.segments.filter(item_kind="product", item="deposit")
    assert other["stands_out"].to_list() == [None, None], "everybody has it"


def test_a_cell_of_few_is_pooled_with_the_others():
    few = [bought(who, 6, 2, "bread") for who in CUSTOMERS[1:4:2]]
    shown = bank_of([*purchases(), *few]).rows(segment_step(5))
    assert shown.filter(item="bread").is_empty(), "of two cells both are hidden"
    assert bank_of([*purchases(), *few]).rows(segment_step(1)).filter(item="bread").height == 2
