"""The command lines that messages give: they work where this program was started, as pasted."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from portrait_assets.core.settings import Settings

_PROGRAM = "portrait"
_WITHOUT_SOURCE = {"sources"}
_settings: ContextVar[Settings | None] = ContextVar("settings_of_commands", default=None)


def give_commands_for(settings: Settings) -> None:
    """From now on `command` names the source and the data folder of these settings.

    As with any `contextvars.ContextVar`, it holds for this thread and context only.
    """
    _settings.set(settings)


@contextmanager
def commands_for(settings: Settings) -> Iterator[None]:
    """`give_commands_for` these settings until the block, or the decorated function, ends."""
    before = _settings.get()
    _settings.set(settings)
    try:
        yield
    finally:
        # Without a token, which is of no use in another context: Dagster may close there.
        _settings.set(before)


def command(*words: str, settings: Settings | None = None) -> str:
    """The command line that runs `portrait` with these words, in this folder, for the source.

    Args:
        words: verbs, arguments and options.
        settings: whose source and data folder it names; those last given by default.
    """
    line = [*_program(), *words]
    if used := settings or _settings.get():
        if words[0] not in _WITHOUT_SOURCE:
            line += ["--source", used.source]
        if used.data_dir.resolve() != Path("data").resolve():
            line += ["--data-dir", shown_path(used.data_dir.resolve())]
    return shlex.join(line)


def python_command(code: str) -> str:
    """The command line that has this program's Python, with its packages, run some code."""
    quoted = shlex.quote(code)
    if "'" in code and not set(code) & set("$`!\\"):
        quoted = '"' + code.replace('"', '\\"') + '"'
    return f"{shlex.join([*_python(), '-c'])} {quoted}"


def pip_command(*words: str) -> str:
    """The command line of this program's pip with these words."""
    return shlex.join([*_python(), "-m", "pip", *words])


def _program() -> list[str]:
    """How the program was started; in a process of Dagster's, how it is started with its Python."""
    started = Path(sys.argv[0]).absolute()
    script = started if started.stem == _PROGRAM else Path(sys.executable).with_name(_PROGRAM)
    is_module = started.parts[-2:] == ("portrait_assets", "__main__.py")
    if is_module or not script.is_file():
        return [*_python(), "-m", "portrait_assets"]
    return [_callable(script, _PROGRAM)]


def _python() -> list[str]:
    return [_callable(Path(sys.executable), "python")]


def _callable(path: Path, name: str) -> str:
    """The name where a shell finds this very path by it, otherwise the path."""
    found = shutil.which(name)
    return name if found and Path(found).absolute() == path.absolute() else shown_path(path)


def shown_path(path: Path) -> str:
    """The path as it is written where this program was started."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
