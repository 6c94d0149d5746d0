"""Reading YAML with the line of every entry, so that a message can say where the mistake is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from portrait_assets.stages.tags.catalogue.tag import Place, TagError

# The loader written in C is ten times as fast, and not in every build of PyYAML.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Entry:
    """A YAML value and its place; inside a mapping or a list the values are entries again."""

    value: object
    place: Place

    def fields(self, what: str) -> dict[str, Entry]:
        """The entry as a mapping from name to entry.

        Raises:
            TagError: when it is something else.
        """
        if not isinstance(self.value, dict):
            raise TagError(f"{self.place}: {what} must be a mapping of names to values.")
        return self.value

    def items(self, what: str) -> list[Entry]:
        """The entry as a list of entries.

        Raises:
            TagError: when it is something else.
        """
        if not isinstance(self.value, list):
            raise TagError(f"{self.place}: {what} must be a list.")
        return self.value

    def text(self, what: str) -> str:
        """The entry as text that is not blank.

        Raises:
            TagError: when it is something else.
        """
        if isinstance(self.value, dict | list) or self.value is None or not str(self.value).strip():
            raise TagError(f"{self.place}: {what} must be text.")
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return " ".join(str(self.value).split())

    def number(self, what: str, least: int = 1) -> int:
        """The entry as a whole number.

        Raises:
            TagError: when it is something else, or below `least`.
        """
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < least:
            raise TagError(f"{self.place}: {what} must be a whole number of {least} or more.")
        return self.value


def read_yaml(path: Path) -> Entry:
    """The file's one document.

    Raises:
        TagError: when the file cannot be read as YAML, or a name stands twice in a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TagError(f"{path.name} cannot be read as UTF-8 text ({error}).") from None
    return parse_yaml(text, path.name)


def parse_yaml(text: str, file: str) -> Entry:
    """The text's one document; `file` is the name that messages give.

    Raises:
        TagError: when the text is not YAML, or a name stands twice in a mapping.
    """
    try:
        loader = _LOADER(text)
        node = loader.get_single_node()
        if node is None:
            return Entry({}, Place(file, 1))
        return _entry(loader, node, file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or "not YAML"
        raise TagError(f"{Place(file, line)}: {problem}; mend the YAML there.") from None


def _entry(loader: yaml.SafeLoader, node: yaml.Node, file: str) -> Entry:
    place = Place(file, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                where = Place(file, key_node.start_mark.line + 1)
                raise TagError(f"{where}: {key} stands twice; keep one of them.")
            found[key] = _entry(loader, value_node, file)
        return Entry(found, place)
    if isinstance(node, yaml.SequenceNode):
        return Entry([_entry(loader, child, file) for child in node.value], place)
    return Entry(loader.construct_object(node, deep=True), place)
