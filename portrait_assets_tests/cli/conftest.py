"""A command run here, with another in the place of the service behind it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
from rich.console import Console
from typer.main import get_command

from portrait_assets.app.cli import app, options

WIDTH = 160


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


StandIn = Callable[..., Mock]
Command = Callable[..., Ran]


@cache
def _portrait() -> Any:
    return get_command(app)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Puts a function that only notes how it was called in the place of `module:name`."""

    def put(place: str, result: object = None) -> Mock:
        module, name = place.split(":")
        of = import_module(f"portrait_assets.{module}")
        noting: Mock = create_autospec(getattr(of, name), return_value=result)
        monkeypatch.setattr(of, name, noting)
        return noting

    return put


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `portrait` with these arguments; `answer` is what is typed."""
    monkeypatch.setattr(options.out, "_width", WIDTH)

    def run(*arguments: object, answer: str = "") -> Ran:
        out, err = StringIO(), StringIO()
        monkeypatch.setattr(sys, "stdin", StringIO(answer))
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            _portrait().main([str(each) for each in arguments], prog_name="portrait")
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def of(tmp_path: Path) -> tuple[object, ...]:
    """The options of the source that a command works on."""
    return ("--source", "corner_shop", "--data-dir", tmp_path)


def printed(show: Callable[..., None], what: object, **given: object) -> list[str]:
    """The lines that a function prints to a wide console, with one space between words."""
    text = StringIO()
    show(what, console=Console(file=text, width=160, soft_wrap=True), **given)
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]
