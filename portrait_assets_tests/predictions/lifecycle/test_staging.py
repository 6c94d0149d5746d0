"""The stage of a customer follows from the probability of silence and the gap since a purchase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import inf
from random import Random
from typing import Any

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.lifecycle.staging import RULE_STAGES_STEP, stages_step
from portrait_assets.stages.targets.declared.outcomes import packaged_targets
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Step

MONTH = "2024-06"
Customer = Mapping[str, object]


def regular(**own: object) -> dict[str, object]:
    """Bought three days ago, once a week for years, for 40; unlikely to be silent or spend much.

    `p` is the probability of silence, and `place` that among those likeliest to spend most.
    """
    return {
        "recency_days": 3,
        "days_between_purchases_12m": 7.0,
        "tenure_days": 800,
        "tenure_is_lower_bound": False,
        "purchases_12m": 52,
        "spend_1m": 40,
        "p": 0.1,
        "place": 9,
    } | own


def frames(customers: Mapping[str, Customer]) -> dict[Table, pl.DataFrame]:
    day = last_day(MONTH)
    features = [
        {"as_of": day, "customer_id": name}
        | {k: v for k, v in of.items() if k not in ("p", "place")}
        for name, of in customers.items()
    ]
    predictions = [
        {"as_of": day, "customer_id": name, "target": target, "horizon": horizon} | numbers
        for name, of in customers.items()
        for target, horizon, numbers in (
            ("silence", 1, {"score": of["p"], "rank": 1}),
            ("spend", 1, {"score": 0.2, "rank": of["place"]}),
            ("silence", 3, {"score": 0.99, "rank": 1}),
        )
        if of["p"] is not None
    ]
    return {
        FEATURE_MATRIX: pl.DataFrame(features, schema=FEATURE_MATRIX.polars_schema, strict=False),
        PREDICTION: pl.DataFrame(predictions, schema=PREDICTION.polars_schema, strict=False),
    }


def rows_of(step: Step, given: Mapping[Table, pl.DataFrame]) -> pl.DataFrame:
    with scratch_database() as con:
        relations = {}
        for source in step.reads:
            con.register(f"given_{source.name}", given[source.table])  # type: ignore[union-attr]
            relations[source] = f"given_{source.name}"
        return Engine(con, relations).frame(step, Scope(MONTH))


def staged(**customers: Customer) -> dict[str, str]:
    found = rows_of(stages_step(packaged_targets()), frames(customers))
    return dict(found.select("customer_id", "stage").iter_rows())


MATURE = {"mature": regular(place=1)}
"""One who spends most, so that the others in no other stage are growing."""


def test_churn_is_a_probable_silence_after_a_gap_of_three_usual_ones():
    found = staged(
        gone=regular(p=0.5, recency_days=61),
        back_soon=regular(p=0.49, recency_days=61),
        two_months=regular(p=0.9, recency_days=60),
        seldom=regular(p=0.9, recency_days=90, days_between_purchases_12m=30.0),
        longer=regular(p=0.9, recency_days=91, days_between_purchases_12m=30.0),
        once=regular(p=0.9, recency_days=91, days_between_purchases_12m=None),
        never=regular(p=0.9, recency_days=None, days_between_purchases_12m=None),
        **{f"usual {n}": regular(p=0.01) for n in range(20)},
    )
    assert {name for name, stage in found.items() if stage == "churn"} == {
        *("gone", "longer", "once", "never")
    }


def test_churn_is_three_times_the_odds_of_all_where_most_buy_seldom():
    """With 0.86 the mean is 0.6525, of which 0.849 is three times in odds; with 0.84, 0.846 is."""
    usual = {name: regular(p=p) for name, p in (("a", 0.5), ("b", 0.5), ("c", 0.75))}
    for p, stage in ((0.86, "churn"), (0.84, "dormancy")):
        away = regular(p=p, recency_days=200)
        assert staged(**usual, away=away)["away"] == stage


def test_without_transactions_nobody_has_left():
    found = staged(
        of_a_card=regular(p=None, recency_days=None, purchases_12m=None), buys=regular(), **MATURE
    )
    assert found == {"buys": "growth", "mature": "maturity"}


def test_dormancy_is_half_again_the_odds_of_all():
    """The mean of 0.2, 0.2, 0.2 and 0.3 is 0.225, of which 0.303 is half again in odds.

    With 0.31 it is 0.2275, of which 0.306 is.
    """
    of_three = {f"c{n}": regular(p=0.2, place=1) for n in range(3)}
    assert staged(**of_three, last=regular(p=0.31))["last"] == "dormancy"
    assert staged(**of_three, last=regular(p=0.30))["last"] == "growth"


def test_where_nobody_is_ever_silent_nobody_is_dormant():
    assert staged(one=regular(p=0.0), other=regular(p=0.0, place=1)) == {
        "one": "growth",
        "other": "maturity",
    }


def test_where_everybody_is_silent_for_certain_all_are_dormant():
    assert set(staged(one=regular(p=1.0), other=regular(p=1.0)).values()) == {"dormancy"}


def test_who_joined_to_the_day_less_than_three_months_ago_is_introduced():
    found = staged(
        new=regular(tenure_days=89, p=0.9, recency_days=30),
        known=regular(tenure_days=90),
        first_of_the_data=regular(tenure_days=20, tenure_is_lower_bound=True),
        gone=regular(tenure_days=89, p=0.9, recency_days=70),
        **{f"m{n}": regular(place=1) for n in range(4)},
    )
    assert {name: stage for name, stage in found.items() if stage != "maturity"} == {
        "new": "introduction",
        "known": "growth",
        "first_of_the_data": "growth",
        "gone": "churn",
    }


def test_maturity_is_the_half_of_the_others_likeliest_to_be_among_those_who_spend_most():
    """Who left, or is dormant, is in neither half, however much they would spend."""
    found = staged(
        **{f"p{place}": regular(place=place) for place in (3, 4, 5, 6, 7)},
        gone=regular(place=1, p=0.9, recency_days=70),
        dormant=regular(place=2, p=0.9),
    )
    assert found == {
        **dict.fromkeys(("p3", "p4", "p5"), "maturity"),
        **dict.fromkeys(("p6", "p7"), "growth"),
        **{"gone": "churn", "dormant": "dormancy"},
    }


def test_while_nothing_is_predicted_stages_rest_on_gaps_and_spend_alone():
    def unknown(**own: object) -> dict[str, object]:
        return regular(p=None) | own

    customers = {
        "gone": unknown(recency_days=61),
        "asleep": unknown(recency_days=32),
        "much": unknown(spend_1m=90),
        "less": unknown(spend_1m=80),
        "little": unknown(spend_1m=10),
        "nothing": unknown(spend_1m=0, recency_days=20),
    }
    found = rows_of(stages_step(packaged_targets()), frames(customers))
    assert found["basis"].unique().to_list() == ["gaps"]
    assert dict(found.select("customer_id", "stage").iter_rows()) == {
        "asleep": "dormancy",
        "gone": "churn",
        "less": "maturity",
        "little": "growth",
        "much": "maturity",
        "nothing": "growth",
    }


def test_while_nothing_is_predicted_the_median_of_spend_is_much_and_nothing_is_not():
    spent = {f"c{n}": regular(p=None, spend_1m=n) for n in (0, 10, 20, 30, 40)}
    assert staged(**spent) == {
        **dict.fromkeys(("c0", "c10"), "growth"),
        **dict.fromkeys(("c20", "c30", "c40"), "maturity"),
    }
    nothing = {f"c{n}": regular(p=None, spend_1m=0) for n in range(3)}
    assert set(staged(**nothing).values()) == {"growth"}


def test_of_whom_nothing_is_known_there_is_no_stage():
    nobody = dict.fromkeys(regular(), None)
    assert staged(nobody=nobody, somebody=regular()) == {"somebody": "maturity"}


def test_stages_by_rules_are_those_of_the_former_tag():
    by_rule = {
        "new": regular(tenure_days=89, spend_trend_3m=0.5),
        "new, bought a quarter ago": regular(tenure_days=89, recency_days=92),
        "lost": regular(recency_days=181),
        "dormant": regular(recency_days=93),
        "dormant, half a year": regular(recency_days=180),
        "growing, a quarter after joining": regular(tenure_days=90, spend_trend_3m=0.2),
        "steady, bought a quarter ago": regular(recency_days=92, spend_trend_3m=0.0),
        "growing": regular(spend_trend_3m=0.2),
        "declining": regular(spend_trend_3m=-0.2),
        "steady": regular(spend_trend_3m=0.0),
        "unknown": regular(spend_trend_3m=None),
    }
    found = rows_of(RULE_STAGES_STEP, frames(by_rule))
    stages = dict(found.select("customer_id", "rule_stage").rows())
    assert stages == {name: name.partition(",")[0] for name in by_rule}


def by_chance(rng: Random) -> dict[str, object]:
    """A customer on the limits of the rule, of whom much may be unknown."""
    choices: dict[str, Sequence[object]] = {
        "recency_days": (None, 0, 31, 32, 42, 43, 60, 61, 90, 91, 120),
        "days_between_purchases_12m": (None, 7.0, 15.5, 20.0, 20.5, 21.5, 30.0),
        "tenure_days": (None, 31, 60, 61, 89, 90, 91, 800),
        "tenure_is_lower_bound": (True, False),
        "purchases_12m": (52, 52, 52, None),
        "spend_1m": (None, -5, 0, 10, 20, 20, 40),
        "p": (None, 0.0, 0.1, 0.15, 0.25, 0.4, 0.49, 0.5, 1.0),
        "place": range(1, 40),
    }
    return {name: rng.choice(values) for name, values in choices.items()}


def away(of: Mapping[str, Any]) -> int | None:
    """Days since the last purchase, or since the customer joined where there was none."""
    days: int | None = of["tenure_days"] if of["recency_days"] is None else of["recency_days"]
    return days


def earlier_stage(of: Mapping[str, Any], of_all: float) -> str | None:
    """The stage by silence and tenure in the words of the rule; None for growth or maturity."""
    p, tenure, days = of["p"], of["tenure_days"], away(of)
    usual = 30 if of["days_between_purchases_12m"] is None else of["days_between_purchases_12m"]

    def has_odds(times: float) -> bool:
        return bool(p > 0 and p * (1 - of_all) >= times * of_all * (1 - p))

    is_gone = p is None or (p >= 0.5 and has_odds(3))
    if is_gone and days is not None and days > max(60, 3 * usual):
        return "churn"
    if not of["tenure_is_lower_bound"] and tenure is not None and tenure < 90:
        return "introduction"
    is_dormant = days is not None and days > max(31, 2 * usual) if p is None else has_odds(1.5)
    return "dormancy" if is_dormant else None


def is_of_half(own: float, others: Sequence[float]) -> bool:
    """Whether at most half of the others come before; they count the customer too."""
    return sum(each < own for each in others) <= 0.5 * (len(others) - 1)


def test_customers_on_all_limits_are_where_the_rule_in_plain_python_puts_them():
    rng = Random(19)
    drawn: dict[str, dict[str, Any]] = {f"c{n:03}": by_chance(rng) for n in range(1_000)}
    buying = {name: each for name, each in drawn.items() if each["purchases_12m"] is not None}
    scores = [str(each["p"]) for each in buying.values() if each["p"] is not None]
    of_all = float(sum(map(Decimal, scores))) / len(scores)
    gap = "days_between_purchases_12m"
    known = {
        name: each
        for name, each in buying.items()
        if not each["p"] is each[gap] is away(each) is None
    }
    expected = {name: earlier_stage(each, of_all) for name, each in known.items()}
    rest = [known[name] for name, stage in expected.items() if stage is None]
    places = [each["place"] for each in rest if each["p"] is not None]
    # Who spent nothing that is known comes last.
    spends = [-inf if each["spend_1m"] is None else each["spend_1m"]
              for each in rest if each["p"] is None]  # fmt: skip
    for name, stage in expected.items():
        of, spend = known[name], known[name]["spend_1m"]
        if of["p"] is not None:
            is_mature = is_of_half(of["place"], places)
        else:
            less = [-each for each in spends]
            is_mature = spend is not None and spend > 0 and is_of_half(-spend, less)
        expected[name] = stage or ("maturity" if is_mature else "growth")
    assert staged(**drawn) == expected
    stages = {"churn", "introduction", "dormancy", "maturity", "growth"}
    assert {*expected.values()} == stages
    assert {*map(expected.get, drawn)} == stages | {None}
