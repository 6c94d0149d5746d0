"""The sensor requests what `portrait run` would run next, until nothing is out of date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from portrait_assets.app.doctor import examine
from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import Request
from portrait_assets.privacy.erasure import Phase, Plan, write_plan
from portrait_assets.stages.raw.assets import SOURCE_FILES, source_files
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.testing.published import contents
from portrait_assets.testing.records import stale_in_ui
from portrait_assets.testing.worlds.shop import (
    QUIET,
    SHOP_MONTHS,
    run,
    sales_file,
    shop,
    short_shop,
)

JANUARY, FEBRUARY = SHOP_MONTHS[:2]
SALE = "{day} 09:00,K001,B{number},tea,{amount},0,east\n"


def tick(settings: Settings, records: dg.DagsterInstance | None = None) -> dg.RunRequest | str:
    """What the sensor requests, or the sentence with which it skips."""
    with nullcontext(records) if records else dg.DagsterInstance.ephemeral() as instance:
        sensor = build_defs(settings).resolve_sensor_def("source_files")
        found = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    return found.run_requests[0] if found.run_requests else str(found.skip_message)


def asked_of(request: dg.RunRequest) -> tuple[set[str], str, str]:
    """Rooms, first and last month of a request."""
    rooms = {key.path[0] for key in request.asset_selection or ()}
    tags = request.tags
    return (
        rooms,
        tags["dagster/asset_partition_range_start"],
        tags["dagster/asset_partition_range_end"],
    )


def carry_out(
    settings: Settings, request: dg.RunRequest, records: dg.DagsterInstance | None = None
) -> dg.ExecuteInProcessResult:
    """The run that the daemon would launch."""
    with nullcontext(records) if records else dg.DagsterInstance.ephemeral() as instance:
        return (
            build_defs(settings)
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=instance,
                tags=request.tags,
                asset_selection=list(request.asset_selection or ()),
                run_config=QUIET,
                raise_on_error=False,
            )
        )


def until_up_to_date(settings: Settings) -> Iterator[tuple[set[str], str, str]]:
    """Ticks, each request carried out, up to the tick that skips."""
    for _ in range(5):
        request = tick(settings)
        if isinstance(request, str):
            return
        yield asked_of(request)
        assert carry_out(settings, request).success
    raise AssertionError("the sensor requests runs without an end")


def add_sale(settings: Settings, day: str, number: int = 901, amount: str = "150.00") -> None:
    with sales_file(settings).open("a") as file:
        file.write(SALE.format(day=day, number=number, amount=amount))


def test_of_a_new_source_all_months_are_requested_at_once(tmp_path: Path):
    settings = shop(tmp_path)
    request = tick(settings)
    assert isinstance(request, dg.RunRequest)
    rooms, first, last = asked_of(request)
    assert (first, last) == (SHOP_MONTHS[0], SHOP_MONTHS[-1])
    assert {"raw", "features", "mart"} <= rooms


def test_of_a_source_that_is_run_in_pieces_the_first_is_requested(tmp_path: Path):
    settings = shop(tmp_path)
    bounds = settings.bounds.model_copy(update={"run_rows": 1})
    request = tick(settings.model_copy(update={"bounds": bounds}))
    assert isinstance(request, dg.RunRequest)
    assert asked_of(request) == ({"raw"}, SHOP_MONTHS[0], SHOP_MONTHS[-1])


@pytest.mark.slow
def test_the_same_state_has_the_same_run_key_and_another_file_another(tmp_path: Path):
    settings = shop(tmp_path)
    keys = []
    for change in (False, False, True):
        if change:
            add_sale(settings, "2024-02-11")
        request = tick(settings)
        assert isinstance(request, dg.RunRequest)
        keys.append(request.run_key)
    assert keys[0] == keys[1] != keys[2]


def test_while_a_run_holds_the_warehouse_nothing_is_requested(tmp_path: Path):
    settings = shop(tmp_path)
    settings.warehouse_dir.mkdir(parents=True)
    settings.warehouse_file.touch()
    with warehouse_lock(settings.warehouse_dir / "warehouse.lock", "another run", 0):
        assert "another run" in str(tick(settings))


def test_while_rows_are_half_removed_nothing_is_requested_that_would_fail(tmp_path: Path):
    settings = shop(tmp_path)
    settings.warehouse_dir.mkdir(parents=True)
    began = datetime(2026, 11, 26, tzinfo=UTC)
    plan = Plan(number="E1", began_at=began, asked_by="a.csv", persons=1, customers=("K1",))
    write_plan(settings, plan)
    assert "The erasure E1 was stopped before it had ended; finish it" in str(tick(settings))
    write_plan(settings, plan.model_copy(update={"phase": Phase.PUBLISHING}))
    assert isinstance(tick(settings), dg.RunRequest)


def test_a_file_that_is_missing_fails_the_tick_with_its_name(tmp_path: Path):
    settings = shop(tmp_path)
    sales_file(settings).unlink()
    with pytest.raises(SourceError, match=r"'sales\.csv'"):
        tick(settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "follows"),
    [
        (["2024-02-11", "2024-04-11"], ("2024-02", "2024-04")),  # both, and the month between
        pytest.param(["2024-01-11"], ("2024-01", "2024-04"), marks=pytest.mark.long),
    ],
)
def test_a_change_in_the_past_reaches_all_months_that_look_back_on_it(
    tmp_path: Path, days: list[str], follows: tuple[str, str]
):
    settings = shop(tmp_path / "late")
    assert run(settings).success
    assert "Nothing has changed" in str(tick(settings))

    for number, day in enumerate(days):
        add_sale(settings, day, number)
    source = load_source(settings.source_dir)
    planned = read_plan(Request(settings, source, None, source.months(), fresh=False))
    assert [issue.what for issue in examine(settings)] == [planned.reason]
    requests = list(until_up_to_date(settings))
    assert requests[0] == ({"raw"}, SHOP_MONTHS[0], SHOP_MONTHS[-1])
    assert [(first, last) for _, first, last in requests[1:]] == [follows]
    assert examine(settings) == []

    fresh = shop(tmp_path / "fresh")
    sales_file(fresh).write_bytes(sales_file(settings).read_bytes())
    assert run(fresh).success
    assert contents(settings.portrait_file) == contents(fresh.portrait_file)


@pytest.mark.slow
def test_changes_before_the_first_tick_are_requested_too(tmp_path: Path):
    settings = short_shop(tmp_path)
    assert run(settings, [JANUARY, FEBRUARY]).success
    add_sale(settings, "2024-01-11")
    assert [asked[1:] for asked in until_up_to_date(settings)] == [
        (JANUARY, FEBRUARY),
        (JANUARY, FEBRUARY),
    ]


@pytest.mark.slow
def test_a_file_that_is_written_again_with_the_same_rows_is_read_and_nothing_else_is_run(
    tmp_path: Path,
):
    settings = short_shop(tmp_path)
    assert run(settings, [JANUARY, FEBRUARY]).success
    sales_file(settings).write_bytes(sales_file(settings).read_bytes())
    assert [rooms for rooms, *_ in until_up_to_date(settings)] == [{"raw"}, {"mart"}]


@pytest.mark.slow
def test_the_ui_marks_what_the_sensor_requests_and_nothing_when_it_is_run(tmp_path: Path):
    settings = shop(tmp_path)

    def marked() -> dict[str, set[str]]:
        """By room the months that the UI marks as stale."""
        found: dict[str, set[str]] = {}
        for key, month in stale_in_ui(build_defs(settings), records):
            found.setdefault(key.path[0], set()).add(month)
        return found

    with dg.DagsterInstance.ephemeral() as records:
        assert run(settings, instance=records).success
        assert marked() == {}
        add_sale(settings, "2024-02-11")
        reading = tick(settings, records)
        assert isinstance(reading, dg.RunRequest)
        assert asked_of(reading) == ({"raw"}, JANUARY, SHOP_MONTHS[-1])
        assert marked() == {"raw": set(SHOP_MONTHS)}
        assert carry_out(settings, reading, records).success
        following = tick(settings, records)
        assert isinstance(following, dg.RunRequest)
        assert asked_of(following)[1:] == (FEBRUARY, SHOP_MONTHS[-1])
        # Dagster marks what reads the rows that changed, and the rest as that is run.
        # What a category column holds is judged by all rows until a month.
        assert marked() == {"identity": {FEBRUARY}, "cleaned": set(SHOP_MONTHS[1:])}
        assert carry_out(settings, following, records).success
        assert marked() == {}
        assert isinstance(tick(settings, records), str)


def test_what_the_files_hold_can_be_observed_in_the_ui(tmp_path: Path):
    settings = short_shop(tmp_path)
    selected = dg.AssetSelection.assets(SOURCE_FILES)
    observation = dg.Definitions(
        [source_files(load_source(settings.source_dir))],
        jobs=[dg.define_asset_job("observation", selected, executor_def=dg.in_process_executor)],
    ).resolve_job_def("observation")
    with dg.DagsterInstance.ephemeral() as records:
        versions = []
        for _ in range(2):
            assert observation.execute_in_process(instance=records).success
            newest = records.fetch_observations(SOURCE_FILES, limit=1).records[0]
            assert newest.asset_observation
            versions.append(newest.asset_observation.data_version)
            add_sale(settings, "2024-02-11")
    assert len(set(versions)) == 2
    assert versions[0] is not None
