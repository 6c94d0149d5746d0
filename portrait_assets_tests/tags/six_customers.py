"""What tests take of the six customers beside their file: money as text, a tag, the door."""

from __future__ import annotations

from pathlib import Path

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Door
from portrait_assets.schema.table import MONEY_SCALE

IN_TIER = f"{150:.{MONEY_SCALE}f}"
RISKY = """\
  - code: risky
    expression: "visits < 3"
    type: boolean
    purpose: credit
"""


def door_of(folder: Path, clearance: dict[str, str] | None = None) -> Door:
    """The door of a public source, which shows groups of any size."""
    settings = Settings(data_dir=folder, source="shop", clearance=clearance or {})
    return Door(settings, public=True)
