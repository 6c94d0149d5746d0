"""Which card scores in a month, each rule at its limit and beside it, with cards stood in for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.credit import deciding as credit
from portrait_assets.stages.predictions.credit import words
from portrait_assets.stages.predictions.credit.deciding import Before, Decided, Deciding
from portrait_assets.stages.predictions.governance.approvals import NO_CARD, Action
from portrait_assets.stages.predictions.learning import words as models
from portrait_assets.stages.predictions.learning.words import Words
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.targets.declared.outcomes import outcome

MONTH = "2024-06"
ROWS = pl.DataFrame(
    {
        "base_month": ["2024-05"] * 400,
        "customer_id": [f"c{n}" for n in range(400)],
        "hit": [n % 4 == 0 for n in range(400)],
        "good": [(1.0 if n % 4 == 0 else 0.0) + (n * 7 % 13) / 9 for n in range(400)],
        "noise": [(n * 31 % 97) / 97 for n in range(400)],
    }
)
RULE_OF_NOISE, GOOD_RULE = Baseline("noise", "noise"), Baseline("good", "good")


def card(version: str, by: str = "good", features: tuple[str, ...] = ("income",)) -> Any:
    return SimpleNamespace(
        version=version,
        features=features,
        risk=lambda rows: rows[by].to_numpy(),
        characteristics=["x"],
    )


OLD = card("old")


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Decided]:
    """The decision where fitting gives a card by this column, or fails so."""
    for name in (
        *("not_asked", "nothing_known", "too_few_rows", "too_few_events", "not_yet_again"),
        *("kept", "not_fitted", "nothing_separates", "refused", "worse_than_baseline", "fitted"),
        *("approved", "no_such_version", "refused_version"),
    ):
        monkeypatch.setattr(words, name, lambda *_, of=name: Words(of, of))
    monkeypatch.setattr(models, "pinned", lambda decision: Words("pinned", "pinned"))
    monkeypatch.setattr(credit, "are_refused", lambda features: "gender" in features)

    def run(
        before: Before | None = None,
        fitted: str | Exception | None = "good",
        rule: Baseline = RULE_OF_NOISE,
        rows: int = RULE.least_rows,
        months: int = 24,
        known: pl.DataFrame = ROWS,
        **more: Any,
    ) -> Decided:
        refusal = more.pop("refusal", None)
        closed = more.pop("closed", ("2024-04", "2024-05"))
        past: Any = SimpleNamespace(
            month=MONTH,
            customers=dict.fromkeys(range(months), 1),
            closed=lambda horizon: closed,
            learned_from=lambda horizon: closed[:-1],
            rows=lambda bases: rows,
            learned=lambda asked: known,
            newest_inputs=lambda asked: known,
        )

        def fit(*_: Any) -> Any:
            if isinstance(fitted, Exception):
                raise fitted
            found = card("new", fitted or "good")
            if fitted is None:
                found.characteristics = []
            return SimpleNamespace(card=found, left_out=[])

        monkeypatch.setattr(credit.Deciding, "_fit", fit)
        monkeypatch.setattr(credit, "Card", lambda found, *_: found)
        allowing: Any = SimpleNamespace(refusal=refusal, of=lambda rows: rows)
        asked = Asked(replace(outcome("silence"), baselines=(rule,)), 1)
        return Deciding(past, asked, allowing, before, **more).decide()

    return run


def approval(action: Action, month: str, version: str | None = None) -> Any:
    return SimpleNamespace(action=action, effective_from=month, model_version=version)


@pytest.mark.parametrize(
    ("given", "action", "why", "tried_in"),
    [
        ({"refusal": "nobody was asked"}, "not asked for", "not_asked", "2024-05"),
        ({"closed": ()}, "kept", "kept", "2024-05"),
        ({"rows": RULE.least_rows - 1}, "kept", "kept", "2024-05"),
        ({}, "kept", "kept", "2024-05"),  # one was looked for a month ago
    ],
)
def test_the_card_so_far_stays_with_the_baseline_that_it_was_held_against(
    decide: Callable[..., Decided], given: dict[str, Any], action: str, why: str, tried_in: str
):
    found = decide(Before(OLD, "2024-05", "recency"), **given)
    assert (found.action, found.why.en, found.tried_in) == (action, why, tried_in)
    if action == "kept":
        assert (found.card, found.baseline) == (OLD, "recency")
    else:
        assert (found.card, found.baseline) == (None, None)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"closed": ()}, "nothing_known"),
        ({"rows": RULE.least_rows - 1}, "too_few_rows"),
        ({"before": Before(None, "2024-05")}, "not_yet_again"),
        ({"before": Before(card("old", features=("gender",)), "2024-05")}, "not_yet_again"),
        ({"fitted": ScorecardError("a fault.")}, "not_fitted"),
        ({"fitted": None}, "nothing_separates"),
    ],
)
def test_without_a_card_it_is_said_why(
    decide: Callable[..., Decided], given: dict[str, Any], why: str
):
    found = decide(**given)
    assert (found.card, found.action, found.why.en) == (None, "no card", why)


@pytest.mark.parametrize(
    ("tried_in", "approved", "is_fitted"),
    [
        ("2024-03", None, True),
        ("2024-04", None, False),
        ("2024-04", MONTH, True),
        ("2024-04", "2024-05", False),
    ],
)
def test_a_card_is_fitted_every_quarter_or_when_it_is_approved(
    decide: Callable[..., Decided], tried_in: str, approved: str | None, is_fitted: bool
):
    decision = approval(Action.APPROVE, approved) if approved else None
    found = decide(Before(OLD, tried_in, "recency"), decision=decision)
    assert found.action == ("refitted" if is_fitted else "kept")
    assert found.tried_in == (MONTH if is_fitted else tried_in)
    assert found.why.en == ("approved" if is_fitted and approved else found.why.en)


@pytest.mark.parametrize(
    ("fitted", "rule", "old", "approved", "action", "holds"),
    [
        ("good", RULE_OF_NOISE, None, False, "fitted", "new"),
        ("good", GOOD_RULE, None, False, "fitted", "new"),  # as good is no worse
        ("noise", GOOD_RULE, None, False, "no card", None),
        ("good", RULE_OF_NOISE, "good", False, "refitted", "new"),  # as good as the card so far
        ("noise", RULE_OF_NOISE, "good", False, "challenger refused", "old"),
        ("noise", RULE_OF_NOISE, "good", True, "refitted", "new"),
        ("noise", GOOD_RULE, "good", True, "no card", None),
    ],
)
def test_a_card_is_no_worse_than_the_baseline_nor_than_the_one_before(
    decide: Callable[..., Decided],
    fitted: str,
    rule: Baseline,
    old: str | None,
    approved: bool,
    action: str,
    holds: str | None,
):
    before = Before(card("old", old), None) if old else None
    decision = approval(Action.APPROVE, MONTH) if approved else None
    found = decide(before, fitted, rule, decision=decision)
    assert found.action == action
    assert (found.card.version if found.card else None) == holds
    assert (found.challenger_version, found.baseline) == ("new", rule.name)
    assert found.challenger_auc is not None
    if holds == "old":
        assert (found.auc or 0) > found.challenger_auc
    elif holds == "new":
        assert found.auc == found.challenger_auc
    else:
        assert found.auc is None
    assert np.isfinite(found.baseline_auc or 0)


@pytest.mark.parametrize(
    ("version", "known", "action", "why", "holds"),
    [
        (NO_CARD, None, "pinned", "pinned", None),
        ("old", None, "pinned", "pinned", "old"),
        ("earlier", card("earlier"), "pinned", "pinned", "earlier"),
        ("earlier", None, "no card", "no_such_version", None),
        ("earlier", card("earlier", features=("gender",)), "no card", "refused_version", None),
    ],
)
def test_what_is_pinned_scores_where_it_may(
    decide: Callable[..., Decided],
    version: str,
    known: Any,
    action: str,
    why: str,
    holds: str | None,
):
    decision = approval(Action.PIN, "2024-05", version)
    found = decide(
        Before(OLD, "2024-01", "recency"), decision=decision, versions=lambda version: known
    )
    assert (found.action, found.why.en, found.tried_in) == (action, why, "2024-01")
    assert (found.card.version if found.card else None) == holds
    assert found.baseline == ("recency" if holds else None)


@pytest.mark.parametrize(
    ("months", "tried_in"), [(RULE.first_year, None), (RULE.first_year + 1, MONTH)]
)
def test_in_the_first_year_every_month_is_looked_at(
    decide: Callable[..., Decided], months: int, tried_in: str | None
):
    few = ROWS.with_columns(hit=pl.int_range(pl.len()) < RULE.least_events - 1)
    found = decide(known=few, months=months)
    assert (found.card, found.why.en, found.tried_in) == (None, "too_few_events", tried_in)
