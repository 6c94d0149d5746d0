from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.errors import PortraitError
from portrait_assets.stages.clusters.cluster_file import (
    ClusterFileError,
    ClusterFileSummary,
    cluster_file,
    cluster_table,
)
from portrait_assets.testing.worlds.clusters import bank, blobs, two_rings


def run(
    tmp_path: Path, table: pl.DataFrame, segments: int | None = None, seed: int = 0
) -> tuple[pl.DataFrame, ClusterFileSummary]:
    table.write_parquet(tmp_path / "in.parquet")
    summary = cluster_file(tmp_path / "in.parquet", tmp_path / "out.parquet", segments, seed)
    return pl.read_parquet(tmp_path / "out.parquet"), summary


@pytest.mark.slow
def test_one_integer_per_row_in_order(tmp_path: Path) -> None:
    points, truth = two_rings()
    shuffle = np.random.default_rng(0).permutation(len(points))
    table = pl.DataFrame(points[shuffle], schema=["x", "y"])
    labels, summary = run(tmp_path, table)
    assert labels.columns == ["segment"]
    assert labels["segment"].dtype.is_integer()
    assert adjusted_rand_score(labels["segment"].to_numpy(), truth[shuffle]) == 1.0
    assert summary.segments == 2
    assert summary.shares == (0.5, 0.5)


@pytest.mark.slow
def test_a_mixed_table_is_taken_as_it_is() -> None:
    frame, kind = bank(400)
    days = pl.Series("since", [date(2020, 1, 1) + timedelta(days=int(d)) for d in kind * 300])
    table = frame.drop("customer_id").with_columns(days, flag=pl.Series(kind > 0))
    labels, _ = cluster_table(table)
    assert adjusted_rand_score(labels.to_numpy() - 1, kind) > 0.7


@pytest.mark.slow
def test_the_order_of_rows_and_the_time_of_day_do_not_matter() -> None:
    points = pl.DataFrame(blobs([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], each=40), schema=["x", "y"])
    first, _ = cluster_table(points)
    again, _ = cluster_table(points)
    turned, _ = cluster_table(points.reverse())
    assert first.equals(again)
    assert first.equals(turned.reverse())


def test_a_requested_number_is_fitted(tmp_path: Path) -> None:
    table = pl.DataFrame(blobs([[0.0, 0.0], [5.0, 0.0]], each=60), schema=["x", "y"])
    labels, summary = run(tmp_path, table, segments=4)
    assert sorted(labels["segment"].unique()) == [1, 2, 3, 4]
    assert not summary.supported


@pytest.mark.parametrize(
    "extra",
    [
        {"constant": pl.lit(1.0)},
        {"empty": pl.lit(None, pl.Float64)},
        {"copy": pl.col("x")},
        {"infinite": pl.when(pl.col("x") > 0).then(float("inf")).otherwise(pl.col("x"))},
        {"names": pl.int_range(pl.len()).cast(pl.String)},
        {"list": pl.concat_list("x", "y")},
    ],
)
@pytest.mark.slow
def test_columns_that_tell_nothing_do_no_harm(extra: dict[str, pl.Expr]) -> None:
    table = pl.DataFrame(blobs([[0.0, 0.0], [6.0, 6.0]], each=40), schema=["x", "y"])
    labels, _ = cluster_table(table.with_columns(**extra), segments=2)
    assert adjusted_rand_score(labels.to_numpy() - 1, np.repeat([0, 1], 40)) > 0.9


def test_what_numbers_the_rows_or_is_left_out_is_not_looked_at(tmp_path: Path) -> None:
    """Here both would part the rows into others than the points do."""
    points = pl.DataFrame(blobs([[0.0, 0.0], [5.0, 0.0]], each=60), schema=["x", "y"])
    rows = points.with_row_index("row").with_columns(label=pl.col("row") % 2 * 100)
    shuffled = rows.sample(120, seed=1, shuffle=True).with_columns(row=pl.int_range(120))
    shuffled.write_csv(tmp_path / "in.csv", separator=";")
    to = tmp_path / "out.csv"
    found = cluster_file(tmp_path / "in.csv", to, segments=2, leave_out=["label"])
    assert found.not_used == ("row",)
    assert adjusted_rand_score(pl.read_csv(to)["segment"], shuffled["x"] > 2.5) == 1.0
    assert cluster_file(tmp_path / "in.csv", to, 2, keep=["row"]).not_used == ()


def test_a_table_is_not_clustered_by_what_only_numbers_its_rows(tmp_path: Path) -> None:
    first = 110105199001010007  # A float of this size is one of every sixteen whole numbers.
    table = pl.DataFrame({"x": range(40), "card": range(first, first + 40)})
    table = table.with_columns(pl.Series("客户号", range(0, 80, 2)))
    table.write_parquet(tmp_path / "in.parquet")
    to = tmp_path / "out.parquet"
    with pytest.raises(ClusterFileError, match="to cluster by: x, card, 客户号 only number"):
        cluster_file(tmp_path / "in.parquet", to, segments=2)
    assert not to.exists()
    found = cluster_file(tmp_path / "in.parquet", to, segments=2, keep=["x"])
    assert (found.segments, found.not_used) == (2, ("card", "客户号"))


@pytest.mark.parametrize("rows", [1, 10])
def test_a_handful_of_rows_is_one_segment(tmp_path: Path, rows: int) -> None:
    table = pl.DataFrame({"x": np.arange(rows, dtype=float)})
    labels, _ = run(tmp_path, table)
    assert labels["segment"].to_list() == [1] * rows


def test_as_many_segments_as_rows() -> None:
    labels, _ = cluster_table(pl.DataFrame({"x": [1.0, 2.0, 30.0]}), segments=3)
    assert sorted(labels) == [1, 2, 3]


def test_a_category_of_fifty_thousand_values() -> None:
    table = pl.DataFrame({"code": [f"v{i}" for i in range(50_000)], "x": [0.0, 9.0] * 25_000})
    labels, summary = cluster_table(table)
    assert summary.rows == 50_000
    assert labels.n_unique() <= 2


@pytest.mark.slow
def test_two_thousand_columns() -> None:
    rng = np.random.default_rng(0)
    kind = np.repeat([0.0, 1.0], 150)
    table = pl.DataFrame(
        {f"c{i}": rng.normal(size=300) + 2 * kind * (i % 4 == 0) for i in range(2_000)}
    )
    labels, _ = cluster_table(table)
    assert adjusted_rand_score(labels.to_numpy() - 1, kind.astype(int)) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential"])
@pytest.mark.parametrize("dims", [2, pytest.param(5, marks=pytest.mark.long), 10])
@pytest.mark.parametrize("turned", [False, pytest.param(True, marks=pytest.mark.long)])
def test_structureless_tables_stay_whole(dims: int, kind: str, turned: bool) -> None:
    rng = np.random.default_rng(8)
    points = getattr(rng, kind)(size=(2_000, dims))
    points = points @ rng.normal(size=(dims, dims)) if turned else points
    table = pl.DataFrame(points, schema=[f"x{i}" for i in range(dims)])
    assert cluster_table(table)[1].segments == 1


def test_a_mistake_raises_one_sentence(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(ClusterFileError, match="only 2 rows"):
        run(tmp_path, table, segments=3)
    with pytest.raises(ClusterFileError, match="at least 1"):
        run(tmp_path, table, segments=0)
    for left_out, kept in ((["y"], []), ([], ["y"])):
        with pytest.raises(ClusterFileError, match="has no column y; it has x"):
            cluster_file(tmp_path / "in.parquet", tmp_path / "out.parquet", 2, 0, left_out, kept)
    with pytest.raises(ClusterFileError, match="all columns are left out"):
        cluster_file(tmp_path / "in.parquet", tmp_path / "out.parquet", leave_out=["x"])
    with pytest.raises(ClusterFileError, match="no row"):
        cluster_table(table.clear())
    with pytest.raises(ClusterFileError, match="no column"):
        cluster_table(pl.DataFrame())
    with pytest.raises(ClusterFileError, match="no column of numbers or text"):
        cluster_table(pl.DataFrame({"x": [[1], [2]]}))
    assert issubclass(ClusterFileError, PortraitError)
    assert issubclass(ClusterFileError, ValueError)
