"""What a draft of a tag would move tells of no single customer."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import polars as pl
from rich.console import Console

from portrait_assets.app.cli.rooms.tags import print_diff
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Door
from portrait_assets.stages.tags.evaluation.diff import DIFF_SCHEMA
from portrait_assets.stages.tags.services import DraftDiff, pass_diff


def test_values_that_few_customers_enter_or_leave_are_not_counted(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data", source="shop")
    door = Door(settings)
    moved = pl.DataFrame(
        [
            ("tier", "high", 100, 120, 20, 0),
            ("tier", "low", 100, 95, 4, 9),
            ("tier", "mid", 30, 9, 0, 21),
            ("tier", "ten", 10, 10, 10, 10),
            ("tier", "nine", 20, 20, 9, 9),
        ],
        schema=DIFF_SCHEMA,
        orient="row",
    )
    diff = DraftDiff(date(2024, 6, 30), 200, (), moved)
    shown = pass_diff(diff, door).moved
    assert shown.rows() == [
        ("tier", "high", 100, 120, 20, 0),
        ("tier", "low", None, None, None, None),
        ("tier", "mid", None, None, None, None),
        ("tier", "ten", 10, 10, 10, 10),
        ("tier", "nine", None, None, None, None),
    ]
    assert pass_diff(diff, Door(settings, public=True)).moved.equals(moved)
    assert [entry["rows"] for entry in door.earlier("tags")] == [200, 200]

    console = Console(width=100, file=io.StringIO())
    with console.capture() as printed:
        print_diff(pass_diff(diff, door), console, door.smallest_group)
    assert "–: one of the four counts is of fewer than 10 customers." in printed.get()
