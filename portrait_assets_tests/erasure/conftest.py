"""The shop that knows its customers by name, materialized once, and with two of them erased."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portrait_assets.app.erasure.erase import Erased, erase, preview
from portrait_assets.app.erasure.persons import Asked
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.instance import open_records
from portrait_assets.testing import shop
from portrait_assets_tests.erasure.world import ALIAS, PERSON, export, world

ASKED = Asked("people.csv", {PERSON: 2, ALIAS: 3})


@dataclass
class Quiet:
    """A progress that keeps its sentences."""

    sentences: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


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


@pytest.fixture(scope="module")
def named_shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Materialized, with an export beside the warehouse; a test that changes it takes a copy."""
    settings = world(tmp_path_factory.mktemp("named") / "data")
    with open_records(settings) as instance:
        assert shop.run(settings, shop.SHOP_MONTHS[:2], instance).success
    export(settings)
    return settings


@pytest.fixture(scope="module")
def done(named_shop: Settings, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two persons of the shop erased, one of them asked for by an id that was given up."""
    settings = copied(named_shop, tmp_path_factory.mktemp("erased") / "data")
    return Done(named_shop, settings, erase(settings, preview(settings, ASKED), Quiet()))
