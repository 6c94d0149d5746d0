"""The tags of five months of made-up customers, which tests only read."""

from __future__ import annotations

import duckdb
import pytest

from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import HOME, INTERESTS, TIER, catalogue_of, tagged
from portrait_assets_tests.tags.oracle.five_months import DAYS, RANKED, world


@pytest.fixture(scope="package")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(tmp_path_factory.mktemp("catalogue"), TIER, HOME, INTERESTS, RANKED)


@pytest.fixture(scope="package")
def con(catalogue: Catalogue) -> duckdb.DuckDBPyConnection:
    """Five months of tags."""
    opened = scratch_database()
    tagged(opened, catalogue, {as_of: world(as_of) for as_of in DAYS})
    return opened
