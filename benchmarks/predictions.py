"""Time and memory of fitting and scoring a model of each family, and how good it is beside truth.

python -m benchmarks.predictions --fitted 200000 --scored 1000000 --features 114
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import polars as pl

from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import reasons
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets.testing.measured import keep

CATEGORIES, BOOLEANS = 10, 4
TOP = 0.2
"""Share of the rows that reasons are given for: the two bands on top of ten."""


def customers(rows: int, features: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Amounts, counts, gaps, categories and booleans, and the log odds of the outcome."""
    rng = np.random.default_rng(seed)
    weights = np.random.default_rng(0).normal(0, 0.25, features)
    columns: dict[str, object] = {}
    log_odds = np.full(rows, -2.0)
    for at in range(features):
        values = rng.standard_normal(rows)
        # A third of the features say something, some of them by a threshold.
        if at % 3 == 0:
            log_odds += weights[at] * (np.abs(values) if at % 2 else values)
        if at < CATEGORIES:
            columns[f"f{at}"] = pl.Series(np.array(list("abcdefgh"))[_code(values, 8)])
        elif at < CATEGORIES + BOOLEANS:
            columns[f"f{at}"] = values > 0
        else:
            shown = np.exp(values) if at % 4 == 0 else values
            if at % 5 == 0:
                shown[rng.random(rows) < 0.2] = np.nan
            columns[f"f{at}"] = pl.Series(shown).fill_nan(None)
    return pl.DataFrame(columns), log_odds


def _code(values: np.ndarray, levels: int) -> np.ndarray:
    codes: np.ndarray = np.clip(((values + 2) / 4 * levels).astype(int), 0, levels - 1)
    return codes


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fitted", type=int, default=200_000)
    parser.add_argument("--scored", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=114)
    parser.add_argument("--quick", action="store_true", help="20,000 rows fitted, 50,000 scored")
    given = parser.parse_args()
    if given.quick:
        given.fitted, given.scored = 20_000, 50_000
    frame, log_odds = customers(given.fitted, given.features, seed=1)
    outcome = (np.random.default_rng(2).random(given.fitted) < _expit(log_odds)).astype(int)
    models: dict[str, PredictionModel] = {}
    what = f"of {given.fitted:,} and {given.scored:,} rows by {given.features}"
    figures: dict[str, float] = {}
    for family in ("logistic", "trees"):
        start, cpu = time.perf_counter(), time.process_time()
        models[family] = fit(frame, outcome, family)
        figures[f"{family}, fit {what}, s"] = time.perf_counter() - start
        figures[f"{family}, fit {what}, s of processor time"] = time.process_time() - cpu
        figures[f"{family}, fit {what}, peak GiB"] = peak_gib()
        print(family, dict(models[family].facts))
    del frame
    others, truth = customers(given.scored, given.features, seed=3)
    happened = np.random.default_rng(4).random(given.scored) < _expit(truth)
    print(f"the data to score alone: {others.estimated_size('gb'):.2f} GiB")
    for family, model in models.items():
        start, cpu = time.perf_counter(), time.process_time()
        scores = model.probability(others)
        figures[f"{family}, scores {what}, s"] = time.perf_counter() - start
        figures[f"{family}, scores {what}, s of processor time"] = time.process_time() - cpu
        start = time.perf_counter()
        reasons(model, others[np.argsort(-scores)[: int(TOP * given.scored)]])
        figures[f"{family}, reasons of the two top bands {what}, s"] = time.perf_counter() - start
        figures[f"{family}, scores {what}, peak GiB"] = peak_gib()
        figures[f"{family}, share of the true gain in AUC {what}, score"] = (
            auc(scores, happened) - 0.5
        ) / (auc(truth, happened) - 0.5)
    for name, value in figures.items():
        print(f"{name}: {value:.3f}")
    keep("predictions", figures)


def _expit(log_odds: np.ndarray) -> np.ndarray:
    probability: np.ndarray = 1 / (1 + np.exp(-log_odds))
    return probability


if __name__ == "__main__":
    main()
