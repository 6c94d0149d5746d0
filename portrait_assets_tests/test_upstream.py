"""What we lean on of the packages below: an upgrade that changes it fails here first."""

import logging
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import dagster as dg
import duckdb
import pandera.polars as pa
import polars as pl
import pytest
import splink
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from pyarrow import array, int32, table, total_allocated_bytes
from splink.comparison_library import ExactMatch
from splink.internals.duckdb.database_api import DuckDBAPI
from splink.internals.exceptions import EMTrainingException

from portrait_assets.orchestration.automation import range_tags
from portrait_assets.orchestration.event_log import KeptSqliteEventLogStorage
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.dagster.asset import month_partitions, until
from portrait_assets.testing.worlds.shop import QUIET

MONTHS = month_partitions("2024-01", "2024-04", "UTC")
TABLE = Table("room", "a", "A", "甲", (Column("x", Type.TEXT, "X", "X"),))


class Recorder(dg.IOManager):
    """Remembers which partitions were written and read."""

    def __init__(self) -> None:
        self.written: dict[str, list[str]] = {}
        self.read: dict[str, list[str]] = {}

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        self.written[context.asset_key.path[-1]] = list(context.asset_partition_keys)

    def load_input(self, context: dg.InputContext) -> None:
        self.read[context.asset_key.path[-1]] = list(context.asset_partition_keys)


def run_range(
    assets: Sequence[dg.AssetsDefinition],
    first: str,
    last: str,
    recorder: Recorder | dg.IOManagerDefinition,
    checks: Sequence[dg.AssetChecksDefinition] = (),
) -> dg.ExecuteInProcessResult:
    job = dg.define_asset_job("job", selection=dg.AssetSelection.assets(*assets))
    defs = dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=[job],
        resources={"io_manager": recorder},
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("job").execute_in_process(
            instance=instance,
            tags=range_tags([first, last]),
            run_config=QUIET,
            raise_on_error=False,
        )


def two_assets() -> list[dg.AssetsDefinition]:
    policy = dg.BackfillPolicy.single_run()

    @dg.asset(key=["room", "a"], partitions_def=MONTHS, backfill_policy=policy)
    def a() -> int:
        return 1

    ins = {"a": dg.AssetIn(key=asset_key(TABLE), partition_mapping=until(MONTHS))}

    @dg.asset(key=["room", "b"], ins=ins, partitions_def=MONTHS, backfill_policy=policy)
    def b(a) -> int:
        return 1

    return [a, b]


def test_one_run_over_a_range_writes_its_months_and_reads_all_before_too():
    recorder = Recorder()
    assert run_range(two_assets(), "2024-02", "2024-03", recorder).success
    assert recorder.written == {"a": ["2024-02", "2024-03"], "b": ["2024-02", "2024-03"]}
    assert recorder.read == {"a": ["2024-01", "2024-02", "2024-03"]}


@pytest.mark.parametrize("passes", [True, False])
def test_a_check_tells_a_result_per_month_and_a_blocking_failure_stops_what_follows(passes: bool):
    spec = dg.AssetCheckSpec(
        "good", asset=dg.AssetKey(["room", "a"]), blocking=True, partitions_def=MONTHS
    )

    @dg.multi_asset_check(specs=[spec], can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext):
        for month in context.partition_keys:
            yield dg.AssetCheckEvaluation(
                asset_key=spec.asset_key,
                check_name="good",
                blocking=True,
                partition=month,
                passed=passes or month != "2024-03",
            )
        yield dg.Output(None, output_name=spec.get_python_identifier())

    recorder = Recorder()
    result = run_range(two_assets(), "2024-02", "2024-03", recorder, (checks,))
    found = {e.partition: e.passed for e in result.get_asset_check_evaluations()}
    assert found == {"2024-02": True, "2024-03": passes}
    assert ("b" in recorder.written) is passes
    assert result.success is passes


def test_a_generator_resource_is_opened_once_for_the_whole_run():
    opened = []

    @dg.io_manager
    def recorder(context: dg.InitResourceContext):
        opened.append("opened")
        yield Recorder()
        opened.append("closed")

    assert run_range(two_assets(), "2024-01", "2024-01", recorder).success
    assert opened == ["opened", "closed"]


def test_pandera_checks_values_on_an_eager_frame_and_not_on_a_lazy_one():
    schema = pa.DataFrameSchema({"x": pa.Column(pl.Int64, pa.Check.ge(0))})
    with pytest.raises(pa.errors.SchemaErrors):
        schema.validate(pl.DataFrame({"x": [-1]}), lazy=True)
    schema.validate(pl.LazyFrame({"x": [-1]}), lazy=True).collect()


def test_duckdb_streams_a_relation_into_polars_and_pushes_a_month_down(tmp_path: Path):
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT range AS x, '2024-01' AS month FROM range(10)")
        lazy = con.sql("FROM t").pl(lazy=True)
        assert (
            lazy.filter(pl.col("month") == "2024-01").select(pl.col("x").sum()).collect().item()
            == 45
        )
        assert "SELECTION" in lazy.filter(pl.col("month") == "2024-01").explain()


def test_an_insert_by_name_does_not_mind_the_order_of_columns():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
        frame = pl.DataFrame({"b": [2], "a": [1]})
        con.register("frame", frame)
        assert con.execute("INSERT INTO t BY NAME SELECT * FROM frame").fetchone() == (1,)
        assert con.execute("FROM t").fetchall() == [(1, 2)]


def test_an_insert_from_an_ordered_query_keeps_its_order(tmp_path: Path):
    """The matrix looks at some customers only, which lie together in the monthly aggregates."""
    with duckdb.connect(str(tmp_path / "x.duckdb"), config={"threads": 4}) as con:
        con.execute("CREATE TABLE t (month VARCHAR, who VARCHAR)")
        rows = "SELECT md5(i::VARCHAR) AS who, '2024-01' AS month FROM range(400_000) AS r(i)"
        rows = f"SELECT month, who, count(*) FROM ({rows}) GROUP BY ALL ORDER BY who"
        con.execute(f"INSERT INTO t BY NAME SELECT month, who FROM ({rows})")
        assert con.sql("FROM t").pl()["who"].is_sorted()


def test_duckdb_takes_texts_as_polars_holds_them():
    short, long = "客户", "a text too long to be stored beside its length"
    frame = pl.DataFrame({"text": [short, long, None], "texts": [[short, None], [long], []]})
    incoming = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    assert str(incoming.schema.field("text").type) == "string_view"
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (text VARCHAR, texts VARCHAR[])")
        con.execute("INSERT INTO t BY NAME SELECT * FROM incoming")
        assert con.sql("FROM t").pl().equals(frame)


def test_file_row_numbers_of_parquet_start_at_zero(tmp_path: Path):
    pl.DataFrame({"x": [5, 6]}).write_parquet(tmp_path / "x.parquet")
    found = duckdb.execute(
        f"SELECT file_row_number FROM read_parquet('{tmp_path / 'x.parquet'}', "
        "file_row_number = true)"
    ).fetchall()
    assert found == [(0,), (1,)]


def test_sums_of_decimals_are_exact_whatever_the_order():
    amounts = pl.Series([0.1] * 1000 + [1e9, -1e9]).cast(pl.Decimal(18, 2))
    assert amounts.sum() == amounts.reverse().sum() == 100


RUN_ID = "11111111-1111-1111-1111-111111111111"


def materialized(asset: str, month: str) -> EventLogEntry:
    data = StepMaterializationData(dg.AssetMaterialization(asset, partition=month))
    kind = DagsterEventType.ASSET_MATERIALIZATION.value
    return event_of_run(DagsterEvent(kind, "job", event_specific_data=data))


def event_of_run(event: DagsterEvent) -> EventLogEntry:
    return EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster leaves it untyped.
        error_info=None,
        user_message="m",
        level=20,
        run_id=RUN_ID,
        timestamp=1.0,
        dagster_event=event,
    )


def test_the_kept_event_log_stores_what_dagster_s_own_can_read(tmp_path: Path):
    kept = KeptSqliteEventLogStorage(str(tmp_path / "runs"))
    start = DagsterEvent(DagsterEventType.STEP_START.value, "job", step_key="a")
    kept.store_event(materialized("a", "2024-01"))
    kept.store_event(event_of_run(start))
    for asset, month in (("a", "2024-02"), ("b", "2024-01"), ("b", "2024-02")):
        kept.store_event(materialized(asset, month))
    assert len(kept.get_logs_for_run(RUN_ID)) == 5, "what waits is stored when somebody reads"
    kept.store_event(materialized("c", "2024-01"))
    kept.store_event(event_of_run(start))
    kept.dispose()
    own = SqliteEventLogStorage(str(tmp_path / "runs"))
    for asset in ("a", "b"):
        assert own.get_materialized_partitions(dg.AssetKey(asset)) == {"2024-01", "2024-02"}
    assert all(own.has_asset_key(dg.AssetKey(asset)) for asset in "abc")
    newest = own.get_latest_materialization_events([dg.AssetKey(asset) for asset in "abc"])
    of_asset = {key.path[0]: entry.dagster_event for key, entry in newest.items() if entry}
    assert {name: event and event.partition for name, event in of_asset.items()} == {
        **dict.fromkeys("ab", "2024-02"),
        "c": "2024-01",
    }
    events = [log.dagster_event for log in own.get_logs_for_run(RUN_ID)]
    logged = [event.partition for event in events if event is not None]
    assert logged == ["2024-01", None, "2024-02", "2024-01", "2024-02", "2024-01", None]
    own.dispose()


def test_rows_inserted_in_parallel_after_none_are_hidden_by_duckdb(tmp_path: Path):
    """Why the store inserts with one thread then; when this fails, that can go."""

    def found(threads: int) -> int:
        con = duckdb.connect(str(tmp_path / f"{threads}.duckdb"), config={"threads": 2})
        con.execute("CREATE TABLE t (as_of DATE, a VARCHAR, b VARCHAR)")
        rows = (
            "SELECT DATE '{}' AS as_of, 'x' || (i % 7) AS a, i::VARCHAR AS b FROM range({}) AS r(i)"
        )
        con.execute(f"INSERT INTO t {rows.format('2024-01-31', 1000)}")
        con.execute("BEGIN")
        con.execute(f"INSERT INTO t {rows.format('2024-02-29', 5)} LIMIT 0")
        con.execute(f"SET threads = {threads}")
        con.execute(f"INSERT INTO t {rows.format('2024-03-31', 200_000)} ORDER BY a, b")
        con.execute("COMMIT")
        counted = con.execute("SELECT count(*) FROM t WHERE as_of = DATE '2024-03-31'").fetchall()
        con.close()
        return int(counted[0][0])

    assert found(threads=1) == 200_000
    assert found(threads=2) == 0


def test_a_frame_found_by_its_name_is_let_go_and_a_registered_one_kept_until_the_end():
    con = duckdb.connect()
    con.execute("CREATE TABLE a (x INTEGER)")

    def allocated(by_name: bool) -> int:
        """Bytes still allocated after five tables were inserted one after the other."""
        before = total_allocated_bytes()
        con.execute("BEGIN")
        for _ in range(5):
            incoming = table({"x": array([1] * 1000, int32())})
            if not by_name:
                con.register("registered", incoming)
            con.execute(f"INSERT INTO a SELECT * FROM {'incoming' if by_name else 'registered'}")
        con.execute("SELECT 1").fetchall()
        left: int = total_allocated_bytes() - before
        con.execute("COMMIT")
        return left

    assert allocated(by_name=True) < 2 * 5000  # the last one
    assert allocated(by_name=False) >= 5 * 4000


def test_a_relation_of_a_table_that_is_not_there_leaves_the_transaction_as_it_is():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA s; BEGIN; CREATE TABLE s.new (x INTEGER)")
        assert con.table('"s"."new"').columns == ["x"], "also what this transaction made"
        for name in ('"s"."absent"', '"none"."new"'):
            with pytest.raises(duckdb.CatalogException):
                con.table(name)
        con.execute("COMMIT; BEGIN")
        with pytest.raises(duckdb.CatalogException):
            con.execute("FROM s.absent")
        with pytest.raises(duckdb.TransactionException, match="aborted"):
            con.execute("FROM s.new")


def test_duckdb_parses_the_names_in_a_query_that_cannot_be_bound():
    con = duckdb.connect(config={"autoinstall_known_extensions": False})
    table_names = "SELECT json_extract_string(json_serialize_sql(?), '$..table_name')"
    query = "WITH a AS (FROM nowhere SEMI JOIN sales USING (x)) SELECT nothing FROM a"
    assert set(con.execute(table_names, [query]).fetchall()[0][0]) == {"a", "nowhere", "sales"}
    assert con.execute(table_names, ["DROP TABLE a"]).fetchall() == [([],)]


def test_splink_loses_the_columns_of_a_rule_that_taught_it_nothing():
    """What `linkage` puts back: without that, later months compare fewer columns unseen."""
    people = pl.DataFrame({"unique_id": ["1", "2", "3"], "a": ["x", "y", "z"], "b": ["p"] * 3})
    settings = {
        "link_type": "dedupe_only",
        "comparisons": [ExactMatch(name) for name in ("a", "b")],
        "blocking_rules_to_generate_predictions": [splink.block_on("b")],
    }
    with duckdb.connect() as con:
        records = DuckDBAPI(con).register(people.to_arrow(), table_name="records")
        linker = splink.Linker(records, settings, log_level=logging.ERROR)
        kept = deepcopy(linker._settings_obj.core_model_settings)
        with pytest.raises(EMTrainingException, match="no record pairs"):
            linker.training.estimate_parameters_using_expectation_maximisation(
                splink.block_on("a"), record_sample_proportion=1.0
            )
        comparisons = linker.misc.save_model_to_json()["comparisons"]
        assert [comparison["output_column_name"] for comparison in comparisons] == ["b"]
        linker._settings_obj.core_model_settings = kept
        comparisons = linker.misc.save_model_to_json()["comparisons"]
        assert [comparison["output_column_name"] for comparison in comparisons] == ["a", "b"]
