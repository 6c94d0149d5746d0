"""What a target is: facts of a window, what is a hit, who is eligible, what has to be beaten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from portrait_assets.core.yaml.text import Place
from portrait_assets.schema.table import Column

HORIZONS = (1, 2, 3)
"""The lengths in months of the windows of a target that names none, which backtests judge."""
LONGEST_HORIZON = 12
"""The longest window that a target may have, in months."""
_WORD = re.compile(r"\w+")


class Kind(StrEnum):
    """By what a target stands for several, each of which is one of its own."""

    CAMPAIGN = "campaign"  # each kind of campaign
    PRODUCT = "product"  # each category of product
    SOURCE = "outcome"  # each outcome that the source names


@dataclass(frozen=True)
class Fact:
    """What a customer did in a window: its months' values added up.

    Args:
        column: the column of the table of targets.
        of_month: SQL over a row of a customer's month.
        of: the table of `features` whose row that is.
        adds: the SQL aggregate over the months.
    """

    column: Column
    of_month: str
    of: str = "customer_month"
    adds: str = "sum"

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def words(self) -> set[str]:
        """The names in its SQL."""
        return set(_WORD.findall(self.of_month))

    @property
    def before(self) -> str:
        """The name of the same of the month at whose end the window begins."""
        return f"{self.name}_before"

    @property
    def added_up(self) -> str:
        """SQL of the column over the months of a window, with its type."""
        return f"CAST({self.adds}({self.of_month}) AS {self.column.type}) AS {self.name}"

    def of_row(self, row: str, name: str) -> str:
        """SQL of the fact under a name; without a row nothing happened, or nothing is known."""
        value = f"{row}.{name}"
        return f"{value if self.column.nullable else f'coalesce({value}, 0)'} AS {name}"


@dataclass(frozen=True)
class Baseline:
    """A rule of one line that predictions are compared with: the order of one feature.

    Args:
        name: its name in tables.
        feature: the feature, as of the month's end, of which more means likelier.
        falls: less means likelier instead.
        unknown_is_likely: customers without the feature are the likeliest, and not the least.
        zh: its name in Chinese.
    """

    name: str
    feature: str
    falls: bool = False
    unknown_is_likely: bool = False
    zh: str = ""

    @property
    def column(self) -> str:
        """Its name among the columns of a step; the same for the same order."""
        direction = "less" if self.falls else "more"
        return f"{self.feature}:{direction}:{'likely' if self.unknown_is_likely else 'unlikely'}"

    def sql(self, features: str) -> str:
        """The number, of which more means likelier, over a row of the feature matrix; no null.

        Args:
            features: the row's name; of a customer without one nothing is known.
        """
        unknown = "infinity" if self.unknown_is_likely else "-infinity"
        sign = "-" if self.falls else ""
        number = f"{sign}CAST({features}.{self.feature} AS DOUBLE)"
        return f"coalesce({number}, CAST('{unknown}' AS DOUBLE))"


@dataclass(frozen=True)
class Outcome:
    """What can have happened in a window, in SQL over a customer's facts in it.

    The SQL may name the facts, the same of the last month before the window (`Fact.before`),
    `horizon` (the window's months) and the names of `compared`; of an outcome of the source also
    `answer`, its greatest value in the window, and `answer_before`, that up to the base month; of
    one by product also `has_before`, whether the customer had it before the window.

    Args:
        code: its name in tables.
        en: its name in English.
        zh: its name in Chinese.
        hit: the condition on which it happened.
        eligible: the condition on which a customer is counted.
        baselines: the rules of one line that predictions are compared with, the one to begin with
            first; the base rate where there is none.
        amount: a number to be added up over hits and others; None where there is none.
        compared: SQL of window functions over all customers of a window, by name.
        needs: the cleaned table that it is derived from.
        is_of_segments: whether segments are tested on it.
        horizons: months of the windows on which backtests judge it.
        prediction_horizon: months of the window that models predict; None where none does.
        by: by what it stands for several; for one of them once `of` names it.
        of: the kind of campaign, the category of product, or the source's outcome.
        unreported_is_no: a customer of whom the source reports nothing in the window is no hit;
            otherwise nothing is known of them.
        is_credit: it is a risk of credit, so that no protected attribute may be an input of its
            models, and customers are asked for consent to it.
        purpose: what the source reports it for: of who does not allow that, nothing of it is read.
        places: where it and its SQL are declared, by key; under an empty key, where it begins.
    """

    code: str
    en: str
    zh: str
    hit: str
    eligible: str = "true"
    baselines: tuple[Baseline, ...] = ()
    amount: str | None = None
    compared: Mapping[str, str] = field(default_factory=dict, hash=False)
    needs: str = "transactions"
    is_of_segments: bool = True
    horizons: tuple[int, ...] = HORIZONS
    prediction_horizon: int | None = None
    by: Kind | None = None
    of: str | None = None
    unreported_is_no: bool = False
    is_credit: bool = False
    purpose: str = "profiling"
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        """The code."""
        return self.code

    @property
    def is_of_source(self) -> bool:
        """Whether the source reports it, and nothing of it is derived."""
        return self.by is Kind.SOURCE

    @property
    def is_reported_of_some(self) -> bool:
        """Whether nothing is known of customers of whom the source reports nothing."""
        return self.is_of_source and not self.unreported_is_no

    @property
    def is_several(self) -> bool:
        """Whether it stands for several, each named by the data."""
        return self.by is not None and self.of is None

    @property
    def is_named_by_source(self) -> bool:
        """Whether it stands for each outcome that `cleaned.outcomes` names."""
        return self.is_of_source and self.of is None

    @property
    def windows(self) -> tuple[int, ...]:
        """The months of all windows that it is known for, the shortest first."""
        return tuple(sorted({*self.horizons, self.prediction_horizon or self.horizons[0]}))

    def for_one(self, of: str, code: str | None = None) -> Outcome:
        """The outcome of one kind, category or name, of those that this one stands for."""
        code = code or (of if self.is_of_source else f"{self.code}:{of}")
        return replace(self, code=code, en=f"{self.en}: {of}", zh=f"{self.zh}：{of}", of=of)

    @property
    def words(self) -> set[str]:
        """The names in its SQL."""
        sql = (self.hit, self.eligible, self.amount, *self.compared.values())
        return set(_WORD.findall(" ".join(text for text in sql if text)))
