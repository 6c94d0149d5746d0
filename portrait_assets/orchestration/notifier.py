"""Reports a failure to whoever asked for it: a command, a webhook, or both, from the settings.

A notifier that fails itself neither stops nor hides what it reports: it gives one sentence.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from portrait_assets.core.errors import PortraitError, RunFailedError
from portrait_assets.core.settings import Settings

TIME_LIMIT_SECONDS = 10.0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Failure:
    """What failed: a sentence with month, table and remedy, and its parts.

    `months` are the months of the run, YYYY-MM; `step` is the table, or the step, that was being
    made. Empty where there was no run yet. `occurred_at` is in UTC, ISO 8601.
    """

    source: str
    sentence: str
    run_id: str = ""
    months: Sequence[str] = ()
    step: str = ""
    occurred_at: str = field(default_factory=_now)

    def as_message(self) -> dict[str, object]:
        """The body of a message; `text` is what chat services show."""
        return {"text": f"portrait, source {self.source}: {self.sentence}", **asdict(self)}

    def as_environment(self) -> dict[str, str]:
        """The parts as environment variables, PORTRAIT_FAILURE_SENTENCE etc.; months by commas."""
        parts = asdict(self) | {"months": ",".join(self.months)}
        return {f"PORTRAIT_FAILURE_{name.upper()}": str(value) for name, value in parts.items()}


def send(settings: Settings, failure: Failure) -> list[str]:
    """Send the failure to the command and the webhook of the settings; never raises.

    Returns:
        A sentence for each of the two that could not be reached. It names the setting and not
        its value, which may hold a secret.
    """
    sent_by: list[tuple[str, Callable[[], str | None]]] = []
    if command := settings.notify_command:
        sent_by.append(
            ("PORTRAIT_NOTIFY_COMMAND", lambda: _run(command.get_secret_value(), failure))
        )
    if webhook := settings.notify_webhook:
        sent_by.append(
            ("PORTRAIT_NOTIFY_WEBHOOK", lambda: _post(webhook.get_secret_value(), failure))
        )
    return [
        f"The failure could not be reported: {name} {problem}."
        for name, send_it in sent_by
        if (problem := _attempt(send_it)) is not None
    ]


def _attempt(send_it: Callable[[], str | None]) -> str | None:
    try:
        return send_it()
    except Exception as error:  # Whatever it is, the failure to report matters more.
        # The message of an error may repeat the command or the address.
        reason = error.strerror if isinstance(error, OSError) else None
        return f"does not work ({reason or type(error).__name__})"


def _run(command: str, failure: Failure) -> str | None:
    try:
        ended = subprocess.run(
            shlex.split(command),
            input=json.dumps(failure.as_message(), ensure_ascii=False).encode(),
            env=os.environ | failure.as_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {TIME_LIMIT_SECONDS:.0f} s"
    return f"ended with exit code {ended.returncode}" if ended.returncode else None


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would drop the message, or take it to an address that nobody declared."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        """Follow none: urllib then raises the answer as an HTTPError."""


def _post(address: str, failure: Failure) -> str | None:
    if urlsplit(address).scheme not in ("http", "https"):
        return "is not an http or https address"
    body = json.dumps(failure.as_message(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = Request(address, body, headers, method="POST")
    try:
        build_opener(_NoRedirect).open(request, timeout=TIME_LIMIT_SECONDS).close()
    except HTTPError as error:
        error.close()
        return f"answered with status {error.code}"
    except (URLError, HTTPException, TimeoutError) as error:
        reason = getattr(error, "reason", None)
        cause = getattr(reason, "strerror", None) or type(reason or error).__name__
        return f"could not be reached ({cause})"
    return None


@contextmanager
def reported(settings: Settings, on_problem: Callable[[str], None]) -> Iterator[None]:
    """Report what ends the block before there is a run; the failure of a run is reported with it.

    Args:
        settings: who gets it.
        on_problem: called with what the notifier itself fails at, in a sentence.
    """
    try:
        yield
    except RunFailedError:
        raise
    except Exception as error:
        for problem in send(settings, Failure(settings.source, _sentence(error))):
            on_problem(problem)
        raise


def _sentence(error: Exception) -> str:
    if isinstance(error, PortraitError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}; see to the disk or the path, and run again."
    # The message of another error may hold values of customers.
    return (
        f"The program stopped at an error of its own ({type(error).__name__}); "
        "its traceback is where it was run."
    )
