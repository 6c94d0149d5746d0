"""What is published, and what rows are held to, changes only on purpose, by golden files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portrait_assets.schema.table import MONEY_SCALE, Column, Table, Type
from portrait_assets.storage.publishing.file import View
from portrait_assets.testing.golden import contracts as golden_contracts
from portrait_assets.testing.golden import file as golden_file
from portrait_assets.testing.golden.schema import (
    COMMAND,
    Schema,
    breaking,
    differences,
    published_schema,
    read,
    shop_schema,
    write,
)

SALES = Table(
    "features",
    "sales",
    "Sales",
    "销售",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("amount", Type.MONEY, "Amount paid", "消费金额", unit="currency"),
        Column("phone", Type.TEXT, "Phone", "电话"),
    ),
    key=("month", "customer_id"),
    published=True,
    private=("phone",),
)
TOTAL = View("total", "SELECT month, sum(amount) AS amount FROM features.sales GROUP BY month",
             "Totals", "合计", shows="features.sales")  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> Schema:
    """Of one small table and a view of it."""
    return published_schema([SALES], [TOTAL])


def test_what_queries_rely_on_is_as_in_the_golden_file():
    changed = breaking(read(), shop_schema())
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_a_schema_lists_names_types_units_classes_comments_and_keys(schema: Schema):
    assert list(schema) == ["features.sales", "mart.publication", "mart.table_rows", "total"]
    sales, total = schema["features.sales"], schema["total"]
    assert sales["key"] == ["month", "customer_id"]
    assert list(sales["columns"]) == ["month", "customer_id", "amount"], "phone stays private"
    assert sales["columns"]["amount"] == {
        "type": Type.MONEY,
        "unit": "currency",
        "sensitivity": "C1",
        "comment": "Amount paid [currency] / 消费金额",
    }
    assert (total["kind"], total["comment"]) == ("view", "Totals / 合计")
    assert total["columns"]["amount"]["type"] == f"DECIMAL(38,{MONEY_SCALE})"


def test_what_is_new_breaks_nothing_and_what_is_renamed_does(schema: Schema):
    more = replace(
        SALES, columns=(*SALES.columns, Column("tip", Type.MONEY, "Tip", "小费", unit="x"))
    )
    assert breaking(schema, published_schema([more], [TOTAL])) == []
    renamed = with_amount(replace(SALES.columns[1], name="paid"))
    golden = {name: each for name, each in schema.items() if name != "total"}
    assert breaking(golden, published_schema([renamed], [])) == ["features.sales.amount is gone"]


def with_amount(column: Column) -> Table:
    return replace(SALES, columns=(SALES.columns[0], column, SALES.columns[2]))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (
            with_amount(replace(SALES.columns[1], name="paid")),
            ["features.sales.amount is gone", "features.sales.paid is new"],
        ),
        (
            with_amount(replace(SALES.columns[1], unit="cents")),
            [
                "features.sales.amount: comment was 'Amount paid [currency] / 消费金额' "
                "and is 'Amount paid [cents] / 消费金额'",
                "features.sales.amount: unit was 'currency' and is 'cents'",
            ],
        ),
        (
            replace(SALES, columns=SALES.columns[::-1]),
            ["features.sales: the columns stand in another order"],
        ),
        (
            replace(SALES, key=("customer_id",)),
            ["features.sales: key was ['month', 'customer_id'] and is ['customer_id']"],
        ),
        (replace(SALES, published=False), ["features.sales is no longer published"]),
    ],
    ids=["renamed", "unit", "order", "key", "unpublished"],
)
def test_every_change_is_named(schema: Schema, table: Table, says: list[str]):
    golden = {name: each for name, each in schema.items() if name != "total"}
    assert differences(golden, published_schema([table], [])) == says


def test_a_golden_file_holds_the_schema_with_a_line_for_each_column(schema: Schema, tmp_path: Path):
    file = tmp_path / "golden" / "schema.json"
    write(schema, file)
    assert read(file) == schema
    assert sum('"type":' in line for line in file.read_text().splitlines()) == sum(
        len(relation["columns"]) for relation in schema.values()
    )


SHARE = Column("share", Type.NUMBER, "Share", "占比", minimum=0, maximum=1)
SHARES = Table("features", "shares", "Shares", "占比", (SHARE,), key=("month",), published=True)


def test_what_rows_are_held_to_is_as_in_the_golden_file():
    changed = golden_contracts.differences(
        golden_file.read(golden_contracts.GOLDEN_FILE), golden_contracts.shop_contracts()
    )
    assert not changed, "\n".join(
        [*changed, f"If all of it is meant, renew with `{golden_contracts.COMMAND}`."]
    )


def test_what_is_declared_otherwise_than_by_default_is_listed():
    assert golden_contracts.contracts([SHARES]) == {
        "features.shares": ["key: month", "published: True"],
        "features.shares month": ["nullable: False"],
        "features.shares share": ["minimum: 0", "maximum: 1"],
    }


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (replace(SHARES, columns=(replace(SHARE, minimum=-1),)), ["features.shares share"]),
        (replace(SHARES, columns=(replace(SHARE, nullable=False),)), ["features.shares share"]),
        (replace(SHARES, columns=(replace(SHARE, allowed=("a",)),)), ["features.shares share"]),
        (replace(SHARES, columns=(replace(SHARE, identifies=True),)), ["features.shares share"]),
        (replace(SHARES, key=()), ["features.shares"]),
        (replace(SHARES, private=("share",)), ["features.shares"]),
        (replace(SHARES, columns=()), ["features.shares share"]),
        (replace(SHARES, columns=(SHARE, replace(SHARE, name="other"))), []),
    ],
    ids=["domain", "null", "words", "who", "key", "private", "gone", "new"],
)
def test_a_change_is_named_and_what_is_new_is_none(table: Table, names: list[str]):
    found = golden_contracts.differences(
        golden_contracts.contracts([SHARES]), golden_contracts.contracts([table])
    )
    assert [each.split(":")[0] for each in found] == names
