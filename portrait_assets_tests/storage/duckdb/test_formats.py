"""Which formats of a warehouse can be opened, and which steps bring each up to this version."""

from __future__ import annotations

import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.storage.duckdb.migrations import (
    MIGRATIONS,
    SINCE_7,
    Migration,
    check_format,
    current_format,
    oldest_format,
)

STEPS = [Migration(4, "one", ""), Migration(5, "two", ""), Migration(5, "three", "")]


def test_formats_are_those_of_the_first_and_last_step():
    assert (oldest_format(STEPS), current_format(STEPS)) == (3, 5)


@pytest.mark.parametrize(
    ("found", "can_migrate", "says"),
    [
        (5, False, None),
        (5, True, None),
        (4, True, None),
        (3, True, None),
        (4, False, "has format 4 and this version works with 5; migrate it with"),
        (2, True, "and this version works with 5 and migrates from 3 on; rebuild it with"),
        (6, True, "has format 6, and this version works with 5; install the newer version"),
    ],
)
def test_a_warehouse_is_opened_by_its_format(found: int, can_migrate: bool, says: str | None):
    if says is None:
        check_format("w.duckdb", found, can_migrate, STEPS)
        return
    with pytest.raises(WarehouseError, match=says):
        check_format("w.duckdb", found, can_migrate, STEPS)


@pytest.mark.parametrize(
    ("found", "steps"), [(2, 7), (3, 5), (4, 4), (5, 3), (6, 1), (current_format(), 0)]
)
def test_each_format_has_its_steps(found: int, steps: int):
    """Warehouses of these formats are out there: which step brought what can not change."""
    assert sum(each.to_format > found for each in MIGRATIONS) >= steps
    first = [each.to_format for each in MIGRATIONS][:7]
    assert first == [3, 3, 4, 5, 6, 6, 7]
    assert SINCE_7 == ("assignments", "consents", "requests", "prospects")
