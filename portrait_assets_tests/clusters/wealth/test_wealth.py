"""Wealth segments: which model holds, what is said of their number, and what they hold and take."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.asked.support import GAP_AT, Support
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth.checks import (
    WEALTH_AS_ASKED,
    WEALTH_EVERYONE,
    WEALTH_NAMES_DISTINCT,
)
from portrait_assets.stages.clusters.wealth.choosing import Chosen, chosen
from portrait_assets.stages.clusters.wealth.contract import (
    UNSAID_OF_FEW,
    WEALTH_DECISION,
    WEALTH_DESCRIPTION,
    WEALTH_HOLDING,
    WEALTH_PROOF,
    WEALTH_SEGMENT,
)
from portrait_assets.stages.clusters.wealth.description import (
    description_rows,
    holding_rows,
    named,
)
from portrait_assets.stages.clusters.wealth.inputs import (
    ASSETS,
    TRAITS,
    Wealth,
    with_amounts,
)
from portrait_assets.stages.clusters.wealth.proof import (
    Later,
    in_words,
    prove,
    statement,
    supports,
)
from portrait_assets.stages.clusters.wealth.run import WealthRun
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse


def bank(each: int = 120, seed: int = 0, kinds: bool = True) -> tuple[Wealth, list[int]]:
    """Four kinds of customers by what they hold, or customers who differ by degree only."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2, 3], each)
    count = len(kind)
    ids = [f"c{n:04d}" for n in range(count)]
    spread = np.exp(rng.normal(0, 0.3 if kinds else 1.5, (count, 3)))
    has = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]])[kind] if kinds else 1
    amounts = spread * [20_000, 200_000, 100_000] * has
    holdings = pl.concat(
        pl.DataFrame({"customer_id": ids, "amount": amounts[:, n]}).with_columns(
            category=pl.lit(name), is_owed=pl.lit(False)
        )
        for n, name in enumerate(("deposit", "fund", "bond"))
    ).filter(pl.col("amount") > 0)
    traits = pl.DataFrame({"customer_id": ids}).with_columns(
        pl.Series(name, rng.normal(0.5, 0.05, count)) for name in TRAITS
    )
    columns = ("held_bond", "held_deposit", "held_fund")
    return Wealth(with_amounts(traits, holdings, columns), holdings, columns), kind.tolist()


@pytest.fixture(scope="module")
def four() -> Wealth:
    return bank()[0]


def test_segments_wait_for_a_quarter_and_then_are_as_many_as_asked(four: Wealth) -> None:
    early = chosen(four, 2, None, 4)
    assert (early.model, early.winner) == (None, "none")
    first = chosen(four, 3, None, 4)
    assert first.winner == "first"
    assert first.model is not None
    assert first.model.segments == 4


def test_too_few_customers_make_none() -> None:
    few, _ = bank(each=10)
    found = chosen(few, 3, None, 4)
    assert (found.model, found.winner) == (None, "none")
    assert "40 customers are too few" in found.reason


def test_the_champion_stays_unless_valleys_are_deeper(four: Wealth) -> None:
    champion = chosen(four, 3, None, 4).model
    assert champion is not None
    between = chosen(four, 4, champion, 4)
    assert (between.winner, between.fitted) == ("champion", None)
    quarter = chosen(four, 6, champion, 4)
    assert quarter.winner == "champion"
    assert quarter.fitted is not None
    middle = champion.centres.mean(axis=0) + np.zeros_like(champion.centres)
    middle[:, -1] += [-1.5, -0.5, 0.5, 1.5]  # Along a trait that tells nobody apart.
    beaten = chosen(four, 6, replace(champion, centres=middle), 4)
    assert beaten.winner == "challenger"
    assert "valleys between segments" in beaten.reason


def test_a_model_of_inputs_that_are_not_read_any_more_is_replaced_at_once(four: Wealth) -> None:
    first = chosen(four, 3, None, 4).model
    assert first is not None
    axes = (
        axis._replace(name="tenure_log_days") if axis.unit == 0 else axis
        for axis in first.space.axes
    )
    old = replace(first, space=first.space._replace(axes=tuple(axes)))
    found = chosen(four, 4, old, 4)
    assert (found.winner, found.reason) == (
        "challenger",
        "the model before was made from inputs that are not read any more",
    )
    assert chosen(four, 4, first, 4).winner == "champion"


def test_another_number_is_made_at_once_and_segments_that_are_the_same_keep_their_ids(
    four: Wealth,
) -> None:
    champion = chosen(four, 3, None, 4).model
    assert champion is not None
    five = chosen(four, 4, champion, 5)
    assert five.winner == "challenger"
    assert five.model is not None
    old, new = champion.assign(four.features), five.model.assign(four.features)
    became = zip(five.model.ids, five.model.status, strict=True)
    kept = [segment for segment, status in became if status == "kept"]
    assert kept
    for segment in kept:
        was = old.filter(new["segment_id"] == segment)
        assert was.filter(segment_id=segment).height > was.height / 2


def test_a_model_that_holds_keeps_its_names_and_another_s_segments_are_named_anew(
    four: Wealth, tmp_path: Path
) -> None:
    model = chosen(four, 3, None, 4).model
    assert model is not None
    fresh = named(model, four, model.assign(four.features), {}, 1)
    old = {segment: Label(f"old {segment}", f"旧{segment}") for segment in fresh}
    warehouse = SmallWarehouse(tmp_path / "w.duckdb", "bank", "run")
    run = WealthRun(warehouse, ["2024-03"], ["2024-01", "2024-02", "2024-03"], 4, 1)
    for winner, names in (("champion", old), ("challenger", fresh), ("first", fresh)):
        run._names = dict(old)
        rows = run._describe(Chosen(model, winner, "a reason"), model, four, "2024-03")
        shown = rows.select("segment_id", "name", "name_zh").unique().rows()
        assert {segment: Label(*name) for segment, *name in shown} == names, winner
    warehouse.close()


def test_numbers_are_words_in_both_languages() -> None:
    assert in_words(12) == ("twelve", "十二")
    assert in_words(20) == ("twenty", "二十")
    assert in_words(2) == ("two", "两")
    assert in_words(21) == ("21", "21")


def test_a_number_that_the_data_have_is_found_and_another_is_a_division() -> None:
    found = statement(12, Support(0.93, (0.7, 0.9)), free=12)
    assert found.en.startswith("Twelve are found: the shallowest valley")
    assert found.zh.startswith("十二类为数据本有")
    divided = statement(12, Support(0.7, (0.1, 0.9)), free=8)
    assert divided == Label(
        "Twelve is a division, not found: between some neighbouring segments the valley is only "
        "0.10 deep, below 0.5; refits agree at 0.70 only, below 0.8; the data support eight.",
        "十二类是人为划分，并非数据本有：部分相邻客群间的密度低谷仅深0.10，低于0.5；"
        "重训一致性仅0.70，低于0.8；数据支持八类。",
    )
    none = statement(12, Support(0.9, (0.1, 0.9)), free=None)
    assert none.en.endswith("the data support no number of segments.")
    assert none.zh.endswith("数据不支持分群。")


def test_refits_are_spared_for_a_number_without_gaps_unless_it_is_shown() -> None:
    degrees, _ = bank(each=60, kinds=False)
    found = supports(degrees, (3, 4), (4,))
    assert [*found] == [3, 4]
    assert max(each.gap for each in found.values()) < GAP_AT
    assert found[3].agreement == 0
    assert found[4].agreement > 0


@pytest.mark.slow
def test_four_kinds_are_found_and_six_of_them_are_a_division() -> None:
    """What customers of a kind take next is predicted by the kind."""
    earlier, later, now = (bank(each=70, seed=seed) for seed in (1, 2, 0))

    def followed(month: tuple[Wealth, list[int]]) -> Later:
        took = ["fund" if kind == 0 else "none" for kind in month[1]]
        ids = month[0].features["customer_id"]
        return Later(month[0], pl.DataFrame({"customer_id": ids, "did": took}))

    model = chosen(now[0], 3, None, 4).model
    assert model is not None
    proof = prove(now[0], model, followed(earlier), followed(later))
    assert (proof.free, proof.is_found) == (4, True)
    rows = {row["segments"]: row for row in proof.rows.to_dicts()}
    assert {"as_of", "proven_on", *proof.rows.columns} == {*WEALTH_PROOF.column_names}
    assert [*rows] == [3, 4, 5]
    assert rows[4]["gain_low"] > 0.3  # ln 2 of everybody's rate of a quarter: 0.56 at most.
    assert not rows[5]["is_supported"]
    six = chosen(now[0], 3, None, 6).model
    assert six is not None
    divided = prove(now[0], six, None, None)
    assert (divided.free, divided.is_found) == (4, False)
    assert "Six is a division, not found" in divided.statement.en
    assert divided.rows["log_loss"].null_count() == divided.rows.height


def test_customers_who_differ_by_degree_support_no_number() -> None:
    degrees, _ = bank(kinds=False)
    model = chosen(degrees, 3, None, 4).model
    assert model is not None
    assert not prove(degrees, model, None, None).is_found


def test_a_segment_is_described_by_size_assets_rule_and_name(four: Wealth) -> None:
    model = chosen(four, 3, None, 4).model
    assert model is not None
    assigned = model.assign(four.features)
    names = named(model, four, assigned, {}, 1)
    rows = description_rows(model, four, assigned, names, is_new=True, smallest=10)
    assert {"as_of", *rows.columns} == {*WEALTH_DESCRIPTION.column_names}
    assert rows["customers"].sum() == 480
    assert rows["asset_share"].sum() == pytest.approx(1, abs=1e-5)
    assert rows["rule"].null_count() == 0
    assert (rows["rule_fidelity"] > 0.95).all()
    assert rows["name"].n_unique() == rows["name_zh"].n_unique() == 4
    bonds = assigned.join(four.holdings.filter(pl.col("category") == "bond"), on="customer_id")
    only_bonds = bonds.join(
        four.holdings.filter(pl.col("category") == "deposit"), on="customer_id", how="anti"
    )["segment_id"][0]
    assert "no deposit" in names[only_bonds].en
    assert "无存款" in names[only_bonds].zh
    later = named(model, four, assigned, names, 1)
    assert later == names
    poor = four._replace(features=four.features.with_columns(pl.lit(0.0).alias(ASSETS)))
    shares = description_rows(model, poor, assigned, names, is_new=True, smallest=1)["asset_share"]
    assert shares.null_count() == len(shares), "where nothing is held nobody has a share of it"


@pytest.mark.parametrize("left", [9, 10])
def test_of_a_wealth_segment_of_nine_only_size_and_name_are_stated(four: Wealth, left: int) -> None:
    model = chosen(four, 3, None, 4).model
    assert model is not None
    assigned = model.assign(four.features)
    few = assigned.filter(segment_id=2).head(left)
    assigned = pl.concat([assigned.filter(pl.col("segment_id") != 2), few])
    wealth = four._replace(
        features=four.features.join(assigned, on="customer_id", how="semi"),
        holdings=four.holdings.join(assigned, on="customer_id", how="semi"),
    )
    names = named(model, wealth, assigned, {}, 10)
    rows = description_rows(model, wealth, assigned, names, is_new=False, smallest=10)
    own = rows.filter(segment_id=2).row(0, named=True)
    assert (own["customers"], own["status"]) == (left, "kept")
    assert (own["name"] == "average") == (left < 10)
    assert [own[name] is None for name in UNSAID_OF_FEW] == [left < 10] * len(UNSAID_OF_FEW)
    others = rows.filter(pl.col("segment_id") != 2).select(UNSAID_OF_FEW)
    assert others.null_count().row(0) == (0,) * len(UNSAID_OF_FEW)
    assert rows["asset_share"].sum() == pytest.approx(1, abs=1e-5)


def test_wealth_rules_of_the_others_tell_nothing_of_a_segment_of_nine(four: Wealth) -> None:
    """A bound between the two would tell what the nine hold."""
    model = chosen(four, 3, None, 4).model
    assert model is not None
    assigned = model.assign(four.features)
    many, few = (assigned.filter(segment_id=each) for each in (1, 2))
    both = pl.concat([many, few.head(9)])
    wealth = four._replace(features=four.features.join(both, on="customer_id", how="semi"))
    names = {segment: Label(f"s{segment}", f"第{segment}类") for segment in model.ids}
    rows = description_rows(model, wealth, both, names, is_new=False, smallest=10)
    assert rows["rule"].null_count() == rows.height


def test_what_a_segment_holds_and_takes_hides_few_customers() -> None:
    ids = [f"c{n}" for n in range(40)]
    holdings = pl.DataFrame(
        {
            "customer_id": [*ids, *ids[:14]],
            "category": ["deposit"] * 40 + ["fund"] * 14,
            "is_owed": [False] * 54,
            "amount": [10.0] * 40 + [7.0] * 14,
        }
    )
    assigned = pl.DataFrame({"customer_id": ids, "segment_id": [1] * 20 + [2] * 20})
    taken = pl.DataFrame({"customer_id": ids[:12], "category": ["fund"] * 12})
    wealth = Wealth(assigned.select("customer_id"), holdings, ("held_deposit", "held_fund"))
    rows = holding_rows(wealth, assigned, taken, smallest=10)
    assert {"as_of", *rows.columns} == {*WEALTH_HOLDING.column_names}
    lines = {(row["segment_id"], row["category"]): row for row in rows.to_dicts()}
    assert lines[1, "deposit"]["holders_share"] == 1
    assert lines[1, "fund"]["holders_share"] is None  # Six lack it.
    assert lines[1, "fund"]["median_amount"] == 7.0
    assert (lines[2, "fund"]["holders_share"], lines[2, "fund"]["tgi"]) == (0, 0)
    assert lines[2, "fund"]["median_amount"] is None
    assert lines[1, "fund"]["taken_share"] is None
    shown = holding_rows(wealth, assigned, taken, smallest=1)
    first = next(r for r in shown.to_dicts() if (r["segment_id"], r["category"]) == (1, "fund"))
    assert (first["holders_share"], first["taken_share"], first["tgi"]) == (0.7, 0.6, 200)


NOWHERE = cast(Warehouse, None)


def test_another_number_than_asked_and_names_of_the_same_words_fail_the_checks() -> None:
    def found(segments: int) -> Finding:
        rows = pl.DataFrame({"asked": [12], "segments": [segments]})
        return WEALTH_AS_ASKED.find(Subject(NOWHERE, WEALTH_DECISION, "2024-03", lambda: rows))

    assert [found(n).failures for n in (0, 12, 11)] == [0, 0, 1]
    rows = pl.DataFrame({"segment_id": [1, 2], "name": ["a, b", "b, a"], "name_zh": ["甲", "乙"]})
    names = Subject(NOWHERE, WEALTH_DESCRIPTION, "2024-03", lambda: rows)
    assert WEALTH_NAMES_DISTINCT.find(names).failures == 1


class _Matrix:
    """A warehouse whose feature matrix has two customers."""

    def require(self, *_of: object) -> None:
        pass

    def read(self, *_of: object) -> pl.DataFrame:
        return pl.DataFrame({"customer_id": ["a", "b"]})


def test_a_customer_who_is_in_no_wealth_segment_while_others_are_fails_the_check() -> None:
    def found(*customers: str) -> int:
        rows = pl.DataFrame({"customer_id": customers}, schema={"customer_id": pl.String})
        warehouse = cast(Warehouse, _Matrix())
        subject = Subject(warehouse, WEALTH_SEGMENT, "2024-03", lambda: rows)
        return WEALTH_EVERYONE.find(subject).failures

    assert [found(), found("a", "b"), found("a"), found("a", "b", "c")] == [0, 0, 1, 1]
