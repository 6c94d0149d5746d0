"""The package as it is built: what it imports is declared, and what it may lack is left out."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import portrait_assets
from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.testing.worlds.shop import clean_environment
from portrait_assets_tests.structure.test_definitions import imported_by

PACKAGE = Path(portrait_assets.__file__).parent
PROJECT = PACKAGE.parent
# With what draws pictures not to be found, as where the extra `pictures` is not installed.
WITHOUT_PICTURES = """
import sys
sys.modules["altair"] = sys.modules["vl_convert"] = None
from portrait_assets.app.cli import main
main()
"""


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\s\[<>=!~;]", line)[0]) for line in requirements}


def imports_of(path: Path) -> set[str]:
    """The packages that a module imports, wherever in it."""
    found = {module.split(".")[0] for module in imported_by(path)}
    return found - sys.stdlib_module_names - {"portrait_assets"}


def test_every_import_of_the_package_is_declared():
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    core = names(declared["dependencies"])
    extras = core.union(*map(names, declared["optional-dependencies"].values()))
    providers = packages_distributions()
    undeclared = {
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in PACKAGE.rglob("*.py")
        for module in imports_of(path)
        if not extras & {normal(name) for name in providers.get(module, [module])}
    }
    assert undeclared == set()


@pytest.mark.slow
def test_without_the_extra_that_draws_a_run_leaves_out_pictures_and_says_so(tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PICTURES, "run", "--source", "corner_shop"],
        cwd=tmp_path,
        env=clean_environment() | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    sentence = r"Pictures are left out; `.* -m pip install 'portrait-assets\[pictures\]'` installs"
    assert re.search(sentence, ran.stdout)
    settings = Settings(data_dir=tmp_path / "data", source="corner_shop")
    report = (settings.warehouse_dir / REPORT_FILE).read_text("utf-8")
    assert report.count("Pictures are left out") == 1
    assert "<figure" not in report
    assert 'data-charts="0"' in report
