"""Every number of a backtest, against a few lines of Python over the same customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.backtest import Backtests, backtest
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets_tests.validation.town_world import CLAIMS, MATRIX, MONTHS, Town

Scored = tuple[float, bool, float, str]
"""The score, whether it happened, the amount, and the bucket."""


@pytest.fixture(scope="module")
def tested(town: Town) -> Backtests:
    return backtest(town.warehouse, MATRIX, MONTHS, CLAIMS)


def scored(town: Town, claim: Claim, base: str, horizon: int) -> list[Scored]:
    """Of each customer judged the score, whether it happened, the amount, and the bucket."""
    later = town.bought(base, horizon)
    spends = sorted(amount for _, amount in later.values())
    values = {str(row["customer_id"]): row[claim.tag] for row in town.rows[base]}
    known = sorted(value for value in values.values() if isinstance(value, float))
    found = []
    for who, value in values.items():
        purchases, amount = later[who]
        hit = {
            "silence": purchases == 0,
            "return": purchases > 0,
            "purchase": purchases > 0,
            "spend": sum(s < amount for s in spends) / 89 >= 0.8 and amount > 0,
        }[claim.outcome.code]
        is_counted = claim.outcome is not outcome("return") or town.did[base][who][0] == 0
        if value is None or not is_counted:
            continue
        if isinstance(value, float):
            rank = sum(each < value for each in known) / (len(known) - 1)
            bucket = min(int(rank * 20), 19)
            found.append((float(bucket), hit, float(amount), f"tenth {bucket // 2 + 1}"))
        else:
            found.append((-float(claim.order.index(str(value))), hit, float(amount), str(value)))
    return found


def area(rows: Sequence[Scored]) -> float:
    """The share of pairs in which who was hit scored more; ties count half."""
    hits = np.array([score for score, hit, *_ in rows if hit])
    rest = np.array([score for score, hit, *_ in rows if not hit])
    return float(np.mean((hits[:, None] > rest) + 0.5 * (hits[:, None] == rest)))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_backtest_counts_who_was_predicted_and_what_came_true(
    town: Town, tested: Backtests, claim: Claim
):
    own = tested[0].filter(test=claim.name)
    windows = [(base, h) for base in MONTHS for h in (1, 2, 3) if next_month(base, h) in MONTHS]
    assert sorted(set(own.select("as_of", "horizon_months").rows())) == sorted(
        (last_day(next_month(base, h)), h) for base, h in windows
    )
    for base, horizon in windows:
        rows = scored(town, claim, base, horizon)
        month = last_day(next_month(base, horizon))
        found = {
            row["metric"]: row for row in own.filter(as_of=month, horizon_months=horizon).to_dicts()
        }
        hits = sum(hit for _, hit, *_ in rows)
        for row in found.values():
            assert (row["customers"], row["hits"]) == (len(rows), hits)
            assert row["said_as_of"] == last_day(base)
        assert found["auc"]["value"] == pytest.approx(area(rows), abs=1e-6)
        if claim.is_probability:
            later = town.bought(base, horizon)
            chance = [
                (1 - (1 - row["chance"]) ** horizon, later[row["customer_id"]][0] > 0)
                for row in town.rows[base]
                if row["chance"] is not None
            ]
            brier, rate = np.mean([(p - hit) ** 2 for p, hit in chance]), hits / len(rows)
            assert found["Brier score"]["value"] == pytest.approx(brier, abs=1e-6)
            assert found["Brier score"]["baseline_value"] == pytest.approx(
                rate * (1 - rate), abs=1e-6
            )


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_bucket_is_the_customers_of_a_value_or_tenth(town: Town, tested: Backtests, claim: Claim):
    own = tested[1].filter(test=claim.name)
    for month, horizon in own.select("as_of", "horizon_months").unique().iter_rows():
        found = own.filter(as_of=month, horizon_months=horizon).sort("position")
        rows = scored(town, claim, next_month(f"{month:%Y-%m}", -horizon), horizon)
        by_bucket = defaultdict(list)
        for row in sorted(rows, key=lambda row: -row[0]):
            by_bucket[row[3]].append(row)
        hits, money = sum(hit for _, hit, *_ in rows), sum(amount for *_, amount, _ in rows)
        expected: list[tuple[Any, ...]] = []
        caught = 0
        for place, (name, each) in enumerate(by_bucket.items(), start=1):
            own_hits = sum(hit for _, hit, *_ in each)
            caught += own_hits
            expected.append(
                (
                    *(place, name, len(each), own_hits, own_hits / len(each)),
                    *(own_hits / len(each) * len(rows) / hits, caught / hits),
                    sum(amount for *_, amount, _ in each) / money
                    if claim.outcome is outcome("spend")
                    else None,
                )
            )
        columns = ("position", "bucket", "customers", "hits", "rate", "lift", "gain")
        for row, wanted in zip(
            found.select(*columns, "amount_share").rows(), expected, strict=True
        ):
            assert row[:4] == wanted[:4]
            assert row[4:] == pytest.approx(wanted[4:], abs=1e-6)


def by_rule(town: Town, claim: Claim, name: str, base: str, horizon: int) -> float:
    """The area under the curve of a baseline, in twentieths of all customers of the base month."""
    rule = next(each for each in claim.baselines if each.name == name)
    unknown = np.inf if rule.unknown_is_likely else -np.inf
    raw = town.features[base].get(rule.feature)
    numbers = np.full(90, unknown) if raw is None else (-raw if rule.falls else raw).astype(float)
    place = {
        row["customer_id"]: min(int((numbers < own).sum() / 89 * 20), 19)
        for row, own in zip(town.rows[base], numbers, strict=True)
    }
    values = {row["customer_id"]: row[claim.tag] for row in town.rows[base]}
    counted = [
        who
        for who, value in values.items()
        if value is not None
        and (claim.outcome is not outcome("return") or town.did[base][who][0] == 0)
    ]
    rows = scored(town, claim, base, horizon)
    return area([(place[w], hit, 0.0, "") for w, (_, hit, *_) in zip(counted, rows, strict=True)])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_baseline_is_the_best_of_the_window_that_ended_with_the_base_month(
    town: Town, tested: Backtests, claim: Claim
):
    chosen = set()
    for row in tested[0].filter(test=claim.name, metric="auc").to_dicts():
        base, horizon = f"{row['said_as_of']:%Y-%m}", row["horizon_months"]
        before = next_month(base, -horizon)
        areas = [0.0]
        if before in MONTHS:
            areas = [by_rule(town, claim, r.name, before, horizon) for r in claim.baselines]
        best = claim.baselines[int(np.argmax(areas))].name
        assert row["baseline"] == best
        assert row["baseline_value"] == pytest.approx(
            by_rule(town, claim, best, base, horizon), abs=1e-6
        )
        chosen.add((horizon, best))
    assert len({name for _, name in chosen}) > 1
    assert {horizon for horizon, _ in chosen} == {1, 2, 3}
