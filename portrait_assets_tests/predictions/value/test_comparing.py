"""For how long a method is kept, and from which month on there is one."""

from __future__ import annotations

import pytest

from portrait_assets.stages.predictions.value.comparing import Kept, too_short


@pytest.mark.parametrize(
    ("month", "is_kept"),
    [
        *(("2024-10", False), ("2024-11", True), ("2024-12", True), ("2025-01", True)),
        *(("2025-02", False), ("2025-11", False)),
    ],
)
def test_the_method_is_kept_in_the_month_that_compared_and_two_more(month: str, is_kept: bool):
    assert Kept("repeat", "2024-11", {}, None, {}).is_kept_in(month) == is_kept


@pytest.mark.parametrize(("month", "months"), [("2023-11", 1), ("2024-03", 5), ("2024-04", None)])
def test_two_windows_are_long_enough(month: str, months: int | None):
    """A quarter to learn from and one that is over after it: from November on, until April."""
    reason = too_short("2023-11", month)
    assert (reason is None) == (months is None)
    assert reason is None or reason[0].startswith(f"The history is of {months} months, ")
