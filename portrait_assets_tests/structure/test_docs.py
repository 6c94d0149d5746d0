"""The documentation agrees with itself and with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import portrait_assets

PROJECT = Path(portrait_assets.__file__).parents[1]
DOCS = PROJECT / "docs"
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def test_the_index_of_decisions_lists_every_record_with_its_date_and_status():
    expected = []
    for path in RECORDS:
        match = re.match(
            r"# (\d{3}) (.+)\n\nDate: (\d{4}-\d\d-\d\d)\. Status: (.+)\.\n", path.read_text("utf-8")
        )
        assert match, path.name
        number, title, date, status = match.groups()
        assert path.name.startswith(f"{number}-")
        expected.append(f"| [{number}]({path.name}) | {title} | {date} | {status} |")
    index = (DOCS / "decisions" / "README.md").read_text("utf-8").splitlines()
    assert [line for line in index if line.startswith("| [")] == expected


MODULES = [path.as_posix() for path in PROJECT.glob("*/**/*.py")]


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path: Path):
    text = re.sub(r"`[^`]*`", "", path.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        generated = "reference/" in target
        assert generated or (path.parent / target).exists(), target


def places(text: str) -> set[str]:
    """The files and folders that the table of where things go names."""
    rows = re.findall(r"^\| (?!layer|to change|---)[^|]+\| (.+) \|$", text, re.M)
    layers = re.findall(r"^\| `(\w+/)` \|", text, re.M)
    named = [word for row in rows for word in re.findall(r"`([^` ]+)`", row)]
    return {*layers, *(word for word in named if "/" in word or word.endswith(".py"))}


def test_where_things_go_is_where_they_are():
    """A file without a folder is in some stage; NAME stands for a source."""
    found = places((PROJECT / "CONTRIBUTING.md").read_text("utf-8"))
    package, tests = PROJECT / "portrait_assets", PROJECT / "portrait_assets_tests"
    roots = (PROJECT, package, tests, package / "storage", *(package / "stages").iterdir())
    missing = {
        place
        for place in found
        if not any((root / place.replace("NAME", "complete_journey")).exists() for root in roots)
    }
    assert missing == set()
    assert {"stages/targets/declared/packaged.yaml", "contract.py", "core/", "schema/"} <= found


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_modules_that_pages_name_are_where_they_say(page: Path):
    """`features/matrix.py` is a module whose path ends so."""
    named = re.findall(r"`(\w[\w/]*/\w+\.py)`", page.read_text("utf-8"))
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in MODULES)] == []


def test_a_place_that_there_is_not_is_seen():
    assert places("| to change | go to |\n| a thing | `core/nowhere.py`, by `Name` |\n") == {
        "core/nowhere.py"
    }


def test_every_page_is_in_the_navigation():
    nav = yaml.safe_load((PROJECT / "mkdocs.yml").read_text("utf-8"))["nav"]
    listed = set(re.findall(r"[\w/-]+\.md", str(nav)))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    records = {path.relative_to(DOCS).as_posix() for path in RECORDS}
    assert pages - records <= listed


def test_the_version_is_one():
    declared = re.search(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(), re.M)
    assert declared
    assert declared[1] == portrait_assets.__version__
    changelog = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    assert changelog.startswith(f"# Changelog\n\n## {portrait_assets.__version__}")
