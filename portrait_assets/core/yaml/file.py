"""YAML files that people write: what they may hold is a model, and each mistake has its line.

A file's model is made of `Entry` classes; the title of an entry's class ("tag") is what messages
call it. Texts are `Text`, `Line` or `AsWritten`, since YAML reads an unquoted no, 7 or 2024-01-31
as something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import parse_month
from portrait_assets.core.yaml.mistakes import mistakes_sentence
from portrait_assets.core.yaml.text import (
    BOOLEAN,
    Place,
    Unquoted,
    WrittenList,
    WrittenMapping,
    read_written,
)

_Model = TypeVar("_Model", bound=BaseModel)
_CODE = re.compile(r"[a-z][a-z0-9_]{1,62}")


class Entry(BaseModel):
    """A mapping in a YAML file: its keys are the model's fields and no others.

    A key without a value counts as not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    _written: WrittenMapping = PrivateAttr(
        default_factory=lambda: WrittenMapping(Place("no file", 0))
    )

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, WrittenMapping):
            return handler(data)
        fields = cls.model_fields
        entry = handler({k: v for k, v in data.items() if v is not None or k not in fields})
        entry._written = data
        return entry

    @property
    def written(self) -> WrittenMapping:
        """What stands in the file, as validated by the model, with the place of each key."""
        return self._written

    @property
    def place(self) -> Place:
        """Where the entry begins."""
        return self._written.place

    def place_of(self, *keys: str) -> Place:
        """Where the key stands, inside of the mappings of the keys before it.

        The place of the nearest mapping that is there when it does not stand in the file.
        """
        found, place = self._written, self._written.place
        for key in keys:
            if key not in found:
                break
            place, inner = found.places[key], found[key]
            if not isinstance(inner, WrittenMapping):
                break
            found = inner
        return place


def _text(value: object) -> object:
    if isinstance(value, Unquoted):
        raise ValueError(f'unquoted {value} is {value.kind} in YAML; write it as "{value}"')
    return value


def _as_written(value: object) -> object:
    return _text(value) if getattr(value, "kind", None) == BOOLEAN else value


def _line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("it is blank; write a text")
    return line


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError(f"'{text}' is no code; use small letters, digits and _")
    return text


def _month(text: str) -> str:
    try:
        return parse_month(text)
    except PortraitError as error:
        raise ValueError(str(error).rstrip(".")) from None


Text = Annotated[str, BeforeValidator(_text)]
"""A text, in quotes where YAML would read it as something else."""
Line = Annotated[Text, AfterValidator(_line)]
"""A text that is not blank, its words separated by single spaces."""
Code = Annotated[Line, AfterValidator(_code)]
"""A name for machines: small letters, digits and _."""
AsWritten = Annotated[str, BeforeValidator(_as_written)]
"""A text, a number or a date, kept as it is written; 007 stays 007."""
Word = Annotated[AsWritten, AfterValidator(_line)]
"""The same, not blank and its words separated by single spaces."""
Month = Annotated[AsWritten, AfterValidator(_month)]
"""A month such as 2017-03."""
Formula = Annotated[str, AfterValidator(_line)]
"""An expression on one line, whatever YAML would read it as."""


class Words(Entry):
    """What something is called or means, in both languages."""

    en: Line
    zh: Line


def read_yaml(
    path: Path,
    model: type[_Model],
    error: type[PortraitError] = PortraitError,
    file: str | None = None,
) -> _Model:
    """The contents of a YAML file; an empty file is an empty mapping or list.

    Args:
        path: the file.
        model: what it may hold.
        error: what is raised.
        file: what messages call the file; its name when None.

    Raises:
        PortraitError: of the class given, when the file cannot be read, is not YAML, or holds
            what the model does not allow; it names file, line, key and remedy.
    """
    start = Place(file or path.name, 1)
    written = read_written(path, start.file, error)
    if written is None:
        is_list = model.model_json_schema().get("type") == "array"
        written = WrittenList(start) if is_list else WrittenMapping(start)
    return validated(model, written, error, start)


def validated(
    model: type[_Model], written: object, error: type[PortraitError], start: Place
) -> _Model:
    """The model of what is written; `start` is the place of a file that is a mere scalar.

    Raises:
        PortraitError: of the class given, as `read_yaml`.
    """
    try:
        return model.model_validate(written)
    except ValidationError as problem:
        schema = model.model_json_schema()
        raise error(mistakes_sentence(problem, schema, written, start)) from None


class Head(Entry):
    """What a file must give of an entry; the rest may come from the packaged one of its code."""

    model_config = ConfigDict(extra="ignore")
    code: Code


def merged_by_code(
    packaged: Iterable[Head],
    own: Iterable[Head],
    what: str,
    place: Place,
    error: type[PortraitError],
) -> WrittenList:
    """The entries of the package's file with those of a source's file over them.

    Args:
        packaged: entries of the package's own file.
        own: those of the source's; one whose code the package has takes from there what it does
            not give.
        what: an entry is called.
        place: the list is said to stand at.
        error: to raise.

    Raises:
        PortraitError: of the class given, when the source's file has a code twice.
    """
    heads = list(own)
    check_unique(((f"{what} {head.code}", head.place) for head in heads), error)
    written = {head.code: head.written for head in packaged}
    for head in heads:
        before = written.get(head.code, WrittenMapping(head.place))
        written[head.code] = head.written.over(before)
    together = WrittenList(place)
    for each in written.values():
        together.add(each, each.place)
    return together


def check_unique(names: Iterable[tuple[str, Place]], error: type[PortraitError]) -> None:
    """Check that no name, such as `tag tier version 1`, has two places.

    Raises:
        PortraitError: of the class given, naming both lines.
    """
    first: dict[str, Place] = {}
    for name, place in names:
        if name in first:
            raise error(
                f"{place}: {name} stands twice, first on line {first[name].line}; "
                "rename or remove one."
            )
        first[name] = place
