"""`portrait run` on the corner shop: what it leaves alone, where it goes on, what it publishes."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from portrait_assets.app.runs.run import Result, run_pieces
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.planning import (
    MART,
    STAGES,
    Plan,
    Run,
    runs_of,
)
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, sales_file, shop
from portrait_assets_tests.faults.command import portrait, portrait_here, started

MONTHS = ["2024-01", "2024-02", "2024-03"]
ROWS = dict.fromkeys(MONTHS, 10)
ALL, LATER, RAW_ONLY, MART_ONLY = map(frozenset, (STAGES, STAGES[1:], STAGES[:1], (MART,)))
PIECE = LATER - MART_ONLY
LINE = "2024-03-30 09:00,K001,B999,tea,5.00,0,east\n"
SMALL_PIECES = {"PORTRAIT_BOUNDS__RUN_ROWS": "700"}


@pytest.fixture
def materialized(all_months: Settings, tmp_path: Path) -> Settings:
    """A shop with all its months materialized and published."""
    shutil.copytree(all_months.data_dir, tmp_path / "data")
    return all_months.model_copy(update={"data_dir": tmp_path / "data"})


def test_where_nothing_has_changed_it_says_so_and_runs_nothing(materialized: Settings):
    files = {
        path: path.read_bytes()
        for path in (materialized.warehouse_file, materialized.portrait_file)
    }
    ran = portrait("run", data=materialized.data_dir)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Nothing has changed since it was published, ")
    assert len(ran.stdout.splitlines()) == 1
    assert files == {path: path.read_bytes() for path in files}
    assert not materialized.dagster_home.exists()


@pytest.mark.slow
def test_status_and_doctor_agree_that_there_is_nothing_to_do_and_what_there_is(
    materialized: Settings,
):
    assert (
        "\nNothing has changed since" in portrait_here("status", data=materialized.data_dir).stdout
    )
    assert portrait_here("doctor", data=materialized.data_dir).returncode == 0
    with sales_file(materialized).open("a") as file:
        file.write(LINE)
    status = portrait_here("status", data=materialized.data_dir).stdout
    run_it = f"portrait_assets run --source corner_shop --data-dir {materialized.data_dir}"
    assert f"{run_it}`: The source's files have changed: reading 2024-01 to 2024-04" in status
    doctor = portrait_here("doctor", data=materialized.data_dir)
    assert "the source's files have changed; run `" in doctor.stdout
    assert f"{run_it}`" in doctor.stdout
    assert doctor.returncode == 1


@pytest.mark.slow
def test_a_line_that_is_added_has_its_month_and_the_later_ones_run(
    materialized: Settings, tmp_path: Path
):
    fresh = shop(tmp_path / "fresh")
    for settings in (materialized, fresh):
        with sales_file(settings).open("a") as file:
            file.write(LINE)
    ran = portrait("run", data=materialized.data_dir)
    assert ran.returncode == 0, ran.stderr
    assert "2024-01 to 2024-04 raw:" in ran.stdout
    assert "2024-03 to 2024-04 cleaned:" in ran.stdout
    assert run(fresh).success
    assert contents(materialized.portrait_file) == contents(fresh.portrait_file)
    assert portrait("run", data=materialized.data_dir).stdout.startswith("Nothing has changed")
    assert portrait("doctor", data=materialized.data_dir).returncode == 0


@pytest.mark.slow
def test_a_file_that_is_only_touched_has_no_month_run(materialized: Settings):
    before = contents(materialized.portrait_file)
    sales_file(materialized).touch()
    ran = portrait("run", data=materialized.data_dir)
    assert ran.returncode == 0, ran.stderr
    assert "cleaned:" not in ran.stdout
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
def test_killed_after_a_piece_it_goes_on_at_the_next_and_ends_the_same(
    materialized: Settings, tmp_path: Path
):
    settings = shop(tmp_path / "killed")
    with started("2024-03 cleaned:", "run", data=settings.data_dir, **SMALL_PIECES) as process:
        process.send_signal(signal.SIGKILL)
    assert not settings.portrait_file.exists()
    ran = portrait("run", data=settings.data_dir, **SMALL_PIECES)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("2024-03 was not completed")
    assert " raw:" not in ran.stdout
    assert contents(settings.portrait_file) == contents(materialized.portrait_file)


@pytest.mark.slow
@pytest.mark.long
def test_definitions_that_change_have_all_months_run(materialized: Settings):
    (materialized.source_dir / "audiences.yaml").write_text("audiences: []\n")
    ran = portrait("run", data=materialized.data_dir)
    assert "2024-01 to 2024-04 cleaned:" in ran.stdout, ran.stderr


@pytest.mark.slow
def test_a_month_run_again_that_comes_out_the_same_leaves_the_later_ones_alone(
    materialized: Settings,
):
    assert portrait("run", "--months", SHOP_MONTHS[1], data=materialized.data_dir).returncode == 0
    assert portrait("run", data=materialized.data_dir).stdout.startswith("Nothing has changed")


def test_a_small_source_is_one_run():
    assert runs_of(Plan(MONTHS, MONTHS, True, ""), ROWS, 30) == [Run(ALL, MONTHS)]


def test_a_large_source_is_read_then_run_in_pieces_and_published_at_the_end():
    assert runs_of(Plan(MONTHS, MONTHS, True, ""), ROWS, 20) == [
        Run(RAW_ONLY, MONTHS),
        Run(PIECE, MONTHS[:2]),
        Run(PIECE, MONTHS[2:]),
        Run(MART_ONLY, MONTHS),
    ]


def test_months_whose_rows_stand_are_not_read():
    assert runs_of(Plan([], MONTHS[1:], True, ""), ROWS, 20) == [Run(LATER, MONTHS[1:])]
    assert runs_of(Plan([], [], True, ""), ROWS, 20) == [Run(MART_ONLY, MONTHS)]
    assert runs_of(Plan(MONTHS, [], True, ""), ROWS, 20)[0] == Run(RAW_ONLY, MONTHS)


class Shop:
    """Stands for the job: fails the given months and records the runs that were requested."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.requested: list[Run] = []

    def __call__(self, run: Run) -> set[str]:
        self.requested.append(run)
        return set() if run.rooms == MART_ONLY else self.failing & set(run.months)


PIECES = [Run(PIECE, MONTHS[:2]), Run(PIECE, MONTHS[2:]), Run(MART_ONLY, MONTHS)]


@pytest.mark.parametrize(
    ("runs", "failing", "requested", "result"),
    [
        (PIECES, [], PIECES, Result(False, True)),
        (
            PIECES,
            ["2024-03"],
            [*PIECES[:2], Run(MART_ONLY, MONTHS[:2])],
            Result(True, True),
        ),
        (
            PIECES,
            ["2024-02"],
            [PIECES[0], Run(PIECE, MONTHS[:1]), Run(MART_ONLY, MONTHS[:1])],
            Result(True, True),
        ),
        (PIECES, ["2024-01"], [PIECES[0]], Result(True, False)),
        (
            [Run(ALL, MONTHS)],
            ["2024-03"],
            [Run(ALL, MONTHS), Run(ALL, MONTHS[:2])],
            Result(True, True),
        ),
        ([Run(MART_ONLY, MONTHS)], [], [Run(MART_ONLY, MONTHS)], Result(False, True)),
        ([], [], [], Result(False, False)),
    ],
)
def test_what_a_failure_leaves_alone_is_run_and_published(
    runs: list[Run], failing: list[str], requested: list[Run], result: Result
):
    carried_out = Shop(*failing)
    assert run_pieces(carried_out, runs, print) == result
    assert carried_out.requested == requested
