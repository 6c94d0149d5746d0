"""What the doctor finds in a small table that is not what was noted of it, or not its contract."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import polars as pl
import pytest

from portrait_assets.app.doctor import Examination, _bookkeeping, _contracts, _register
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.register import Register
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.store import Warehouse

SALES = Table(
    "cleaned",
    "sales",
    "Sales",
    "销售",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("amount", Type.MONEY, "Amount", "金额"),
    ),
    key=("customer_id",),
)
NOTED = "were noted when they were materialized"


def found(folder: Path, sql: str) -> list[str]:
    """What is wrong with two rows each of January and February, after this SQL."""
    warehouse = Warehouse(folder / "warehouse.duckdb", "shop", "run-1")
    try:
        for month in ("2024-01", "2024-02"):
            warehouse.write(
                SALES,
                [month],
                pl.DataFrame({"month": [month] * 2, "customer_id": ["a", "b"], "amount": [1, 2]}),
            )
        warehouse.con.execute(sql)
        nowhere = cast(Settings, None), cast(Source, None)
        exam = Examination(*nowhere, warehouse, [SALES], [], {})
        issues = list(_contracts(exam)) or list(_bookkeeping(exam))
        assert {issue.subject for issue in issues} <= {"cleaned.sales"}
        return [issue.what for issue in issues]
    finally:
        warehouse.close()


@pytest.mark.parametrize(
    ("sql", "issues"),
    [
        ("SELECT 1", []),
        (
            "DELETE FROM cleaned.sales WHERE month = '2024-02' AND customer_id = 'a'",
            [f"holds 1 rows of 2024-02, and 2 {NOTED}"],
        ),
        (
            "DELETE FROM cleaned.sales WHERE month = '2024-01'",
            [f"holds 0 rows of 2024-01, and 2 {NOTED}"],
        ),
        (
            "INSERT INTO cleaned.sales BY NAME SELECT '2024-03' AS month, 'c' AS customer_id",
            [f"holds 1 rows of 2024-03, and 0 {NOTED}"],
        ),
        ("DROP TABLE cleaned.sales", ["was materialized and is not there"]),
        (
            "ALTER TABLE cleaned.sales ADD COLUMN extra INTEGER",
            ["holds a column extra that its contract does not have"],
        ),
        (
            "ALTER TABLE cleaned.sales DROP COLUMN amount",
            ["lacks the column amount of its contract"],
        ),
        (
            "ALTER TABLE cleaned.sales ALTER amount SET DATA TYPE DOUBLE",
            [f"holds amount as DOUBLE, its contract says {Type.MONEY}"],
        ),
    ],
)
def test_what_is_not_as_it_was_written_is_found(tmp_path: Path, sql: str, issues: list[str]):
    assert found(tmp_path, sql) == issues


def test_a_line_of_the_register_that_was_changed_is_found(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="shop")
    assert list(_register(settings)) == [], "nothing left yet"
    for who in ("me", "you"):
        Register.of(settings).append({"who": who, "outlet": "card"})
    assert list(_register(settings)) == []

    settings.register_file.write_text(settings.register_file.read_text().replace("you", "who"))
    (issue,) = map(str, _register(settings))
    assert issue.startswith(
        "egress_register.jsonl: the register of what left is not as it was written: line 2 was "
        "changed; nothing leaves before its newest copy is put back"
    )
