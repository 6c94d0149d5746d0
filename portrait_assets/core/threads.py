"""Work that numpy, scipy and polars do without Python's lock, by several threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


MOST = 8
"""Threads at most, each of which holds what it works on."""


def workers() -> int:
    """How many threads there is work for: one a processor, up to MOST."""
    return min(os.cpu_count() or 1, MOST)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], count: int | None = None
) -> Iterator[Result]:
    """What the function gives for each of the items, in their order.

    Of so many items at a time, whether computed or waiting to be taken, so that memory is bounded.
    Libraries of linear algebra use one thread meanwhile: the limit is one of the whole process, so
    the function need not set it, and sums are the same each time.

    Args:
        function: leaves alone what other calls of it read.
        items: what it is called with.
        count: of threads; by default `workers`.
    """
    count = count or workers()
    waiting: deque[Future[Result]] = deque()
    with threadpool_limits(1), ThreadPoolExecutor(count) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
