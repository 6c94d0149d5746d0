"""Entries of a catalogue's file, and how a source's file overrides the default one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from portrait_assets.core.yaml.file import (
    Code,
    Entry,
    Formula,
    Line,
    Month,
    Word,
    Words,
    check_unique,
    read_yaml,
    validated,
)
from portrait_assets.core.yaml.text import WrittenList, WrittenMapping
from portrait_assets.schema.sensitivity import BAND, OPERATIONS, RANK, Operation
from portrait_assets.schema.table import Sensitivity, Type
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.stages.tags.catalogue.tag import (
    Kind,
    OnMissing,
    Shape,
    Status,
    TagError,
    of_other_pack,
)

_TypeName = Literal["text", "integer", "number", "money", "boolean", "date"]
_TYPES: dict[_TypeName, Type] = {
    "text": Type.TEXT,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "money": Type.MONEY,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
}
_DEFINING = frozenset({"values", "many", "expression", "type", "confidence", "valid_months"})

_Versions = dict[tuple[str, int], WrittenMapping]


class ValueEntry(Entry):
    """An enumerated value of a tag, with the rule by which a customer holds it."""

    model_config = ConfigDict(title="value")
    value: Word
    en: Line
    zh: Line
    when: Formula


class LoweredBy(StrEnum):
    """The operations that a tag may have its class lowered by: those that can be checked of it."""

    BAND = BAND.name
    RANK = RANK.name

    @property
    def operation(self) -> Operation:
        """The operation of that name."""
        return OPERATIONS[self.value]


class TagEntry(Entry):
    """One version of a tag with all its fields, before its expressions are parsed."""

    model_config = ConfigDict(title="tag")
    code: Code
    version: int = Field(ge=1)
    name: Words
    description: Words
    element: Element
    category: tuple[Word, ...] = Field(min_length=3, max_length=3)
    kind: Kind
    target: Code | None = None
    decides: bool = False
    purpose: Literal["profiling", "marketing", "credit", "sharing"] = "profiling"
    owner: Line
    sensitivity: Sensitivity = Sensitivity.C1
    lowered_by: LoweredBy | None = None
    valid_months: int = Field(ge=1)
    on_missing: OnMissing
    status: Status
    values: tuple[ValueEntry, ...] = Field(default=(), min_length=1)
    many: bool = False
    expression: Formula | None = None
    type: _TypeName | None = None
    confidence: Formula | None = None
    effective_from: Month | None = None
    retired_from: Month | None = None

    @model_validator(mode="after")
    def _gives_a_value(self) -> TagEntry:
        if bool(self.values) == (self.expression is not None):
            raise ValueError("give either values, each with its rule, or one expression")
        if self.expression is not None and self.type is None:
            raise ValueError("the expression has no type; give one")
        if self.target is not None and self.many:
            raise ValueError("a tag of many values stands for no target; leave out target or many")
        return self

    @property
    def shape(self) -> Shape:
        """What a customer may hold of the tag."""
        if self.expression is not None:
            return Shape.OPEN
        return Shape.MANY if self.many else Shape.ONE

    @property
    def value_type(self) -> Type:
        """The type of a single value."""
        return Type.TEXT if self.expression is None or self.type is None else _TYPES[self.type]


class _Tags(RootModel[tuple[TagEntry, ...]]):
    pass


class _Head(Entry):
    """The fields of a tag that its file must give; the others may come from defaults."""

    model_config = ConfigDict(title="tag", extra="ignore")
    code: Code
    version: int | None = Field(default=None, ge=1)


class _Defaults(Entry):
    model_config = ConfigDict(extra="ignore")
    version: int = Field(default=1, ge=1)


class _Category(Words):
    model_config = ConfigDict(title="category")


class CatalogueFile(Entry):
    """A file of tags: categories, what tags have that do not say otherwise, and the tags."""

    categories: dict[str, _Category] = Field(default_factory=dict)
    defaults: _Defaults = _Defaults()
    tags: tuple[_Head, ...] = ()


def read_catalogue_file(path: Path) -> CatalogueFile:
    """The file, its tags not yet validated.

    Raises:
        TagError: for what a file may not hold, naming the line.
    """
    return read_yaml(path, CatalogueFile, TagError)


def merged_entries(
    files: Sequence[CatalogueFile], own: CatalogueFile | None, elsewhere: Mapping[str, str]
) -> tuple[Sequence[TagEntry], dict[str, tuple[str, str]]]:
    """Every version of every tag, and the English and Chinese name of each category.

    Args:
        files: the files to start from; the defaults of the first are those of all.
        own: the source's tags.yaml, if there is one.
        elsewhere: the pack by code of the tags of packs that the source does not have.

    Raises:
        TagError: for what the files may not hold; see `load_catalogue`.
    """
    versions = _versions(files)
    categories = {code: words for file in files for code, words in file.categories.items()}
    if own is not None:
        _check_complete(own, versions, elsewhere)
        versions, categories = _overridden(versions, own), categories | own.categories
    written = WrittenList(files[0].place)
    for version in versions.values():
        written.add(version, version.place)
    entries = validated(_Tags, written, TagError, written.place).root
    for entry in entries:
        check_unique(
            ((f"value '{each.value}' of tag {entry.code}", each.place) for each in entry.values),
            TagError,
        )
    return entries, {code: (words.en, words.zh) for code, words in categories.items()}


def _check_complete(own: CatalogueFile, versions: _Versions, elsewhere: Mapping[str, str]) -> None:
    """Check that no tag is changed that stands in a pack which the source does not have."""
    there = {code for code, _ in versions}
    for head in own.tags:
        if head.code not in there and head.code in elsewhere and "element" not in head.written:
            raise TagError(f"{head.place}: {of_other_pack(head.code, elsewhere)}.")


def _versions(files: Sequence[CatalogueFile]) -> _Versions:
    defaults = files[0].defaults
    heads = [(h.code, h.version or defaults.version, h) for file in files for h in file.tags]
    _check_versions(heads)
    return {(code, version): head.written.over(defaults.written) for code, version, head in heads}


def _overridden(existing: _Versions, file: CatalogueFile) -> _Versions:
    highest: dict[str, int] = {}
    for code, version in existing:
        highest[code] = max(version, highest.get(code, 1))
    heads = []
    for head in file.tags:
        version = head.version or highest.get(head.code, 1)
        heads.append((head.code, version, head))
        highest[head.code] = max(version, highest.get(head.code, 1))
    _check_versions(heads)
    merged = dict(existing)
    for code, version, head in heads:
        merged[code, version] = _merged(merged, code, version, head.written, file.defaults.written)
    return merged


def _check_versions(heads: Sequence[tuple[str, int, _Head]]) -> None:
    check_unique(
        ((f"tag {code} version {version}", head.place) for code, version, head in heads), TagError
    )


def _merged(
    existing: _Versions, code: str, version: int, given: WrittenMapping, defaults: WrittenMapping
) -> WrittenMapping:
    """The given fields over the same version, else over the highest, else over the defaults."""
    versions = [version for name, version in existing if name == code]
    names = {key for key, value in given.items() if value is not None}
    changed = sorted(_DEFINING & names)
    if version in versions and changed:
        raise TagError(
            f"{given.place}: tag {code} version {version} is in use and {changed[0]} would "
            f"change it; write it as version {max(versions) + 1}."
        )
    if not versions:
        base = defaults
    elif version in versions:
        base = existing[code, version]
    else:
        replaced = {"values"} if "expression" in names else set()
        replaced |= {"expression"} if "values" in names else set()
        base = existing[code, max(versions)].without("effective_from", "retired_from", *replaced)
    merged = given.over(base)
    merged["version"] = version
    return merged
