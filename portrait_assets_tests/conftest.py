"""Settings that all tests share, and small worlds, materialized once for all of them."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from portrait_assets.core import invocation
from portrait_assets.core.settings import Settings
from portrait_assets.storage.duckdb.lock import warehouse_lock

# Containers often have Python write no bytecode: then each worker, and each process that a test
# starts, would compile the package, and rewrite the tests' assertions, again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A busy machine is slow, not wrong: speed is measured in benchmarks, not here.
common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("common", common, max_examples=40)
settings.register_profile("thorough", common, max_examples=2_000)  # pytest --hypothesis-profile
settings.load_profile("common")

# There are as many workers as processors: more threads in each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A database syncs each commit, for which a disk takes milliseconds: temporary files stand in memory
# where there is a folder with room for it, unless somebody has said where.
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 8 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# What the collection imports stays, so no garbage is looked for while it lasts, nor among it after.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, in what the tests make.

    Seldom: what they import late, Dagster above all, would be looked through each time.
    """
    gc.freeze()
    gc.set_threshold(2_000, 20, 100)
    gc.enable()


# Let go of it at the very end, or extensions report it as leaked; pytest looks for garbage before.
atexit.register(gc.unfreeze)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PORTRAIT_DATA_DIR", "PORTRAIT_SOURCE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    # A command gives the settings of what it prints for the rest of its process, which is this one.
    invocation._settings.set(None)
    yield
    invocation._settings.set(None)


def _materialized_once(
    factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Path], Settings],
    months: Sequence[str],
) -> Settings:
    """A world that the first worker to ask for it materializes, and the others find."""
    # Imported late: most files of tests need no Dagster, which takes seconds to import.
    from portrait_assets.testing.worlds.shop import run

    session = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    root = factory.getbasetemp()
    record = (root.parent if session else root) / f"{name}-{session}.json"
    with warehouse_lock(record.with_suffix(".lock"), name, 600):
        if not record.exists():
            settings = make(factory.mktemp(name))
            assert run(settings, months).success
            record.write_text(settings.model_dump_json())
    return Settings.model_validate_json(record.read_text())


@pytest.fixture(scope="session")
def all_months(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop with all its months materialized; a test that changes it works on a copy."""
    from portrait_assets.testing.worlds.shop import SHOP_MONTHS, shop

    return _materialized_once(tmp_path_factory, "shop", shop, SHOP_MONTHS)


@pytest.fixture(scope="session")
def first_months(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The short shop with both its months materialized; a test that changes it works on a copy."""
    from portrait_assets.testing.worlds.shop import SHOP_MONTHS, short_shop

    return _materialized_once(tmp_path_factory, "short_shop", short_shop, SHOP_MONTHS[:2])


@pytest.fixture(scope="session")
def bank_months(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small bank with its months materialized, for slow tests; none changes it."""
    from portrait_assets.testing.worlds.small_bank import BANK_MONTHS, small_bank

    return _materialized_once(tmp_path_factory, "small_bank", small_bank, BANK_MONTHS)
