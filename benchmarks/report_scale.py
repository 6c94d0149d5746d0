"""How long the report takes for a million customers, and how large it is.

    python -m benchmarks.report_scale data/warehouse/complete_journey/portrait.duckdb [CUSTOMERS]

The published file is copied with each customer of its newest month many times over; all other
tables stay as they are. Needs about 2 GB of disk for a million.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from portrait_assets.stages.mart.report import write_report
from portrait_assets.stages.raw.definition import Title
from portrait_assets.storage.duckdb.connection import literal

WANTED = 1_000_000
BY_CUSTOMER = (
    "tags.portrait_matrix",
    "features.feature_matrix",
    "clusters.cluster_assignment",
)
LEFT_OUT = {"tags.tag_details", "tags.tag_table", "tags.audience_membership"}


def multiply(source: Path, target: Path, wanted: int) -> int:
    """Copy the file with so many customers in its newest month; gives how many there are."""
    with duckdb.connect(str(target)) as con:
        con.execute(f"ATTACH {literal(source)} AS small (READ_ONLY)")
        tables = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'small'"
        ).fetchall()
        newest, count = con.execute(
            "SELECT as_of, count(*) FROM small.tags.portrait_matrix "
            "GROUP BY 1 ORDER BY 1 DESC LIMIT 1"
        ).fetchall()[0]
        times = -(-wanted // count)
        for schema, table in tables:
            name = f"{schema}.{table}"
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            if name in LEFT_OUT:
                continue
            rows = f"SELECT * FROM small.{name}"
            if name in BY_CUSTOMER:
                rows = (
                    "SELECT * REPLACE (customer_id || '-' || i AS customer_id) "
                    f"FROM small.{name}, range({times}) r(i) WHERE as_of = DATE '{newest}'"
                    f" UNION ALL SELECT *, 0 AS i FROM small.{name} WHERE as_of < DATE '{newest}'"
                )
                rows = f"SELECT * EXCLUDE (i) FROM ({rows})"
            con.execute(f"CREATE TABLE {name} AS {rows}")
        con.execute(
            f"UPDATE clusters.cluster_segment SET customers = customers * {times} "
            f"WHERE as_of = DATE '{newest}'"
        )
        return int(count * times)


def main() -> None:
    source, wanted = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else WANTED
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as folder:
        large, page = Path(folder) / "portrait.duckdb", Path(folder) / "report" / "index.html"
        customers = multiply(source, large, wanted)
        started = time.perf_counter()
        metadata = write_report(large, Title(en="Scale", zh="规模"), page)
        seconds = time.perf_counter() - started
        print(
            f"{customers:,} customers: {seconds:.1f} s, {page.stat().st_size / 1e6:.2f} MB, "
            f"{metadata['charts']} charts, peak memory "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
        )


if __name__ == "__main__":
    main()
