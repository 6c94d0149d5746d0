"""Rows by the person they are known to be of by a month, whatever identifier they came under.

Rows of months before a merge stay under the identifier that was given up; the steps here have them
under the customer's.
"""

from __future__ import annotations

from portrait_assets.schema.table import Table
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.steps import EVER, Grain, Read, Span, Step, if_empty, read

ALIAS = Step(
    "alias",
    (read(IDENTITY_MAP, EVER), read(CUSTOMER_ALIAS, EVER)),
    """
    SELECT source_customer_id AS alias_id, arg_max(customer_id, month) AS customer_id
    FROM identity_map WHERE source_customer_id IN (SELECT alias_id FROM customer_alias)
    GROUP BY source_customer_id HAVING arg_max(customer_id, month) <> source_customer_id
    """,
    grain=Grain.ALL,
)
"""The identifiers given up by the month, `alias_id`, and whose each is."""


def of_persons(table: Table, span: Span, name: str | None = None) -> Step:
    """Events or records, each under its person's identifier."""
    stored = Read(table, span, f"stored_{name or table.name}")
    moved = (
        "SELECT t.* REPLACE (coalesce(a.customer_id, t.customer_id) AS customer_id) "
        f"FROM {stored.name} AS t LEFT JOIN alias AS a ON a.alias_id = t.customer_id"
    )
    return Step(
        name or table.name,
        (stored, ALIAS),
        lambda scope: f"SELECT * FROM ({moved}) WHERE {scope.population}",
        in_table=False,
        simpler=if_empty(
            ALIAS, lambda scope: f"SELECT * FROM {stored.name} WHERE {scope.population}"
        ),
    )
