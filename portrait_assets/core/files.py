"""Writing files so that each is whole at every moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path


def replace_files(contents: Mapping[Path, bytes], private: Collection[Path] = ()) -> None:
    """Write these files in the order given, over those that there are.

    All are written beside and synced before the first takes its place, so that a full disk or a
    forbidden folder changes none of them. Only their owner can read `private` ones; of others who
    may read them stays as it was.

    Raises:
        OSError: when a file cannot be written; it names the file.
    """
    beside = {path: written_beside(path) for path in contents}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if path in private else _mode(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            handle = os.open(beside[path], flags, 0o666 if mode is None else mode)
            with os.fdopen(handle, "wb") as file:
                if mode is not None:
                    os.fchmod(handle, mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, temporary in beside.items():
            os.replace(temporary, path)
        for folder in {path.parent for path in contents}:
            sync(folder)
    finally:
        for temporary in beside.values():
            if temporary.is_file():
                temporary.unlink()


def written_beside(path: Path) -> Path:
    """Where what takes the place of a file is written; a kill leaves it there."""
    return path.with_name(f".{path.name}.new")


def _mode(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if path.is_file() else None


def sync(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
