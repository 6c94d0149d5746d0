"""The packs of tags that sources start from: a YAML file each, found by being here."""

from __future__ import annotations

from pathlib import Path

CORE = "core"
"""The pack that every source has; its defaults are those of the other packs."""

_FOLDER = Path(__file__).parent


def pack_files() -> tuple[Path, ...]:
    """The file of every pack, that of the core first and the others by name."""
    return tuple(sorted(_FOLDER.glob("*.yaml"), key=lambda path: (path.stem != CORE, path.stem)))
