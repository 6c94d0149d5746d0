"""The segments of a generated bank compared with the latent ones, month by month.

portrait generate bank --out BANK --customers 20000 --seed 3
PORTRAIT_DATA_DIR=BANK portrait run --source synthetic_bank
python -m benchmarks.clusters_bank --warehouse BANK/warehouse/synthetic_bank/warehouse.duckdb \
    --truth BANK/truth/segments.parquet

Prints the adjusted Rand index of the active model's segments and of a model fitted freely to the
last month, and the share of customers relabelled by a refit who had not moved: those whom the
model before assigns to the same segment as a month earlier.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.stages.clusters.champions.active import active_model, kept_uses

BOUND_ARI = 0.85


def rand(assigned: pl.DataFrame, truth: pl.DataFrame) -> float:
    """Adjusted Rand index of segments against the latent ones of the same customers."""
    both = assigned.join(truth, on="customer_id")
    return float(adjusted_rand_score(both["segment"], both["segment_id"]))


def relabelled(
    old: ClusterModel, before: pl.DataFrame, month: pl.DataFrame, now: pl.DataFrame
) -> tuple[float, int]:
    """Share of the unmoved customers whose segment a refit changed, and how many they are."""
    frozen = assign(old, month, before)
    rows = before.join(frozen, on="customer_id", suffix="_frozen")
    unmoved = rows.filter(pl.col("segment_id") == pl.col("segment_id_frozen"))
    changed = unmoved.join(now, on="customer_id", suffix="_now")
    share = changed.select((pl.col("segment_id") != pl.col("segment_id_now")).mean()).item()
    return share, unmoved.height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--last-only", action="store_true", help="only the free fit")
    given = parser.parse_args()
    truth = pl.read_parquet(given.truth).select("customer_id", "segment")
    con = duckdb.connect(str(given.warehouse), read_only=True)

    def rows(table: str, as_of: date) -> pl.DataFrame:
        frame: pl.DataFrame = con.sql(
            f"SELECT * FROM features.{table} WHERE as_of = DATE '{as_of}'"
        ).pl()
        return frame

    days = [d for (d,) in con.sql("SELECT DISTINCT as_of FROM features.feature_matrix").fetchall()]
    days.sort()
    month, uses = rows("feature_matrix", days[-1]), kept_uses(rows("feature_selection", days[-1]))
    start = time.perf_counter()
    model = fit_model(month, uses)
    free = rand(assign(model, month), truth)
    print(
        f"{days[-1]}, free fit: {len(model.segment_ids)} segments, ARI {free:.4f}, bound "
        f"{BOUND_ARI}, {month.height} customers, {time.perf_counter() - start:.1f} s"
    )
    print(model.reason, flush=True)
    if given.last_only:
        return
    champion: ClusterModel | None = None
    before: pl.DataFrame | None = None
    matrix_before: pl.LazyFrame | None = None
    for at, day in enumerate(days, start=1):
        month = rows("feature_matrix", day)
        old, uses = champion, kept_uses(rows("feature_selection", day))
        champion = active_model(month, at, old, uses, matrix_before).model
        now = assign(champion, month, before)
        line = f"{day}: {len(champion.segment_ids)} segments, ARI {rand(now, truth):.4f}"
        if old is not None and before is not None and champion.version != old.version:
            share, unmoved = relabelled(old, before, month, now)
            line += f", refit relabelled {share:.2%} of {unmoved} who had not moved, bound 5 %"
        print(line, flush=True)
        before, matrix_before = now, month.lazy()


if __name__ == "__main__":
    main()
