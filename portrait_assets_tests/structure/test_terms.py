"""The check of terms finds what the glossary avoids, and leaves public names alone."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("terms", ROOT / "tools" / "terms.py")
assert SPEC is not None
assert SPEC.loader is not None
terms = importlib.util.module_from_spec(SPEC)
sys.modules["terms"] = terms
SPEC.loader.exec_module(terms)

GLOSSARY = """
| term | 中文 | meaning | avoid |
|---|---|---|---|
| active | 生效 | Used in the month | in force |
| materialized | 已生成 | Written by a run | `made`, been made |
| recency | 近度 | Days since the last purchase | |

## Public names

`tags_in_force` keeps its name.
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("the tags in force in the month", ["in force"]),
        ("kept = catalogue.in_force(month)", ["in force"]),
        ("class InForce:", ["in force"]),
        ("it was enforced", []),
        ("SELECT * FROM tags_in_force", []),
        ("rows = warehouse.made(table)", ["made"]),
        ("rows = 1  # what is made of it", []),
        ("what it is made of", []),
        ("has not been made yet", ["been made"]),
        ("recency_days", []),
    ],
)
def test_a_phrase_is_found_in_texts_and_identifiers(line: str, found: list[str]):
    (read,) = terms.lines_of(line, is_code=line.isascii() and "=" in line)
    phrases = sorted(each.phrase for each in terms.read_terms(GLOSSARY).found(read))
    assert phrases == found


def test_a_glossary_without_the_column_is_refused():
    with pytest.raises(ValueError, match="no column avoid"):
        terms.read_terms("| term | meaning |\n|---|---|\n| a | b |\n")


def test_the_glossary_of_the_project_can_be_read():
    read = terms.read_terms((ROOT / "docs" / "glossary.md").read_text())
    assert {each.term for each in read.avoided} >= {"active", "baseline", "materialized"}
