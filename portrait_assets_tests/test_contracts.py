"""What contracts hold rows to changes only on purpose: it is compared with a golden file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.testing.golden_contracts import (
    COMMAND,
    GOLDEN_FILE,
    contracts,
    differences,
    shop_contracts,
)
from portrait_assets.testing.golden_file import read

SHARE = Column("share", Type.NUMBER, "Share", "占比", minimum=0, maximum=1)
SALES = Table("features", "sales", "Sales", "销售", (SHARE,), key=("month",), published=True)


def test_what_rows_are_held_to_is_as_in_the_golden_file():
    changed = differences(read(GOLDEN_FILE), shop_contracts())
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_what_is_declared_otherwise_than_by_default_is_listed():
    assert contracts([SALES]) == {
        "features.sales": ["key: month", "published: True"],
        "features.sales month": ["nullable: False"],
        "features.sales share": ["minimum: 0", "maximum: 1"],
    }


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (replace(SALES, columns=(replace(SHARE, minimum=-1),)), ["features.sales share"]),
        (replace(SALES, columns=(replace(SHARE, nullable=False),)), ["features.sales share"]),
        (replace(SALES, columns=(replace(SHARE, allowed=("a",)),)), ["features.sales share"]),
        (replace(SALES, columns=(replace(SHARE, identifies=True),)), ["features.sales share"]),
        (replace(SALES, key=()), ["features.sales"]),
        (replace(SALES, private=("share",)), ["features.sales"]),
        (replace(SALES, columns=()), ["features.sales share"]),
        (replace(SALES, columns=(SHARE, replace(SHARE, name="other"))), []),
    ],
    ids=["domain", "null", "words", "who", "key", "private", "gone", "new"],
)
def test_a_change_is_named_and_what_is_new_is_none(table: Table, names: list[str]):
    found = differences(contracts([SALES]), contracts([table]))
    assert [each.split(":")[0] for each in found] == names
