"""Wealth kinds: customers distinguished by what they hold, how long, and through which channel.

With `--kinds` a customer is drawn from one of them in place of a segment. The kind decides what he
holds, his risk, tenure, flow and channels; all else follows the segment that the kind belongs to.
Some kinds fall into nested kinds. Those of two kinds differ in habits and in a later outcome; those
of a third differ in their name only and must be left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from portrait_assets.core.errors import PortraitError
from portrait_assets.synthetic.common.columns import codes
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints
from portrait_assets.synthetic.persons.people import People, make_people
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES, CHANNELS, HOLDINGS
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.settings import Kinds, Life

NO_KIND = -1
AMOUNT_SPREAD, TENURE_SPREAD, CHANNEL_SPREAD = 0.3, 0.25, 0.3
RISK_SPREAD, FLOW_SPREAD = 0.25, 0.003
HOLDS, HOLDS_NOT = 0.98, 0.02
"""Probability of holding what the kind holds, and of holding what it does not."""
USUAL_AMOUNT = 20_000.0
"""Median amount of a term deposit or a fund of who holds it though his kind does not."""
MAIN_CHANNEL = 0.75
"""Share of the kind's channel in what its customers do; the others share the rest."""


@dataclass(frozen=True)
class WealthKind:
    """One kind. Amounts are medians in CNY, 0 for what the kind does not hold."""

    code: str
    zh: str
    share: float
    segment: str
    deposit: float
    term: float
    fund: float
    risk: float
    """Mean risk grade of the funds held, 1 to 5."""
    tenure: float
    """Median number of months as a customer when the bank's first month begins."""
    flow: float
    """Monthly growth of all that is held."""
    channel: str
    borrows: tuple[str, ...] = ()


WEALTH_KINDS: tuple[WealthKind, ...] = (
    WealthKind("starter", "起步型", 0.10, "young_digital", 3e3, 0, 4e3, 1, 10, 0.02, "app"),
    WealthKind("young_trader", "年轻交易型", 0.09, "young_digital", 9e3, 0, 6e4, 5, 22, 0, "web"),
    WealthKind("family_saver", "家庭储蓄型", 0.10, "family", 3e4, 1e5, 0, 2, 70, 0.005, "pos"),
    WealthKind(
        "family_investor",
        "家庭定投型",
        0.09,
        "family",
        1.5e4,
        0,
        1e5,
        3,
        45,
        0.03,
        "app",
        ("card",),
    ),
    WealthKind("growth", "进取投资型", 0.08, "affluent", 1e5, 0, 1.2e6, 4, 60, 0.01, "web"),
    WealthKind("preserver", "稳健传承型", 0.07, "affluent", 1e5, 1e6, 4e5, 2, 140, 0, "branch"),
    WealthKind("liquid", "高净值流动型", 0.06, "affluent", 1.5e6, 0, 0, 3, 30, -0.01, "phone"),
    WealthKind("pension_saver", "养老储蓄型", 0.11, "senior", 2e4, 2e5, 0, 1, 220, -0.01, "branch"),
    WealthKind("pension_fund", "养老理财型", 0.07, "senior", 6e4, 0, 1.5e5, 2, 160, -0.01, "app"),
    WealthKind(
        "business", "经营结算型", 0.09, "owner", 2.5e5, 0, 0, 3, 60, 0, "web", ("loan", "card")
    ),
    WealthKind("payroll", "代发工资型", 0.08, "payroll", 2.5e3, 0, 0, 2, 50, 0, "atm"),
    WealthKind("run_off", "资产转出型", 0.06, "dormant", 8e3, 4e4, 0, 2, 100, -0.05, "phone"),
)
KIND_CODES = tuple(kind.code for kind in WEALTH_KINDS)


@dataclass(frozen=True)
class NestedKind:
    """A part of a wealth kind; factors on what its customers do, 1 where not named."""

    code: str
    of: str
    share: float
    rate: float = 1.0
    churn: float = 1.0
    delinquency: float = 1.0
    channels: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)


NESTED: tuple[NestedKind, ...] = (
    NestedKind("growth_loyal", "growth", 0.6),
    NestedKind(
        "growth_restless", "growth", 0.4, rate=2.5, churn=60.0, channels={"phone": 8.0, "app": 3.0}
    ),
    NestedKind("business_sound", "business", 0.6),
    NestedKind("business_stretched", "business", 0.4, delinquency=12.0, categories={"cash": 6.0}),
    NestedKind("pension_even", "pension_saver", 0.5),
    NestedKind("pension_odd", "pension_saver", 0.5),
)
NESTED_CODES = tuple(nested.code for nested in NESTED)
ALIKE = ("pension_saver",)
"""Kinds whose nested kinds cannot be distinguished: they differ in nothing but their name."""


def check_kinds(number: int | None) -> None:
    """Raise PortraitError for a number of kinds that there are not."""
    if number is not None and not 2 <= number <= len(WEALTH_KINDS):
        raise PortraitError(
            f"A bank of {number} wealth kinds cannot be made; ask for 2 to {len(WEALTH_KINDS)}, "
            "or leave --kinds out for the latent segments alone."
        )


def people_of(seed: int, number: Ints, life: Life, regions: Floats, kinds: Kinds) -> People:
    """The customers with these numbers, of wealth kinds where the settings ask for them."""
    if kinds.number is None:
        return make_people(seed, number, life, regions)
    draws = Draws.of(seed, "wealth kind", number)
    kind = draws.pick("kind", [each.share for each in WEALTH_KINDS[: kinds.number]])
    segment = np.array([SEGMENT_CODES.index(each.segment) for each in WEALTH_KINDS])[kind]
    people = _of_kinds(make_people(seed, number, life, regions, segment), draws, kind)
    return _of_nested_kinds(people, draws, kinds.differing)


def _of_kinds(people: People, draws: Draws, kind: Ints) -> People:
    def mean(name: str) -> Floats:
        return np.array([float(getattr(each, name)) for each in WEALTH_KINDS])[kind]

    def amount(name: str) -> Floats:
        median = mean(name)
        median = np.where(median > 0, median, USUAL_AMOUNT)
        drawn: Floats = median * np.exp(AMOUNT_SPREAD * draws.normal(name))
        return drawn

    term, fund = amount("term"), amount("fund")
    channel = np.stack([draws.normal(f"uses {name}") for name in CHANNELS], axis=1)
    chance = np.array([_holding_chances(each) for each in WEALTH_KINDS])[kind]
    drawn = np.stack([draws.uniform(f"holds {name}") for name in HOLDINGS], axis=1)
    return replace(
        people,
        wealth_kind=kind,
        deposit=amount("deposit"),
        wealth=term,
        fund_factor=fund / term,
        risk_appetite=np.clip(mean("risk") + RISK_SPREAD * draws.normal("risk"), 1, 5),
        tenure=mean("tenure") * np.exp(TENURE_SPREAD * draws.normal("tenure")),
        flow=mean("flow") + FLOW_SPREAD * draws.normal("flow"),
        channel=_CHANNELS[kind] * np.exp(CHANNEL_SPREAD * channel),
        holds=drawn < chance,
        holding_chance=chance,
    )


def _holding_chances(kind: WealthKind) -> list[float]:
    has = {"term": kind.term > 0, "fund": kind.fund > 0, **dict.fromkeys(kind.borrows, True)}
    return [HOLDS if has.get(name) else HOLDS_NOT for name in HOLDINGS]


_CHANNELS = np.array(
    [
        [
            MAIN_CHANNEL if name == kind.channel else (1 - MAIN_CHANNEL) / (len(CHANNELS) - 1)
            for name in CHANNELS
        ]
        for kind in WEALTH_KINDS
    ]
)


def _of_nested_kinds(people: People, draws: Draws, differing: float) -> People:
    nested = np.full(len(people), NO_KIND)
    point, start = draws.uniform("nested kind"), dict.fromkeys(KIND_CODES, 0.0)
    for position, each in enumerate(NESTED):
        among = people.wealth_kind == KIND_CODES.index(each.of)
        low, start[each.of] = start[each.of], start[each.of] + each.share
        nested[among & (point >= low) & (point < start[each.of])] = position

    def factor(values: list[float]) -> Floats:
        # The last entry is that of position -1, who is in no nested kind.
        drawn: Floats = np.array([*values, 1.0])[nested] ** differing
        return drawn

    channels = [factor([n.channels.get(name, 1.0) for n in NESTED]) for name in CHANNELS]
    categories = [factor([n.categories.get(name, 1.0) for n in NESTED]) for name in CATEGORIES]
    return replace(
        people,
        nested_kind=nested,
        rate=people.rate * factor([n.rate for n in NESTED]),
        churn=people.churn * factor([n.churn for n in NESTED]),
        delinquency=people.delinquency * factor([n.delinquency for n in NESTED]),
        channel=people.channel * np.stack(channels, axis=1),
        category=people.category * np.stack(categories, axis=1),
    )


def kind_columns(people: People, kinds: Kinds) -> dict[str, pa.Array]:
    """Columns of truth/segments: kind, nested kind, and whether that can be found.

    Null where a customer has none.
    """
    no_kind, no_nested = people.wealth_kind == NO_KIND, people.nested_kind == NO_KIND
    apart = np.array([each.of not in ALIKE and kinds.differing > 0 for each in NESTED])
    return {
        "wealth_kind": codes(people.wealth_kind, KIND_CODES, missing=no_kind),
        "nested_kind": codes(people.nested_kind, NESTED_CODES, missing=no_nested),
        "is_distinguishable": pa.array(apart[people.nested_kind], pa.bool_(), mask=no_nested),
    }


def latent_variables(people: People, ids: pa.Array) -> pa.Table:
    """What the kinds were drawn as: amounts in CNY (0 for not held), risk, tenure, flow, channels.

    `monthly_flow` is the growth of all that is held; `uses_*` are shares of what the customer does.
    """
    term, fund = (people.holds[:, HOLDINGS.index(name)] for name in ("term", "fund"))
    use = people.channel / people.channel.sum(axis=1, keepdims=True)
    return pa.table(
        {
            "customer_id": ids,
            "current_account": pa.array(people.deposit),
            "term_deposit": pa.array(np.where(term, people.wealth, 0.0)),
            "fund": pa.array(np.where(fund, people.wealth * people.fund_factor, 0.0)),
            "risk_appetite": pa.array(people.risk_appetite),
            "tenure_months": pa.array(people.tenure),
            "monthly_flow": pa.array(people.flow),
            **{f"uses_{name}": pa.array(use[:, n]) for n, name in enumerate(CHANNELS)},
        }
    )
