"""A published file of a few hundred customers, and the shared file made of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.stages.mart.shared.file import SharedFile, write_shared
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import (
    QuasiIdentifiers,
    quasi_identifiers,
)
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets_tests.mart.shared.world import (
    CUSTOMERS,
    REQUEST,
    catalogue_of,
    definition,
    write_published,
)


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="package")
def catalogue(folder: Path) -> Catalogue:
    return catalogue_of(folder)


@pytest.fixture(scope="package")
def quasi(catalogue: Catalogue) -> QuasiIdentifiers:
    return quasi_identifiers(definition(), catalogue)


@pytest.fixture(scope="package")
def published(folder: Path, catalogue: Catalogue) -> Path:
    path = folder / "portrait.duckdb"
    write_published(path, catalogue, CUSTOMERS)
    return path


@pytest.fixture(scope="package")
def shared(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
) -> SharedFile:
    return write_shared(published, folder / "shared.duckdb", catalogue, quasi, REQUEST)


@pytest.fixture
def con(folder: Path, shared: SharedFile):
    with duckdb.connect(str(folder / "shared.duckdb"), read_only=True) as opened:
        yield opened
