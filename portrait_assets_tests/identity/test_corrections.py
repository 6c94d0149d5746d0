"""A corrected record is compared with its corrected values, from the month of the correction on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.resolving.corrections import carried_forward
from portrait_assets.stages.identity.resolving.identify import identify
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE
from portrait_assets.stages.raw.definition import Identity
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets_tests.cleaned.rows.test_clean import received

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
PHONE = "13800138000"
ONE = {"customer_id": "C1", "recorded_on": "2024-01-01", "phone": PHONE, "birth_date": "1990-01-02"}
OTHER = {
    "customer_id": "K1",
    "recorded_on": "2024-01-02",
    "phone": PHONE,
    "birth_date": "1990-02-01",
}
RIGHT = {
    "month": "2024-03",
    "customer_id": "K1",
    "recorded_on": "2024-03-05",
    "birth_date": "1990-01-02",
    "source_file": CORRECTIONS_FILE,
}


def customers_of(folder: Path, *rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    records = received(CUSTOMERS, list(rows))
    found = identify(
        [records.lazy()],
        records,
        IDENTITY_MAP.empty(),
        LINKAGE_MODEL.empty(),
        MONTHS,
        Identity(keys=(("phone", "birth_date"),), probabilistic=False),
        Conventions(),
        folder,
    )
    return found.identity_map.select("month", "source_customer_id", "customer_id").rows()


def test_what_was_corrected_joins_with_what_else_is_known_of_the_record(tmp_path: Path):
    """The correction has a birth date only: the phone is that of the record before it."""
    assert customers_of(tmp_path, ONE, OTHER, RIGHT) == [
        ("2024-01", "C1", "C1"),
        ("2024-01", "K1", "K1"),
        ("2024-03", "K1", "C1"),
    ]


def test_what_is_delivered_again_is_compared_as_corrected():
    again = OTHER | {"month": "2024-04", "recorded_on": "2024-04-01", "region": "west"}
    rows = received(CUSTOMERS, [OTHER, RIGHT, again]).with_columns(
        pl.col("recorded_on", "birth_date").str.to_date()
    )
    last = carried_forward(rows, "customer_id").row(-1, named=True)
    assert str(last["birth_date"]) == "1990-01-02"
    assert (last["phone"], last["region"]) == (PHONE, "west")
    first = carried_forward(rows, "customer_id").row(0, named=True)
    assert str(first["birth_date"]) == "1990-02-01", "what was known then stays"


def test_other_customers_and_records_without_a_correction_are_as_they_were():
    rows = received(CUSTOMERS, [ONE, OTHER]).with_columns(
        pl.col("recorded_on", "birth_date").str.to_date()
    )
    assert carried_forward(rows, "customer_id") is rows
    corrected = received(CUSTOMERS, [ONE, OTHER, RIGHT, ONE | {"phone": None}]).with_columns(
        pl.col("recorded_on", "birth_date").str.to_date()
    )
    assert carried_forward(corrected, "customer_id")["phone"].to_list() == [
        PHONE,
        PHONE,
        PHONE,
        None,
    ]
