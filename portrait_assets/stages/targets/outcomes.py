"""Outcomes: what can have happened to a customer in the months after a month's end.

Each is declared once, here: what is stored of a window, who is eligible and what is a hit are read
off the declarations, and so are its names and the claims that are tested on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.features import aggregates

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fact:
    """What a customer did in a window: the sum over its months of an SQL over a customer's month.

    The month's columns are those of `features.customer_month`.
    """

    column: Column
    of_month: str

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


_OF_MONTH = {aggregate.name: aggregate.column for aggregate in aggregates.CUSTOMER_MONTH}


def _sum_of(column: str, name: str | None = None) -> Fact:
    """The sum of a column of the customer's month, which keeps its meaning, type and unit."""
    return Fact(replace(_OF_MONTH[column], name=name or column), column)


FACTS: tuple[Fact, ...] = (
    _sum_of("purchases"),
    Fact(
        Column(
            "active_months",
            Type.INTEGER,
            "Months with a purchase",
            "有购买的月数",
            nullable=False,
            minimum=0,
            unit="months",
        ),
        "CAST(purchases > 0 AS INTEGER)",
    ),
    _sum_of("amount", "spend"),
    *map(_sum_of, ("contacts", "responses", "complaints", "surveys", "survey_points")),
)
"""The columns of `targets.target`; a customer without a row did none of it."""


@dataclass(frozen=True)
class Baseline:
    """A rule of one line that predictions are compared with: the order of one feature.

    Args:
        name: its name in tables.
        feature: the feature, as of the month's end, of which more means likelier.
        falls: less means likelier instead.
        unknown_is_likely: customers without the feature are the likeliest, and not the least.
    """

    name: str
    feature: str
    falls: bool = False
    unknown_is_likely: bool = False

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
    `horizon` (the window's months) and the names of `compared`.

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
        is_named_by_source: it stands for each outcome that `cleaned.outcomes` names; `answer` is
            its greatest value in the window; customers without one are not counted.
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
    is_named_by_source: bool = False

    def __str__(self) -> str:
        """The code."""
        return self.code

    @property
    def words(self) -> set[str]:
        """The names in its SQL."""
        sql = (self.hit, self.eligible, self.amount, *self.compared.values())
        return set(_WORD.findall(" ".join(text for text in sql if text)))


WINDOW = "OVER (PARTITION BY base_month, horizon)"
RANKED = "OVER (PARTITION BY base_month, horizon ORDER BY {})"
"""All customers of a window, and in the order of an SQL."""
_SCORE = f"survey_points::{Type.NUMBER} / nullif(surveys, 0)"

_BUYS_AGAIN = (
    Baseline("recency", "recency_days", falls=True),
    Baseline("last month", "purchases_1m"),
    Baseline("trend", "spend_trend_3m"),
)
_STAYS_AWAY = tuple(
    replace(rule, falls=not rule.falls, unknown_is_likely=True) for rule in _BUYS_AGAIN
)

SILENCE = Outcome("silence", "silence", "沉默", "purchases = 0", baselines=_STAYS_AWAY)
"""No purchase."""
RETURN = Outcome(
    "return",
    "return",
    "回流",
    "purchases > 0",
    eligible="purchases_before = 0",
    baselines=_BUYS_AGAIN,
    is_of_segments=False,
)
"""A purchase, of those who had been away for a month."""
PURCHASE = Outcome(
    "purchase",
    "purchase",
    "购买",
    "purchases > 0",
    baselines=_BUYS_AGAIN,
    is_of_segments=False,
)
"""A purchase."""
SPEND = Outcome(
    "spend",
    "high spend",
    "高消费",
    "spend_rank >= 0.8 AND spend > 0",
    baselines=(Baseline("last month", "spend_1m"), _BUYS_AGAIN[0], _BUYS_AGAIN[2]),
    amount="spend",
    compared={"spend_rank": f"percent_rank() {RANKED.format('spend')}"},
)
"""An amount among the top fifth."""
RESPONSE = Outcome(
    "response",
    "response",
    "响应",
    "responses > 0",
    eligible="contacts > 0",
    baselines=(Baseline("recency", "response_recency_days", falls=True),),
    needs="responses",
)
"""A response, of those a campaign reached."""
ANSWER = Outcome(
    "answer",
    "the source's own outcome",
    "数据源自有结果",
    "answer >= 0.5",
    needs="outcomes",
    is_named_by_source=True,
)
"""An outcome that the source reports, of the customers it reports on."""
SATISFACTION = Outcome(
    "satisfaction",
    "satisfaction",
    "满意",
    f"{_SCORE} >= middle_score",
    eligible="surveys > 0",
    compared={"middle_score": f"median({_SCORE}) {WINDOW}"},
    needs="interactions",
)
"""A mean survey score in the upper half."""
STICKINESS = Outcome(
    "stickiness",
    "active every month",
    "每月活跃",
    "active_months = horizon",
    baselines=_BUYS_AGAIN,
    is_of_segments=False,
)
"""A purchase in every month."""

OUTCOMES: tuple[Outcome, ...] = (
    SILENCE,
    RETURN,
    PURCHASE,
    SPEND,
    RESPONSE,
    ANSWER,
    SATISFACTION,
    STICKINESS,
)


def facts_of(outcomes: Iterable[Outcome]) -> tuple[list[Fact], list[Fact]]:
    """The facts that the outcomes read of the window, and those of the month before it."""
    words = set().union(*(outcome.words for outcome in outcomes))
    in_window = [fact for fact in FACTS if fact.name in words]
    return in_window, [fact for fact in FACTS if fact.before in words]
