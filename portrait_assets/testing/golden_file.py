"""Golden files of named values, with a line for each so that a change is easy to see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "portrait_assets_tests/golden"


def read(path: Path) -> dict[str, Any]:
    """The values in a golden file by name."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def write(values: Mapping[str, object], path: Path) -> None:
    """Write a golden file, by name."""
    lines = (
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(values[name], ensure_ascii=False)}"
        for name in sorted(values)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
