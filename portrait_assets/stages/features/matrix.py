"""The feature matrix of one month: everyone who is a customer by its end, and all features."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from portrait_assets.schema.table import MONEY_FACTOR, Type
from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.features import contract
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.declared.credit import LATE_STAGES, USE_BANDS
from portrait_assets.stages.features.declared.entity import RECORDED
from portrait_assets.stages.features.declared.feature import Feature
from portrait_assets.stages.features.given import GIVEN, known_sql, known_value
from portrait_assets.stages.features.parts import balances, campaigns, choices, reactions, spend
from portrait_assets.stages.features.persons import of_persons
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import EVER, Scope, Step, upstream

RECORD = Step(
    "record",
    (of_persons(GOLDEN_RECORD, EVER),),
    lambda scope: (
        f"SELECT customer_id, {', '.join(RECORDED)} FROM (SELECT * REPLACE (CASE WHEN joined_on "
        f"<= {scope.day} THEN joined_on END AS joined_on) FROM golden_record) "
        "QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY month DESC) = 1"
    ),
)
"""The golden record of each customer, as the last month with something new left it.

A day of joining that is still to come is not known yet, such as of who bought before it.
"""

EVERYONE = Step(
    "everyone",
    (spend.HISTORY, balances.EVER_HELD, RECORD),
    "SELECT customer_id FROM history UNION SELECT customer_id FROM customer_balance_month_ever "
    "UNION SELECT customer_id FROM record WHERE joined_on IS NOT NULL",
)
"""Who has a transaction, a balance or a joining day by the month's end."""

PARTS: dict[str, Step] = {
    "h": spend.HISTORY,
    "r": RECORD,
    "b": spend.BOUGHT,
    "g": campaigns.CAMPAIGN,
    "c": choices.CATEGORY,
    "n": choices.BRAND,
    "x": choices.CHOSEN,
    "d": balances.HELD,
    "p": balances.CONDUCT,
    "u": reactions.UPLIFT,
    "f": reactions.FOLLOWED,
    "w": reactions.WITHDRAWAL,
}
"""Steps with a row per customer, by the letter that features name them by."""


def _customer_parts(parts: Mapping[str, Step]) -> Step:
    return Step(
        "customer_parts",
        (EVERYONE, *parts.values()),
        lambda scope: (
            f"SELECT {', '.join(('customer_id', *parts))} "
            f"FROM (FROM everyone WHERE {scope.population}) "
            + " ".join(
                f"LEFT JOIN {part.name} AS {letter} USING (customer_id)"
                for letter, part in parts.items()
            )
        ),
        in_parts_of=EVERYONE,
    )


CUSTOMER_PARTS = _customer_parts(PARTS)
"""A row per customer with each part as a structure, so that `b.amount` is what it is for a join."""


def _base(name: str, sums: dict[str, str], combine: dict[str, str] | None = None) -> Step:
    """Sums over the parts of all customers, and what is computed from the sums."""
    combined = combine or {each: f"sum({each})" for each in sums}
    return fit(
        name,
        (CUSTOMER_PARTS,),
        f"SELECT {', '.join(f'{sql} AS {each}' for each, sql in sums.items())} FROM customer_parts",
        f"SELECT {', '.join(f'{sql} AS {each}' for each, sql in combined.items())} FROM part",
    )


def _sums(part: str, *names: str, where: str = "") -> dict[str, str]:
    condition = f" FILTER ({where})" if where else ""
    return {name: f"sum({part}.{name}){condition}" for name in names}


_CONTACTED = ("contacts", "responded", "lag_days")
# Amounts are rounded so that their sums do not depend on their order.
_EXPECTED = {name: f"sum(CAST(u.{name} AS {Type.MONEY}))" for name in ("actual", "expected")}
BASES: dict[str, Step] = {
    "base": spend.BASE,
    "bs": spend.BEGINNING,
    "bg": _base(
        "base_campaign",
        _sums("g", *_CONTACTED),
        {name: f"coalesce(sum({name}), 0)" for name in _CONTACTED},
    ),
    "bn": _base(
        "base_brand",
        _sums("n", "first_amount", where="n.spend > 0")
        | _sums("n", "spend", "squares")
        | {
            "spend_squares": f"sum(CAST(n.spend AS {Type.MONEY}) * CAST(n.spend AS {MONEY_FACTOR}))"
        },
    ),
    "bl": _base("base_loyal", _sums("c", "loyal_lines", "loyal_of_lines")),
    # Novelty only of those with an earlier choice to compare with.
    "bx": _base(
        "base_chosen",
        _sums("x", "choices", "repeated") | _sums("x", "recent", "novel", where="x.has_earlier"),
    ),
    "bd": _base("base_held", _sums("d", "graded_balance", "risk_points")),
    "bp": _base(
        "base_conduct",
        _sums("p", "spells", "on_time")
        | {
            f"{name}_{band}": f"sum(p.{name}) FILTER (p.use_band = {band})"
            for name in ("spells", "on_time")
            for band in range(USE_BANDS + 1)
        }
        | _sums(
            "p", *(f"{n}_{at}" for n in ("followed", "stayed") for at in range(len(LATE_STAGES)))
        ),
    ),
    "bu": _base(
        "base_uplift",
        _EXPECTED,
        {"ratio": "CAST(sum(actual) AS DOUBLE) / CAST(sum(expected) AS DOUBLE)"},
    ),
}
"""Steps with one row about all customers, by the alias that features name them by."""


def matrix_of(features: Sequence[Feature]) -> Step:
    """The matrix of these features only, and of those that they are computed from.

    A feature has the value that it has in the matrix of all, for a part of its cost.
    """
    features = _with_named(features)
    named = {each for feature in features for each in _ALIAS.findall(feature.sql)}
    bases = {alias: base for alias, base in BASES.items() if alias in named}
    of_parts = any(CUSTOMER_PARTS in upstream(base) for base in bases.values())
    some = {letter: part for letter, part in PARTS.items() if letter in named}
    parts = CUSTOMER_PARTS if of_parts or some == PARTS else _customer_parts(some)
    crossed = " ".join(f"CROSS JOIN {base.name} AS {alias}" for alias, base in bases.items())

    def select(scope: Scope, value: Callable[[Feature, str], str]) -> str:
        columns = ", ".join(
            f"{value(each, each.sql.replace('{as_of}', scope.day))} AS {quote(each.name)}"
            for each in features
        )
        return (
            f"SELECT {scope.day} AS as_of, customer_id, {columns}, true AS profiling_allowed "
            f"FROM customer_parts {crossed} CROSS JOIN {GIVEN.name} ORDER BY customer_id"
        )

    return Step(
        "feature_matrix",
        (parts, *bases.values(), GIVEN),
        lambda scope: select(scope, known_sql),
        writes=contract.FEATURE_MATRIX,
        simpler=(
            GIVEN,
            lambda scope, given: (
                select(scope, partial(known_value, given=given)) if given else None
            ),
        ),
    )


def _with_named(features: Sequence[Feature]) -> list[Feature]:
    """With the features that their SQL names, in the order of all."""
    wanted = {each.name for each in features}
    for each in reversed(FEATURES):
        if each.name in wanted:
            wanted |= set(_WORD.findall(each.sql))
    return [each for each in FEATURES if each.name in wanted]


_WORD = re.compile(r"(?<![.\w])[a-z]\w+\b(?!\.)")
_ALIAS = re.compile(r"\b([a-z]+)\.")


FEATURE_MATRIX = matrix_of(FEATURES)
"""All features of each customer, in customers' order.

A feature is null for everyone where the source does not give what it needs.
"""

CAMPAIGN_RESPONSE = Step(
    "campaign_response_of_month",
    (campaigns.CAMPAIGN_RESPONSE,),
    lambda scope: (
        f"""
    SELECT {scope.day} AS as_of, customer_id, campaign_type, contacts AS contacts_12m,
        least(responded, contacts) AS responded_contacts_12m, responses AS responses_12m,
        rate AS response_rate_12m, round(base_rate, 6) AS base_response_rate_12m
    FROM campaign_response WHERE contacts > 0 ORDER BY customer_id, campaign_type
    """
    ),
    writes=contract.CAMPAIGN_RESPONSE,
)
"""Each customer's response to each kind of campaign that contacted them in the window."""
