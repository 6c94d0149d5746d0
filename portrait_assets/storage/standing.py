"""Which steps need a table while a target is computed, and until when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from portrait_assets.schema.table import Table
from portrait_assets.storage.steps import Read, Source, Step, upstream


def standing_steps(target: Step, given: Mapping[Source, str]) -> dict[Step, Step]:
    """The steps that need a table, in an order of computing, and the last whose SQL reads each."""
    order = [step for step in upstream(target, given=given) if isinstance(step, Step)]
    read_by: dict[Step, list[Step]] = {step: [] for step in order}
    statements: dict[Step, set[Step]] = {target: {target}}
    standing: dict[Step, Step] = {}
    for step in reversed(order):
        if step is not target:
            statements[step] = set().union(*(statements[reader] for reader in read_by[step]))
            divides = any(reader.in_parts_of is step for reader in read_by[step])
            if step.stands_always or divides or (len(statements[step]) > 1 and not step.is_view):
                standing[step] = max(statements[step], key=order.index)
                statements[step] = {step}
        for source in step.needs:
            if source in read_by and isinstance(source, Step):
                read_by[source].append(step)
    return dict(reversed(standing.items()))


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
