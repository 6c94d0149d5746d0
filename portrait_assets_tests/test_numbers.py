"""Numbers that decide change only on purpose: they are compared with a golden file."""

from __future__ import annotations

from portrait_assets.testing.golden.file import read
from portrait_assets.testing.golden.numbers import (
    COMMAND,
    GOLDEN_FILE,
    differences,
    numbers,
    package_numbers,
)

MODULE = '''
"""A module."""
FEWEST = 10
_SHARES: tuple[float, ...] = (0.2, 0.8)
EDGE = -1e-9  # below what rounding does
NAME, OTHER = "a", 3

@dataclass(frozen=True)
class Rule:
    """The numbers."""

    least_share: float = 0.05
    most: int | None = 1_000
    name: str = "50"

    def near(self, to: float, by: float = 0.5, times: int = 2) -> bool:
        near = 3
        return near == to

def first(
    rows: Rows,
    many: int = 20,
) -> Rows:
    return rows

LATER = 7
'''


def test_numbers_that_decide_are_as_in_the_golden_file():
    changed = differences(read(GOLDEN_FILE), package_numbers())
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_constants_and_defaults_are_found_by_owner_and_name():
    assert dict(numbers(MODULE.splitlines())) == {
        "FEWEST": "10",
        "_SHARES": "(0.2, 0.8)",
        "EDGE": "-1e-9",
        "Rule.least_share": "0.05",
        "Rule.most": "1_000",
        "near.by": "0.5",
        "near.times": "2",
        "first.many": "20",
        "LATER": "7",
    }


def test_a_number_that_changed_is_named_and_what_is_new_or_gone_is_none():
    then = dict(numbers(MODULE.splitlines()))
    now = dict(numbers(MODULE.replace("0.05", "0.06").replace("LATER", "AFTER").splitlines()))
    assert differences(then, now) == ["Rule.least_share: was 0.05 and is 0.06"]
    assert differences(then, then) == []
