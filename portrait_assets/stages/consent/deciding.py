"""What each customer allows as of a month's end, decided from consents, requests and contacts.

A refusal holds from its day on until a consent of a later day; of the same day it is stricter, and
holds. What is said of any channel, or of any purpose, is said of each. See decision 063 and the
Personal Information Protection Law, articles 13, 15, 16, 24, 31 and 47.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.stages.raw.tables.persons import PURPOSES
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.steps import EVER, Grain, Scope, Step

OF_AGE = 14
"""Years from which on a person's own consent counts: article 31 of the law."""
SILENCE = {"profiling": True, "marketing": False, "credit": False, "sharing": False}
"""What silence means where the source does not declare it."""

CONSENTS = of_persons(CLEANED["consents"], EVER)
REQUESTS = of_persons(CLEANED["requests"], EVER)
CONTACTS = of_persons(CLEANED["contacts"], EVER)


_TO_OF_AGE = "CASE WHEN month(birth_date) = 2 AND day(birth_date) = 29 THEN 1 ELSE 0 END"


def _young_sql(scope: Scope) -> str:
    # Who is of an age in years was born up to a year before: the later day is the stricter.
    of_age_on = (
        f"CAST(coalesce(birth_date + INTERVAL {OF_AGE} YEAR + to_days({_TO_OF_AGE}), "
        f"coalesce(recorded_on, {scope.day}) + to_years(CAST({OF_AGE} - age AS INTEGER))) AS DATE)"
    )
    records = f"SELECT customer_id, month, {of_age_on} AS of_age_on FROM golden_record"
    first = f"SELECT least(min(granted_on), {scope.day}) FROM consents"
    return (
        "SELECT customer_id, arg_max(of_age_on, month) AS of_age_on "
        f"FROM ({records}) WHERE customer_id IN "
        f"(SELECT customer_id FROM ({records}) WHERE of_age_on > ({first})) GROUP BY customer_id"
    )


YOUNG = Step("young", (of_persons(GOLDEN_RECORD, EVER), CONSENTS), _young_sql, grain=Grain.ALL)
"""From which day on their own consent counts, of those who were younger when any was given.

By the newest record that has a day of birth or an age; who has neither is not young.
"""
MINOR = Step(
    "minor",
    (YOUNG,),
    lambda scope: f"SELECT customer_id FROM young WHERE of_age_on > {scope.day}",
    grain=Grain.ALL,
)
"""Who is under the age of own consent at the month's end."""

GRANTS = ("guardian", "law", "contract", "consent")
REFUSALS = ("withdrawn", "bounced", "unsubscribed", "objection", "erasure_requested")
"""Reasons, of which of two of one day the later one here is given."""
_FIRST_DAY, _REASONS = "DATE '1900-01-01'", 8
_FOR_EVER = 1 << 40


def _code(day: str, reason: str, reasons: Sequence[str]) -> str:
    """A number that orders by day and then by reason: the greatest of many costs little to find."""
    days = f"greatest(CAST({day} AS DATE) - {_FIRST_DAY}, 0)"
    return f"({days} * {_REASONS} + list_position([{literals(reasons)}], {reason}) - 1)"


def _day(code: str) -> str:
    return f"{_FIRST_DAY} + CAST({code} % {_FOR_EVER} // {_REASONS} AS INTEGER)"


def _reason(code: str, reasons: Sequence[str]) -> str:
    return f"([{literals(reasons)}])[{code} % {_REASONS} + 1]"


def _granted_sql(scope: Scope) -> str:
    recorded = _code("coalesce(recorded_on, granted_on)", "coalesce(basis, 'consent')", GRANTS)
    return f"""
    SELECT customer_id, purpose, channel, max({_code("granted_on", "because", GRANTS)}) AS granted
    FROM (
        SELECT customer_id, purpose, lower(channel) AS channel, granted_on,
            {_reason(f"max({recorded})", GRANTS)} AS because
        FROM consents WHERE granted_on <= {scope.day} AND purpose IS NOT NULL GROUP BY ALL
    ) LEFT JOIN young USING (customer_id)
    WHERE because = 'guardian' OR granted_on >= of_age_on OR of_age_on IS NULL GROUP BY ALL
    """


GRANTED = Step("granted", (CONSENTS, YOUNG), _granted_sql)
"""The last consent by customer, purpose and channel, as a code.

Of what was granted before the age of own consent only a guardian's counts, and goes on to count.

A record is a version of its consent, of which the newest has the basis; of two of one day the one
that is no guardian's.
"""

_EVERY = f"unnest([{literals(PURPOSES)}])"
_OF_ALL = f"unnest(CASE WHEN purpose IS NULL THEN [{literals(PURPOSES)}] ELSE [purpose] END)"


def _refusals_sql(scope: Scope) -> str:
    return f"""
    SELECT customer_id, purpose, lower(channel) AS channel,
        max({_code("since", "because", REFUSALS)} + until) AS refused
    FROM (
        SELECT customer_id, {_OF_ALL} AS purpose, channel, 'withdrawn' AS because,
            withdrawn_on AS since, 0 AS until
        FROM consents WHERE withdrawn_on <= {scope.day}
        UNION ALL
        SELECT customer_id, 'marketing', channel, delivery_status, contacted_on, 0
        FROM contacts WHERE delivery_status IN ('bounced', 'unsubscribed')
            AND (channel IS NOT NULL OR delivery_status = 'unsubscribed')
            AND contacted_on <= {scope.day}
        UNION ALL
        SELECT customer_id, {_EVERY}, NULL, 'erasure_requested', requested_on, {_FOR_EVER}
        FROM requests WHERE kind = 'erasure' AND requested_on <= {scope.day}
        UNION ALL
        SELECT customer_id, {_OF_ALL}, channel, 'objection', requested_on, 0
        FROM requests WHERE kind = 'objection' AND requested_on <= {scope.day}
    ) GROUP BY ALL
    """


REFUSED = Step("refused", (CONSENTS, CONTACTS, REQUESTS), _refusals_sql)
"""The last refusal by customer, purpose and channel, as a code.

A bounce of which no channel is known says nothing; an erasure asked for is undone by no consent.
"""

SAID = Step(
    "said",
    (GRANTED, REFUSED, MINOR),
    f"""
    SELECT customer_id, purpose, channel, max(granted) AS granted, max(refused) AS refused
    FROM (
        FROM granted
        UNION ALL BY NAME FROM refused
        UNION ALL BY NAME SELECT customer_id, {_EVERY} AS purpose, NULL::VARCHAR AS channel
        FROM minor
    ) GROUP BY ALL
    """,
)
"""The last consent and the last refusal by customer, purpose and channel; null for none."""

DECIDED = Step(
    "decided",
    (SAID, MINOR),
    # Of a minor it counts that no guardian has agreed, or none any more, whatever else they said.
    f"""
    SELECT customer_id, purpose, channel, granted IS NOT NULL AND NOT is_refused AS allowed,
        CASE WHEN is_alone THEN NULL WHEN is_refused THEN {_day("refused")}
            ELSE {_day("granted")} END AS since,
        CASE WHEN is_alone THEN 'minor_without_guardian'
            WHEN is_refused THEN {_reason("refused", REFUSALS)}
            ELSE {_reason("granted", GRANTS)} END AS because
    FROM (
        SELECT *, customer_id IN (FROM minor)
            AND (granted IS NULL OR is_refused AND channel IS NULL) AS is_alone
        FROM (
            SELECT *, refused IS NOT NULL AND coalesce(
                granted // {_REASONS} <= refused // {_REASONS}, true) AS is_refused
            FROM (
                SELECT s.customer_id, s.purpose, s.channel,
                    greatest(s.granted, a.granted) AS granted,
                    greatest(s.refused, a.refused) AS refused
                FROM said AS s LEFT JOIN (FROM said WHERE channel IS NULL) AS a
                    USING (customer_id, purpose)
            )
        )
    )
    """,
)
"""What follows for each, where what is said of any channel counts too."""


def _default_sql(declared: Mapping[str, bool]) -> str:
    meaning = {**SILENCE, **declared}
    rows = ", ".join(
        f"({n}, {literal(purpose)}, {meaning[purpose]}, {purpose in declared})"
        for n, purpose in enumerate(PURPOSES)
    )
    return (
        f"SELECT * FROM (VALUES {rows}) AS d(place, purpose, allowed, is_declared) "
        "LEFT JOIN (SELECT purpose, count(*) AS consents FROM consents GROUP BY ALL) "
        "USING (purpose)"
    )


def consent_steps(declared: Mapping[str, bool]) -> tuple[Step, Step]:
    """The steps that write `consent.consent_default` and `consent.customer_consent`.

    Args:
        declared: by purpose whether silence allows it, as the source declares; SILENCE for others.
    """
    silence = Step("silence", (CONSENTS,), _default_sql(declared), grain=Grain.ALL)
    default = Step(
        "consent_default",
        (silence,),
        lambda scope: (
            f"SELECT {scope.day} AS as_of, purpose, allowed, is_declared, "
            "coalesce(consents, 0) AS consents FROM silence ORDER BY place"
        ),
        grain=Grain.ALL,
        writes=CONSENT_DEFAULT,
    )
    return default, Step(
        "customer_consent",
        (DECIDED, silence),
        lambda scope: (
            f"""
    SELECT {scope.day} AS as_of, d.customer_id, d.purpose, d.channel, d.allowed, d.since, d.because
    FROM decided AS d JOIN silence AS s USING (purpose)
        LEFT JOIN (FROM decided WHERE channel IS NULL) AS a
        ON a.customer_id = d.customer_id AND a.purpose = d.purpose AND d.channel IS NOT NULL
    WHERE d.allowed <> coalesce(a.allowed, s.allowed)
        OR NOT d.allowed AND (d.because, d.since) IS DISTINCT FROM (a.because, a.since)
    ORDER BY d.customer_id, d.purpose, d.channel
    """
        ),
        writes=CUSTOMER_CONSENT,
    )
