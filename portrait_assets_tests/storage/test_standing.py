"""Which steps stand in a table, and until which statement, on any graph of steps."""

from __future__ import annotations

import random

import pytest

from portrait_assets.storage.standing import shared_steps, standing_steps
from portrait_assets.storage.steps import Grain, Step, upstream


def graph(draw: random.Random) -> Step:
    """A target over steps each of which reads some of those before it."""
    steps: list[Step] = []
    for number in range(draw.randint(3, 8)):
        reads = tuple(draw.sample(steps, min(len(steps), draw.randint(0, 3))))
        grain = draw.choice([Grain.CUSTOMER, Grain.CUSTOMER, Grain.ALL])
        in_table = draw.choice([None, None, True]) if number else False
        steps.append(Step(f"s{number}", reads, "SELECT 1", grain=grain, in_table=in_table))
    return Step("target", tuple(steps[-2:]), "SELECT 1")


def statements_of(
    step: Step, target: Step, order: list[Step], stands: dict[Step, Step]
) -> set[Step]:
    """The statements in whose text the step's rows are read, by following its readers."""
    readers = [each for each in order if step in each.reads]
    found: set[Step] = set()
    for reader in readers:
        is_own = reader is target or reader in stands
        found |= {reader} if is_own else statements_of(reader, target, order, stands)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_a_step_stands_where_two_statements_read_it_and_until_the_last_of_them(seed: int):
    target = graph(random.Random(seed))
    order = [step for step in upstream(target) if isinstance(step, Step)]
    stands = standing_steps(target, {})
    assert list(stands) == [step for step in order if step in stands], "in an order of computing"
    assert target not in stands
    for step in order[:-1]:
        statements = statements_of(step, target, order, stands)
        is_needed = step.grain is Grain.ALL or (
            len(statements) > 1 if step.in_table is None else step.in_table
        )
        assert (step in stands) == is_needed, step
        if is_needed:
            assert stands[step] is max(statements, key=order.index)


def test_only_what_several_targets_read_is_shared():
    of_all = Step("of_all", (), "SELECT 1", grain=Grain.ALL)
    alone = Step("alone", (), "SELECT 1", grain=Grain.ALL)
    one = Step("one", (of_all, alone), "SELECT 1")
    other = Step("other", (of_all,), "SELECT 1")
    assert shared_steps([one, other]) == [of_all]
    assert shared_steps([one]) == []
