"""Which steps need a table while a target is computed, until when, and what its rows depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping, Sequence

from portrait_assets.schema.table import Table
from portrait_assets.storage.steps import EVER, Grain, Read, Source, Step, upstream

Materialized = Callable[[Table], Mapping[str, int]]
"""By month, how many rows are stored of a table."""
Key = tuple[object, ...]


def standing_steps(target: Step, given: Mapping[Source, str]) -> dict[Step, Step]:
    """The steps that need a table, in an order of computing, and the last whose SQL reads each."""
    order = [step for step in upstream(target, given=given) if isinstance(step, Step)]
    read_by: dict[Step, list[Step]] = {step: [] for step in order}
    statements: dict[Step, set[Step]] = {target: {target}}
    standing: dict[Step, Step] = {}
    for step in reversed(order):
        if step is not target:
            statements[step] = set().union(*(statements[reader] for reader in read_by[step]))
            if _needs_table(step, read_by[step], statements[step]):
                standing[step] = max(statements[step], key=order.index)
                statements[step] = {step}
        for source in step.reads:
            if source in read_by and isinstance(source, Step):
                read_by[source].append(step)
    return dict(reversed(standing.items()))


def _needs_table(step: Step, readers: Collection[Step], statements: Collection[Step]) -> bool:
    if step.grain is Grain.ALL or step.in_parts_of or any(r.in_parts_of is step for r in readers):
        return True
    return len(statements) > 1 if step.in_table is None else step.in_table


def shared_steps(targets: Sequence[Step]) -> list[Step]:
    """The steps that stand in a table for more than one of these targets, in an order of computing.

    What is written itself is computed with its target, and what reads the month of it after it.
    """
    readers = Counter(step for target in targets for step in standing_steps(target, {}))
    order = [step for step in upstream(*targets) if isinstance(step, Step)]
    written = {target.writes for target in targets}
    return [
        step
        for step in order
        if readers[step] > 1 and step not in targets and not _reads_the_month_of(step, written)
    ]


def _reads_the_month_of(step: Step, tables: Container[Table | None]) -> bool:
    return any(
        isinstance(source, Read) and source.table in tables and source.span.last == 0
        for source in upstream(step)
    )


def rows_key(step: Step, month: str, materialized: Materialized) -> Key | None:
    """The newest months of all that the step reads, None where its rows depend on more than those.

    With equal keys a step of all months so far has the same rows, also for another month.
    """
    if not isinstance(step.sql, str):
        return None
    keys: list[object] = []
    for source in step.reads:
        key: object = None
        if isinstance(source, Step):
            key = rows_key(source, month, materialized)
        elif source.span == EVER:
            rows = materialized(source.table)
            key = max((m for m in rows if rows[m] and m <= month), default="")
        if key is None:
            return None
        keys.append(key)
    return tuple(keys)
