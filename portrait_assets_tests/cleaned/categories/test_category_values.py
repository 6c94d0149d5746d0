"""What becomes of the values of a category column: held back as a whole, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.stages.cleaned.categories.held_back import NOTHING_HELD, Decided
from portrait_assets.stages.cleaned.rows.clean import Cleaned, clean
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets_tests.cleaned.rows.test_clean import received

GOODS = [
    f"{kind} {what}" for kind in ("fresh", "frozen", "dry") for what in ["bread", "tea", "fish"]
]


def cleaned(
    values: Sequence[str | None],
    decisions: Decided = NOTHING_HELD,
    own: Mapping[str, ColumnRules] | None = None,
) -> Cleaned:
    rows: list[dict[str, str | None]] = [
        {
            "customer_id": "K1",
            "occurred_at": f"2024-01-01 10:{n // 60:02}:{n % 60:02}",
            "amount": "1",
            "category": value,
        }
        for n, value in enumerate(values)
    ]
    canonical = CANONICAL_BY_NAME["transactions"]
    conventions = Conventions(own=own or {})
    return clean(received(canonical, rows), canonical, conventions, decisions=decisions)


def test_the_values_of_a_column_held_back_are_null_and_shown_nowhere():
    found = cleaned(["our flat", None, "bread"], Decided({"category": ["2024-01"]}, {}))
    assert found.kept["category"].to_list() == [None, None, None]
    shown = found.rejects.select("column_name", "rule", "severity", "received").rows()
    assert shown == [("category", "looks like free text", "value", "***")] * 2
    later = cleaned(["our flat"], Decided({"category": ["2024-02"]}, {}))
    assert later.kept["category"].to_list() == ["our flat"], "it is held back in another month"


def test_without_a_value_that_it_needs_a_row_is_set_aside():
    canonical = CANONICAL_BY_NAME["interactions"]
    rows = [
        {"customer_id": "K1", "occurred_at": f"2024-01-0{n} 10:00:00", "kind": kind}
        for n, kind in enumerate(("visit", "Transfer to J. Smith"), start=1)
    ]
    found = clean(received(canonical, rows), canonical, Conventions())
    assert found.kept["kind"].to_list() == ["visit"]
    assert found.rejects.select("source_row", "column_name", "severity", "received").rows() == [
        (2, "kind", "row", "***")
    ]


@pytest.mark.parametrize(
    "value",
    [
        "转账给张三",
        "还款给李四",
        "Transfer to J. Smith",
        "TRANSFER TO J SMITH",
        "Zelle from Mary",
        "13812345678",
        "call +44 20 7946 0958",
        "555-123-4567",
        "jane@example.com",
        "11010519491231002X",
        "4111 1111 1111 1111",
        "上海市南京路100号",
        "12 Main Street",
        "7 Mulholland Drive",
        "bread PM-00000012",
    ],
)
def test_a_single_value_that_is_personal_is_null_and_shown_nowhere(value: str):
    found = cleaned([*GOODS, value])
    assert found.kept["category"].to_list() == [*GOODS, None]
    assert found.rejects.select("rule", "severity", "received").rows() == [
        ("looks like personal data", "value", "***")
    ]


def test_a_value_that_the_source_declares_is_no_personal_data():
    names = ["Transfer to J. Smith", "12 Main Street"]
    own = {"transactions.category": ColumnRules(allowed=tuple(names))}
    assert cleaned(names).kept["category"].to_list() == [None, None]
    assert cleaned(names, own=own).kept["category"].to_list() == names


@pytest.mark.parametrize(
    "value",
    [
        *("128 GB USB Flash Drive", "500 GB Hard Drive", "4 Wheel Drive", "付款方式"),
        *("转账给本人", "转账至余额宝", "信用卡还款", "房贷还款", "餐饮", "黄金", "白酒", "工资"),
        *("Transfer to savings account", "Payment to merchant", "Office Supplies", "MEAT-PORK"),
        *("WHITE HANGING HEART T-LIGHT HOLDER", "12 PENCILS SMALL TUBE SKULL", "65+", "50-74K"),
    ],
)
def test_words_of_categories_are_nobodys(value: str):
    assert cleaned([value]).kept["category"].to_list() == [value]
