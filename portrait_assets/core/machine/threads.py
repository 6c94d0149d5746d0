"""Work that numpy, scipy and polars do without Python's lock, by several threads."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


MOST = 8
"""Threads at most, each of which holds what it works on."""


def workers() -> int:
    """How many threads there is work for: one a processor, up to MOST."""
    return min(os.cpu_count() or 1, MOST)


def one_thread() -> AbstractContextManager[object]:
    """Within it libraries of linear algebra and scikit-learn use one thread, in all the process.

    Sums of floats are then the same each time, and threads do not wait for each other. OpenMP
    counts its threads by the thread that asks, so that this holds where it is called,
    and not in other threads than those of `in_threads`.
    """
    limited: AbstractContextManager[object] = _controller(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    """What sets their threads; it is looked for again once another module has been imported.

    To look for it takes 10 ms, as long as a small fit.
    """
    return ThreadpoolController()


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], count: int | None = None
) -> Iterator[Result]:
    """What the function gives for each of the items, in their order.

    Of so many items at a time, whether computed or waiting to be taken, so that memory is bounded.
    Libraries use one thread meanwhile, in each of these threads: the function need not set it, and
    sums are the same each time.

    Args:
        function: leaves alone what other calls of it read.
        items: what it is called with.
        count: of threads; by default `workers`.
    """
    count = count or workers()
    waiting: deque[Future[Result]] = deque()
    with one_thread(), ThreadPoolExecutor(count, initializer=one_thread) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
