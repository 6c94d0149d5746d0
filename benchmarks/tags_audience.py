"""An audience over ten tags counted at ten million customers, and its whole profile.

The matrix is as in the published file, where enumerated tags are ENUM.

Run `python -m benchmarks.tags_audience [customers]`. The target is 300 ms for the count on 2
cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from portrait_assets.stages.tags.audiences.audience import everyone_of, select_audience
from portrait_assets.stages.tags.audiences.condition import matrix_columns, parse_audience

JUNE = date(2017, 6, 30)
VALUES = ("high", "medium", "low")
TEXT = (
    "(tag_0 = 'high' OR tag_1 = 'high') AND NOT tag_2 = 'low' AND tag_3 IN ('high', 'medium') "
    "AND (tag_4 = 'high' OR NOT tag_5 = 'medium') AND tag_6 <> 'low' "
    "AND (tag_7 = 'low' OR tag_8 = 'medium' OR tag_9 = 'high')"
)


def main(customers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bench.duckdb")
        con = duckdb.connect(path, config={"threads": 2, "memory_limit": "4GiB"})
        tags = ", ".join(
            f"['high', 'medium', 'low'][1 + (hash(c, {n}) % 3)::INT]::level AS tag_{n}"
            for n in range(10)
        )
        con.execute("CREATE SCHEMA tags")
        con.execute(f"CREATE TYPE level AS ENUM {VALUES}")
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS SELECT DATE '2017-06-30' AS as_of, "
            f"'C' || lpad(c::VARCHAR, 8, '0') AS customer_id, {tags} "
            f"FROM range({customers}) AS customers(c)"
        )
        con.execute(
            "CREATE TABLE tags.tag_catalogue AS SELECT 'tag_' || n AS tag_code, "
            "['high', 'medium', 'low'] AS tag_values, 'C1' AS sensitivity FROM range(10) AS t(n)"
        )
        con.close()
        con = duckdb.connect(path, read_only=True, config={"threads": 2})
        everyone = everyone_of(con, JUNE, parse_audience(TEXT, matrix_columns(con)))
        for attempt in ("first", "second", "third", "fourth"):
            start, busy = time.perf_counter(), time.process_time()
            (size,) = everyone.row("count(*) FILTER (WHERE in_audience)")
            wall, cpu = time.perf_counter() - start, time.process_time() - busy
            print(f"{attempt} count {size:,} of {customers:,}: {wall:.3f} s ({cpu:.3f} s of CPU)")
        start = time.perf_counter()
        audience = select_audience(con, TEXT)
        print(
            f"size, share and profile of {audience.profile.height} values: "
            f"{time.perf_counter() - start:.2f} s"
        )
        con.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
