"""Cards of targets of credit: when there is one, what it scores, and how it came true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.scorecard.fitting.fit import Fitted, fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.features.described.protected import protected_features
from portrait_assets.stages.predictions.contract import PREDICTION_MODEL
from portrait_assets.stages.predictions.credit import words
from portrait_assets.stages.predictions.credit.assets import CreditRun, cards_before
from portrait_assets.stages.predictions.credit.card import scorecard_of
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
)
from portrait_assets.stages.predictions.credit.outcomes import closed
from portrait_assets.stages.predictions.credit.outcomes.curve import _far_enough
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.predictions.credit.credit_world import RISK, CreditWorld
from portrait_assets_tests.predictions.prediction_world import SILENCE

REFUSES = {"c0003": "2024-01", "c0005": "2024-05"}
TABLES = (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CreditWorld]:
    """Six months of 400 customers, of whom one refuses, and another one from May on."""
    world = CreditWorld(tmp_path_factory.mktemp("credit"), customers=400, months=6, refuses=REFUSES)
    world.score()
    yield world
    world.warehouse.close()


def test_each_month_says_which_card_scores_and_why(world: CreditWorld):
    found = world.rows(CREDIT_DECISION).sort("as_of")
    assert found["as_of"].dt.month().to_list() == [2, 3, 4, 5, 6]
    assert found["action"].to_list() == ["no card", "no card", "fitted", "kept", "kept"]
    assert found["scored"].to_list() == [0, 0, 399, 398, 398]
    assert found["not_allowed"].to_list() == [None, None, 1, 2, 2]
    assert found["not_asked"].to_list() == [None, None, 0, 0, 0]
    reasons = found["reason_en"]
    assert reasons[0].startswith("There are 0 customer-months of earlier closed windows")
    assert reasons[1].endswith("there is no card, and nobody is scored.")
    assert reasons[2].startswith("The card is surely better than the baseline")
    assert reasons[3].startswith("The card fitted in 2024-04 stays")
    april = world.credit_decision("2024-04")
    assert (april["trained_from"], april["trained_until"]) == ("2024-01", "2024-02")
    assert (april["judged_on"], april["fitted_in"]) == ("2024-03", "2024-04")
    assert april["auc"] > april["baseline_auc"] > 0.5  # type: ignore[operator]


def test_a_card_learns_from_those_who_allow_it_only(world: CreditWorld):
    (card,) = world.rows(SCORECARD, "2024-04").filter(pl.col("part") == "card").to_dicts()
    silent = [world.silent_after(month) for month in ("2024-01", "2024-02")]
    bads = sum(value for month in silent for who, value in month.items() if who != "c0003")
    assert (card["rows"], card["bads"]) == (2 * 399, bads)


def test_who_refuses_has_no_score_from_then_on(world: CreditWorld):
    april, may = (set(world.rows(CREDIT_SCORE, m)["customer_id"]) for m in ("2024-04", "2024-05"))
    assert "c0003" not in april | may
    assert "c0005" in april - may


def test_points_are_the_sum_of_those_of_the_bins_by_hand(world: CreditWorld):
    """The rows of the card, read as a person would: base and points of the bin of each column."""
    card = world.rows(SCORECARD, "2024-05")
    (base,) = card.filter(pl.col("part") == "card")["points"]
    bins = card.filter(pl.col("part") == "bin")
    matrix = world.warehouse.select(
        "SELECT * FROM features.feature_matrix WHERE as_of = '2024-05-31' ORDER BY customer_id"
    )
    stored = world.rows(CREDIT_SCORE, "2024-05").sort("customer_id")
    features = list(dict.fromkeys(bins["feature"]))
    assert "digital_share_12m" in features
    for row in stored.iter_rows(named=True):
        own = matrix.row(by_predicate=pl.col("customer_id") == row["customer_id"], named=True)
        points = base
        for name in features:
            of = bins.filter(pl.col("feature") == name).to_dicts()
            points += next(each["points"] for each in of if _holds(each, own[name]))
        assert row["points"] == points
        odds = 50 * 2 ** ((points - 600) / 20)
        assert row["probability"] == pytest.approx(1 / (1 + odds), abs=1e-6)


def _holds(bin_: dict[str, object], value: float | None) -> bool:
    if bin_["kind"] == "missing" or value is None:
        return bin_["kind"] == "missing" and value is None
    low, high = bin_["low"], bin_["high"]
    if bin_["kind"] == "code":
        return value == low
    return (low is None or value > low) and (high is None or value <= high)  # type: ignore[operator]


def test_the_stated_sql_gives_the_stored_points(world: CreditWorld):
    sql = world.credit_decision("2024-05")["points_sql"]
    again = world.warehouse.select(
        f"SELECT s.points, again FROM (SELECT customer_id, {sql} AS again "
        "FROM features.feature_matrix WHERE as_of = '2024-05-31') JOIN (FROM "
        "predictions.credit_score WHERE as_of = '2024-05-31') AS s USING (customer_id)"
    )
    assert again.height == 398
    assert again["points"].to_list() == again["again"].to_list()


def test_a_score_has_a_band_with_what_is_suggested_and_reasons_in_both_languages(
    world: CreditWorld,
):
    rows = world.rows(CREDIT_SCORE, "2024-05")
    bands = world.rows(SCORECARD, "2024-05").filter(pl.col("part") == "band")
    suggested = dict(bands.select("kind", "level").iter_rows())
    assert {*rows["band"]} <= suggested.keys()
    assert rows["band"].replace_strict(suggested).to_list() == rows["suggested"].to_list()
    assert {"accept", "decline"} <= {*rows["suggested"]}
    riskiest = rows.sort("points").row(0, named=True)
    assert "digital_share_12m: " in riskiest["reason_1"]
    assert riskiest["reason_1"].endswith("points)")
    assert riskiest["reason_1_zh"].endswith("分）")


def test_the_curve_is_that_of_the_scores_stored_then(world: CreditWorld):
    curve = world.rows(CREDIT_CURVE, "2024-06")
    (vintage,) = curve.filter(
        (pl.col("kind") == "vintage") & (pl.col("base_month") == "2024-05")
    ).to_dicts()
    scores = world.rows(CREDIT_SCORE, "2024-05")
    silent = world.silent_after("2024-05")
    hit = np.array([silent[who] for who in scores["customer_id"]])
    assert (vintage["approved"], vintage["known"], vintage["bads"]) == (398, 398, hit.sum())
    assert vintage["actual_bad_rate"] == pytest.approx(hit.mean(), abs=1e-6)
    assert vintage["expected_bad_rate"] == pytest.approx(scores["probability"].mean(), abs=1e-6)
    points = scores["points"].to_numpy()
    assert vintage["auc"] == pytest.approx(roc_auc_score(hit, -points), abs=1e-6)
    assert vintage["auc"] > vintage["baseline_auc"]
    cuts = curve.filter(pl.col("kind") == "cut").sort("cut")
    assert set(cuts["base_month"]) == {"2024-05"}
    assert cuts["approval_share"][0] == 1
    for row in cuts.iter_rows(named=True):
        above = points >= row["cut"]
        assert row["approved"] == above.sum()
        assert row["actual_bad_rate"] == pytest.approx(hit[above].mean(), abs=1e-6)
        expected = scores["probability"].to_numpy()[above].mean()
        assert row["expected_bad_rate"] == pytest.approx(expected, abs=1e-6)


def test_vintages_are_of_every_month_scored_and_open_ones_know_nothing_yet(world: CreditWorld):
    found = world.rows(CREDIT_CURVE, "2024-06").filter(pl.col("kind") == "vintage")
    assert found["base_month"].to_list() == ["2024-04", "2024-05", "2024-06"]
    assert found["known"].to_list() == [398, 398, 0], "c0005 refuses since May"
    assert found["bads"].to_list()[2] is None
    assert found["auc"].null_count() == 1


def test_vintages_are_carried_as_long_as_windows_are_looked_at(
    world: CreditWorld, monkeypatch: pytest.MonkeyPatch
):
    """Of two windows the older one is of April; the newest vintage's has only begun."""

    def bases(most: int) -> list[str]:
        rule = replace(RULE, most_windows=most)
        monkeypatch.setattr(closed, "RULE", rule)
        rows = closed.curves(world.warehouse, world.targets, ["2024-06"], 1)
        return rows.filter(pl.col("kind") == "vintage")["base_month"].to_list()

    assert bases(2) == ["2024-04", "2024-05", "2024-06"]
    assert bases(1) == ["2024-05", "2024-06"]


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        ([30, 20, 15, 10, 4], [0, 1, 3]),
        ([29, 20, 15, 10, 4], [0, 3]),
        ([30, 20, 15, 9, 4], [0, 2]),
        ([10, 10], [0]),
        ([9, 4], []),
    ],
)
def test_between_two_cuts_there_are_ten_customers_or_more(known: list[int], kept: list[int]):
    """Customers whose outcome is known at each cut or above it, the lowest cut first."""
    assert _far_enough(known, 10) == kept


def test_the_rows_of_a_customer_are_one_for_a_card(
    world: CreditWorld, monkeypatch: pytest.MonkeyPatch
):
    taken: list[pl.Series] = []

    def noted(
        frame: pl.DataFrame,
        hit: npt.NDArray[np.float64],
        rules: CardRules,
        customers: pl.Series,
    ) -> Fitted:
        taken.append(customers)
        return fit(frame, hit, rules, customers)

    monkeypatch.setattr("portrait_assets.stages.predictions.credit.deciding.fit", noted)
    assert list(CreditRun(world.warehouse, world.targets, (), ["2024-04"]).scores())
    (customers,) = taken
    assert (customers.len(), customers.n_unique()) == (2 * 399, 399)


@pytest.mark.parametrize(("low", "says"), [(0.001, "is surely"), (0.0, "is not surely")])
def test_a_gain_that_may_be_none_is_not_sure(low: float, says: str):
    assert says in words.fitted("recency", Interval(0.02, low, 0.04), ()).en


def test_cards_before_are_of_a_target_and_how_far_it_looks(world: CreditWorld):
    near = world.rows(SCORECARD, "2024-04"), world.rows(CREDIT_DECISION, "2024-04")
    far = tuple(rows.with_columns(pl.col("horizon") + 2) for rows in near)
    far = (far[0].with_columns(pl.col("points") + 1), far[1].with_columns(tried_in=pl.lit("x")))

    class Stored:
        def last_before(self, table: object, month: str) -> pl.DataFrame:
            at = int(table is CREDIT_DECISION)
            return pl.concat([near[at], far[at]])

    found = cards_before(cast(Warehouse, Stored()), "2024-05")
    for (cards, decisions), horizon in ((near, 1), (far, 3)):
        before = found["silence", horizon]
        assert before.card is not None
        assert before.card.scorecard == scorecard_of(cards)
        assert before.tried_in == decisions["tried_in"].item()


def test_between_two_cuts_there_are_as_many_customers_as_may_be_listed(world: CreditWorld):
    world.score(["2024-06"], smallest=40)
    cuts = world.rows(CREDIT_CURVE, "2024-06").filter(pl.col("kind") == "cut").sort("cut")
    known = [*cuts["known"], 0]
    assert cuts.height > 3
    assert min(-np.diff(known)) >= 40
    world.score(["2024-06"], smallest=399)
    assert world.rows(CREDIT_CURVE, "2024-06").filter(pl.col("base_month") > "2024-04").is_empty()
    world.score(["2024-06"])


@pytest.mark.slow
def test_months_one_by_one_end_as_months_together(world: CreditWorld, tmp_path: Path):
    single = CreditWorld(tmp_path, customers=400, months=6, refuses=REFUSES)
    for month in single.month_names:
        single.score([month])
    for table in TABLES:
        keys = list(table.key)
        assert single.rows(table).sort(keys).equals(world.rows(table).sort(keys)), table.full_name
    single.warehouse.close()


def test_where_nobody_was_asked_nobody_is_scored_and_the_remedy_is_named(tmp_path: Path):
    silent = CreditWorld(tmp_path, customers=300, months=4, is_asked=False)
    silent.score()
    april = silent.credit_decision("2024-04")
    assert (april["action"], april["scored"]) == ("not asked for", 0)
    assert "consent_default: {credit: granted}" in str(april["reason_en"])
    assert silent.rows(CREDIT_SCORE).is_empty()
    silent.warehouse.close()


def test_one_class_gives_no_card_and_says_so(tmp_path: Path):
    never = replace(RISK.outcomes[0], hit="purchases > 99")
    world = CreditWorld(tmp_path, customers=300, months=4, targets=Targets((never,)))
    world.score()
    april = world.credit_decision("2024-04")
    assert april["action"] == "no card"
    assert "0 of 600 customer-months to learn from are bad" in str(april["reason_en"])
    assert world.rows(SCORECARD).is_empty()
    world.warehouse.close()


def test_only_whom_the_target_asks_about_are_scored(tmp_path: Path):
    late = replace(RISK.outcomes[0], eligible="purchases_before = 0")
    world = CreditWorld(tmp_path, customers=800, months=4, targets=Targets((late,)))
    world.score()
    april = world.credit_decision("2024-04")
    absent = world.bought.filter((pl.col("month") == "2024-04") & ~pl.col("did"))["customer_id"]
    assert set(world.rows(CREDIT_SCORE, "2024-04")["customer_id"]) == set(absent)
    assert april["not_asked"] == 800 - len(absent)
    world.warehouse.close()


def test_without_a_target_of_credit_nothing_happens(tmp_path: Path):
    world = CreditWorld(tmp_path, customers=50, months=2, targets=SILENCE)
    world.score()
    assert all(world.rows(table).is_empty() for table in TABLES)
    world.warehouse.close()


PLANTED = ("age", "known_attribute_share", "occupation")
"""Protected by its name, by what it is computed from, and by the words in it."""


@pytest.fixture(scope="module", params=[True, False], ids=["credit", "other"])
def planted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CreditWorld, bool]]:
    """A world in which protected features alone tell the risk."""
    targets = RISK if request.param else SILENCE
    world = CreditWorld(
        tmp_path_factory.mktemp("planted"),
        customers=400,
        months=4,
        targets=targets,
        clue_in=PLANTED,
    )
    world.predict()
    world.score()
    yield world, request.param
    world.warehouse.close()


def test_no_model_of_a_target_of_credit_has_a_protected_feature(
    planted: tuple[CreditWorld, bool],
):
    world, is_credit = planted
    read = set(world.rows(PREDICTION_MODEL)["feature"].drop_nulls())
    if is_credit:
        assert read.isdisjoint(PLANTED)
        assert set(world.rows(SCORECARD)["feature"].drop_nulls()).isdisjoint(PLANTED)
        assert world.rows(CREDIT_SCORE, "2024-04").height > 0
    else:
        assert set(PLANTED) <= read, "what is planted would be found"


def test_features_are_protected_by_what_they_are_computed_from():
    found = {name: str(of) for name, of in protected_features().items()}
    assert found["gender"] == "sex"
    assert found["age_band"] == "age"
    assert found["known_attribute_share"] == "age", "it counts whether an age is known"
    assert found["household_type"] == "marriage"
    assert found.keys().isdisjoint(["income", "max_days_past_due"])


def test_overdue_is_of_credit():
    assert outcome("overdue").is_credit
    assert not outcome("silence").is_credit
