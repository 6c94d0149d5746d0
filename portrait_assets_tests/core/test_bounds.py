"""Memory is bounded, and results do not depend on where the bounds are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portrait_assets.core.machine.bounds import Bounds, in_batches
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, shop

LOW = Bounds(
    table_values=600,
    typed_values=200,
    frame_rows=20,
    record_customers=7,
    matrix_customers=7,
    joined_rows=25,
    tag_customers=9,
)
"""Below what a month of the corner shop holds, so that every one of them is crossed."""


def bounded(folder: Path, bounds: Bounds) -> Settings:
    return shop(folder).model_copy(update={"bounds": bounds})


@pytest.mark.slow
def test_a_run_that_crosses_every_bound_comes_out_as_one_that_crosses_none(tmp_path: Path):
    at_once, in_parts = (
        bounded(tmp_path / name, bounds) for name, bounds in (("once", Bounds()), ("parts", LOW))
    )
    for settings in (at_once, in_parts):
        assert run(settings).success
    assert contents(in_parts.portrait_file) == contents(at_once.portrait_file)
    assert crossed(in_parts) == dict.fromkeys(LOW.model_fields_set, True)
    assert crossed(at_once) == dict.fromkeys(LOW.model_fields_set, False)


def crossed(settings: Settings) -> dict[str, bool]:
    """By bound, whether a month of the warehouse holds more than it allows."""
    bounds, catalogue = settings.bounds, source_catalogue(settings.source_dir)
    warehouse = Warehouse(settings.warehouse_file, settings.source, "test", read_only=True)
    try:
        most = {
            table.full_name: max(warehouse.materialized(table).values(), default=0)
            for table in context_of(settings).tables
        }
        months = len(warehouse.materialized(FEATURE_MATRIX))
    finally:
        warehouse.close()
    customers, lines = most["features.feature_matrix"], most["cleaned.transactions"]
    assert months == len(SHOP_MONTHS)
    return {
        "table_values": customers > bounds.rows_of(len(FEATURE_MATRIX.column_names))
        and customers > bounds.rows_of(len(tag_table(catalogue).stored.column_names)),
        "typed_values": lines * 10 > bounds.typed_values,
        "frame_rows": lines > bounds.frame_rows,
        "record_customers": customers > bounds.record_customers,
        "matrix_customers": customers > bounds.matrix_customers,
        "joined_rows": customers > bounds.joined_rows,
        "tag_customers": customers > bounds.tag_customers,
    }


def test_a_bound_is_an_environment_variable_and_more_than_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORTRAIT_BOUNDS__MATRIX_CUSTOMERS", "50")
    assert Settings().bounds == Bounds(matrix_customers=50)
    with pytest.raises(ValueError, match="greater than 0"):
        Bounds(matrix_customers=0)


def test_months_are_taken_together_up_to_a_limit_of_rows():
    rows = {"2024-01": 3, "2024-02": 3, "2024-03": 9, "2024-04": 1}
    assert list(in_batches(rows, rows, limit=6)) == [
        ["2024-01", "2024-02"],
        ["2024-03"],
        ["2024-04"],
    ]
    assert list(in_batches(rows, rows, limit=99)) == [list(rows)]


@examples(max_examples=40)
@given(st.lists(st.integers(0, 7), max_size=8), st.integers(1, 10))
def test_a_batch_is_as_large_as_the_limit_allows_and_no_larger(sizes: list[int], limit: int):
    rows = dict(enumerate(sizes))
    batches = list(in_batches(rows, rows, limit))
    assert [item for batch in batches for item in batch] == list(rows)
    taken = [sum(rows[item] for item in batch) for batch in batches]
    assert all(size <= limit or len(batch) == 1 for size, batch in zip(taken, batches, strict=True))
    for number, batch in enumerate(batches[1:]):
        assert taken[number] + rows[batch[0]] > limit, "the first of the next would not fit"


def test_rows_that_may_be_held_follow_from_the_values_of_a_row():
    bounds = Bounds(table_values=10)
    assert [bounds.rows_of(columns) for columns in (1, 3, 10, 11)] == [10, 3, 1, 1]


def test_an_empty_month_does_not_make_the_large_one_after_it_one_of_several():
    rows = {"2024-01": 0, "2024-02": 9}
    assert list(in_batches(rows, rows, limit=6)) == [["2024-01"], ["2024-02"]]
