"""Rows by the person they are known to be of by a month, whatever identifier they came under.

Rows of months before a merge stay under the identifier that was given up; the steps here have them
under the customer's.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.aggregates import Aggregate
from portrait_assets.stages.features.window import ago
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.steps import EVER, Grain, Read, Scope, Span, Step, read

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
        f"SELECT {columns} FROM ({_moved(stored.name)} WHERE t.customer_id IN ({_MERGED})) "
        f"GROUP BY {keys}"
    )
    return _view(stored, name or table.name, merged)


_MERGED = "SELECT alias_id FROM alias UNION SELECT customer_id FROM alias"


def _moved(stored: str) -> str:
    return (
        "SELECT t.* REPLACE (coalesce(a.customer_id, t.customer_id) AS customer_id) "
        f"FROM {stored} AS t LEFT JOIN alias AS a ON a.alias_id = t.customer_id"
    )


def _view(stored: Read, name: str, merged: str) -> Step:
    first = stored.span.first

    def rows(of: str, scope: Scope) -> str:
        when = f", {ago(scope.month, first + 1)} AS ago" if first is not None else ""
        return f"SELECT *{when} FROM {of} WHERE {scope.population}"

    return Step(
        name,
        (stored, ALIAS),
        lambda scope: rows(f"({merged})", scope),
        is_view=True,
        when_empty=(ALIAS, lambda scope: rows(stored.name, scope)),
    )
