"""All steps of all stages: what their SQL names is what they declare."""

from __future__ import annotations

from collections import defaultdict

import pytest
import sqlglot
from sqlglot import exp

from portrait_assets.stages.features.assets import STEPS as FEATURES
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.steps import evaluation_steps
from portrait_assets.stages.targets.adding import target_steps
from portrait_assets.stages.targets.declared.outcomes import OUTCOMES, outcome, packaged_targets
from portrait_assets.stages.targets.labels import label_step
from portrait_assets.stages.targets.windows import Lag
from portrait_assets.stages.validation.backtests.claims import claims_of
from portrait_assets.stages.validation.backtests.counting import steps_of
from portrait_assets.storage.steps import Read, Scope, Step, text_of, upstream

MONTH = Scope("2024-03")
MATRIX = portrait_matrix_table(load_catalogue())
BACKTESTS = steps_of(MATRIX, claims_of(OUTCOMES, MATRIX), [Lag(1, 1), Lag(0, 2)])
TARGETS = target_steps(packaged_targets())
TAGS = evaluation_steps(load_catalogue(), ["2024-02", "2024-03"], before="2024-01").targets
LABELS = [
    label_step(target, ["2023-12"], "2024-03")
    for target in (
        *(outcome("spend"), outcome("overdue"), outcome("answer").for_one("default")),
        outcome("response_by_kind").for_one("coupon"),
        outcome("product_taken_by_kind").for_one("fund"),
    )
]
WRITING: tuple[Step, ...] = (*FEATURES, *TAGS, *TARGETS, *LABELS, *BACKTESTS.targets)
EVERY = [source for source in upstream(*WRITING) if isinstance(source, Step)]


def named(sql: str) -> set[str]:
    """The tables that the SQL reads, without the common table expressions that it defines."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    own = {expression.alias for expression in tree.find_all(exp.CTE)}
    tables = (table.parts for table in tree.find_all(exp.Table))
    return {".".join(part.name for part in parts) for parts in tables} - own


def texts(step: Step) -> list[str]:
    """The step's SQL, with and without what the simpler one does without."""
    found = [text_of(step.sql, MONTH)]
    if step.simpler:
        _, sql_of = step.simpler
        rows = (None, defaultdict(lambda: True, a=1), defaultdict(bool, a=1))
        found += [sql_of(MONTH, row) or "" for row in rows]
    return [sql for sql in found if sql]


def undeclared(step: Step) -> set[str]:
    """What the step's SQL reads and the step does not declare."""
    declared = {source.name for source in step.reads}
    return {name for sql in texts(step) for name in named(sql)} - declared


def unread(step: Step) -> set[str]:
    """What the step declares and its SQL does not read, nor is chosen by."""
    chosen_by = {step.simpler[0].name} if step.simpler else set()
    declared = {source.name for source in step.reads} - chosen_by
    return declared - {name for sql in texts(step) for name in named(sql)}


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_the_sql_of_a_step_reads_what_the_step_declares(step: Step):
    assert undeclared(step) == set()
    if step.compute is None:
        assert unread(step) == set()
    else:
        assert not texts(step)


def test_what_a_step_does_not_declare_is_found():
    sales = next(source for source in upstream(*WRITING) if isinstance(source, Read))
    step = Step("step", (sales,), "SELECT 1 FROM a JOIN features.customer_month AS c USING (x)")
    assert undeclared(step) == {"a", "features.customer_month"}
    assert unread(step) == {sales.name}


def test_names_within_a_statement_are_of_one_thing():
    for target in WRITING:
        names: dict[str, object] = {}
        for source in upstream(target):
            assert names.setdefault(source.name, source) is source or source.name == "part"
