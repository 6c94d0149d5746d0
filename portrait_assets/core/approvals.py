"""The approvals file of a source: what people decided, one line after the other, never changed.

Lines on different things stand in the one file; a key tells which a line is on.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import RootModel

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import replace_files
from portrait_assets.core.yaml.file import Entry, validated
from portrait_assets.core.yaml.text import Place, WrittenList, WrittenMapping, read_written

APPROVALS_FILE = "tag_approvals.yaml"
_HEADER = (
    "# Approvals of tag versions and decisions on models. Lines are only ever added, by\n"
    "# `portrait tags approve` and `portrait predictions`.\n"
)
_Line = TypeVar("_Line", bound=Entry)


def read_approvals(
    path: Path, key: str, model: type[_Line], error: type[PortraitError], *, otherwise: bool = False
) -> tuple[_Line, ...]:
    """The lines of the file with a key, in order; none where there is no file.

    Args:
        path: the file.
        key: by which a line is one of these.
        model: what such a line holds.
        error: what is raised.
        otherwise: the lines without the key instead.

    Raises:
        PortraitError: of the class given, when a line is incomplete or cannot be read.
    """
    if not path.exists():
        return ()
    start = Place(path.name, 1)
    written = read_written(path, start.file, error)
    if isinstance(written, WrittenList):
        wanted = [
            (each, place)
            for each, place in zip(written, written.places, strict=True)
            if (isinstance(each, WrittenMapping) and key in each) != otherwise
        ]
        written = WrittenList(written.place)
        for each, place in wanted:
            written.append(each)
            written.places.append(place)
    elif written is None:
        written = WrittenList(start)
    lines = RootModel[tuple[model, ...]]  # type: ignore[valid-type]
    return tuple(validated(lines, written, error, start).root)


def append_approval(path: Path, line: Entry) -> None:
    """Add a line to the file, which is replaced whole."""
    record = {
        name: str(value) if isinstance(value, StrEnum) else value
        for name, value in line.model_dump(exclude_none=True).items()
    }
    before = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    added = yaml.safe_dump([record], allow_unicode=True, sort_keys=False)
    replace_files({path: (before.rstrip("\n") + "\n" + added).encode()})
