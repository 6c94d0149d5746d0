"""A module of the package as it would be after an edit, in a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path


def load_edited(name: str, edit: Callable[[str], str]) -> None:
    """Load the module from its edited text, before anything else has imported it."""
    assert name not in sys.modules, f"{name} is loaded already"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    text = edit(Path(spec.origin).read_text(encoding="utf-8"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(text, spec.origin, "exec"), module.__dict__)
