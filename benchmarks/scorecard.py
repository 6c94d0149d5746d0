"""A card for 200,000 loans of 30 columns whose default probability is known, and a million scores.

Prints: what | seconds, AUC beside that of the truth, peak memory | bound. `--quick` takes 20,000
loans and scores 100,000.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import polars as pl

from portrait_assets.methods.scorecard.card.reasons import scores
from portrait_assets.methods.scorecard.fitting.fit import fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.statistics.discrimination.roc import auc_intervals
from portrait_assets.testing.measured import keep


def loans(count: int, seed: int) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Loans with monotone risks, codes, categories and noise; outcomes and their probabilities."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(count, 24))
    late = draw.integers(-2, 9, count)
    job = draw.integers(0, 12, count)
    steps = np.arctan(2 * numbers[:, :8]).sum(axis=1) * 0.5
    risk = -3.5 + steps + 0.4 * late.clip(0) + np.linspace(-0.6, 0.6, 12)[job]
    chance = 1 / (1 + np.exp(-risk))
    numbers[draw.random(numbers.shape) < 0.05] = np.nan
    frame = pl.DataFrame({f"x{n}": numbers[:, n] for n in range(24)}).fill_nan(None)
    frame = frame.with_columns(
        pl.Series("late", late),
        pl.Series("job", [f"job {n}" for n in range(12)]).gather(job),
        *(pl.Series(f"w{n}", draw.choice(["a", "b", "c"], count)) for n in range(4)),
    )
    return frame, (draw.random(count) < chance).astype(np.float64), chance


def auc(bads: np.ndarray, probability: np.ndarray) -> float:
    _, at = np.unique(probability, return_inverse=True)
    hits, others = (np.bincount(at, weights=each).astype(np.float64) for each in (bads, 1 - bads))
    return float(auc_intervals(hits[None], others[None])[0][0])


def main() -> None:
    """Fit, score, and print both with their bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 loans, 100,000 scores")
    rows, more = (20_000, 100_000) if parser.parse_args().quick else (200_000, 1_000_000)
    frame, outcome, _ = loans(rows, seed=1)
    began = time.perf_counter()
    card = fit(frame, outcome, CardRules()).card
    fitted = time.perf_counter() - began
    others, later, chance = loans(more, seed=2)
    began = time.perf_counter()
    found = scores(card, others)
    scored = time.perf_counter() - began
    own, truth = auc(later, found["probability"].to_numpy()), auc(later, chance)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    columns = f"{len(card.characteristics)} of {frame.width} columns"
    print(f"a card of {columns} for {rows:,} loans | {fitted:.1f} s | 60 s")
    print(f"{more:,} scores with reasons | {scored:.1f} s, peak {peak:.1f} GiB | 240 s, 4 GiB")
    print(f"AUC of other loans | {own:.4f}, of their true probabilities {truth:.4f}")
    keep(
        "scorecard",
        {
            f"{rows:,} loans fitted, s": fitted,
            f"{more:,} scores, s": scored,
            "AUC of other loans, score": own,
            "AUC of the truth, score": truth,
            "peak GiB": peak,
        },
    )


if __name__ == "__main__":
    main()
