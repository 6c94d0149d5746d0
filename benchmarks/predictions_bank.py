"""Predictions and cards of a generated bank, out of time, beside an oracle that knows the truth.

    python -m benchmarks.predictions_bank --customers 40000 --months 24 --seed 1

Runs the job's own stages over the bank as far as predictions need them. For the newest windows that
are over, the stage decides on model and card as it would have at the month's end before, of what
was known then. What came is ranked by these, by the best of the target's baselines (chosen with
hindsight), and by the oracle (`testing.oracles.bank`), all of the same customers and as ranks
within their window. What can be seen of the oracle's is the probability to expect of a borrower
of the same segment and utilisation who paid as this one did: no model can rank better than by it.
Of leavers it is what the bank's laws make of the customer's own usual
(`testing.oracles.bank_seen`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl

from portrait_assets.core.months import month_range, next_month
from portrait_assets.core.settings import Settings
from portrait_assets.methods.statistics.discrimination.paired import auc_gain
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.backtests.closed import windows_until
from portrait_assets.stages.predictions.credit.allowing import allowing
from portrait_assets.stages.predictions.credit.deciding import Deciding as DecidingOnCard
from portrait_assets.stages.predictions.learning.baseline import ordered_by
from portrait_assets.stages.predictions.learning.champion import Deciding
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.past.labels import INPUTS
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.declared.outcomes import source_targets
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.recipe import RECIPE_FILE
from portrait_assets.testing.measured import keep
from portrait_assets.testing.oracles.bank import ORACLE, SEEN, Truth, expected_auc
from portrait_assets.testing.worlds.shop import QUIET

SOURCE, FIRST = "synthetic_bank", "2023-01"
BEFORE = ("raw", "identity", "cleaned", "consent", "features", "targets")
"""The stages that predictions read, and theirs."""
TARGETS = ("default", "overdue", "churn")
MODEL, CARD = "model", "card"


def run(settings: Settings, months: list[str]) -> None:
    """The job of these months as far as predictions need it."""
    rooms = tuple(room for room in ROOMS if room.name in BEFORE)
    job = build_defs(settings, rooms=rooms).resolve_job_def(JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, tags=range_tags(months), run_config=QUIET)


def windows(warehouse: Warehouse, outcome: Outcome, closing: list[str]) -> pl.DataFrame:
    """What happened in the windows that these months close, and what was to be expected.

    Returns:
        `base_month`, `customer_id`, `hit`, and the numbers by which customers are ordered by the
        model, by the card where there is one, and by each baseline.
    """
    engine, found = Engine(warehouse.con), []
    asked = Asked(outcome, outcome.prediction_horizon or 1)
    for month in closing:
        base = next_month(month, -asked.horizon)
        then, now = (
            Past(windows_until(warehouse, engine, each), each, [asked]) for each in (base, month)
        )
        rows = now.with_features(now.happened(asked, base), base, INPUTS).with_columns(
            pl.lit(base).alias("base_month")
        )
        decided = Deciding(then, asked, None).decide()
        orders = {MODEL: decided.active.order(rows)}
        if outcome.is_credit:
            of_card = DecidingOnCard(then, asked, allowing(warehouse, base), None).decide()
            orders |= {CARD: of_card.card.risk(rows)} if of_card.card else {}
        orders |= {rule.name: ordered_by(rule, rows) for rule in asked.baselines}
        print(f"{asked.code} as of {base}: {decided.active.family}, {decided.why.en}")
        found.append(
            rows.select("base_month", "customer_id", "hit").with_columns(
                pl.Series(name, order) for name, order in orders.items()
            )
        )
    engine.close()
    return pl.concat(found, how="diagonal")


def compared(rows: pl.DataFrame, truth: Truth, outcome: Outcome) -> dict[str, float]:
    """The figures of one target over its windows."""
    horizon, baselines = outcome.prediction_horizon or 1, [b.name for b in outcome.baselines]
    true = pl.concat(
        truth.probabilities(outcome.code, base, horizon).with_columns(base_month=pl.lit(base))
        for base in rows["base_month"].unique().sort()
    )
    known = rows.join(true, on=["base_month", "customer_id"], how="inner", maintain_order="left")
    orders = [each for each in known.columns if each not in ("base_month", "customer_id", "hit")]
    true_probability = known[ORACLE].alias("probability")
    known = known.with_columns(true_probability).with_columns(
        pl.col(each).rank("average").over("base_month") / pl.len().over("base_month")
        for each in orders
    )

    def gain(order: str, over: str | None = None) -> Interval:
        rows = known.drop_nulls(order)  # A card may not be there in each of the windows.
        other = rows[over].to_numpy() if over else np.zeros(rows.height)
        customer = rows["customer_id"].rank("dense").to_numpy().astype(np.int64) - 1
        return auc_gain(rows[order].to_numpy(), other, rows["hit"].to_numpy(), customer)

    def to_expect(order: str) -> float:
        rows = known.drop_nulls(order)
        return expected_auc(rows[order].to_numpy(), rows["probability"].to_numpy())

    best = max(baselines, key=lambda each: gain(each).value)
    what = f"{outcome.code} in {horizon} months"
    hits = known["hit"].sum()
    print(f"{what}: {known.height:,} of {rows.height:,} customer-months, {hits:,} hits")
    figures: dict[str, float] = {}
    for order in (each for each in orders if each == best or each not in baselines):
        shown = f"baseline ({best})" if order == best else order
        figures |= _interval(f"{what}, {shown}, AUC", gain(order), least=0.5)
        figures[f"{what}, {shown}, AUC to expect, score"] = to_expect(order)
    for order in (each for each in orders if each not in (*baselines, ORACLE)):
        found = gain(order, best)
        figures |= _interval(f"{what}, {order}, gain over the baseline", found)
        for most in (each for each in (ORACLE, SEEN) if each in orders and each != order):
            share = found.value / gain(most, best).value
            figures[f"{what}, {order}, share of the gain of {most}, score"] = share
            share = (to_expect(order) - to_expect(best)) / (to_expect(most) - to_expect(best))
            figures[f"{what}, {order}, share to expect of the gain of {most}, score"] = share
    return figures


def _interval(name: str, found: Interval, least: float = 0.0) -> dict[str, float]:
    return {
        f"{name}, score": least + found.value,
        f"{name}, low end of 95 %, score": least + found.low,
        f"{name}, high end of 95 %, score": least + found.high,
    }


def measured(folder: Path, months: list[str], newest: int) -> dict[str, float]:
    """The figures of the bank in the folder, whose warehouse is made where it is not there."""
    settings = Settings(data_dir=folder, source=SOURCE)
    if not settings.warehouse_file.exists():
        run(settings, months)
    truth = Truth(folder)
    figures: dict[str, float] = {}
    warehouse = Warehouse(settings.warehouse_file, SOURCE, "benchmark", read_only=True)
    outcomes = {each.code: each for each in source_targets(settings.source_dir).outcomes}
    for code in TARGETS:
        found = windows(warehouse, outcomes[code], months[-newest:])
        figures |= compared(found, truth, outcomes[code])
    warehouse.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=40_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--windows", type=int, default=3, help="of each target, the newest")
    parser.add_argument("--folder", type=Path, help="where bank and warehouse stand, or are kept")
    given = parser.parse_args()
    began = time.process_time()
    months = month_range(FIRST, next_month(FIRST, given.months - 1))
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "bank"
        if not (folder / RECIPE_FILE).exists():
            generate_bank(folder, given.customers, given.months, given.seed, FIRST)
        figures = measured(folder, months, given.windows)
    named = f"{given.customers:,} customers, {given.months} months, seed {given.seed}"
    for name, value in figures.items():
        print(f"{name}: {value:.3f}")
    figures = {f"{named}, {name}": value for name, value in figures.items()}
    keep("predictions_bank", figures | {"s of processor time": time.process_time() - began})


if __name__ == "__main__":
    main()
