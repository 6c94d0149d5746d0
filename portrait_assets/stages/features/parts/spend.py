"""What customers bought over the window, and what all of them did together.

Which columns are summed, and over how many months, follows from the features that name them:
`b.amount` is over twelve months, `b.amount_24m` over twenty-four, and `base.amount` is of everyone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURES
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.aggregate import Adds, Aggregate
from portrait_assets.stages.features.monthly.purchases import as_known, net_months
from portrait_assets.stages.features.persons import added_up, of_persons
from portrait_assets.stages.features.window import AGO, WINDOW_MONTHS
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import EVER, Span, Step, window

_AGGREGATES = {each.name: each for each in aggregates.CUSTOMER_MONTH}


def named_by_features(part: str) -> set[str]:
    """The columns of the part, known by that letter or word, that the SQL of features names."""
    return {name for each in FEATURES for name in re.findall(rf"\b{part}\.([a-z_0-9]+)", each.sql)}


def windowed(names: Iterable[str]) -> dict[str, tuple[Aggregate, int]]:
    """Those names that are an aggregate over a window: which, and over how many months."""
    found = {}
    for name in names:
        column, _, months = name.rpartition("_")
        if name in _AGGREGATES:
            found[name] = (_AGGREGATES[name], WINDOW_MONTHS)
        elif column in _AGGREGATES and re.fullmatch(r"[1-9]\d*m", months):
            found[name] = (_AGGREGATES[column], int(months[:-1]))
    return found


_SUMS = windowed(named_by_features("b"))
LONGEST_WINDOW = max(months for _, months in _SUMS.values())


def within(sql: str, months: int) -> str:
    """The expression where the row's month is in the window, else null."""
    return sql if months >= LONGEST_WINDOW else f"CASE WHEN ago < {months} THEN {sql} END"


def _over_window(aggregate: Aggregate, months: int) -> str:
    over = f"{aggregate.adds}({within(aggregate.name, months)})"
    return f"coalesce({over}, 0)" if aggregate.adds is Adds.SUM and months < WINDOW_MONTHS else over


NET = net_months(of_persons(CLEANED["transactions"], EVER, "transactions_ever"))
"""Months from which later ones, up to this, took purchases off."""


def _months(span: Span, name: str) -> Step:
    own = added_up(CUSTOMER_MONTH, aggregates.CUSTOMER_MONTH, span, f"{name}_then")
    return as_known(own, NET, name)


HISTORY = Step(
    "history",
    (_months(EVER, "customer_month_ever"),),
    "SELECT customer_id, CAST(min(first_at) AS DATE) AS first_on, "
    "CAST(max(last_at) AS DATE) AS last_on FROM customer_month_ever "
    "WHERE lines > 0 GROUP BY customer_id",
)
"""First and last purchase of all time by then."""

BEGINNING = fit(
    "beginning",
    (HISTORY,),
    "SELECT min(first_on) AS first_on FROM history",
    "SELECT min(first_on) AS first_on FROM part",
)
"""The first of all purchases: nothing is known of those before."""

WINDOW = _months(window(LONGEST_WINDOW), "customer_month")
"""The customers' months of the longest window that a feature looks back on."""

BOUGHT = Step(
    "bought",
    (WINDOW,),
    f"""
    SELECT customer_id, {", ".join(f"{_over_window(*of)} AS {name}" for name, of in _SUMS.items())},
        {", ".join(f"sum(CASE WHEN ago = {n} THEN amount ELSE 0 END) AS spend_{n}" for n in AGO)},
        CAST(min({within("first_at", WINDOW_MONTHS)}) AS DATE) AS first_in_window,
        CAST(max({within("last_at", WINDOW_MONTHS)}) AS DATE) AS last_in_window,
        count(*) FILTER (purchases > 0 AND ago < {WINDOW_MONTHS}) AS active_months,
        CAST(max(ago) FILTER (lines > 0 AND ago < {WINDOW_MONTHS}) AS BIGINT) AS oldest
    FROM customer_month GROUP BY customer_id
    """,
)
"""Sums over the window; spend_0 to spend_11 are the amounts of the single months."""

_BASE = windowed({"amount", *named_by_features("base")})
_BASE_SUMS = {name: f"sum({within(of.name, months)})" for name, (of, months) in _BASE.items()}
_BASE_SUMS |= {f"spend_{n}": f"coalesce(sum(amount) FILTER (ago = {n}), 0)" for n in AGO}
BASE = fit(
    "base",
    (WINDOW,),
    f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in _BASE_SUMS.items())} "
    "FROM customer_month",
    f"SELECT {', '.join(f'sum({name}) AS {name}' for name in _BASE_SUMS)} FROM part",
)
"""The same sums of all customers."""
