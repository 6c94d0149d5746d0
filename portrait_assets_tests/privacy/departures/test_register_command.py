"""`portrait register` lists what left, verifies it, and begins a new one where it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import BrokenRegisterError
from portrait_assets.privacy.egress import Departure, Door, Shown, digest_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A card was shown, and then a file written for marketing."""
    settings = Settings(data_dir=tmp_path, source="shop", who="Li Na")
    door = Door(settings)
    columns = (Shown("tier"), Shown("income", "C2"))
    door.record(Departure("card", "analysis", columns), 1, digest_of("card"))
    month = {"month": "2024-04"}
    door.record(Departure("audience", "marketing", columns, about=month), 1200, digest_of("file"))
    return settings


def register(settings: Settings, *words: str) -> str:
    line = ["register", *words, "--source", settings.source, "--data-dir", str(settings.data_dir)]
    result = CliRunner().invoke(app, line, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_entries_are_listed_a_line_each(settings: Settings):
    card, file = register(settings).splitlines()
    digest = digest_of("card")[:16]
    assert card.endswith(
        f"  Li Na  card  for profiling  columns 1 of C1, 1 of C2  rows 1  {digest}"
    )
    assert file.startswith("2  ")
    assert "  for marketing  " in file
    assert "  rows 1,200  " in file
    assert file.endswith("  month: 2024-04")


def test_they_are_chosen_by_outlet_and_day(settings: Settings):
    assert register(settings, "--outlet", "card").startswith("1  ")
    assert register(settings, "--outlet", "subject") == "Nothing left.\n"
    assert register(settings, "--to", "2026-01-01") == "Nothing left.\n"


def test_a_whole_register_is_verified_and_a_broken_one_renewed(settings: Settings):
    whole = "egress_register.jsonl: 2 lines, each as it was written.\n"
    assert register(settings, "verify") == whole
    settings.register_file.write_text("")
    for words in ((), ("verify",)):
        with pytest.raises(BrokenRegisterError, match="lines 1 to 2 are missing"):
            register(settings, *words)
    begun = register(settings, "renew", "--by", "Li Na", "--reason", "a test")
    assert begun.startswith("A new register is begun; the broken one is kept as egress_register.2")
    listed = register(settings)
    assert "  Li Na  register  reason: a test  broken: " in listed
    assert "lines 1 to 2 are missing" in listed
