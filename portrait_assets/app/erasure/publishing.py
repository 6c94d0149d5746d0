"""Publishing in a process that has read no warehouse with the erased in it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import cast

from portrait_assets.app.runs.progress import Progress
from portrait_assets.app.runs.run import machine_failures_in_a_sentence, publish_again
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.invocation import commands_for
from portrait_assets.core.machine.fresh_process import fresh_process
from portrait_assets.core.settings import Settings


def publish_apart(settings: Settings, months: list[str], progress: Progress) -> None:
    """Make the published file and the report again, from the warehouse as it is.

    Raises:
        PortraitError: when that fails.
    """
    with fresh_process("publishes", _publish, settings, months) as process:
        while (event := process.receive()) is not None:
            method, values = event
            getattr(progress, method)(*values)


class _Sent:
    """A progress whose events are sent to another process."""

    def __init__(self, answers: Connection) -> None:
        self._answers = answers

    def __getattr__(self, method: str) -> Callable[..., None]:
        return lambda *values: self._answers.send((method, values))


def _publish(
    requests: Connection, answers: Connection, settings: Settings, months: list[str]
) -> None:
    warnings.filterwarnings("ignore", module="dagster")  # As in the command line.
    try:
        with commands_for(settings), machine_failures_in_a_sentence():
            publish_again(settings, months, cast(Progress, _Sent(answers)))
        answers.send(None)
    except PortraitError as error:
        answers.send(error)
