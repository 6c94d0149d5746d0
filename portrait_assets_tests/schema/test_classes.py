"""No column has a class below that of what it is computed from, unless an operation lowers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.sensitivity import (
    BAND,
    COUNT,
    OPERATIONS,
    SEGMENT,
    SHARE,
    YEARS,
    derived,
    too_low,
)
from portrait_assets.schema.table import Column, Sensitivity, Table, Type
from portrait_assets.stages.clusters.contract import used_features
from portrait_assets.testing.classes import Inputs, columns_too_low, inputs_of

C1, C2, C3 = Sensitivity


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return inputs_of(context_of(Settings(source="synthetic_bank")))


def test_no_column_of_any_room_has_a_class_below_its_inputs(inputs: Inputs):
    assert columns_too_low(inputs) == []


def planted(inputs: Inputs, table: str, column: Column) -> list[str]:
    """What is found once the column is added to the table."""
    contract = inputs.tables[table]
    more = replace(contract, columns=(*contract.columns, column))
    return columns_too_low(replace(inputs, tables={**inputs.tables, table: more}))


@pytest.mark.parametrize(
    ("table", "least"),
    [
        ("cleaned.golden_record", C3),
        ("targets.source_outcome", C2),
        ("identity.identity_map", C3),
        ("clusters.cluster_assignment", C2),
        ("validation.drift", C3),
        ("tags.tag_quality", C2),
    ],
)
def test_a_column_planted_in_a_table_of_any_room_is_found(
    inputs: Inputs, table: str, least: Sensitivity
):
    """Each of these tables is of a step that reads columns of that class."""
    bare = replace(inputs.tables[table], operation=None)
    without = replace(inputs, tables={**inputs.tables, table: bare})
    name = "birth_date" if table == "cleaned.golden_record" else "planted"
    found = planted(without, table, Column(name, Type.TEXT, "Planted", "植入"))
    assert f"{table}.{name} is C1, and what it is computed from is {least}" in found


def test_an_operation_between_lowers_it_as_far_as_declared_and_no_farther(inputs: Inputs):
    years = Column("planted", Type.INTEGER, "Planted", "植入", sensitivity=C2, operation=YEARS)
    bare = replace(inputs.tables["identity.identity_map"], operation=None)
    without = replace(inputs, tables={**inputs.tables, bare.full_name: bare})
    assert not any(".planted " in each for each in planted(without, bare.full_name, years))
    lower = replace(years, sensitivity=C1)
    assert any(".planted is C1" in each for each in planted(without, bare.full_name, lower))


def test_a_feature_of_the_highest_class_is_no_input_of_what_is_published(inputs: Inputs):
    matrix = inputs.tables["features.feature_matrix"]
    columns = (replace(c, sensitivity=C3) if c.name == "region" else c for c in matrix.columns)
    raised = replace(matrix, columns=tuple(columns), private=("region",))
    of_raised = replace(inputs, tables={**inputs.tables, raised.full_name: raised})
    assert columns_too_low(of_raised) == []
    shown = replace(inputs, tables={**inputs.tables, raised.full_name: replace(raised, private=())})
    assert any(each.startswith("clusters.cluster_assignment") for each in columns_too_low(shown))

    assert "recency_days" in {feature.name for feature in used_features()}
    assert "recency_days" not in {feature.name for feature in used_features(("recency_days",))}


def test_a_feature_that_reads_a_birth_date_without_an_operation_is_found(inputs: Inputs):
    matrix = inputs.tables["features.feature_matrix"]
    columns = [replace(c, operation=None) if c.name == "age" else c for c in matrix.columns]
    tables = {**inputs.tables, matrix.full_name: replace(matrix, columns=tuple(columns))}
    assert columns_too_low(replace(inputs, tables=tables)) == [
        "features.feature_matrix.age is C2, and what it is computed from is C3"
    ]


def test_a_segment_of_many_columns_is_classed_by_what_is_done_to_them(inputs: Inputs):
    assignment = inputs.tables["clusters.cluster_assignment"]
    of = {each.name for each in inputs.of(assignment, assignment.column("segment_id"))}
    assert {"age", "spend_3m", "income"} <= of
    assert SEGMENT.of(C2) is C1
    assert SEGMENT.of(C3) is C3, "direct identifiers must not come into a model"


def test_each_operation_is_declared_once_and_only_lowers():
    assert len(OPERATIONS) == len({each.en for each in OPERATIONS.values()})
    for name, operation in OPERATIONS.items():
        assert operation.name == name
        assert all(str(to) < str(level) for level, to in operation.lowers.items())
        assert all((operation.en, operation.zh, operation.condition))


@pytest.mark.parametrize(
    ("inputs_are", "operation", "is_then"),
    [
        ([C3], YEARS, C2),
        ([C2], YEARS, C2),
        ([C3, C1], BAND, C2),
        ([C2], COUNT, C1),
        ([C3], SHARE, C1),
        ([C3], None, C3),
        ([], SHARE, C1),
    ],
)
def test_what_an_operation_makes_of_a_class(
    inputs_are: list[Sensitivity], operation: object, is_then: Sensitivity
):
    assert derived(inputs_are, operation) is is_then  # type: ignore[arg-type]


def test_who_a_row_is_about_is_no_statement_on_them():
    table = Table(
        "s", "t", "T", "表", (replace(Column("who", Type.TEXT, "W", "谁"), identifies=True),)
    )
    assert list(too_low(table, lambda column: [C3])) == []
