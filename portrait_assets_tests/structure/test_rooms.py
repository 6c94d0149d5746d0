"""A room is one object: what is assembled from it, and where it may print."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path

import dagster as dg
import duckdb
import pytest

import portrait_assets
from portrait_assets.app.cli import app
from portrait_assets.app.doctor import examine
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs, context_of
from portrait_assets.schema.table import Column, PartitionBy, Table, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.stages.rooms import FOLDERS, ROOMS
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.checks import Finding, TableCheck
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.published import Published, Section
from portrait_assets.storage.steps import THE_MONTH, read
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import QUIET, shop

PACKAGE = Path(portrait_assets.__file__).parent
PRINTS = {"rich", "typer", "click"}
MENTIONED = re.compile(rf"\b({'|'.join(PRINTS)}|print)\b")
MAY_PRINT = {
    PACKAGE / "app" / "cli": "the command line",
    PACKAGE / "testing": "tools that whoever changes the package runs as modules",
}


def printing(text: str) -> Iterator[str]:
    """What a module does that only the command line may."""
    if not MENTIONED.search(text):
        return  # To parse all modules takes most of a second.
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.split(".")[0] in PRINTS)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in PRINTS:
                yield module
            case ast.Call(func=ast.Name(id="print")):
                yield "print"


def test_nothing_but_the_command_line_prints():
    found = {
        path.relative_to(PACKAGE).as_posix(): calls
        for path in PACKAGE.rglob("*.py")
        if not MAY_PRINT.keys() & set(path.parents)
        and (calls := list(printing(path.read_text(encoding="utf-8"))))
    }
    assert found == {}
    assert list(printing("import rich\nfrom rich.table import Table\nprint(1)")) == [
        "rich",
        "rich.table",
        "print",
    ]


HEADCOUNT = Table(
    schema="pilot",
    name="headcount",
    en="How many customers the feature matrix has",
    zh="特征矩阵客户数",
    columns=(Column("customers", Type.INTEGER, "Customers", "客户数", nullable=False, minimum=1),),
    partition_by=PartitionBy.AS_OF,
    key=("as_of",),
    published=True,
)
MANY = TableCheck(
    "many",
    lambda subject: Finding(int(subject.rows["customers"].sum() < 5), "counted"),
    "There are more than a few customers.",
    blocking=True,
)
FEBRUARY = ["2024-01", "2024-02"]


def pilot_room(template: Path) -> Room:
    """A room that counts the rows of the feature matrix, with a section of the report."""

    def steps(context: Context) -> list[dg.AssetsDefinition]:
        reads = [read(FEATURE_MATRIX, THE_MONTH)]

        @tables_asset("pilot", [HEADCOUNT], context.partitions, reads)
        def pilot(context: dg.AssetExecutionContext) -> Iterator[dg.Output[Query]]:
            of_months = select_sql(FEATURE_MATRIX, list(context.partition_keys))
            counted = f"SELECT as_of, count(*) AS customers FROM ({of_months}) GROUP BY as_of"
            yield dg.Output(Query(counted), HEADCOUNT.name)

        return [pilot]

    def show(published: Published) -> dict[str, object]:
        return {"rows": published.newest("pilot.headcount", "as_of")}

    return Room(
        "pilot",
        tables=lambda context: [HEADCOUNT],
        steps=steps,
        checks=lambda context: {HEADCOUNT: [MANY]},
        report=lambda: [Section("pilot", "Headcount", "客户数", template, show)],
    )


@pytest.fixture
def rooms(tmp_path: Path) -> tuple[Room, ...]:
    """All rooms, with the pilot room before the mart."""
    template = tmp_path / "pilot.html"
    template.write_text('<section id="pilot"><b>{{ rows[0].customers | number }}</b></section>')
    return (*ROOMS[:-1], pilot_room(template), ROOMS[-1])


def test_rooms_are_listed_by_the_names_of_their_folders():
    assert [room.name for room in ROOMS] == list(FOLDERS)
    folders = {path.parent.name for path in (PACKAGE / "stages").glob("*/__init__.py")}
    assert folders == set(FOLDERS)


def test_every_check_that_a_room_has_is_run(tmp_path: Path):
    """A check that is left out of its room's list never fails."""
    context = context_of(shop(tmp_path / "data"))
    checks = [check for of_table in context.checks.values() for check in of_table]
    assert all(check.description for check in checks)
    run = {check.name for check in checks}
    stages = PACKAGE / "stages"
    modules = (path.relative_to(PACKAGE.parent) for path in stages.rglob("checks.py"))
    written = {
        each.name
        for path in modules
        for each in vars(import_module(".".join(path.with_suffix("").parts))).values()
        if isinstance(each, TableCheck)
    }
    assert "names_distinct" in written
    assert written - run == set()


WARNS = {
    *("raw.unplaced none_unplaced", "cleaned.rejects none_set_aside"),
    *("cleaned.category_columns none_held_back", "cleaned.completeness arrived"),
    *("clusters.cluster_model model_of_enough", "clusters.cluster_decision segments_stable"),
    *("clusters.cluster_segment no_tiny_segment", "clusters.cluster_segment names_explained"),
    *("clusters.segment_name names_true", "clusters.segment_event wealth_names_explained"),
    "clusters.micro_segment parts_large",
    "predictions.prediction_backtest placebo_at_half",
    "predictions.prediction_backtest not_worse_than_baseline",
    "predictions.prediction_calibration calibrated",
    "predictions.lifecycle_backtest better_than_rules",
    *("predictions.value_model total_bias", "predictions.contract_model total_bias"),
    *("offers.product_affinity came_true", "offers.product_set every_set_has_products"),
    *(
        f"validation.validation_report verdicts_{area}"
        for area in ("data", "portrait", "drift", "backtests", "predictions", "fairness")
    ),
}
"""What is to be looked at, and stops nothing."""
STOPS_NOTHING = {
    "predictions.credit_curve curve_falls",
    "market.season seasons_are_one",
    "market.demand_change within_intervals",
    "market.competitor gap_is_of_both",
    "market.bundle surely_together",
}
"""What is an error of its own table, from which no other is computed."""


def test_all_that_fails_stops_what_follows_but_what_is_named(tmp_path: Path):
    context = context_of(shop(tmp_path / "data"))
    checks = {
        f"{table.full_name} {check.name}": check
        for room in ROOMS
        for table, of_table in room.checks(context).items()
        for check in of_table
    }
    warns = dg.AssetCheckSeverity.WARN
    assert {name for name, check in checks.items() if check.severity is warns} == WARNS
    assert {name for name, check in checks.items() if not check.blocking} == WARNS | STOPS_NOTHING


def test_a_listed_room_is_wired_without_further_code(tmp_path: Path, rooms: tuple[Room, ...]):
    settings = shop(tmp_path / "data")
    graph = build_defs(settings, rooms=rooms).resolve_asset_graph()
    pilot, published = dg.AssetKey(["pilot", "headcount"]), dg.AssetKey(["mart", "portrait_file"])

    assert context_of(settings, rooms).tables[-1] == HEADCOUNT
    assert graph.get(pilot).parent_keys == {dg.AssetKey(["features", "feature_matrix"])}
    assert pilot in graph.get(published).parent_keys
    checks = {key.name for key in graph.asset_check_keys if key.asset_key == pilot}
    assert checks == {"contract", "many"}
    assert context_of(settings, rooms).sections[-1].key == "pilot"


@pytest.mark.slow
def test_the_tables_of_a_listed_room_are_published_reported_and_examined(
    tmp_path: Path, rooms: tuple[Room, ...]
):
    settings = shop(tmp_path / "data")
    with dg.DagsterInstance.ephemeral() as instance:
        ran = (
            build_defs(settings, rooms=rooms)
            .resolve_job_def(JOB)
            .execute_in_process(instance=instance, tags=range_tags(FEBRUARY), run_config=QUIET)
        )
    assert ran.success
    counted = contents(settings.portrait_file)["pilot.headcount"]
    page = (settings.warehouse_dir / REPORT_FILE).read_text(encoding="utf-8")
    assert [as_of for as_of, _ in counted] == [date(2024, 1, 31), date(2024, 2, 29)]
    assert '<a href="#pilot">' in page
    assert f'<section id="pilot"><b>{counted[-1][1]}</b></section>' in page
    assert "<code>pilot.headcount</code>" in page, "in the dictionary"

    assert examine(settings, rooms) == []
    with duckdb.connect(str(settings.warehouse_file)) as con:
        con.execute("UPDATE pilot.headcount SET customers = 2 WHERE as_of = '2024-02-29'")
    issues = "\n".join(map(str, examine(settings, rooms)))
    assert "pilot.headcount: fails 'many' of 2024-02" in issues


def test_the_commands_of_every_room_are_those_of_the_command_line():
    known = {command.callback for command in app.registered_commands}
    groups = {group.typer_instance for group in app.registered_groups}
    for module in (module for room in ROOMS for module in room.commands):
        commands = import_module(module).commands
        assert {command.callback for command in commands.registered_commands} <= known
        assert {group.typer_instance for group in commands.registered_groups} <= groups
