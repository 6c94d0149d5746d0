"""The help of every command has an example, which the command takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from portrait_assets.app.cli import app


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each command below the group, with the words that call it."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*words, name))
        else:
            yield " ".join((*words, name)), found


ROOT = typer.main.get_command(app)
COMMANDS = dict(commands(ROOT))


def parsed(example: str) -> None:
    """Read the line as the command line would, without running it; an error where it would not."""
    found: Any = ROOT
    _, *words = shlex.split(example)
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    found.make_context("portrait", words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_with_an_example_that_it_takes(name: str):
    command = COMMANDS[name]
    assert command.help
    (example,) = re.findall(r"For example: `(portrait .+)`", command.epilog or "")
    assert example.startswith(f"portrait {name} ")
    parsed(example)


def test_the_first_help_says_how_to_begin():
    examples = re.findall(r"`(portrait [a-z].+?)`", ROOT.epilog or "")
    assert "portrait run --source corner_shop" in examples
    for example in examples:
        if "COMMAND" not in example:
            parsed(example)


def test_an_example_with_an_unknown_option_is_seen():
    with pytest.raises(Exception, match="No such option: --moths"):
        parsed("portrait run --moths 2024-01")
