"""Every number of drift and backtests, against a few lines of Python over the same customers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.targets import outcomes
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtest import backtest
from portrait_assets.stages.validation.checks import VERDICTS
from portrait_assets.stages.validation.claims import Buckets, Claim
from portrait_assets.stages.validation.contract import DRIFT, VALIDATION_REPORT, Area
from portrait_assets.stages.validation.counting import count_outcomes
from portrait_assets.stages.validation.demotions import _gain
from portrait_assets.stages.validation.drift import ComparedColumns, _judged, drift
from portrait_assets.stages.validation.judging import holders
from portrait_assets.stages.validation.measures import Judged, _calibration, _verdict
from portrait_assets.stages.validation.migration import migration
from portrait_assets.stages.validation.moves import active_by_construction, level_moves, pairs_of
from portrait_assets.stages.validation.orders import Order
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

MONTHS = [f"2024-{month:02d}" for month in range(1, 7)]
MATRIX = matrix_of(
    Column("risk", Type.TEXT, "Risk", "风险", allowed=("high", "low")),
    Column("town", Type.TEXT, "Town", "城镇"),
    Column("likes", Type.TEXTS, "Likes", "喜好"),
    Column("chance", Type.NUMBER, "Chance", "概率"),
)
TAGS = ("risk", "town", "likes", "chance")
WINDOWS = {"risk": 1, "town": 2, "likes": 3, "chance": 0}
CLAIMS = [
    Claim("risk", outcomes.SILENCE, ("high", "low")),
    Claim("chance", outcomes.PURCHASE, is_probability=True),
    Claim("chance", outcomes.SPEND),
    Claim("risk", outcomes.RETURN, ("low", "high")),
]

Scored = tuple[float, bool, float, str]
"""The score, whether it happened, the amount, and the bucket."""


class Town:
    """Ninety customers a month, of whom some come, some leave, and some have no value of a tag."""

    def __init__(self, folder: Path) -> None:
        """Six months of them; what each did in a month is in `did`."""
        draw = np.random.default_rng(3)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.did: dict[str, dict[str, tuple[int, int]]] = {}
        self.features: dict[str, dict[str, np.ndarray]] = {}
        world = SmallWorld(folder, MATRIX, 0)
        for number, month in enumerate(MONTHS):
            who = [f"C{n:03d}" for n in range(10 * number, 10 * number + 90)]
            chance = draw.random(90).round(2)
            self.rows[month] = [
                {
                    "customer_id": name,
                    "risk": "low" if p > 0.5 else "high" if p > 0.1 else None,
                    "town": f"T{int(30 * draw.random() ** 2)}" if draw.random() > 0.1 else None,
                    "likes": [["tea"], ["tea", "cake"], ["cake", "tea"], [], None][
                        draw.integers(5)
                    ],
                    "chance": float(p) if n % 9 else None,
                }
                for n, (name, p) in enumerate(zip(who, chance, strict=True))
            ]
            bought = (draw.random(90) < chance).astype(int)
            amounts = bought * draw.integers(1, 100, 90)
            self.did[month] = {
                name: (int(n), int(a)) for name, n, a in zip(who, bought, amounts, strict=True)
            }
            world.customers = who
            tags = pl.DataFrame(self.rows[month], schema_overrides={"town": pl.String})
            self.features[month] = {
                "recency_days": draw.integers(0, 60, 90),
                "purchases_1m": bought,
                "spend_1m": amounts,
            }
            world.add(
                month,
                tags.select(TAGS).to_dict(),
                self.features[month],
                {"purchases": bought, "amount": amounts},
            )
        self.warehouse = world.close()

    def values(self, month: str, tag: str) -> list[Any]:
        """The tag's value of each customer, several in one text."""
        found = [row[tag] for row in self.rows[month]]
        if tag == "likes":
            return [" + ".join(sorted(each or [])) or None for each in found]
        return found

    def bought(self, base: str, horizon: int) -> dict[str, tuple[int, int]]:
        """Purchases and amount of each customer of a month in the months after."""
        months = [next_month(base, ahead) for ahead in range(1, horizon + 1)]
        found = {}
        for row in self.rows[base]:
            each = [self.did[month].get(str(row["customer_id"]), (0, 0)) for month in months]
            found[str(row["customer_id"])] = (sum(n for n, _ in each), sum(a for _, a in each))
        return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


# -- drift -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drifted(town: Town) -> pl.DataFrame:
    compared = ComparedColumns(MATRIX, "tag", TAGS, WINDOWS)
    return drift(town.warehouse, [compared], MONTHS, MONTHS)


def bins_of(then: Sequence[Any], now: Sequence[Any]) -> tuple[Counter[Any], Counter[Any]]:
    """Customers by bin of the month compared with: tenths of numbers, 20 values of texts."""
    known = [value for value in then if value is not None]
    if known and isinstance(known[0], float):
        ordered = sorted(known)
        edges = sorted({ordered[k * len(ordered) // 100] for k in range(1, 100)})

        def place(value: Any) -> Any:
            if value is None:
                return None
            edge = next((each for each in edges if value <= each), np.inf)
            reached = sum(each <= edge for each in known)
            return max(reached - 1, 0) * 10 // len(known)

        return Counter(map(place, then)), Counter(map(place, now))
    sizes, after = Counter(then), Counter(now)
    listed = sorted({*sizes, *after}, key=lambda v: (-sizes[v], -after[v], v is not None, v or ""))
    common = {value for value in listed[:20] if value is not None}
    names = [
        [value if value is None or value in common else "others" for value in side]
        for side in (then, now)
    ]
    return Counter(names[0]), Counter(names[1])


@pytest.mark.parametrize("tag", TAGS)
def test_drift_is_the_distance_of_two_months_by_bins_of_the_earlier(
    town: Town, drifted: pl.DataFrame, tag: str
):
    pairs = pairs_of(MONTHS, MONTHS)
    own = drifted.filter(subject=tag)
    assert own.height == len(pairs) == 10
    for pair in pairs:
        then, now = town.values(pair.reference, tag), town.values(pair.month, tag)
        before, after = bins_of(then, now)
        bins = {*before, *after}
        shares = [((after[b] + 0.5), (before[b] + 0.5)) for b in bins]
        total = 90 + 0.5 * len(bins)
        psi = sum((q - p) / total * log(q / p) for q, p in shares)
        row = own.filter(as_of=last_day(pair.month), against=str(pair.against)).row(0, named=True)
        assert row["reference_as_of"] == last_day(pair.reference)
        assert (row["customers"], row["reference_customers"]) == (90, 90)
        assert row["bins"] == len(bins)
        assert row["psi"] == pytest.approx(psi, abs=1e-8)
        if tag != "chance":
            assert row["ks"] is None
            continue
        sides = [[v for v in side if v is not None] for side in (then, now)]
        distance = max(
            abs(sum(v <= edge for v in sides[0]) / 80 - sum(v <= edge for v in sides[1]) / 80)
            for edge in sides[0]
        )
        assert row["ks"] == pytest.approx(distance, abs=1e-8)


def test_the_q_values_of_drift_are_those_of_the_columns_compared_at_once(drifted: pl.DataFrame):
    for _, family in drifted.group_by("as_of", "against"):
        expected = false_discovery_control(family["p_value"].to_numpy())
        assert family["q_value"].to_list() == pytest.approx(expected.tolist(), abs=1e-8)


def test_the_verdict_of_drift_is_that_of_its_numbers():
    """Beyond chance by both tests, by how much, and with windows that are full."""
    cases = list(product((0.09, 0.1, 0.24, 0.25), (0.05, 0.3), (0.05, 0.06), (0, 2, 3)))
    measured = pl.DataFrame(
        [
            {
                **dict.fromkeys(DRIFT.column_names, None),
                "as_of": last_day("2024-03"),
                "against": "month before",
                "kind": "tag",
                "subject": f"t{n}",
                "customers": 9,
                "bins": 2,
                "psi": psi,
                "psi_p95": by_chance,
                "q_value": q,
            }
            for n, (psi, by_chance, q, _) in enumerate(cases)
        ],
        schema_overrides=dict.fromkeys(("psi_expected", "ks"), pl.Float64),
    ).drop("reference_as_of", "verdict")
    windows = {("tag", f"t{n}"): window for n, (*_, window) in enumerate(cases)}
    pair = pairs_of(["2024-03"], MONTHS[:3])[0]
    number = pl.col("subject").str.slice(1).cast(pl.Int64)
    found = _judged(measured, [pair], windows, "2024-01").sort(number)

    def verdict(psi: float, by_chance: float, q: float, window: int) -> str:
        if psi <= by_chance or q > 0.05 or psi < 0.1:
            return "pass"
        if window > 2:  # Months of the source up to the one compared with.
            return "not judged"
        return "fail" if psi >= 0.25 else "warn"

    assert found["verdict"].to_list() == [verdict(*case) for case in cases]
    assert len(set(found["verdict"])) == 4


# -- backtests -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tested(town: Town) -> tuple[pl.DataFrame, pl.DataFrame]:
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
        is_counted = claim.outcome is not outcomes.RETURN or town.did[base][who][0] == 0
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
    town: Town, tested: tuple[pl.DataFrame, pl.DataFrame], claim: Claim
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
def test_a_bucket_is_the_customers_of_a_value_or_tenth(
    town: Town, tested: tuple[pl.DataFrame, pl.DataFrame], claim: Claim
):
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
                    if claim.outcome is outcomes.SPEND
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
        and (claim.outcome is not outcomes.RETURN or town.did[base][who][0] == 0)
    ]
    rows = scored(town, claim, base, horizon)
    return area([(place[w], hit, 0.0, "") for w, (_, hit, *_) in zip(counted, rows, strict=True)])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_baseline_is_the_best_of_the_window_that_ended_with_the_base_month(
    town: Town, tested: tuple[pl.DataFrame, pl.DataFrame], claim: Claim
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


def test_values_of_too_few_are_counted_together(tmp_path: Path):
    """Of a hundred with a value two are enough, and one is not."""
    world = SmallWorld(tmp_path, MATRIX, 105)
    towns = ["A"] * 95 + ["B"] * 2 + ["C", "D", "E"] + [None] * 5
    for month in MONTHS[:2]:
        world.add(month, {"town": towns})
    claim = Claim("town", outcomes.PURCHASE, learned=True, buckets=Buckets.LEVELS)
    found = pl.concat(count_outcomes(world.close(), MATRIX, [claim], [Window(MONTHS[0], 1)]))
    sums = found.group_by("bucket").agg(pl.col("customers").sum()).sort("bucket")
    assert sums.rows() == [("(others)", 3), ("A", 95), ("B", 2)]


# -- verdicts --------------------------------------------------------------------------------


def test_the_verdict_of_a_test_is_that_of_its_intervals():
    """Worse than the baseline or than chance fails; better than both passes."""
    order = Order(("low", "high"))
    cells = np.full((6, 50, 2), 20.0)
    cells[1] = 10
    judged = Judged(CLAIMS[0], "silence", Window("2024-01", 1), order, cells)
    ends = [(-0.2, -0.1), (-0.1, 0.0), (-0.1, 0.1), (0.0, 0.1), (0.1, 0.2)]
    for gain, value in product(ends, ends):
        beyond, own = (Interval(0.0, *each) for each in (gain, value))
        fails = gain[1] < 0 or value[1] <= 0
        passes = gain[0] > 0 and value[0] > 0
        expected = "fail" if fails else "pass" if passes else "warn"
        assert _verdict(judged, beyond, own, 0.0) == expected
        assert _verdict(replace(judged, is_found=False), beyond, own, 0.0) == (
            "warn" if expected == "pass" else expected
        )


@pytest.mark.parametrize(
    ("hits", "others", "is_judged"), [(20, 20, True), (19, 500, False), (500, 19, False)]
)
def test_a_test_of_fewer_than_twenty_either_way_is_not_judged(
    hits: int, others: int, is_judged: bool
):
    cells = np.zeros((6, 50, 2))
    cells[0, 0], cells[1, 0] = [hits, others], [hits, 0]
    judged = Judged(CLAIMS[0], "silence", Window("2024-01", 1), Order(("low", "high")), cells)
    found = _verdict(judged, Interval(0.1, 0.1, 0.2), Interval(0.1, 0.1, 0.2), 0.0)
    assert found == ("pass" if is_judged else "not judged")


@pytest.mark.parametrize(("error", "verdict"), [(0.0, "pass"), (0.03, "pass"), (0.07, "warn")])
def test_a_small_error_of_a_probability_is_no_matter_even_beyond_chance(error: float, verdict: str):
    cells = np.full((6, 50, 2), 10_000.0)
    cells[1] = [2_000, 6_000]
    cells[3] = cells[1] + 10_000 * error
    judged = Judged(CLAIMS[1], "purchase", Window("2024-01", 1), Order(("0", "19")), cells)
    found = _calibration(judged)
    assert (found["value"], found["verdict"]) == (pytest.approx(error), verdict)
    assert (float(str(found["gain_low"])) > 0) == (error > 0)


def test_a_demotion_gains_what_the_baseline_does_less_what_cutting_costs():
    tests = pl.DataFrame(
        {
            "value": [0.6, 0.62, 0.64],
            "baseline_value": [0.7, 0.7, 0.75],
            "gain_low": [-0.2, -0.2, -0.15],
            "gain_high": [-0.1, -0.1, -0.05],
        }
    )
    assert _gain(tests, [0.71, 0.69, 0.73]) == {
        "fit_auc_before": 0.61,
        "fit_auc_after": 0.7,
        "auc_before": 0.64,
        "auc_after": 0.73,
        "gain_low": pytest.approx(0.05 - 0.02),
        "gain_high": pytest.approx(0.15 - 0.02),
    }


def test_holders_have_a_value_and_of_several_values_at_least_one(town: Town):
    found = holders(town.warehouse, MATRIX, TAGS, MONTHS[:2])
    assert sorted(found.rows()) == sorted(
        (last_day(month), tag, sum(value is not None for value in town.values(month, tag)))
        for month in MONTHS[:2]
        for tag in TAGS
    )


@pytest.mark.parametrize("area_of", list(Area))
def test_a_finding_of_any_area_that_fails_is_seen_by_one_check(town: Town, area_of: Area):
    """Of findings with other verdicts none fails."""
    rows = pl.DataFrame(
        {
            "area": str(area_of),
            "subject": [f"s{n}" for n in range(14)],
            "metric": "m",
            "verdict": ["pass", "warn", "not judged"] + ["fail"] * 11,
        }
    )
    found = {}
    for name, check in VERDICTS.items():
        subject = Subject(town.warehouse, VALIDATION_REPORT, "2024-01", lambda: rows)
        found[name] = check.find(subject)
    [failed] = [finding for finding in found.values() if finding.failures]
    assert failed.failures == 11
    assert "and 1 more" in failed.detail


def test_shares_of_moves_have_six_digits(tmp_path: Path):
    matrix = matrix_of(Column("value_tier", Type.TEXT, "Tier", "层级"))
    world = SmallWorld(tmp_path, matrix, 3)
    world.add("2024-01", {"value_tier": ["a", "a", "a"]})
    world.add("2024-02", {"value_tier": ["a", "b", "b"]})
    found = migration(world.close(), matrix, ["2024-02"]).filter(dimension="value_tier")
    assert found.select("value_after", "share").rows() == [("a", 0.333333), ("b", 0.666667)]


@pytest.mark.parametrize(
    ("purchases", "months"), [([1, 2], ["2024-01"]), ([1, 0], []), ([1, None], [])]
)
def test_a_month_is_made_of_buyers_where_all_are_known_to_have_bought(
    tmp_path: Path, purchases: list[int | None], months: list[str]
):
    world = SmallWorld(tmp_path, MATRIX, 2)
    world.add("2024-01", {}, {"purchases_1m": purchases})
    assert active_by_construction(world.warehouse, ["2024-01"]) == months


def test_who_is_absent_from_a_month_has_no_bin_and_who_lacks_a_value_is_missing():
    days = ["2024-01", "2024-02"]
    then, now = (
        pl.DataFrame({"customer_id": list(values), "town": list(values.values())})
        for values in ({"a": "X", "b": None, "c": "Y"}, {"b": "X", "c": None, "d": None, "e": "X"})
    )
    pair = pairs_of(days[1:], days)[0]
    levels = {"X": "=X", "Y": "=Y", None: "missing"}
    binned = pl.DataFrame(
        {"as_of": last_day(days[1]), "against": str(pair.against), "subject": "town"}
        | {"level": list(levels), "bin": list(levels.values())}
    )
    found = level_moves(dict(zip(days, (then, now), strict=True)), [pair], ["town"], binned)
    moves = found.select("bin_then", "bin_now", "customers").rows()
    assert sorted(moves, key=str) == sorted(
        [
            *(("=X", None, 1), ("missing", "=X", 1), ("=Y", "missing", 1)),
            *((None, "missing", 1), (None, "=X", 1)),
        ],
        key=str,
    )
