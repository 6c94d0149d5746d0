"""Whose outcomes may be read that the source reports for a purpose which customers are asked about.

Profiling is asked of all that is computed, at its root; what is reported for another purpose is
read only of who allows that one (decision 063).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from portrait_assets.privacy.egress import Purpose
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.steps import Grain, Source, Span, Step, read

PROFILING = str(Purpose.PROFILING)


@dataclass(frozen=True)
class ReportedFor:
    """What the outcomes that a source names are reported for.

    `by_name` has those of their own; of the `others`, which only the data name, all have one.
    """

    by_name: tuple[tuple[str, str], ...] = ()
    others: str = PROFILING

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes beyond profiling, in order."""
        return tuple(sorted({*dict(self.by_name).values(), self.others} - {PROFILING}))

    def sql(self, name: str) -> str:
        """SQL of the purpose of the outcome of which the column has the name."""
        cases = "".join(
            f" WHEN {literal(of)} THEN {literal(purpose)}" for of, purpose in self.by_name
        )
        return (
            f"CASE {name}{cases} ELSE {literal(self.others)} END" if cases else literal(self.others)
        )


def permitted(customers: Source, purposes: Collection[str], months: Span) -> Step:
    """Which of the customers allow a purpose as of each month's end, under either of their ids.

    A month of which it is not known what silence means permits nothing.

    Args:
        customers: with `customer_id`, which may have been given up since.
        purposes: which purposes.
        months: which months.

    Returns:
        A step named `permitted` with `as_of`, `purpose` and `customer_id`.
    """
    only = f"purpose IN ({literals(sorted(purposes))})"
    return Step(
        "permitted",
        (customers, ALIAS, read(CUSTOMER_CONSENT, months), read(CONSENT_DEFAULT, months)),
        f"""
    SELECT d.as_of, d.purpose, c.customer_id
    FROM (
        SELECT customer_id, customer_id AS known_as FROM {customers.name}
        UNION SELECT alias_id, a.customer_id FROM alias AS a
            SEMI JOIN {customers.name} AS c ON c.customer_id = a.alias_id
    ) AS c CROSS JOIN (FROM consent_default WHERE {only}) AS d LEFT JOIN (
        SELECT as_of, purpose, customer_id AS known_as, bool_or(allowed) AS allowed,
            bool_or(channel IS NULL) AS by_any
        FROM customer_consent WHERE {only} GROUP BY ALL
    ) AS r USING (as_of, purpose, known_as)
    GROUP BY d.as_of, d.purpose, c.customer_id
    HAVING coalesce(bool_and(r.allowed OR NOT r.by_any AND d.allowed), any_value(d.allowed))
    """,
        grain=Grain.ALL,
    )
