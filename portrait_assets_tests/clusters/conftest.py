from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import polars as pl
import pytest

from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.testing.worlds.clusters import BANK_USES, Labels, bank


class Bank(NamedTuple):
    """The small bank, its true kinds, the model fitted on it and who is in which segment."""

    features: pl.DataFrame
    kind: Labels
    model: ClusterModel
    assignment: pl.DataFrame


@pytest.fixture(scope="session")
def small_bank() -> Bank:
    features, kind = bank()
    model = fit_model(features, BANK_USES, seed=1)
    return Bank(features, kind, model, assign(model, features))


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs over months have no connection to compute steps on."""
    monkeypatch.setattr(
        "portrait_assets.stages.clusters.month_run.Engine",
        lambda con: SimpleNamespace(close=lambda: None),
    )
