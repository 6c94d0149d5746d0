"""Golden files of named values, with a line for each so that a change is easy to see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "portrait_assets_tests/golden"


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


def changes(golden: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """What is another now, by name, from where it differs on; what is gone or new is empty."""
    return [
        f"{name}: {_from_difference(golden.get(name, ''), now.get(name, ''))}"
        for name in sorted(golden.keys() | now.keys())
        if golden.get(name) != now.get(name)
    ]


def _from_difference(then: object, now: object) -> str:
    first, second = str(then), str(now)
    pairs = zip(first, second, strict=False)
    at = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
    start = max(at - 30, 0)
    return f"was …{first[start : at + 60]}… and is …{second[start : at + 60]}…"
