"""The affinities of a small bank, computed once."""

from __future__ import annotations

import pytest

from portrait_assets.stages.offers.affinity.listing import affinity_step
from portrait_assets.stages.offers.affinity.segments import segment_step
from portrait_assets_tests.offers.affinity_world import Computed, balances, bank_of, purchases
from portrait_assets_tests.offers.world import stored


@pytest.fixture(scope="package")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Computed:
    bank = bank_of(list(purchases()), accounts=list(balances()))
    return Computed(
        bank,
        bank.rows(affinity_step(5)),
        bank.rows(segment_step(5)),
        stored(bank, tmp_path_factory.mktemp("affinity")),
    )
