"""Files of targets: what they may hold, and what it says as facts and outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.core.yaml.file import (
    Code,
    Entry,
    Formula,
    Head,
    Line,
    Words,
    check_unique,
    merged_by_code,
    read_yaml,
    validated,
)
from portrait_assets.privacy.egress import Purpose
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
)
from portrait_assets.stages.features.described.protected import protected_features
from portrait_assets.stages.targets.declared.outcome import (
    HORIZONS,
    LONGEST_HORIZON,
    Baseline,
    Fact,
    Kind,
    Outcome,
)

MONTHLY: Mapping[str, Table] = {
    table.name: table for table in (CUSTOMER_MONTH, CUSTOMER_BALANCE_MONTH, CUSTOMER_CAMPAIGN_MONTH)
}
"""The tables of customers' months that facts are added up from, by name."""
_TYPES = {"integer": Type.INTEGER, "number": Type.NUMBER, "money": Type.MONEY}
_UNORDERED = (Type.TEXT, Type.TEXTS)
_Months = Annotated[int, Field(ge=1, le=LONGEST_HORIZON)]


class TargetError(PortraitError):
    """A target that could not be computed, in one sentence with file, line and remedy."""


class FactEntry(Entry):
    """A fact; without SQL it is the column of its own name, and keeps that one's meaning."""

    model_config = ConfigDict(title="fact")
    code: Code
    of: Literal["customer_month", "customer_balance_month", "customer_campaign_month"] = (
        "customer_month"
    )
    sql: Formula | None = None
    adds: Literal["sum", "max"] = "sum"
    type: Literal["integer", "number", "money"] | None = None
    unit: Line | None = None
    name: Words | None = None

    @property
    def fact(self) -> Fact:
        """The fact, of a month's column or of SQL over several."""
        sql = self.sql or self.code
        own = {column.name: column for column in MONTHLY[self.of].columns}
        if sql in own:
            return Fact(replace(own[sql], name=self.code), sql, self.of, self.adds)
        if self.name is None or self.type is None:
            raise TargetError(f"{self.place}: fact {self.code} has no name and type; add them.")
        column = Column(
            self.code,
            _TYPES[self.type],
            self.name.en,
            self.name.zh,
            nullable=False,
            minimum=0,
            unit=self.unit,
        )
        return Fact(column, sql, self.of, self.adds)


class BaselineEntry(Entry):
    """A rule of one line: the order of one feature."""

    model_config = ConfigDict(title="baseline")
    name: Line
    zh: Line
    feature: Code
    falls: bool = False
    unknown_is_likely: bool = False


class TargetEntry(Entry):
    """A target with all its fields."""

    model_config = ConfigDict(title="target")
    code: Code
    name: Words
    meaning: Words
    hit: Formula
    eligible: Formula = "true"
    amount: Formula | None = None
    compared: dict[Code, Formula] = Field(default_factory=dict)
    needs: Line = "transactions"
    by: Kind | None = None
    outcome: Line | None = None
    unreported: Literal["unknown", "no"] = "unknown"
    horizons: tuple[_Months, ...] = Field(default=HORIZONS, min_length=1)
    prediction_horizon: _Months | None = None
    predicted: bool = True
    of_segments: bool = False
    credit: bool = False
    purpose: Literal["profiling", "marketing", "credit", "sharing"] | None = None
    baselines: tuple[BaselineEntry, ...] = ()

    @model_validator(mode="after")
    def _is_of_the_source_or_not(self) -> TargetEntry:
        if self.outcome is not None and self.by is not None:
            raise ValueError("it is of one outcome of the source or by several; leave out one")
        if self.unreported == "no" and not self.is_of_source:
            raise ValueError("unreported is of outcomes of the source; leave it out")
        if self.purpose is not None and not self.is_of_source:
            raise ValueError("purpose is of outcomes of the source; leave it out")
        return self

    @property
    def is_of_source(self) -> bool:
        """Whether the source reports it."""
        return self.outcome is not None or self.by is Kind.SOURCE

    @property
    def reported_for(self) -> str:
        """What the source reports it for; credit where it is a risk of that, unless declared."""
        is_for_credit = self.credit and self.is_of_source
        return self.purpose or str(Purpose.CREDIT if is_for_credit else Purpose.PROFILING)

    @property
    def declared(self) -> Outcome:
        """The outcome."""
        return Outcome(
            code=self.code,
            en=self.name.en,
            zh=self.name.zh,
            hit=self.hit,
            eligible=self.eligible,
            baselines=tuple(
                Baseline(each.name, each.feature, each.falls, each.unknown_is_likely, each.zh)
                for each in self.baselines
            ),
            amount=self.amount,
            compared=self.compared,
            needs="outcomes" if self.is_of_source else self.needs,
            is_of_segments=self.of_segments,
            horizons=tuple(sorted(set(self.horizons))),
            prediction_horizon=self.prediction_horizon if self.predicted else None,
            by=Kind.SOURCE if self.is_of_source else self.by,
            of=self.outcome,
            unreported_is_no=self.unreported == "no",
            is_credit=self.credit,
            purpose=self.reported_for,
            places={"": self.place}
            | {key: self.place_of(key) for key in ("hit", "eligible", "amount", "compared")},
        )


class _Targets(RootModel[tuple[TargetEntry, ...]]):
    pass


class _Head(Head):
    model_config = ConfigDict(title="target")


class TargetsFile(Entry):
    """A source's file of targets."""

    targets: tuple[_Head, ...] = ()


class PackagedFile(TargetsFile):
    """The package's own, with the facts that targets are made of."""

    facts: tuple[FactEntry, ...] = ()


def packaged_file(path: Path) -> PackagedFile:
    """The package's own file, its targets not yet validated."""
    return read_yaml(path, PackagedFile, TargetError)


def merged_targets(packaged: PackagedFile, own: Path | None) -> Sequence[TargetEntry]:
    """Every target, those of the source's file over those of the package.

    Args:
        packaged: the package's own.
        own: the source's targets.yaml, if there is one; a target of the package's that it names
            takes from there what it does not give.

    Raises:
        TargetError: for what the files may not hold, naming the line.
    """
    heads = () if own is None else read_yaml(own, TargetsFile, TargetError).targets
    together = merged_by_code(packaged.targets, heads, "target", packaged.place, TargetError)
    entries = validated(_Targets, together, TargetError, together.place).root
    for entry in entries:
        _check(entry)
    _check_one_of_each(entries)
    return entries


def _check(entry: TargetEntry) -> None:
    """Check that the tables and features that the entry names are there."""
    if entry.needs not in CLEANED:
        raise TargetError(
            f"{entry.place_of('needs')}: target {entry.code}: there is no table '{entry.needs}'"
            f"{suggestion(entry.needs, CLEANED)}; name the one that it is derived from."
        )
    check_unique(
        (
            (f"baseline '{each.name}' of target {entry.code}", each.place)
            for each in entry.baselines
        ),
        TargetError,
    )
    features = {c.name: c for c in FEATURE_MATRIX.columns if c.type not in _UNORDERED}
    for each in entry.baselines:
        if each.feature not in features:
            raise TargetError(
                f"{each.place_of('feature')}: target {entry.code}: there is no feature "
                f"'{each.feature}' with an order{suggestion(each.feature, features)}; name one of "
                "the feature matrix."
            )
        attribute = protected_features().get(each.feature) if entry.credit else None
        if attribute is not None:
            raise TargetError(
                f"{each.place_of('feature')}: target {entry.code}: {each.feature} is computed from "
                f"{attribute}, which may not decide on credit; name another feature."
            )


def _check_one_of_each(entries: Sequence[TargetEntry]) -> None:
    """Check that no two targets are of one outcome of the source."""
    check_unique(
        ((f"the outcome '{e.outcome}'", e.place) for e in entries if e.outcome), TargetError
    )
