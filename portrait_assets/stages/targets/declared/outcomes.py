"""The targets that there are: those of the package's file, with those of a source over them.

Each is declared once, in YAML: what is stored of a window, who is eligible and what is a hit are
read off the declarations, and so are its names and the claims that are tested on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from portrait_assets.core.source_folder import source_file
from portrait_assets.schema.columns import count
from portrait_assets.stages.targets.declared.checking import check_sql
from portrait_assets.stages.targets.declared.entries import (
    PackagedFile,
    merged_targets,
    packaged_file,
)
from portrait_assets.stages.targets.declared.outcome import Fact, Kind, Outcome
from portrait_assets.stages.targets.declared.permitted import PROFILING, ReportedFor

TARGETS_FILE = "targets.yaml"
"""The source's own targets, beside its source.yaml."""
OF_SOURCE = " of the source"
"""Follows the name of a source's outcome that is called as one of the package."""
TAKEN = Fact(
    count(
        "products_taken", "Categories of product that the customer had not before", "新增产品类别数"
    ),
    "1",
    of="product",
)
"""A category of product taken in the window, which no sum over months gives."""
_OF_KIND = {Kind.CAMPAIGN: "customer_campaign_month", Kind.PRODUCT: TAKEN.of}


@dataclass(frozen=True)
class Targets:
    """The targets of a source, in the order of the files."""

    outcomes: tuple[Outcome, ...]

    @cached_property
    def derived(self) -> dict[str, Outcome]:
        """By code those that are computed from the source's tables; it reports the others."""
        return {each.code: each for each in self.outcomes if not each.is_of_source}

    @cached_property
    def named(self) -> dict[str, Outcome]:
        """By the source's name those of one outcome that it reports."""
        return {each.of: each for each in self.outcomes if each.is_of_source and each.of}

    @cached_property
    def reported_for(self) -> ReportedFor:
        """What the outcomes that the source names are reported for."""
        others = [each.purpose for each in self.outcomes if each.is_named_by_source]
        return ReportedFor(
            tuple(sorted((name, each.purpose) for name, each in self.named.items())),
            others[0] if others else PROFILING,
        )

    @property
    def tested(self) -> tuple[Outcome, ...]:
        """Those that tags and segments are tested on: all but those of one kind or name."""
        return tuple(
            each
            for each in self.outcomes
            if each.by is None or (each.is_of_source and each.is_several)
        )

    def horizons(self, of: str) -> tuple[int, ...]:
        """The windows that are stored of facts of this table, in months, the shortest first."""
        read = (each for each in self.outcomes if any(fact.of == of for fact in facts_read(each)))
        return tuple(sorted({months for each in read for months in each.windows}))

    def code_of(self, name: str) -> str:
        """The code of an outcome that the source names, apart from those that are derived."""
        return f"{name}{OF_SOURCE}" if name in self.derived else name

    @property
    def baseline_names(self) -> dict[str, str]:
        """The Chinese name of each baseline by its English one."""
        return {rule.name: rule.zh for each in self.outcomes for rule in each.baselines}


@cache
def _packaged_file() -> PackagedFile:
    return packaged_file(Path(__file__).with_name("packaged.yaml"))


@cache
def packaged_targets() -> Targets:
    """The package's own."""
    return Targets(tuple(entry.declared for entry in merged_targets(_packaged_file(), None)))


def source_targets(folder: Path) -> Targets:
    """The targets for a source's folder: the package's with its targets.yaml over them.

    Raises:
        TargetError: for what cannot be computed, naming file, line and remedy.
    """
    own = source_file(folder, TARGETS_FILE)
    if not own.is_file():
        return packaged_targets()
    declared = tuple(entry.declared for entry in merged_targets(_packaged_file(), own))
    check_sql([each for each in declared if each.places[""].file == own.name], FACTS)
    return Targets(declared)


FACTS: tuple[Fact, ...] = (*(entry.fact for entry in _packaged_file().facts), TAKEN)
"""What is stored of windows; a customer without a row did none of it."""


def facts_read(outcome: Outcome) -> list[Fact]:
    """The facts of the window that the outcome reads."""
    return [fact for fact in _facts_for(outcome) if fact.name in outcome.words]


def facts_before(outcome: Outcome) -> list[Fact]:
    """The facts of the month before the window that the outcome reads."""
    return [fact for fact in _facts_for(outcome) if fact.before in outcome.words]


def _facts_for(outcome: Outcome) -> Iterable[Fact]:
    """The facts that it may read: of one by kind those of that kind."""
    own = _OF_KIND.get(outcome.by) if outcome.by else None
    others = {_OF_KIND[Kind.CAMPAIGN]}
    return (fact for fact in FACTS if (fact.of == own if own else fact.of not in others))


def facts_of(outcomes: Iterable[Outcome]) -> tuple[list[Fact], list[Fact]]:
    """The facts that the outcomes read of the window, and those of the month before it."""
    several = list(outcomes)
    in_window = {fact for outcome in several for fact in facts_read(outcome)}
    before = {fact for outcome in several for fact in facts_before(outcome)}
    return [f for f in FACTS if f in in_window], [f for f in FACTS if f in before]


OUTCOMES: tuple[Outcome, ...] = packaged_targets().tested
"""The package's outcomes that tags and segments are tested on."""


def outcome(code: str) -> Outcome:
    """The package's outcome of this code.

    Raises:
        KeyError: when there is none.
    """
    return {each.code: each for each in packaged_targets().outcomes}[code]
