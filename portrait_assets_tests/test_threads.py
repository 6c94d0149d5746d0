"""Work by several threads: in order, bounded, and with the errors of the first item that fails."""

from collections.abc import Iterator
from threading import Barrier, get_ident

import pytest

from portrait_assets.core.threads import in_threads


def test_results_come_in_the_order_of_the_items():
    assert list(in_threads(lambda n: n * n, range(7), 3)) == [0, 1, 4, 9, 16, 25, 36]
    assert list(in_threads(lambda n: n, [], 3)) == []


def test_so_many_are_computed_at_once():
    both = Barrier(2, timeout=5)

    def waits(_: int) -> int:
        both.wait()  # Is passed by two threads together only.
        return get_ident()

    assert len(set(in_threads(waits, range(4), 2))) == 2


def test_no_more_is_begun_than_there_is_room_for():
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            begun.append(number)
            yield number

    results = in_threads(lambda n: n, items(), 2)
    assert next(results) == 0
    assert begun == [0, 1]


def test_the_first_item_that_fails_raises():
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda n: 1 // n, [1, 0, 2], 2))
