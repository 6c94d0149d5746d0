"""Tags, their versions and the catalogue, as frozen records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.invocation import command
from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.schema.sensitivity import Operation, highest
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.stages.tags.catalogue.inputs.predicted import PredictedColumn
from portrait_assets.stages.tags.catalogue.inputs.predicted_names import is_band
from portrait_assets.stages.targets.declared.outcomes import Targets, packaged_targets


class TagError(PortraitError):
    """A tag catalogue, an approval or an audience that cannot be used."""


class Kind(StrEnum):
    """How a tag gets its value (事实/规则/模型/预测标签)."""

    FACT = "fact"  # recorded or counted, without a threshold
    RULE = "rule"  # thresholds that people set
    MODEL = "model"  # from a fitted model, such as the segment
    PREDICTIVE = "predictive"  # about what has not happened yet


class Shape(StrEnum):
    """What a customer may hold of a tag."""

    ONE = "one"  # one of the enumerated values: the first that matches
    MANY = "many"  # all enumerated values that match
    OPEN = "open"  # any value of the expression, of one type


class OnMissing(StrEnum):
    """What happens when the inputs of a tag are unknown this month."""

    KEEP_LAST = "keep_last"  # the value of the month before, as long as it is valid
    CLEAR = "clear"  # no value


class Status(StrEnum):
    """Where a version of a tag is in its life cycle."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True)
class TagValue:
    """One enumerated value and the condition under which a customer holds it."""

    value: str
    en: str
    zh: str
    when: Expression
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Tag:
    """One version of one tag.

    `category` are the codes of levels 1 to 3. Enumerated tags have `values`, open ones an
    `expression`; `confidence` gives 0 to 1, and where it is None the confidence is 1.
    A value is valid for `valid_months`, counted from the month that decided it. `target` is the
    outcome that the tag stands for, by a code of `targets.outcomes` or the name that the source
    gives it; enumerated values are then in the order of how likely it is, the likeliest first.
    By a tag that `decides`, customers are treated differently, as by a programme or a contact.
    `lowered_by` is the operation that lowers its class below that of what it reads.
    `purpose` is what it is computed for: of an export to another purpose, it needs its own consent.
    """

    code: str
    version: int
    name_en: str
    name_zh: str
    description_en: str
    description_zh: str
    element: Element
    category: tuple[str, str, str]
    kind: Kind
    shape: Shape
    type: Type
    values: tuple[TagValue, ...]
    expression: Expression | None
    confidence: Expression | None
    owner: str
    sensitivity: Sensitivity
    valid_months: int
    on_missing: OnMissing
    status: Status
    effective_from: str | None
    retired_from: str | None
    place: Place = field(compare=False)
    target: str | None = None
    decides: bool = False
    purpose: str = "profiling"
    approved_by: str | None = None
    approval_reason: str | None = None
    lowered_by: Operation | None = None

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Every expression of the tag, in the order in which it is written."""
        confidence = () if self.confidence is None else (self.confidence,)
        return (*self._deciding, *confidence)

    def is_retired(self, month: str) -> bool:
        """Whether the tag is retired in that month (YYYY-MM)."""
        if self.status is not Status.RETIRED:
            return False
        return self.retired_from is None or self.retired_from <= month

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names that the expressions read: features, segment columns and other tags."""
        return tuple(sorted({name for own in self.expressions for name in own.columns}))

    @property
    def reads(self) -> tuple[str, ...]:
        """Names that decide the value. A confidence comes after all values, so it may read any."""
        return tuple(sorted({name for rule in self._deciding for name in rule.columns}))

    @property
    def is_by_rank(self) -> bool:
        """Whether the shares of its values are set by its rules, which rank customers."""
        return any(rule.ranks for rule in self._deciding) or any(map(is_band, self.reads))

    @property
    def _deciding(self) -> tuple[Expression, ...]:
        own = (*(value.when for value in self.values), self.expression)
        return tuple(rule for rule in own if rule is not None)

    @property
    def rules(self) -> str:
        """The rules as text: one line per value, or the expression."""
        lines = [f"{value.value}: {value.when.text}" for value in self.values]
        if self.expression is not None:
            lines.append(self.expression.text)
        if self.confidence is not None:
            lines.append(f"confidence: {self.confidence.text}")
        return "\n".join(lines)

    @property
    def column(self) -> Column:
        """The tag's column in the portrait matrix."""
        return Column(
            name=self.code,
            type=Type.TEXTS if self.shape is Shape.MANY else self.type,
            en=self.name_en,
            zh=self.name_zh,
            unit="currency of the source" if self.type is Type.MONEY else None,
            allowed=tuple(v.value for v in self.values) if self.values else None,
            sensitivity=self.sensitivity,
            operation=self.lowered_by,
        )

    @property
    def definition(self) -> dict[str, object]:
        """All that decides a customer's value, as plain data, without names and owner."""
        return {
            "shape": str(self.shape),
            "type": str(self.type),
            "values": [[value.value, value.when.sql] for value in self.values],
            "expression": self.expression.sql if self.expression else None,
            "confidence": self.confidence.sql if self.confidence else None,
            "valid_months": self.valid_months,
            "on_missing": str(self.on_missing),
        }

    @property
    def definition_hash(self) -> str:
        """Sixteen hexadecimal digits that change when the definition does."""
        text = json.dumps(self.definition, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_other_pack(code: str, elsewhere: Mapping[str, str]) -> str:
    """Which of the packs `elsewhere` has the tag, and the remedy, in words; empty for none."""
    if code not in elsewhere:
        return ""
    pack = elsewhere[code]
    return f"{code} is a tag of the pack {pack}; add {pack} to packs in source.yaml"


@dataclass(frozen=True)
class Catalogue:
    """Every version of every tag, by code and version.

    `categories` gives the English and Chinese name of a category's code; `columns` is what
    expressions may read besides tags. `withheld` are the versions whose class is above what tags
    may have: nobody is tagged by them. `elsewhere` gives the pack by code of the tags of packs that
    the source does not have. `targets` are what a tag may stand for, and `predicted` which of
    `columns` are predictions.
    """

    tags: tuple[Tag, ...]
    categories: Mapping[str, tuple[str, str]]
    columns: Mapping[str, Column]
    withheld: tuple[Tag, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    targets: Targets = field(default_factory=packaged_targets)
    predicted: Mapping[str, PredictedColumn] = field(default_factory=dict)

    def tag(self, code: str, version: int | None = None) -> Tag:
        """That version of the tag, or its highest.

        Raises:
            TagError: when there is none.
        """
        versions = [t for t in self.tags if t.code == code and version in (None, t.version)]
        if not versions:
            if code in self.elsewhere:
                raise TagError(f"{self.pack_of(code)}.")
            wanted = code if version is None else f"{code} version {version}"
            listing = command("tags", "list")
            raise TagError(f"There is no tag {wanted}; `{listing}` lists the tags.")
        return max(versions, key=lambda tag: tag.version)

    def pack_of(self, code: str) -> str:
        """Which pack has a tag that is not here, and the remedy, in words; empty for none."""
        return of_other_pack(code, self.elsewhere)

    @cached_property
    def published(self) -> tuple[Tag, ...]:
        """For each tag that is or was active its highest such version, by code."""
        last = {tag.code: tag for tag in self.tags if tag.status is not Status.DRAFT}
        return tuple(last[code] for code in sorted(last))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each tag, by code from 1."""
        return {code: n for n, code in enumerate(sorted({tag.code for tag in self.tags}), start=1)}

    @cached_property
    def matrix_columns(self) -> tuple[Column, ...]:
        """A column per tag that is or was active; its values are those of all such versions.

        Its class is the highest of theirs, for the column holds what each of them gave.
        """
        values: dict[str, dict[str, None]] = {}
        levels: dict[str, list[Sensitivity]] = {}
        for tag in self.tags:
            if tag.status is not Status.DRAFT:
                values.setdefault(tag.code, {}).update(dict.fromkeys(v.value for v in tag.values))
                levels.setdefault(tag.code, []).append(tag.sensitivity)
        return tuple(
            replace(
                tag.column,
                allowed=tuple(values[tag.code]) or None,
                sensitivity=highest(levels[tag.code]),
            )
            for tag in self.published
        )

    def active(self, month: str) -> tuple[Tag, ...]:
        """The active versions of the month (YYYY-MM), each after the tags that it reads.

        Of several versions the one with the latest `effective_from` counts, and of those the
        highest. A tag that is retired by then is left out.

        Raises:
            TagError: when one reads a tag that is not active in the month.
        """
        chosen: dict[str, Tag] = {}
        for tag in self.tags:
            if tag.status is Status.DRAFT or (tag.effective_from or "") > month:
                continue
            before = chosen.get(tag.code)
            if before is None or _precedence(tag) > _precedence(before):
                chosen[tag.code] = tag
        active = {code: tag for code, tag in chosen.items() if not tag.is_retired(month)}
        for tag in active.values():
            for name in tag.inputs:
                if name not in self.columns and name not in active:
                    raise TagError(
                        f"{tag.place}: tag {tag.code} reads the tag {name}, which is not active "
                        f"in {month}; activate {name} or retire {tag.code} too."
                    )
        return tuple(active[code] for code in dependency_order(active))


def _precedence(tag: Tag) -> tuple[str, int]:
    return (tag.effective_from or "", tag.version)


def dependency_order(tags: Mapping[str, Tag]) -> list[str]:
    """The codes, each after those that it reads; by name where either could come first.

    Raises:
        TagError: when tags read each other in a circle.
    """
    sorter = TopologicalSorter(
        {code: {name for name in tag.reads if name in tags} for code, tag in tags.items()}
    )
    order: list[str] = []
    try:
        sorter.prepare()
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            order += ready
            sorter.done(*ready)
    except CycleError as error:
        # graphlib lists the circle backwards, from what is read to what reads it.
        circle = list(reversed(error.args[1]))
        raise TagError(
            f"{tags[circle[0]].place}: tag {circle[0]} reads itself by way of "
            f"{' -> '.join(circle)}; remove one of these references."
        ) from None
    return order
