"""YAML as lists and mappings that remember the line of every entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from portrait_assets.core.errors import PortraitError

# The loader written in C is ten times as fast, and not in every build of PyYAML.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
BOOLEAN = "a boolean"
_KINDS = {"bool": BOOLEAN, "int": "a number", "float": "a number", "timestamp": "a date"}
_TEXTS = {"str", "value"}
_MOST_VALUES = 100_000
_MOST_LEVELS = 40
_TOO_DEEP = f"this is nested in more than {_MOST_LEVELS} levels; flatten it"


@dataclass(frozen=True)
class Place:
    """Where something is written: shown in every message about it."""

    file: str
    line: int

    def __str__(self) -> str:
        """Such as `tags.yaml, line 12`."""
        return f"{self.file}, line {self.line}"


class Unquoted(str):
    """A scalar as it is written that YAML reads as something else than text: its `kind`."""

    kind: str

    @classmethod
    def of(cls, text: str, kind: str) -> Unquoted:
        """The text, which YAML reads as such a kind."""
        scalar = cls(text)
        scalar.kind = kind
        return scalar


class WrittenMapping(dict[str, object]):
    """A mapping with its place and, by key, the place of each key."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[str, Place] = {}

    def over(self, base: WrittenMapping) -> WrittenMapping:
        """The entries of `base` with these over them, but for those that have no value here."""
        merged = base.without()
        merged.place = self.place
        for key, value in self.items():
            if value is not None or key not in base:
                merged[key], merged.places[key] = value, self.places.get(key, self.place)
        return merged

    def without(self, *keys: str) -> WrittenMapping:
        """A copy that lacks these keys."""
        left = WrittenMapping(self.place)
        left.update({key: value for key, value in self.items() if key not in keys})
        left.places = {key: self.places.get(key, self.place) for key in left}
        return left


class WrittenList(list[object]):
    """A list with its place and that of each item."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: list[Place] = []

    def add(self, item: object, place: Place) -> None:
        """Append the item, which stands at the place."""
        self.append(item)
        self.places.append(place)


def read_written(path: Path, file: str, error: type[PortraitError]) -> object:
    """The file's one document: mappings, lists, texts and None; None for an empty file.

    Args:
        path: the file, in UTF-8.
        file: what messages call it.
        error: what is raised.

    Raises:
        PortraitError: of the class given, naming file and line, when the file cannot be read,
            is not YAML, or has a key twice in a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        raise error(f"{Place(file, line)}: this is not UTF-8; save the file as that.") from None
    except OSError as problem:
        raise error(f"{file} cannot be read ({problem.strerror}); make it readable.") from None
    try:
        _check_levels(text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        return None if node is None else _Builder(file).build(node)
    except yaml.YAMLError as problem:
        raise error(_not_yaml(problem, text, file)) from None
    except _MistakeError as mistake:
        raise error(f"{Place(file, mistake.line)}: {mistake}.") from None


class _MistakeError(Exception):
    def __init__(self, mark: Any, sentence: str) -> None:
        super().__init__(sentence)
        self.line: int = mark.line + 1


def _not_yaml(problem: yaml.YAMLError, text: str, file: str) -> str:
    mark, start = getattr(problem, "problem_mark", None), getattr(problem, "context_mark", None)
    position = getattr(problem, "position", None)
    line = 1 if mark is None else mark.line + 1
    if isinstance(position, int):
        line = text.count("\n", 0, position) + 1
    reason = getattr(problem, "problem", None) or getattr(problem, "reason", None) or "unreadable"
    if start is not None and start.line + 1 != line:
        # What is left open is found missing at the end of the file, perhaps.
        reason += f" {getattr(problem, 'context', None)} from line {start.line + 1} on"
    return f"{Place(file, line)}: this is not valid YAML ({reason}); correct it there."


def _check_levels(text: str) -> None:
    """Composing is recursive, in C too: thousands of levels would end the process."""
    level = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > _MOST_LEVELS:
            raise _MistakeError(event.start_mark, _TOO_DEEP)


@dataclass
class _Builder:
    file: str
    count: int = 0

    def build(self, node: yaml.Node, level: int = 0) -> object:
        # An alias may repeat what holds itself, and what is repeated is counted again.
        self.count += 1
        if level > _MOST_LEVELS:
            raise _MistakeError(node.start_mark, _TOO_DEEP)
        if self.count > _MOST_VALUES:
            raise _MistakeError(
                node.start_mark, f"the file holds over {_MOST_VALUES:,} values; shorten it"
            )
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, level)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            found = WrittenList(self._place(node))
            for child in node.value:
                found.add(self.build(child, level + 1), self._place(child))
            return found
        if isinstance(node, yaml.ScalarNode):
            if kind == "null":
                return None
            if kind in _KINDS:
                return Unquoted.of(node.value, _KINDS[kind])
            if kind in _TEXTS:
                return node.value
        raise _MistakeError(node.start_mark, f"'{node.tag}' has no meaning here; remove it")

    def _mapping(self, node: yaml.MappingNode, level: int) -> WrittenMapping:
        found = WrittenMapping(self._place(node))
        for key_node, value_node in node.value:
            key, mark = key_node.value, key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise _MistakeError(mark, "a key must be a word; write one before the ':'")
            if key_node.tag == f"{_TAG}merge":
                raise _MistakeError(mark, "'<<' is not supported; write out the keys it would add")
            if key in found:
                first = found.places[key].line
                raise _MistakeError(
                    mark, f"{key} stands twice, first on line {first}; keep one of them"
                )
            found[key] = self.build(value_node, level + 1)
            found.places[key] = self._place(key_node)
        return found

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1)
