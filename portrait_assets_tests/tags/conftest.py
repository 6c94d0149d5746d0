"""A published file of six customers with tags of two months, and one of what they allow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from portrait_assets.stages.tags.views import evidence_view
from portrait_assets.testing.steps import small_database
from portrait_assets.testing.worlds.tags import (
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    SAVE,
    TIER,
    catalogue_of,
    features,
    tagged,
    without_segments,
)
from portrait_assets_tests.privacy.consent_world import write_consents
from portrait_assets_tests.tags.six_customers import RISKY


@pytest.fixture(scope="package")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file: two months of six customers."""
    folder = tmp_path_factory.mktemp("published")
    catalogue = catalogue_of(folder, TIER, HOME, INTERESTS, SAVE)
    path = folder / "portrait.duckdb"
    con = duckdb.connect(str(path))
    without_segments(con)
    worlds = {
        as_of: features(
            as_of,
            spend=spend,
            visits=[1, 12, 1, 12, 1, 1],
            member=[True] * 6,
            region=["north" if as_of == MAY else None] * 6,
            share=[0.5] * 6,
        )
        for as_of, spend in ((MAY, [150, 20, 150, 5, 5, 5]), (JUNE, [150, 150, 20, 5, 5, 5]))
    }
    tagged(con, catalogue, worlds)
    view = evidence_view(catalogue)
    con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
    con.close()
    return path


@pytest.fixture
def con(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(database), read_only=True)
    yield connection
    connection.close()


@pytest.fixture
def asked(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A file of six customers: b has left marketing, c may be contacted by sms, f objected."""
    con = small_database()
    world = features(JUNE, visits=[1, 2, 3, 4, 5, 6])
    tagged(con, catalogue_of(tmp_path, TIER, RISKY), {JUNE: world})
    con.execute(
        "UPDATE tags.portrait_matrix SET profiling_allowed = false, risky = NULL, tier = NULL "
        "WHERE customer_id = 'f'"
    )
    answers = [
        ("b", "marketing", None, False, "withdrawn"),
        ("c", "marketing", None, False, "objection"),
        ("c", "marketing", "sms", True, "consent"),
        ("a", "credit", None, True, "contract"),
        ("f", "profiling", None, False, "objection"),
    ]
    write_consents(con, answers, {"marketing": True}, as_of=f"{JUNE}")
    return con
