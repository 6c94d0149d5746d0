from __future__ import annotations

import pytest

from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets_tests.methods.prediction.world import SMALL, World, world


@pytest.fixture(scope="package")
def people() -> World:
    return world()


@pytest.fixture(scope="package")
def strangers() -> World:
    """Other rows of the same world."""
    return world(4_000, seed=1)


@pytest.fixture(scope="package")
def models(people: World) -> dict[str, PredictionModel]:
    return {
        family: fit(people.frame, people.outcome, family, parameters=SMALL)
        for family in ("logistic", "trees")
    }
