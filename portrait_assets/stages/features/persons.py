"""Rows by the person they are known to be of by a month, without those who may not be profiled.

Rows of months before a merge stay under the identifier that was given up; the steps here have them
under the customer's. Who refuses profiling as of the month is in none of them, so that no feature,
rank or base rate is computed from what is known of them; rows of nulls are added on publication.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features import contract
from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH, CUSTOMER_MONTH
from portrait_assets.stages.features.monthly.aggregate import Aggregate
from portrait_assets.stages.features.window import ago
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.storage.steps import (
    EVER,
    THE_MONTH,
    Grain,
    Read,
    Scope,
    Span,
    Step,
    if_empty,
    read,
)

MUST_AGREE = Step(
    "must_agree",
    (read(CONSENT_DEFAULT, THE_MONTH),),
    "SELECT true AS yes FROM consent_default WHERE purpose = 'profiling' AND NOT allowed",
    grain=Grain.ALL,
)
"""A row where silence refuses profiling."""

_ANSWERED = (
    "SELECT customer_id, bool_or(allowed) AS allowed, bool_or(channel IS NULL) AS by_any, "
    "arg_max(because, channel IS NULL) AS because "
    "FROM customer_consent WHERE purpose = 'profiling' GROUP BY customer_id"
)
"""Profiling is of no channel: who allows it by at least one allows it."""
_HAS_EVENTS = tuple(
    read(table, EVER, f"{table.name}_of_all") for table in (CUSTOMER_MONTH, CUSTOMER_BALANCE_MONTH)
)
_RECORDS = read(GOLDEN_RECORD, EVER, "golden_record_of_all")
_OF_ALL = " UNION ".join(
    f"SELECT customer_id FROM {each.name}" for each in (*_HAS_EVENTS, _RECORDS)
)

REFUSED = Step(
    "refused",
    (MUST_AGREE, read(CUSTOMER_CONSENT, THE_MONTH), ALIAS, *_HAS_EVENTS, _RECORDS),
    f"""
    SELECT DISTINCT coalesce(a.customer_id, t.customer_id) AS customer_id,
        coalesce(r.because, 'default') AS because
    FROM ({_OF_ALL}) AS t LEFT JOIN alias AS a ON a.alias_id = t.customer_id
    LEFT JOIN ({_ANSWERED}) AS r
        ON r.customer_id = coalesce(a.customer_id, t.customer_id)
    WHERE NOT coalesce(r.allowed, false) AND EXISTS (FROM must_agree)
    """,
    grain=Grain.ALL,
    simpler=if_empty(
        MUST_AGREE,
        f"SELECT customer_id, because FROM ({_ANSWERED}) WHERE by_any AND NOT allowed",
    ),
)
"""Who may not be profiled as of the month, and why."""

PERSON = Step(
    "person",
    (ALIAS, REFUSED),
    "SELECT alias_id, customer_id, customer_id IN (SELECT customer_id FROM refused) AS is_refused "
    "FROM alias UNION ALL SELECT customer_id, customer_id, true FROM refused",
    grain=Grain.ALL,
)
"""Identifiers whose rows are not taken as they are: another customer's, or not to be profiled."""


def _unprofiled_sql(scope: Scope) -> str:
    by_month, by_balance = (each.name for each in _HAS_EVENTS)
    return f"""
    SELECT {scope.day} AS as_of, customer_id, because,
        because <> 'minor_without_guardian' AS keeps_row
    FROM refused WHERE customer_id IN (
        SELECT p.customer_id FROM person AS p WHERE is_refused AND alias_id IN (
            SELECT customer_id FROM {by_month} WHERE lines > 0
            UNION SELECT customer_id FROM {by_balance}
            UNION SELECT customer_id FROM {_RECORDS.name} WHERE joined_on <= {scope.day}
        )
    ) ORDER BY customer_id
    """


UNPROFILED = Step(
    "unprofiled",
    (REFUSED, PERSON, *_HAS_EVENTS, _RECORDS),
    _unprofiled_sql,
    grain=Grain.ALL,
    writes=contract.UNPROFILED,
    simpler=if_empty(
        REFUSED,
        "SELECT NULL::DATE AS as_of, NULL AS customer_id, NULL AS because, NULL AS keeps_row "
        "WHERE false",
    ),
)
"""Customers of the month who may not be profiled."""


def of_persons(table: Table, span: Span, name: str | None = None) -> Step:
    """Events or records of those who may be profiled, each under its person's identifier."""
    stored = Read(table, span, f"stored_{name or table.name}")
    return _view(stored, name or table.name, f"SELECT * FROM ({_moved(stored.name)})")


def added_up(
    table: Table, aggregates: Iterable[Aggregate], span: Span, name: str | None = None
) -> Step:
    """A monthly aggregate with one row per key, and `ago` where the span is a window.

    The rows of one person are added up. Days with a transaction and different products are then an
    upper bound, for two rows do not show what they have in common.
    """
    stored = Read(table, span, f"stored_{name or table.name}")
    own = {each.name: each.added_up for each in aggregates}
    columns = ", ".join(own.get(column, column) for column in table.column_names)
    keys = ", ".join(column for column in table.column_names if column not in own)
    merged = (
        f"SELECT * FROM {stored.name} WHERE customer_id NOT IN ({_MERGED}) UNION ALL BY NAME "
        f"SELECT {columns} FROM ({_moved(stored.name)} AND t.customer_id IN ({_MERGED})) "
        f"GROUP BY {keys}"
    )
    return _view(stored, name or table.name, merged)


_MERGED = "SELECT alias_id FROM person UNION SELECT customer_id FROM person"


def _moved(stored: str) -> str:
    return (
        "SELECT t.* REPLACE (coalesce(a.customer_id, t.customer_id) AS customer_id) "
        f"FROM {stored} AS t LEFT JOIN person AS a ON a.alias_id = t.customer_id "
        "WHERE NOT coalesce(a.is_refused, false)"
    )


def _view(stored: Read, name: str, merged: str) -> Step:
    first = stored.span.first

    def rows(of: str, scope: Scope) -> str:
        when = f", {ago(scope.month, first + 1)} AS ago" if first is not None else ""
        return f"SELECT *{when} FROM {of} WHERE {scope.population}"

    return Step(
        name,
        (stored, PERSON),
        lambda scope: rows(f"({merged})", scope),
        in_table=False,
        simpler=if_empty(PERSON, lambda scope: rows(stored.name, scope)),
    )
