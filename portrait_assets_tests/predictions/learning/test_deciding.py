"""Which model is active in a month, by what is known of the windows before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.governance.approvals import Action
from portrait_assets.stages.predictions.learning import training
from portrait_assets.stages.predictions.learning.active import Active, Trained
from portrait_assets.stages.predictions.learning.baseline import fitted_steps
from portrait_assets.stages.predictions.learning.champion import Before, Decided, Deciding
from portrait_assets.stages.predictions.learning.champion import decided as all_decided
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.training import Challenger
from portrait_assets.stages.predictions.rule import FEW, RULE, SMALL, parameters_for
from portrait_assets.stages.targets.declared.outcome import Baseline, Outcome
from portrait_assets.stages.targets.declared.outcomes import outcome

MONTH = "2024-06"
SPEND = Baseline("spend", "spend_1m", falls=True)
RECENCY = Baseline("recency", "recency_days", unknown_is_likely=True)
SILENCE = outcome("silence")
DEFAULT = outcome("answer").for_one("default")


def windows(first: int, last: int, rows: int = 300) -> pl.DataFrame:
    """Customer-months of 2024 to whom it happens the likelier the longer they were away."""
    rng = np.random.default_rng(0)
    days = rng.uniform(0, 100, (last - first + 1) * rows)
    months = [f"2024-{month:02}" for month in range(first, last + 1)]
    return pl.DataFrame(
        {
            "base_month": np.repeat(months, rows),
            "customer_id": [f"c{at}" for at in range(rows)] * len(months),
            "hit": rng.random(len(days)) < days / 150,
            "recency_days": days,
            "spend_1m": rng.random(len(days)),
        }
    )


def model_of(*features: str, fitted_in: str = "2024-03") -> Active:
    learned = windows(1, 2)
    model = fit(learned.select(features), learned["hit"].to_numpy(), "logistic")
    return Active(model, Trained("2024-01", "2024-02", "2024-02", fitted_in))


@pytest.fixture(scope="module")
def good() -> Active:
    """A model of what it depends on."""
    return model_of("recency_days")


@pytest.fixture(scope="module")
def poor() -> Active:
    """A model of what it does not depend on."""
    return model_of("spend_1m")


def deciding(rules: Sequence[Baseline], before: Before | None = None, **more: Any) -> Deciding:
    """Windows of a month each, of which those of February to May are over in June."""
    bases = more.pop("bases", ("2024-03", "2024-04", "2024-05"))
    rows = more.pop("rows", RULE.least_rows)
    frame = more.pop("frame", windows(3, 5)).filter(pl.col("base_month").is_in(bases))
    past = SimpleNamespace(
        month=MONTH,
        customers=more.pop("customers", {}),
        closed=lambda horizon: bases,
        recent=lambda horizon: bases,
        learned_from=lambda horizon: bases[:-1],
        rows=lambda bases: rows,
        known=lambda asked, bases: frame.filter(pl.col("base_month").is_in(bases)),
        learned=lambda asked: frame.filter(pl.col("base_month").is_in(bases[:-1])),
        newest_inputs=lambda asked: frame.filter(pl.col("base_month").is_in(bases[-1:])),
        encoding=lambda horizon: None,
        margin=lambda model, asked: model.margin(frame.filter(pl.col("base_month").is_in(bases))),
    )
    asked = Asked(replace(more.pop("of", SILENCE), baselines=tuple(rules)), 1)
    return Deciding(cast(Past, past), asked, before, **more)


def decided(
    monkeypatch: pytest.MonkeyPatch, of: Deciding, found: Active | None = None
) -> tuple[Decided, int]:
    """What is decided where this challenger is found, and how often one was looked for."""
    looked: list[str] = []

    def look(learned: pl.DataFrame, judged: pl.DataFrame, month: str, *_: Any) -> Challenger:
        looked.append(month)
        return Challenger(found, None if found else "no fit")

    monkeypatch.setattr(training, "challenger", look)
    return of.decide(), len(looked)


def test_several_targets_are_decided_as_each_by_itself_and_what_asks_the_same_is_fitted_once(
    monkeypatch: pytest.MonkeyPatch, good: Active
):
    frame = windows(3, 5)
    opposite = frame.with_columns(hit=~pl.col("hit"))
    several = [
        deciding([SPEND], of=replace(SILENCE, code="silent"), frame=frame),
        deciding([SPEND], Before(good, "2024-05"), of=replace(SILENCE, code="kept"), frame=frame),
        deciding([RECENCY], of=replace(SILENCE, code="same"), frame=frame),
        deciding([SPEND], of=replace(SILENCE, code="bought"), frame=opposite),
        deciding([SPEND], of=replace(SILENCE, code="other"), frame=windows(3, 5, 301)),
    ]
    fitted: list[int] = []

    def line(learned: pl.DataFrame, judged: pl.DataFrame, month: str, *_: Any) -> Challenger:
        fitted.append(learned.height)
        model = fit(learned.select("recency_days"), learned["hit"].to_numpy(), "logistic")
        return Challenger(Active(model, Trained("2024-03", "2024-04", "2024-05", month)), None)

    monkeypatch.setattr(training, "challenger", line)
    alone = {each.asked: replace(each).decide() for each in several}
    fitted.clear()
    found = all_decided(several, 2)
    assert sorted(fitted) == [600, 602]
    assert {each.code: what.action for each, what in found.items()} == {
        "silent": "fitted",
        "kept": "kept",
        "same": "baseline",
        "bought": "fitted",
        "other": "fitted",
    }
    bought = several[3].asked
    for asked, what in found.items():
        # By itself the opposite outcome is fitted, and by another lot.
        same = what.why == alone[asked].why and what.active.version == alone[asked].active.version
        assert same != (asked is bought)
    silent = found[several[0].asked].active
    chances = silent.probability(frame) + found[bought].active.probability(frame)
    assert chances == pytest.approx(np.ones(frame.height))


def test_where_no_window_is_over_the_first_baseline_orders(monkeypatch: pytest.MonkeyPatch):
    what, looked = decided(monkeypatch, deciding([SPEND, RECENCY], bases=(), frame=windows(3, 3)))
    assert (what.action, what.active.family, looked) == ("baseline", "spend", 0)
    assert (what.auc, what.baseline, what.tried_in) == (None, None, None)


@pytest.mark.parametrize(
    ("of", "is_known"),
    [
        (DEFAULT, False),
        (replace(DEFAULT, unreported_is_no=True), True),
        (SILENCE, True),
    ],
)
def test_an_outcome_reported_of_hits_alone_has_no_probability(of: Outcome, is_known: bool):
    hits = windows(3, 5).with_columns(hit=True)
    what = deciding([SPEND], frame=hits, of=of).decide()
    assert (what.action, what.active.family) == ("baseline", "spend")
    assert np.isfinite(what.active.probability(hits)).all() == is_known
    assert ('unreported: "no"' in what.why.en) != is_known
    assert ('unreported: "no"' in what.why.zh) != is_known
    # One customer whom it spared tells that the source reports of both.
    hits[0, "hit"] = False
    assert np.isfinite(deciding([SPEND], frame=hits, of=of).decide().active.probability(hits)).all()


@pytest.mark.parametrize(("rows", "looked"), [(RULE.least_rows - 1, 0), (RULE.least_rows, 1)])
def test_a_challenger_is_looked_for_from_so_many_rows_on(
    monkeypatch: pytest.MonkeyPatch, good: Active, rows: int, looked: int
):
    what, times = decided(monkeypatch, deciding([SPEND], rows=rows), good)
    assert (what.action, times) == ("fitted" if looked else "baseline", looked)
    assert what.tried_in == (MONTH if looked else None)


def test_a_first_model_must_surely_beat_the_baseline(monkeypatch: pytest.MonkeyPatch, good: Active):
    what, _ = decided(monkeypatch, deciding([SPEND], customers={MONTH: 1}), good)
    assert (what.action, what.active.basis, what.baseline) == ("fitted", "model", "spend")
    # Its probabilities are set right in the recent windows, which changes no order.
    assert what.auc == what.challenger_auc
    assert what.auc is not None
    assert what.auc > (what.baseline_auc or 1) + 0.1
    assert what.challenger_version == what.active.version
    recent = windows(3, 5)
    assert what.active.probability(recent).mean() == pytest.approx(recent["hit"].mean(), abs=1e-6)
    assert sum(each.customers for each in what.active.bins) == 300, "held against the newest"
    # The order of recency is the model's own: no gain at all is no better.
    what, _ = decided(monkeypatch, deciding([RECENCY]), good)
    assert (what.action, what.active.family, what.tried_in) == ("baseline", "recency", MONTH)
    assert what.active.trained == Trained("2024-03", "2024-05", None, MONTH)
    assert sum(each.customers for each in what.active.bins) == 900, "held against all recent ones"


@pytest.mark.parametrize(
    ("tried_in", "looked"), [("2024-02", 1), ("2024-03", 1), ("2024-04", 0), ("2024-05", 0)]
)
def test_a_challenger_is_looked_for_every_quarter(
    monkeypatch: pytest.MonkeyPatch, good: Active, tried_in: str, looked: int
):
    assert RULE.refit_months == 3
    what, times = decided(monkeypatch, deciding([SPEND], Before(good, tried_in)), good)
    assert times == looked
    assert what.tried_in == (MONTH if looked else tried_in)
    assert what.action in (("refitted",) if looked else ("kept", "recalibrated"))
    assert ("Fitted again, for a quarter" in what.why.en) is bool(looked)


def approval(action: Action, effective_from: str, version: str | None = None) -> Any:
    return SimpleNamespace(
        action=action,
        effective_from=effective_from,
        model_version=version,
        target="silence",
        by="Li Na",
        place="line 3",
        reason="as agreed",
    )


@pytest.mark.parametrize(("month", "looked"), [(MONTH, 1), ("2024-05", 0)])
def test_what_is_approved_is_fitted_in_that_month_alone(
    monkeypatch: pytest.MonkeyPatch, good: Active, month: str, looked: int
):
    of = deciding([SPEND], Before(good, "2024-05"), decision=approval(Action.APPROVE, month))
    assert decided(monkeypatch, of, good)[1] == looked


def test_a_champion_stays_where_the_challenger_separates_worse(
    monkeypatch: pytest.MonkeyPatch, good: Active, poor: Active
):
    """Of two that surely beat the baseline the one whose feature says more; approval decides."""
    rng = np.random.default_rng(1)
    noise = pl.Series(rng.normal(0, 0.4, 900))
    frame = windows(3, 5).with_columns(spend_1m=noise - pl.col("recency_days") / 100, same=0.0)
    rule = Baseline("nothing", "same")
    worse = Active(fit(frame.select("spend_1m"), frame["hit"].to_numpy(), "logistic"), poor.trained)
    of = deciding([rule], Before(good, "2024-01"), frame=frame)
    what, _ = decided(monkeypatch, of, worse)
    assert (what.challenger_auc or 1) < (what.auc or 0)
    assert what.action == "challenger refused"
    assert (
        decided(monkeypatch, deciding([rule], Before(worse, "2024-01"), frame=frame), good)[
            0
        ].action
        == "refitted"
    )
    approved = approval(Action.APPROVE, MONTH)
    of = deciding([rule], Before(good, "2024-01"), frame=frame, decision=approved)
    assert decided(monkeypatch, of, worse)[0].action == "refitted"


def test_a_challenger_that_does_not_surely_beat_the_baseline_takes_no_place(
    monkeypatch: pytest.MonkeyPatch, good: Active, poor: Active
):
    what, _ = decided(monkeypatch, deciding([SPEND], Before(good, "2024-01")), poor)
    assert (what.action, what.tried_in) == ("challenger refused", MONTH)
    assert what.active.learned.scorer is good.learned.scorer  # type: ignore[union-attr]


def test_a_champion_below_the_baseline_is_challenged_at_once_and_falls(
    monkeypatch: pytest.MonkeyPatch, good: Active, poor: Active
):
    below = Before(poor, "2024-05")
    what, looked = decided(monkeypatch, deciding([RECENCY], below), poor)
    assert (what.action, what.active.family, looked) == ("baseline", "recency", 1)
    # Without a fit too; and in an even match the champion stays.
    assert decided(monkeypatch, deciding([RECENCY], below))[0].action == "baseline"
    what, looked = decided(monkeypatch, deciding([RECENCY], Before(good, "2024-05")))
    assert (what.active.basis, looked) == ("model", 0)


def test_a_champion_is_set_right_only_where_it_was_surely_off(
    monkeypatch: pytest.MonkeyPatch, good: Active
):
    frame = windows(5, 5)
    right = float(good.probability(frame).mean())
    off, _ = decided(
        monkeypatch,
        deciding(
            [SPEND],
            Before(good, "2024-05"),
            bases=("2024-05",),
            frame=frame.with_columns(hit=pl.col("recency_days") > 20),
        ),
    )
    assert (off.action, off.tried_in) == ("recalibrated", "2024-05")
    assert off.active.probability(frame).mean() > right + 0.1
    hits = frame["recency_days"].rank() > 300 - round(right * 300)
    kept, _ = decided(
        monkeypatch,
        deciding(
            *([SPEND], Before(good, "2024-05")),
            bases=("2024-05",),
            frame=frame.with_columns(hit=hits),
        ),
    )
    assert (kept.action, kept.tried_in) == ("kept", "2024-05")
    assert kept.active is good


@pytest.mark.parametrize(
    ("version", "is_known", "action", "basis"),
    [
        ("baseline", False, "pinned", "baseline"),
        ("own", False, "pinned", "model"),
        ("other", True, "pinned", "model"),
        ("other", False, "baseline", "baseline"),
    ],
)
def test_what_is_pinned_stands_where_it_is_found(
    monkeypatch: pytest.MonkeyPatch,
    good: Active,
    poor: Active,
    version: str,
    is_known: bool,
    action: str,
    basis: str,
):
    named = {"own": good.version}.get(version, version)
    of = deciding(
        [RECENCY],
        Before(good, "2024-01"),
        decision=approval(Action.PIN, "2024-04", named),
        versions=lambda asked: poor if is_known and asked == "other" else None,
    )
    what, looked = decided(monkeypatch, of, good)
    assert (what.action, what.active.basis, looked) == (action, basis, 0)
    assert what.tried_in == "2024-01"
    if basis == "model":
        assert what.active is (good if version == "own" else poor)


@pytest.mark.parametrize(
    ("history", "tried_in"), [(RULE.first_year, None), (RULE.first_year + 1, MONTH)]
)
def test_in_the_first_year_every_month_is_looked_at_for_enough_events(
    monkeypatch: pytest.MonkeyPatch, good: Active, history: int, tried_in: str | None
):
    few = windows(3, 5).with_columns(hit=pl.int_range(pl.len()) % 300 < 9)
    of = deciding([SPEND], frame=few, customers=dict.fromkeys(map(str, range(history)), 1))
    what, looked = decided(monkeypatch, of, good)
    assert (what.action, what.tried_in, looked) == ("baseline", tried_in, 0)


# -- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "others", "judged", "is_enough"),
    [
        (50, 50, (10, 10), True),
        (49, 51, (10, 10), False),
        (51, 49, (10, 10), False),
        (50, 50, (9, 11), False),
        (50, 50, (11, 9), False),
    ],
)
def test_events_of_either_kind_are_enough(
    hits: int, others: int, judged: tuple[int, int], is_enough: bool
):
    def frame(*counts: int) -> pl.DataFrame:
        return pl.DataFrame({"hit": [True] * counts[0] + [False] * counts[1]})

    assert (RULE.least_events, RULE.least_judged) == (50, 10)
    assert training.has_enough_events(frame(hits, others), frame(*judged)) is is_enough


@pytest.mark.parametrize(
    ("family", "rows", "events", "parameters"),
    [
        ("trees", RULE.few_until + 1, RULE.trees_from, FEW),
        ("trees", RULE.few_until + 1, RULE.trees_from - 1, SMALL),
        ("logistic", RULE.few_until, 50, FEW),
        ("logistic", RULE.few_until + 1, 50, PARAMETERS),
    ],
)
def test_few_rows_and_trees_have_smaller_settings(
    family: str, rows: int, events: int, parameters: object
):
    assert parameters_for(family, rows, events) is parameters


def test_bins_that_a_baseline_was_held_against_give_its_interval():
    frame = windows(3, 3)
    steps = fitted_steps(RECENCY, frame)
    active = Active(steps, Trained("2024-03", "2024-03", None, MONTH))
    assert np.isnan(active.interval(np.array([0.5]))[0]).all(), "held against nothing"
    binned = active.held_against(frame["hit"].to_numpy(), steps.probability(frame))
    low, high = binned.interval(steps.probability(frame))
    shown = steps.probability(frame)
    assert ((low >= 0) & (low <= shown) & (shown <= high) & (high <= 1)).all()
    assert (high - low).max() > 0.05
