"""Work by several threads: in order, bounded, and with the errors of the first item that fails."""

import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Barrier, get_ident

import pytest

from portrait_assets.core.machine.threads import in_threads


def test_results_come_in_the_order_of_the_items():
    assert list(in_threads(lambda n: n * n, range(7), 3)) == [0, 1, 4, 9, 16, 25, 36]
    assert list(in_threads(lambda n: n, [], 3)) == []


def test_so_many_are_computed_at_once():
    both = Barrier(2, timeout=60)

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


def test_a_library_that_is_loaded_later_is_limited_as_well_and_in_each_thread():
    # In a process of its own, which has not loaded scikit-learn yet.
    code = """
from portrait_assets.core.machine.threads import in_threads, one_thread
with one_thread(): pass
import sklearn.cluster
from threadpoolctl import threadpool_info
before = {each["num_threads"] for each in threadpool_info()}
with one_thread():
    assert {each["num_threads"] for each in threadpool_info()} == {1}, threadpool_info()
assert {each["num_threads"] for each in threadpool_info()} == before
assert any(each["user_api"] == "openmp" for each in threadpool_info())
for found in in_threads(lambda _: threadpool_info(), range(2), 2):
    assert {each["num_threads"] for each in found} == {1}, found
"""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
