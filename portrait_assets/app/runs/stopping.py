"""A command that a signal stops ends in one sentence, with the exit code that shells expect."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portrait_assets.core.errors import PortraitError, StoppedError


@contextmanager
def stopped_in_a_sentence(remedy: Callable[[], str] = lambda: "run again") -> Iterator[None]:
    """Let SIGTERM end the block in order, as Ctrl-C does.

    Dagster and DuckDB each answer a signal in a way of their own (a failed run, an interrupted
    query), so which one came is read from the descriptor that Python writes signals to.

    Args:
        remedy: how it goes on, as the end of the sentence.

    Raises:
        StoppedError: when the block fails after a signal came.
    """
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        number = _first_of(reading, {signal.SIGINT, signal.SIGTERM})
        if number is None:
            raise
        stopped = f"Stopped by a signal; {remedy()}."
        sentence = str(error) if isinstance(error, PortraitError) else stopped
        raise StoppedError(sentence, number) from None
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, terminate)
        reading.close()
        writing.close()


def _first_of(reading: socket.socket, wanted: set[signal.Signals]) -> int | None:
    try:
        received = reading.recv(64)
    except BlockingIOError:
        return None
    return next((number for number in received if number in wanted), None)
