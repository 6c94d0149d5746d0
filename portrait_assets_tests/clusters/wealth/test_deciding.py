"""Which wealth segments hold in a month: each rule at its limit, with models stood in for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.clusters.rule import RULE
from portrait_assets.stages.clusters.wealth import choosing
from portrait_assets.stages.clusters.wealth.choosing import MARGIN, chosen


def asked_model(name: str, segments: int = 4, depth: float = 0.5) -> Any:
    space = SimpleNamespace(axes=[SimpleNamespace(name="tenure_log_years", unit=0)])
    return SimpleNamespace(name=name, segments=segments, depth=depth, space=space)


WEALTH: Any = SimpleNamespace(
    features=pl.DataFrame({"customer_id": [f"c{n}" for n in range(100)]}), amounts=()
)


@pytest.mark.parametrize(
    ("months", "before", "fitted", "winner", "is_fitted"),
    [
        (2, None, asked_model("new"), "none", False),
        (3, None, asked_model("new"), "first", True),
        (4, None, asked_model("new"), "first", True),
        (3, None, None, "none", False),
        (4, asked_model("old"), asked_model("new"), "champion", False),
        (6, asked_model("old"), asked_model("new"), "champion", True),
        (6, asked_model("old"), asked_model("new", depth=0.5 + MARGIN), "challenger", True),
        (6, asked_model("old"), asked_model("new", depth=0.549), "champion", True),
        (6, asked_model("old"), None, "champion", False),
        (5, asked_model("old", 5), asked_model("new", depth=0.0), "challenger", True),
        (2, asked_model("old", 5), asked_model("new"), "challenger", True),
        (5, asked_model("old", 5), None, "none", False),
    ],
)
def test_which_wealth_segments_hold(
    monkeypatch: pytest.MonkeyPatch,
    months: int,
    before: Any,
    fitted: Any,
    winner: str,
    is_fitted: bool,
):
    monkeypatch.setattr(choosing, "fit_asked", lambda *_: fitted)
    monkeypatch.setattr(choosing, "canonical_sample", lambda features, rows: features)
    monkeypatch.setattr(choosing, "_depth", lambda space_of, model, sample: model.depth)
    monkeypatch.setattr(choosing, "_tracked", lambda old, new, features: new)
    found = chosen(WEALTH, months, before, 4)
    assert found.winner == winner
    assert (found.fitted is fitted is not None) is is_fitted
    holds = {"first": fitted, "challenger": fitted, "champion": before, "none": None}[winner]
    assert found.model is holds
    assert (MARGIN, RULE.challenge.refit_months) == (0.05, 3)
