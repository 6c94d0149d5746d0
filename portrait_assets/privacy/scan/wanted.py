"""What a scan looks for, and what it found."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

SHORTEST = 8
"""Bytes of a text that is looked for anywhere: shorter ones are met by chance."""
SHORTEST_OF_OTHERS = 6
"""The same of texts that are not all ASCII."""
BYTES = "its bytes"
"""The place of what is found in a file and in none of its values."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for: texts anywhere, and ids as the whole values of columns that identify.

    `ids` are by the name of the column. They stand among the texts too unless they are short or
    others' texts contain them.
    """

    texts: tuple[str, ...]
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def patterns(self) -> int:
        """How many different texts and ids are looked for."""
        return len({*self.texts, *(each for ids in self.ids.values() for each in ids)})

    @cached_property
    def forms(self) -> list[str]:
        """The texts as they stand in text files: plain, and escaped as in JSON and HTML."""
        escapes = (lambda text: text, lambda text: json.dumps(text)[1:-1], html.escape)
        return sorted({escape(text) for text in self.texts for escape in escapes})


@dataclass(frozen=True)
class Hits:
    """How many values, or places in the bytes, of a part of a file hold what was looked for."""

    file: str
    place: str
    count: int


@dataclass(frozen=True)
class Scan:
    """What a scan searched and found.

    `unreadable` are files that could not be decoded; `by_chance` are bytes that read like a text
    and are parts of the values of a column that has none, by its name, which are no find.
    """

    files: int
    size: int
    patterns: int
    hits: tuple[Hits, ...] = ()
    unreadable: tuple[str, ...] = ()
    by_chance: tuple[Hits, ...] = ()

    @property
    def found(self) -> int:
        """Values and places found altogether."""
        return sum(each.count for each in self.hits)

    def by_file(self) -> dict[str, int]:
        """Values and places found, by file."""
        found: Counter[str] = Counter()
        for each in self.hits:
            found[each.file] += each.count
        return dict(found)


def is_long_enough(text: str) -> bool:
    """Whether a text can be looked for anywhere without being met by chance."""
    return len(text.encode()) >= (SHORTEST if text.isascii() else SHORTEST_OF_OTHERS)
