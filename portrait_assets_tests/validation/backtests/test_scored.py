"""A tag whose values are levels of a prediction is judged by the calibrated score behind them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets.stages.predictions.contract import PREDICTION, PREDICTION_DECISION
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.validation.backtests.backtest import Backtests, backtest
from portrait_assets.stages.validation.backtests.claims import claims_of_catalogue
from portrait_assets.stages.validation.judging import proposals
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.validation.proposals.test_demotions import (
    CUSTOMERS,
    MONTHS,
    TAGS,
    catalogue_of,
)
from portrait_assets_tests.validation.small_world import SmallWorld, filled

BANDS = (
    TAGS.replace("purchases_6m >= 50", "predicted_silence_band IN ('highest', 'high')")
    .replace("purchases_6m < 50", "predicted_silence_band NOT IN ('highest', 'high')")
    .replace("at_risk = 'high'", "at_risk = 'high' AND purchases_6m >= 0")
)


class Town:
    """Customers whose silence follows recency, with a score of it and levels of that score.

    Args:
        folder: where the warehouse is written.
        catalogue: the tags.
        knows: whether the score predicts silence; recency does in part.
        basis: of the predictions.
        scored: whether there are any.
    """

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        knows: bool,
        basis: str = "model",
        scored: bool = True,
    ) -> None:
        rng = np.random.default_rng(9)
        small = SmallWorld(folder, portrait_matrix_table(catalogue), CUSTOMERS)
        silent = np.zeros(CUSTOMERS, dtype=bool)
        self.scores: list[np.ndarray] = []
        self.silent: list[np.ndarray] = []
        for month in MONTHS:
            stayed_away = silent
            recency = rng.integers(0, 100, CUSTOMERS)
            silent = rng.random(CUSTOMERS) < recency / 100
            score = rng.random(CUSTOMERS) * 0.5 + (0.45 * silent if knows else 0.0)
            self.scores.append(score)
            self.silent.append(silent)
            small.add(
                month,
                tags={"at_risk": np.where(score >= np.quantile(score, 0.8), "high", "low")},
                features={"recency_days": recency, "purchases_6m": 1},
                did={"purchases": np.where(stayed_away, 0, 1)},
            )
            if scored:
                _predict(small, month, score, basis)
        self.warehouse = small.close()


def _predict(small: SmallWorld, month: str, score: np.ndarray, basis: str) -> None:
    of_month = {"as_of": last_day(month), "target": "silence", "horizon": 1}
    of_month |= {"model_version": "a1", "basis": basis}
    rows = pl.DataFrame({**of_month, "customer_id": small.customers, "score": score, "band": "low"})
    small.warehouse.write(PREDICTION, [month], filled(PREDICTION, rows))
    decided = {
        "family": "f",
        "fitted_in": month,
        "action": "kept",
        "reason_en": "",
        "reason_zh": "",
    }
    decision = filled(PREDICTION_DECISION, pl.DataFrame([of_month | decided]))
    small.warehouse.write(PREDICTION_DECISION, [month], decision)


def judged(warehouse: Warehouse, catalogue: Catalogue) -> Backtests:
    matrix, claims = portrait_matrix_table(catalogue), claims_of_catalogue(catalogue)
    return backtest(warehouse, matrix, MONTHS, claims, targets=catalogue.targets, areas_of=MONTHS)


def area(found: Backtests) -> float:
    row = found.tests.filter(
        (pl.col("test") == "at_risk / silence")
        & (pl.col("metric") == "auc")
        & (pl.col("horizon_months") == 1)
        & (pl.col("as_of") == last_day("2024-02"))
    ).row(0, named=True)
    return float(row["value"])


def test_the_area_is_that_of_the_score_and_the_buckets_are_the_values(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, BANDS)
    town = Town(tmp_path, catalogue, knows=True)
    found = judged(town.warehouse, catalogue)
    of_score = auc(town.scores[0], town.silent[0])
    of_levels = auc((town.scores[0] >= np.quantile(town.scores[0], 0.8)) * 1.0, town.silent[0])
    assert area(found) == pytest.approx(of_score, abs=0.005), "twentieths blur it a little"
    assert of_score > of_levels + 0.1
    buckets = found.buckets.filter(pl.col("test") == "at_risk / silence")["bucket"]
    assert set(buckets) == {"high", "low"}


def test_levels_are_judged_where_nothing_was_predicted_then(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, BANDS)
    town = Town(tmp_path, catalogue, knows=True, scored=False)
    levels = (town.scores[0] >= np.quantile(town.scores[0], 0.8)) * 1.0
    assert area(judged(town.warehouse, catalogue)) == pytest.approx(
        auc(levels, town.silent[0]), abs=1e-6
    )


@pytest.mark.parametrize(
    ("basis", "knows", "proposed"),
    [("model", False, ["at_risk"]), ("model", True, []), ("baseline", False, [])],
    ids=["a model below its baseline", "a better model", "the baseline already"],
)
def test_a_tag_of_a_model_is_demoted_and_one_of_a_baseline_is_not(
    tmp_path: Path, basis: str, knows: bool, proposed: list[str]
):
    catalogue = catalogue_of(tmp_path, BANDS)
    town = Town(tmp_path, catalogue, knows, basis)
    areas = judged(town.warehouse, catalogue).areas
    found = proposals(town.warehouse, catalogue, MONTHS, areas)
    assert found["tag_code"].to_list() == proposed
    if proposed:
        assert found["rule_after"][0].startswith("high: coalesce(rank_share(recency_days), 1) >=")


def test_claims_are_scored_where_the_tag_names_the_outcome_that_it_rests_on():
    scored = {c.name for c in claims_of_catalogue(load_catalogue()) if c.is_scored}
    assert scored == {
        "lapse_risk / silence",
        "purchase_outlook / purchase",
        "campaign_response / response",
    }
