"""The wiring as a whole: every asset, check, job, schedule and sensor, with its metadata."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import build_defs, context_of
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.assets import SOURCE_FILES
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.testing.worlds.shop import shop

REPOSITORY = Path(__file__).parents[2]
NAMES = [room.name for room in ROOMS]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return shop(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def defs(settings: Settings) -> dg.Definitions:
    return build_defs(settings)


@pytest.fixture(scope="module")
def tables(settings: Settings) -> list[Table]:
    return context_of(settings).tables


def test_assets_are_the_tables_of_all_rooms_and_what_is_published(
    defs: dg.Definitions, tables: list[Table]
):
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    names = {table.full_name.replace(".", "/") for table in tables}
    assert keys == {*names, "raw/source_files", "mart/portrait_file", "mart/report"}
    assert {"cleaned/transactions", "features/feature_matrix", "tags/portrait_matrix"} < names


def test_validation_comes_after_every_step_whose_checks_it_counts(defs: dg.Definitions):
    steps = [each for each in defs.assets or () if isinstance(each, dg.AssetsDefinition)]
    writer = {key: step.op.name for step in steps if step.is_executable for key in step.keys}
    reads = {
        step.op.name: {
            writer[key] for keys in step.asset_deps.values() for key in keys & writer.keys()
        }
        for step in steps
        if step.is_executable
    }
    before, waiting = set[str](), ["validation"]
    while waiting:
        found = reads[waiting.pop()] - before
        before |= found
        waiting += found
    assert reads.keys() - before == {"validation", "mart__portrait_file", "mart__report"}


def test_jobs_schedules_and_sensors_are_these(defs: dg.Definitions):
    repository = defs.get_repository_def()
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == {
        "portrait"
    }
    assert [schedule.name for schedule in repository.schedule_defs] == ["monthly"]
    assert [sensor.name for sensor in repository.sensor_defs] == ["source_files"]


def test_assets_of_a_source_without_a_last_month_have_a_deadline_and_others_none(
    defs: dg.Definitions, tmp_path: Path
):
    assert {spec.freshness_policy for spec in defs.resolve_all_asset_specs()} == {None}
    open_ended = shop(tmp_path)
    definition = open_ended.source_dir / "source.yaml"
    definition.write_text(re.sub("last_month: .*\n", "", definition.read_text()))
    for spec in build_defs(open_ended).resolve_all_asset_specs():
        if spec.key == SOURCE_FILES:
            continue
        assert spec.freshness_policy == dg.FreshnessPolicy.cron(
            "0 6 3 * *", timedelta(days=2, hours=6), "Asia/Shanghai"
        )


def test_every_asset_has_a_group_description_owner_kinds_and_months(defs: dg.Definitions):
    for spec in defs.resolve_all_asset_specs():
        assert spec.group_name == spec.key.path[0]
        assert spec.description
        assert "/" in spec.description, "in both languages"
        assert spec.owners
        assert spec.kinds
        assert (spec.partitions_def is None) == (spec.key == SOURCE_FILES)


def test_every_table_has_its_column_schema_and_a_blocking_check_of_its_contract(
    defs: dg.Definitions, tables: list[Table]
):
    graph = defs.resolve_asset_graph()
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    for table in tables:
        key = dg.AssetKey([table.schema, table.name])
        schema = specs[key].metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == list(table.column_names)
        assert all(column.description for column in schema.columns)
        check = graph.get_check_spec(dg.AssetCheckKey(key, "contract"))
        assert check.blocking
        assert check.partitions_def is not None


BESIDES_CONTRACTS = {
    "raw.receipts": {"all_received"},
    "raw.unplaced": {"none_unplaced"},
    "cleaned.category_columns": {"none_held_back"},
    "cleaned.completeness": {"arrived"},
    "cleaned.rejects": {"conserved", "none_set_aside"},
    "features.customer_month": {"adds_up"},
    "features.feature_matrix": {"everyone"},
    "targets.target": {"adds_up", "ends_with_month"},
    "targets.balance_target": {"ends_with_month"},
    "targets.campaign_target": {"ends_with_month"},
    "targets.product_target": {"ends_with_month"},
    "clusters.cluster_assignment": {"everyone_assigned"},
    "clusters.cluster_decision": {"segments_stable"},
    "clusters.cluster_model": {"model_of_enough"},
    "clusters.cluster_segment": {"no_tiny_segment", "names_distinct", "names_explained"},
    "clusters.segment_event": {"wealth_names_explained"},
    "clusters.segment_name": {"names_true"},
    "clusters.wealth_segment": {"wealth_everyone"},
    "clusters.wealth_description": {"wealth_names_distinct"},
    "clusters.wealth_decision": {"wealth_as_asked"},
    "clusters.micro_segment": {"parts_large"},
    "clusters.micro_proof": {"parts_earn_it"},
    "predictions.prediction": {"ranked_by_score", "within_intervals"},
    "predictions.prediction_backtest": {"not_worse_than_baseline", "placebo_at_half"},
    "predictions.prediction_calibration": {"calibrated"},
    "predictions.prediction_decision": {"everyone_accounted_for"},
    "predictions.prediction_model": {"gives_the_scores"},
    "predictions.lifecycle_stage": {"one_stage", "no_gap"},
    "predictions.lifecycle_backtest": {"better_than_rules"},
    "predictions.customer_value": {"within_intervals"},
    "predictions.value_model": {"everyone_valued", "one_method_chosen", "total_bias"},
    "predictions.value_parameter": {"gives_the_values"},
    "predictions.contract_model": {"total_bias"},
    "predictions.contract_hazard": {"gives_the_values"},
    "predictions.scorecard": {"gives_the_points"},
    "predictions.credit_score": {"points_in_order", "all_allow_it"},
    "predictions.credit_decision": {"everyone_accounted_for", "nothing_protected"},
    "predictions.credit_curve": {"curve_falls"},
    "tags.portrait_matrix": {"everyone_assigned"},
    "tags.tag_table": {"only_from_catalogue"},
    "offers.product_affinity": {"in_order", "only_profiled", "not_held", "came_true"},
    "offers.segment_product": {"of_enough_customers", "consistent"},
    "offers.product_rule": {"everyone_counted_once"},
    "offers.next_product": {
        "all_suit",
        "everyone_has_an_answer",
        "better_than_base",
        "refusals_kept",
    },
    "offers.product_set": {"within_highest_grade", "every_set_has_products"},
    "offers.set_offer": {"all_suit"},
    "market.item_month": {"segments_add_up"},
    "market.demand": {"no_small_cell"},
    "market.season": {"seasons_are_one"},
    "market.takings_change": {"parts_add_up", "no_small_cell"},
    "market.demand_change": {"within_intervals", "no_small_cell"},
    "market.competitor": {"gap_is_of_both"},
    "market.launch": {"no_small_cell"},
    "market.segment_need": {"no_small_cell"},
    "market.price_point": {"no_small_cell"},
    "market.bundle": {"surely_together", "no_small_cell"},
    "validation.validation_report": {
        *(
            "verdicts_backtests",
            "verdicts_fairness",
            "verdicts_data",
            "verdicts_drift",
            "verdicts_portrait",
            "verdicts_predictions",
        )
    },
}


def test_what_is_checked_besides_contracts_is_this(defs: dg.Definitions):
    found: dict[str, set[str]] = {}
    for key in defs.resolve_asset_graph().asset_check_keys:
        if key.name != "contract":
            found.setdefault(".".join(key.asset_key.path), set()).add(key.name)
    assert found == BESIDES_CONTRACTS


def test_rooms_depend_on_rooms_upstream_only(defs: dg.Definitions):
    for spec in defs.resolve_all_asset_specs():
        for dep in spec.deps:
            assert NAMES.index(dep.asset_key.path[0]) <= NAMES.index(spec.key.path[0])


LAYERS = (
    *("core", "schema", "methods", "storage", "privacy"),
    *(f"stages.{room}" for room in NAMES),
    "stages.rooms",
    *("synthetic", "orchestration", "app", "testing"),
)
"""In the order in which each may import only itself and those before it."""


def _layer(module: str) -> int | None:
    name = module.removeprefix("portrait_assets.") + "."
    return next((n for n, layer in enumerate(LAYERS) if name.startswith(layer + ".")), None)


def _statements(of: ast.AST) -> Iterator[ast.AST]:
    """The statements in it, and in these; expressions, the most of a file, hold none."""
    for node in ast.iter_child_nodes(of):
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield node
            yield from _statements(node)


@cache
def imported_by(path: Path) -> tuple[str, ...]:
    """The modules that a file imports, also within functions."""
    found: list[str] = []
    for node in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return tuple(found)


def test_every_layer_imports_only_layers_below_it():
    upward = []
    for path in (REPOSITORY / "portrait_assets").rglob("*.py"):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        own = _layer(module)
        for name in imported_by(path):
            if own is not None and (_layer(name) or 0) > own:
                upward.append(f"{module} imports {name}")
    assert upward == []
    assert _layer("portrait_assets.stages.tags.contract") == LAYERS.index("stages.tags")


@pytest.mark.parametrize(
    ("folder", "never"),
    [
        ("portrait_assets", ("portrait_assets_tests", "benchmarks", "pytest", "hypothesis")),
        ("portrait_assets_tests", ("benchmarks",)),
        ("benchmarks", ("portrait_assets_tests",)),
    ],
)
def test_tests_and_benchmarks_import_the_package_and_not_each_other(
    folder: str, never: tuple[str, ...]
):
    own = {path.stem for path in (REPOSITORY / "benchmarks").glob("*.py")}
    for path in (REPOSITORY / folder).rglob("*.py"):
        modules = {module.split(".")[0] for module in imported_by(path)}
        assert modules.isdisjoint(never), path
        assert folder == "benchmarks" or modules.isdisjoint(own), path


def test_only_testing_imports_testing():
    package = REPOSITORY / "portrait_assets"
    for path in set(package.rglob("*.py")) - set((package / "testing").rglob("*.py")):
        assert not [m for m in imported_by(path) if m.startswith("portrait_assets.testing")], path


def test_methods_import_no_months_dagster_or_warehouse():
    for path in (REPOSITORY / "portrait_assets" / "methods").rglob("*.py"):
        for name in imported_by(path):
            assert name not in ("dagster", "portrait_assets.core.months"), path
            assert not name.startswith("portrait_assets.storage"), path


def test_every_contract_is_described_in_both_languages_with_units_for_amounts(tables: list[Table]):
    names = [table.full_name for table in tables]
    assert len(set(names)) == len(names)
    for table in tables:
        assert table.en
        assert table.zh
        assert set(table.key) <= set(table.column_names), table.full_name
        assert set(table.private) <= set(table.column_names)
        for column in table.all_columns:
            assert column.en, f"{table.full_name}.{column.name}"
            assert column.zh, f"{table.full_name}.{column.name}"
            if str(column.type).startswith("DECIMAL"):
                assert column.unit, f"{table.full_name}.{column.name} has no unit"


def test_the_glossary_has_the_rooms_and_elements_in_both_languages():
    glossary = (REPOSITORY / "docs" / "glossary.md").read_text()
    for term in (
        "entity",
        "symbol",
        "concept",
        "principle",
        "recency",
        "tenure",
        "TGI",
        "PSI",
        "lift",
        "golden record",
        "survivorship",
        "champion",
        "portrait matrix",
    ):
        assert term in glossary


def test_transforms_import_neither_dagster_nor_pandas():
    package = REPOSITORY / "portrait_assets"
    wiring = {"assets.py", "checks.py", "room.py", "rooms.py"}
    for part in ("stages", "methods"):
        modules = list((package / part).rglob("*.py"))
        assert modules
        for module in modules:
            text = module.read_text()
            assert "import pandas" not in text
            if module.name not in wiring:
                assert "dagster" not in text, module


def test_a_column_that_names_a_customer_says_that_it_identifies(tables: list[Table]):
    named = {
        f"{table.full_name}.{column.name}": column.identifies
        for table in tables
        for column in table.stored.all_columns
        if column.name.endswith(("customer_id", "prospect_id", "alias_id"))
    }
    assert len(named) > 20
    assert [name for name, identifies in named.items() if not identifies] == []
