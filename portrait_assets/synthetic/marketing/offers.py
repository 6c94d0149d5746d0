"""Kinds of campaigns: what is offered, who likes it, and what an answer opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TERM_OFFERED, FUND_OFFERED, INSTALMENTS = 5, 6, 7
"""The accounts that offers open, as digits at the end of an account_id."""
OFFERED = {TERM_OFFERED: "P103", FUND_OFFERED: "P402", INSTALMENTS: "P304"}
"""The product of each of these accounts."""


@dataclass(frozen=True)
class Kind:
    """A kind of campaign."""

    code: str
    title: str
    account: int | None
    """Which of OFFERED an answer opens; None for nothing."""
    answer: str
    baseline: float
    """Added to the logit of answering without contact."""
    effect: float
    """Mean of what contact adds to a persuadable customer's probability of answering."""
    likes: Mapping[str, float]
    """Factor on being chosen, and on being persuadable, by segment; 1 where not named."""
    amount: float
    """Median amount of an answer, CNY, for a customer of median wealth."""
    spend: float = 0.0
    """Relative change of a persuadable customer's spending in the campaign's month by contact."""

    @property
    def product(self) -> str | None:
        """The product on offer."""
        return None if self.account is None else OFFERED[self.account]


KINDS: tuple[Kind, ...] = (
    Kind(
        "term_deposit",
        "定期存款优利",
        TERM_OFFERED,
        "subscribed",
        0.0,
        0.25,
        {"senior": 2.2, "affluent": 1.2, "young_digital": 0.2, "revolver": 0.1, "dormant": 0.3},
        50_000,
    ),
    Kind(
        "cashback",
        "消费返现",
        None,
        "redeemed",
        0.3,
        0.25,
        {"young_digital": 1.6, "family": 1.4, "affluent": 0.3, "senior": 0.5, "dormant": 0.2},
        120,
        spend=0.5,
    ),
    Kind(
        "fund",
        "基金定投",
        FUND_OFFERED,
        "purchased",
        -0.2,
        0.24,
        {"affluent": 3.0, "owner": 1.4, "senior": 0.2, "revolver": 0.1, "dormant": 0.1},
        10_000,
    ),
    Kind(
        "instalment",
        "账单分期",
        INSTALMENTS,
        "converted",
        0.0,
        0.25,
        {"revolver": 2.4, "young_digital": 1.2, "affluent": 0.1, "senior": 0.0, "dormant": 0.1},
        4_000,
    ),
    Kind("retention", "客户关怀与挽留", None, "accepted", 0.0, 0.24, {}, 200),
)
"""Taken in turn."""
KIND_CODES = tuple(kind.code for kind in KINDS)
