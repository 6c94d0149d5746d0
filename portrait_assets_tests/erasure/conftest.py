"""The shop that knows its customers by name, materialized once, and with two of them erased."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from portrait_assets.app.erasure.erase import Erased, erase
from portrait_assets.app.erasure.people.persons import Asked
from portrait_assets.app.erasure.preview import preview
from portrait_assets.app.runs.progress import Progress
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.instance import open_records
from portrait_assets.testing.worlds import shop
from portrait_assets_tests.erasure.world import (
    ALIAS,
    PERSON,
    UNDATED,
    export,
    registered_export,
    world,
)

ASKED = Asked("people.csv", {PERSON: 2, ALIAS: 3, UNDATED: 4})


class _Quiet:
    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def quiet() -> Progress:
    """A progress that nobody reads."""
    return cast(Progress, _Quiet())


@dataclass(frozen=True)
class Done:
    """The shop before and after the erasure, and what it came to."""

    before: Settings
    settings: Settings
    erased: Erased


def copied(settings: Settings, folder: Path) -> Settings:
    """The data folder copied, as another one's; times of files stay."""
    shutil.copytree(settings.data_dir, folder)
    return settings.model_copy(update={"data_dir": folder})


@pytest.fixture(scope="package")
def named_shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Materialized, with an export beside the warehouse; a test that changes it takes a copy."""
    settings = world(tmp_path_factory.mktemp("named") / "data")
    with open_records(settings) as instance:
        assert shop.run(settings, shop.SHOP_MONTHS[:2], instance).success
    export(settings)
    return settings


@pytest.fixture(scope="package")
def done(named_shop: Settings, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Persons of the shop erased, one of them asked for by an id that was given up."""
    settings = copied(named_shop, tmp_path_factory.mktemp("erased") / "data")
    registered_export(settings, settings.data_dir.parent / "campaign.csv")
    return Done(named_shop, settings, erase(settings, preview(settings, ASKED), quiet()))
