"""Work in a process of its own, which has nothing of what this one has read.

Memory that is let go is given to whoever asks next, as it is, and from there it may get into a file
that is being written. So what must not be in a file is kept from the process that writes it.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from portrait_assets.core.errors import PortraitError

_WAIT_SECONDS = 10


@dataclass(frozen=True)
class FreshProcess:
    """A process that is sent `requests`, and what it answers."""

    what: str
    requests: Connection
    answers: Connection
    _process: BaseProcess

    def send(self, request: object) -> None:
        """Send a request; where the process has ended, `receive` says so."""
        with suppress(ConnectionError):
            self.requests.send(request)

    def receive(self) -> Any:
        """What it answers next.

        Raises:
            PortraitError: when it sends one, or has ended without an answer.
        """
        try:
            answer = self.answers.recv()
        except (EOFError, ConnectionError):
            raise PortraitError(f"The process that {self.what} {self._end()}.") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _end(self) -> str:
        self._process.join(_WAIT_SECONDS)
        code = self._process.exitcode or 0
        how = f"was stopped by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"{how}; see to memory and disk, and run the command again to see how it goes on"


@contextmanager
def fresh_process(what: str, work: Callable[..., None], *args: object) -> Iterator[FreshProcess]:
    """A process of its own, which is stopped if it still works when the block ends by an error.

    When this process is killed, that one finds its requests at an end.

    Args:
        what: what it does, as the predicate of "The process that ...".
        work: a function of a module, called there with the requests, the answers and `args`.
        args: what can be pickled.
    """
    context = multiprocessing.get_context("spawn")  # A fork would have all that was read here.
    asked, requests = context.Pipe(duplex=False)
    answers, answering = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, asked, answering, *args), daemon=True)
    process.start()
    asked.close()
    answering.close()
    try:
        yield FreshProcess(what, requests, answers, process)
    except BaseException:
        process.terminate()
        raise
    finally:
        requests.close()
        process.join()
        answers.close()


def _work(
    work: Callable[..., None], requests: Connection, answers: Connection, *args: object
) -> None:
    # Ctrl-C reaches both; the process that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ConnectionError):  # Whoever started it was killed, and nobody reads the answers.
        work(requests, answers, *args)
