"""Which targets models predict, and of which months they are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.stages.targets.declared.outcomes import (
    outcome,
    packaged_targets,
    source_targets,
)
from portrait_assets.stages.targets.labels import (
    _NAMED_IN,
    LABELS,
    _each,
    labels,
    predicted,
    tables_read,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
OF_PURCHASES = {"silence", "return", "purchase", "spend", "stickiness"}
NOT_DERIVED = ("response", "response_of_all", "satisfaction", "overdue", "product_taken")
DECLARED = """
targets:
  - code: churned
    name: {en: churn, zh: 流失}
    meaning: {en: They leave., zh: 流失。}
    outcome: churn
    hit: answer >= 0.5
    prediction_horizon: 2
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three customers, of whom the source reports what it calls churn and silence in April."""
    world = SmallWorld(tmp_path_factory.mktemp("w"), matrix_of(), 3)
    for month in MONTHS:
        reported = {"churn": np.array([1, 0, 0]), "silence": np.array([0, 0, 1])}
        world.add(month, {}, outcomes=reported if month == "2024-04" else None)
    return world.close()


def test_a_target_is_predicted_once_there_is_what_it_is_derived_from(warehouse: Warehouse):
    """Nothing is stored of responses, surveys, balances, campaigns or products."""
    found = {each.code: each for each in predicted(warehouse, packaged_targets(), "2024-04")}
    assert {*OF_PURCHASES, "churn", "silence of the source"} <= found.keys()
    assert found.keys().isdisjoint(NOT_DERIVED)
    assert found["silence of the source"].of == "silence"
    assert found["churn"].prediction_horizon == 1


def test_a_target_by_kind_is_of_each_that_is_named_up_to_the_month_and_not_of_the_unknown():
    several = [each for each in packaged_targets().outcomes if each.is_several]
    by_kind = [(each, each.by) for each in several if each.by and not each.is_of_source]
    assert by_kind
    for of, by in by_kind:
        table, column = _NAMED_IN[by]
        with scratch_database() as con:
            con.execute(f"CREATE SCHEMA {table.schema}")
            con.execute(f"CREATE TABLE {table.full_name} (month VARCHAR, {column} VARCHAR)")
            con.execute(
                f"INSERT INTO {table.full_name} VALUES ('2024-03', 'offer'), ('2024-04', 'call'), "
                "('2024-04', 'unknown'), ('2024-04', 'offer'), ('2024-05', 'later')"
            )
            found = _each(SimpleNamespace(con=con), of, packaged_targets(), "2024-04")  # type: ignore[arg-type]
            assert [each.code for each in found] == [
                of.for_one(name).code for name in ("call", "offer")
            ]


@pytest.mark.parametrize("is_known", [True, False])
def test_high_spend_is_predicted_where_amounts_are_known(
    warehouse: Warehouse, is_known: bool, monkeypatch: pytest.MonkeyPatch
):
    given = {"2024-04": frozenset({"transactions", *(["transactions.amount"] * is_known)})}
    monkeypatch.setattr("portrait_assets.stages.targets.labels.given_in", lambda *_: given)
    found = [each.code for each in predicted(warehouse, packaged_targets(), "2024-04")]
    assert ("spend" in found) == is_known
    assert "purchase" in found


def test_an_outcome_that_is_not_reported_yet_is_not_predicted(warehouse: Warehouse):
    found = predicted(warehouse, packaged_targets(), "2024-03")
    codes = {each.code for each in found}
    assert codes >= OF_PURCHASES
    assert codes.isdisjoint({"churn", "silence of the source", *NOT_DERIVED})


def test_a_target_of_one_outcome_takes_the_place_of_that_of_its_name(
    warehouse: Warehouse, tmp_path: Path
):
    (tmp_path / "targets.yaml").write_text(DECLARED, encoding="utf-8")
    found = predicted(warehouse, source_targets(tmp_path), "2024-04")
    own = {each.code: each.prediction_horizon for each in found if each.is_of_source}
    assert own == {"silence of the source": 1, "churned": 2}


def test_labels_are_those_of_all_customers_in_their_order(warehouse: Warehouse):
    churn = outcome("answer").for_one("churn")
    rows = labels(warehouse, churn, ["2024-03"], "2024-04")
    assert rows.schema == LABELS
    assert rows.rows() == [
        ("2024-03", "C00000", True, True, None),
        ("2024-03", "C00001", True, False, None),
        ("2024-03", "C00002", True, False, None),
    ]
    assert labels(warehouse, churn, ["2024-02"], "2024-03")["eligible"].to_list() == [False] * 3


def test_labels_of_targets_that_were_not_materialized_are_refused(warehouse: Warehouse):
    assert [table.name for table in tables_read(outcome("overdue"))] == ["balance_target"]
    with pytest.raises(WarehouseError, match=r"targets\.balance_target .* 2024-04"):
        labels(warehouse, outcome("overdue"), ["2024-01"], "2024-04")
