"""Customers as the rules of suitability see them, as of a month's end."""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    FEATURE_MATRIX,
    UNPROFILED,
)
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.stages.offers.suitability.rules import VALID_MONTHS
from portrait_assets.storage.steps import EVER, THE_MONTH, Grain, Scope, Step, read

RECORDS = of_persons(GOLDEN_RECORD, EVER)
BALANCES = of_persons(CUSTOMER_BALANCE_MONTH, THE_MONTH)
MEMBER = Step(
    "member",
    (read(FEATURE_MATRIX, THE_MONTH), read(UNPROFILED, THE_MONTH)),
    "SELECT customer_id, true AS is_profiled FROM feature_matrix "
    "UNION ALL SELECT customer_id, false FROM unprofiled WHERE keeps_row",
    grain=Grain.ALL,
)
"""Customers of the month; a child for whom no guardian agreed is none to offer anything to."""

_YEARS = "(date_diff('year', {since}, {day}) - CAST({month_day} > {last} AS INTEGER))"


def _full_years(since: str, day: str) -> str:
    month_day, last = (f"strftime({each}, '%m%d')" for each in (since, day))
    return _YEARS.format(since=since, day=day, month_day=month_day, last=last)


def _subject_sql(scope: Scope) -> str:
    day = scope.day
    elapsed = f"greatest({_full_years('recorded_on', day)}, 0)"
    # Who was of an age on a day may have had a birthday on the next.
    had_birthday = f"CAST(coalesce(recorded_on < {day}, false) AS INTEGER)"
    own = _full_years("birth_date", day)
    expires = (
        f"coalesce(risk_tolerance_expires_on, risk_assessed_on + INTERVAL {VALID_MONTHS} MONTH)"
    )
    counts = f"coalesce({expires} > {day}, false) AND coalesce(risk_assessed_on <= {day}, true)"
    return f"""
    SELECT m.customer_id, m.is_profiled,
        CASE WHEN {counts} THEN TRY_CAST(ltrim(risk_tolerance, 'C') AS INTEGER) END AS tolerance,
        risk_tolerance IS NOT NULL AND coalesce({expires} <= {day}, false) AS was_assessed,
        coalesce(is_professional_investor, false) AS is_professional,
        coalesce({own}, age + coalesce({elapsed}, 0)) AS age_least,
        coalesce({own}, age + coalesce({elapsed}, 0) + {had_birthday}) AS age_most,
        coalesce(extra_care_recorded_on <= {day}, false) AS has_care,
        coalesce(insurance_need_assessed_on <= {day}, false) AS has_need,
        b.means
    FROM member AS m LEFT JOIN (
        SELECT * FROM golden_record
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY month DESC) = 1
    ) AS r USING (customer_id) LEFT JOIN (
        SELECT customer_id, sum(balance) AS means FROM customer_balance_month GROUP BY customer_id
    ) AS b USING (customer_id)
    """


SUBJECT = Step("subject", (MEMBER, RECORDS, BALANCES), _subject_sql, grain=Grain.ALL)
"""Each customer of the month by the newest record, with what they hold at the month's end.

`tolerance` is 1 to 5 and null where no assessment counts; `was_assessed` is whether one did once.
Of a recorded age the year since is not known to the day: `age_least` and `age_most` are its bounds.
`means` are the balances without debts. What is held says nothing of what was assessed.
"""
