"""A feature's sensitivity class follows from what it is computed from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from portrait_assets.schema.sensitivity import (
    IS_KNOWN,
    OPERATIONS,
    YEARS,
    Operation,
    derived,
    highest,
)
from portrait_assets.schema.table import Sensitivity, Table
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.described import sensitivity
from portrait_assets.stages.features.described.sensitivity import LINEAGE_FILE, class_of, classes
from portrait_assets.testing.golden.lineage import features_lineage

C1, C2, C3 = Sensitivity


def raised(table: Table, column: str) -> Table:
    """The table with the column in the highest class."""
    columns = [replace(c, sensitivity=C3) if c.name == column else c for c in table.columns]
    return replace(table, columns=tuple(columns))


def raise_class(monkeypatch: pytest.MonkeyPatch, table: str, column: str) -> None:
    contracts = dict(sensitivity._OF_TABLE)
    contracts[table] = raised(contracts[table], column)
    monkeypatch.setattr(sensitivity, "_OF_TABLE", contracts)


def test_the_class_is_the_highest_of_the_inputs_unless_an_operation_lowers_it():
    assert highest([]) is C1
    assert derived([C1, C3, C2]) is C3
    assert derived([C3], IS_KNOWN) is C1
    assert derived([C1], YEARS) is C1, "nothing raises a class but its inputs"


@pytest.mark.parametrize("inputs", [set(), {C1}, {C2}, {C3}, {C1, C2}, {C2, C3}, {C1, C2, C3}])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: each.name)
def test_a_class_is_never_above_the_inputs(inputs: set[Sensitivity], operation: Operation):
    """Classes sort by their names."""
    of_inputs = max(inputs, default=C1, key=str)
    assert derived(inputs, operation) is operation.lowers.get(of_inputs, of_inputs)
    assert str(derived(inputs, operation)) <= str(of_inputs)


def test_a_recorded_attribute_has_the_class_of_its_source(monkeypatch: pytest.MonkeyPatch):
    before = classes(FEATURES)
    raise_class(monkeypatch, "cleaned.golden_record", "region")
    found = classes(FEATURES)
    assert found["region"] is C3
    assert found["missing_attributes"] is C1, "whether it is recorded lowers the class"
    assert found["known_attribute_share"] is C1, "it reads what is lowered"
    changed = {name for name in found if found[name] is not before[name]}
    assert changed <= {"region"}, "no other reads it"


def test_a_feature_of_another_one_has_its_class(monkeypatch: pytest.MonkeyPatch):
    region = next(each for each in FEATURES if each.name == "region")
    lives = replace(region, name="lives_there", sql="upper(region)", operation=None)
    known = replace(region, name="is_known", sql="region IS NOT NULL", operation=IS_KNOWN)
    raise_class(monkeypatch, "cleaned.golden_record", "region")
    found = classes([region, lives, known])
    assert found == {"region": C3, "lives_there": C3, "is_known": C1}


def test_a_class_passes_through_steps_and_windows(monkeypatch: pytest.MonkeyPatch):
    before = classes(FEATURES)
    raise_class(monkeypatch, "cleaned.transactions", "amount")
    found = classes(FEATURES)
    assert class_of("customer_month.amount") is C3
    raised_features = {
        *("spend_1m", "spend_12m", "spend_trend_3m", "average_ticket_12m"),
        *("campaign_uplift_12m", "market_reaction_12m", "withdrawal_reaction_12m"),
    }
    assert {found[name] for name in raised_features} == {C3}
    for name in ("gender", "accounts_held", "complaints_12m"):
        assert found[name] is before[name]


def test_the_stored_lineage_is_that_of_the_steps():
    stored = json.loads(LINEAGE_FILE.read_text())
    assert stored == features_lineage(), (
        "renew it: python -m portrait_assets.testing.golden.lineage"
    )
    assert stored["customer_month.amount"] == ["cleaned.transactions.amount"]
    assert stored["r.birth_date"] == ["cleaned.golden_record.birth_date"]
    assert "cleaned.market.value" in stored["f.correlation"]
