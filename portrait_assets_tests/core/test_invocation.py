"""Commands that messages give work as pasted: in this folder, for this source, without a PATH."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from portrait_assets.core.invocation import command, commands_for, pip_command, python_command
from portrait_assets.core.settings import Settings
from portrait_assets.testing.worlds.shop import clean_environment
from portrait_assets_tests.faults.command import PORTRAIT

PYTHON = Path(sys.executable)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no folder of programs on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def script(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def started_as(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "run"])


def test_a_script_that_the_shell_finds_is_named_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    portrait = script(folder / "bin" / "portrait")
    monkeypatch.setenv("PATH", str(portrait.parent))
    started_as(monkeypatch, portrait)
    assert command("run", "--fresh") == "portrait run --fresh"


def test_a_script_off_the_path_is_named_by_its_path(folder: Path, monkeypatch: pytest.MonkeyPatch):
    script(folder / ".venv" / "bin" / "portrait")
    started_as(monkeypatch, ".venv/bin/portrait")
    assert command("doctor") == ".venv/bin/portrait doctor"
    elsewhere = script(folder.parent / f"{folder.name} other" / "bin" / "portrait")
    started_as(monkeypatch, elsewhere)
    assert command("doctor") == f"'{elsewhere}' doctor"


def test_a_module_is_named_with_its_python(folder: Path, monkeypatch: pytest.MonkeyPatch):
    started_as(monkeypatch, folder / "portrait_assets" / "__main__.py")
    assert command("status") == f"{PYTHON} -m portrait_assets status"
    assert pip_command("install", "x[y]") == f"{PYTHON} -m pip install 'x[y]'"


def test_the_source_is_named_and_the_data_folder_where_it_is_not_the_usual_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    started_as(monkeypatch, script(folder / "bin" / "portrait"))
    with commands_for(Settings(data_dir=folder / "data", source="bakery")):
        assert command("run") == "bin/portrait run --source bakery"
    elsewhere = Settings(data_dir=folder / "our data", source="bakery")
    assert command("run", settings=elsewhere) == (
        "bin/portrait run --source bakery --data-dir 'our data'"
    )
    assert command("sources", settings=elsewhere) == "bin/portrait sources --data-dir 'our data'"


def test_each_thread_gives_commands_for_its_own_settings(folder: Path):
    """Sensors of Dagster's run in threads of a process that has loaded other definitions too."""
    met = Barrier(2, timeout=60)

    def of_source(source: str) -> str:
        with commands_for(Settings(data_dir=folder / "data", source=source)):
            met.wait()
            return command("run")

    with ThreadPoolExecutor(2) as pool, commands_for(Settings(source="mill")):
        found = list(pool.map(of_source, ("bakery", "dairy")))
        assert [line.split()[-1] for line in found] == ["bakery", "dairy"]
        assert command("run").split()[-1] == "mill"
    assert command("run").split()[-1] == "run", "nothing of it is left"


def test_what_a_block_fails_at_leaves_no_settings(folder: Path):
    with pytest.raises(OSError, match="full"), commands_for(Settings(source="bakery")):
        raise OSError("full")
    assert "--source" not in command("run")


def test_code_reaches_python_as_it_is(folder: Path):
    ran = subprocess.run(
        python_command('print("it\'s", \'$HOME\', len("`x`"))'),
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "it's $HOME 3\n"


@pytest.mark.slow
def test_the_remedy_of_a_sentence_can_be_pasted(folder: Path):
    environment = clean_environment() | {"COLUMNS": "200"}
    first = subprocess.run(
        [*PORTRAIT, "tags", "diff", "nothing", "--source", "corner_shop"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search("There is no tag nothing; `(.*)` lists", first.stderr)
    assert found, first.stderr
    assert shlex.split(found[1])[-2:] == ["--source", "corner_shop"]
    pasted = subprocess.run(found[1], shell=True, env=environment, capture_output=True, text=True)
    assert pasted.returncode == 0, pasted.stderr
    assert "value_tier" in pasted.stdout
