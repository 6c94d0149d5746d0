"""Holds code, docs and commit subjects to the field's terms: `python tools/terms.py`.

The glossary's column *avoid* names words that stand for a term's standard word: a plain phrase is
avoided in texts and in the words of identifiers, one in `backticks` as an identifier in Python.
Public names that keep an avoided word are listed under "Public names" there.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
SUFFIXES = (".py", ".md", ".yaml", ".html")
FOLDERS = ("portrait_assets", "portrait_assets_tests", "benchmarks", "docs", "tools")
FILES = ("README.md", "CONTRIBUTING.md")
LEFT_OUT = ("docs/glossary.md", "portrait_assets_tests/structure/test_terms.py", "tools/terms.py")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Line:
    """A line of a file: its text, and the identifiers in its code."""

    number: int
    text: str
    names: frozenset[str] = frozenset()


@cache
def _words(name: str) -> tuple[str, ...]:
    """The words of an identifier in small letters; the same ones stand in many lines."""
    return tuple(word.lower() for word in _WORD.findall(name))


def lines_of(text: str, is_code: bool = False) -> Iterator[Line]:
    """The lines of a text, or of Python code."""
    names: dict[int, set[str]] = {}
    if is_code:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                names.setdefault(token.start[0], set()).add(token.string)
    for number, line in enumerate(text.splitlines(), 1):
        yield Line(number, line, frozenset(names.get(number, ())))


@dataclass(frozen=True)
class Avoided:
    """A phrase that is avoided, and the term that stands in its place."""

    phrase: str
    term: str
    is_identifier: bool

    def is_in(self, names: frozenset[str], words: str) -> bool:
        """Whether it is an identifier here, or stands in these words, enclosed by spaces."""
        return self.phrase in names if self.is_identifier else f" {self.phrase} " in words


@dataclass(frozen=True)
class Terms:
    """What the glossary says."""

    avoided: tuple[Avoided, ...]
    public: frozenset[str]

    def found(self, line: Line) -> Iterator[Avoided]:
        """What is avoided and stands in the line, but in a public name."""
        names = [name for name in _IDENTIFIER.findall(line.text) if name not in self.public]
        words = f" {' '.join(word for name in names for word in _words(name))} "
        return (each for each in self.avoided if each.is_in(line.names, words))


def read_terms(glossary: str) -> Terms:
    """The terms of a glossary in Markdown.

    Raises:
        ValueError: when it has no column named avoid.
    """
    avoided = []
    column = None
    for line in glossary.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| term "):
            column = cells.index("avoid") if "avoid" in cells else None
        elif line.startswith("|") and column is not None and len(cells) > column:
            phrases = [each.strip() for each in cells[column].split(",")]
            avoided += [_avoided(each, cells[0]) for each in phrases if each.strip("-")]
    if not avoided:
        raise ValueError("The glossary has no column avoid with a phrase in it.")
    _, _, section = glossary.partition("## Public names")
    return Terms(tuple(avoided), frozenset(re.findall(r"`(\w+)`", section)))


def _avoided(phrase: str, term: str) -> Avoided:
    is_identifier = phrase.startswith("`")
    return Avoided(phrase.strip("`") if is_identifier else phrase.lower(), term, is_identifier)


def files() -> Iterator[Path]:
    """The files that are held to the terms."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and str(path.relative_to(ROOT)) not in LEFT_OUT:
                yield path
    yield from (ROOT / name for name in FILES)


def subjects(terms: Terms) -> Iterator[str]:
    """What is avoided in the subjects of commits since this check came; none without history."""
    log = ["git", "-C", str(ROOT), "log", "--format=%h %s"]
    first = subprocess.run(
        [*log, "--diff-filter=A", "--", "tools/terms.py"], capture_output=True, text=True
    )
    if first.returncode or not first.stdout.strip():
        return
    since = first.stdout.split()[0]
    listed = subprocess.run([*log, f"{since}..HEAD"], capture_output=True, text=True)
    yield from _named("commit", lines_of(listed.stdout), terms)


def _problems(path: Path, terms: Terms) -> Iterator[str]:
    text = path.read_text()
    # Code is cut into tokens only where an avoided identifier stands somewhere in it.
    is_code = path.suffix == ".py" and any(
        each.phrase in text for each in terms.avoided if each.is_identifier
    )
    yield from _named(str(path.relative_to(ROOT)), lines_of(text, is_code), terms)


def _named(where: str, lines: Iterable[Line], terms: Terms) -> Iterator[str]:
    for line in lines:
        for each in terms.found(line):
            shown = line.text.strip()[:100]
            yield f"{where}:{line.number}: '{each.phrase}' stands for {each.term}: {shown}"


def main() -> int:
    """Print each place, and say by the exit code whether there is one."""
    terms = read_terms(GLOSSARY.read_text())
    problems = [problem for path in files() for problem in _problems(path, terms)]
    problems += subjects(terms)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
