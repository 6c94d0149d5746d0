"""What of a source's folder counts as a change of its files or of its definitions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.staleness.inputs import Inputs
from portrait_assets.testing.worlds.shop import sales_file, shop


def inputs(settings: Settings) -> Inputs:
    return inputs_of(load_source(settings.source_dir))


def replace_in_source(old: str, new: str) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        source_yaml = settings.source_dir / "source.yaml"
        source_yaml.write_text(source_yaml.read_text().replace(old, new))

    return change


def write(name: str) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        path = settings.source_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("# new\n")

    return change


def append_a_sale(settings: Settings) -> None:
    with sales_file(settings).open("a") as file:
        file.write("2024-03-30 09:00,K001,B999,tea,5.00,0,east\n")


@pytest.mark.parametrize(
    ("change", "files", "definitions"),
    [
        (append_a_sale, True, False),
        (lambda settings: sales_file(settings).touch(), True, False),
        (lambda settings: sales_file(settings).unlink(), True, False),
        # Rows after the last month are in none, so that the files are to be read again.
        (replace_in_source("last_month: 2024-04", "last_month: 2024-05"), True, False),
        (replace_in_source("CNY", "EUR"), False, True),
        (write("tags.yaml"), False, True),
        (write("transactions.sql"), False, True),
        (write("views/shared.sql"), False, True),
        (write("identity_review.csv"), False, True),
        (write("notes.txt"), False, False),
        (replace_in_source("name:", "# a comment\nname:"), False, False),
    ],
)
def test_a_change_is_one_of_files_or_of_definitions(
    tmp_path: Path, change: Callable[[Settings], None], files: bool, definitions: bool
):
    settings = shop(tmp_path)
    before = inputs(settings)
    change(settings)
    now = inputs(settings)
    assert (now.files != before.files, now.definitions != before.definitions) == (
        files,
        definitions,
    )


def test_a_month_whose_file_is_gone_is_a_change(tmp_path: Path):
    settings = shop(tmp_path)
    replace_in_source("sales.csv", "sales*.csv")(settings)
    second = settings.source_dir / "sales-2.csv"
    second.write_text(sales_file(settings).read_text())
    before = inputs(settings)
    second.unlink()
    assert inputs(settings).files != before.files
