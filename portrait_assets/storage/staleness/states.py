"""What is stale: materialized before something that it reads changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """When a month of a table was last written, and when its contents last changed, in µs."""

    made_at: int
    changed_at: int


@dataclass(frozen=True)
class Stale:
    """A month with the first table of it that is stale, and what changed since."""

    month: str
    table: str
    changed_table: str
    changed_month: str

    def __str__(self) -> str:
        """Such as `tags.tag_table is older than features.feature_matrix of 2024-01`."""
        of = "" if self.changed_month == self.month else f" of {self.changed_month}"
        return f"{self.table} is older than {self.changed_table}{of}"


States = Mapping[str, Mapping[str, State]]
"""By month and table."""

STATES_SQL = (
    "SELECT month, table_name, epoch_us(made_at), epoch_us(changed_at) FROM {} WHERE month <> ''"
)


def states_of(rows: Iterable[tuple[str, str, int, int]]) -> States:
    """The states that a query of the form of `STATES_SQL` gives."""
    states: dict[str, dict[str, State]] = {}
    for month, table, made_at, changed_at in rows:
        states.setdefault(month, {})[table] = State(made_at, changed_at)
    return states


def stale_months(states: States, upstream: Mapping[str, Sequence[str]]) -> list[Stale]:
    """The months that are stale, in order.

    A table reads those upstream of it and itself, of its own month and of all months before: what
    is carried forward (models, first-ever dates, identities) has no shorter reach. A month that
    was made again and came out the same has not changed, so nothing after it is stale.

    Args:
        states: of all that was materialized.
        upstream: by table, in the order of the flow, the tables that it is made from.
    """
    found: list[Stale] = []
    newest: dict[str, tuple[int, str]] = {}
    for month in sorted(states):
        before = dict(newest)
        for table, state in states[month].items():
            newest[table] = max(newest.get(table, (0, "")), (state.changed_at, month))
        stale = next(_stale_tables(month, states[month], upstream, before, newest), None)
        if stale is not None:
            found.append(stale)
    return found


def _stale_tables(
    month: str,
    states: Mapping[str, State],
    upstream: Mapping[str, Sequence[str]],
    before: Mapping[str, tuple[int, str]],
    newest: Mapping[str, tuple[int, str]],
) -> Iterator[Stale]:
    for table, sources in upstream.items():
        if table not in states:
            continue
        read = {table: before.get(table), **{source: newest.get(source) for source in sources}}
        for name, change in read.items():
            if change is not None and states[table].made_at < change[0]:
                yield Stale(month, table, name, change[1])
