"""One customer's card from a cold start, out of a published file of many customers.

Run `python -m benchmarks.tags_show [customers]`. The target is 1.5 s; each attempt is a process of
its own, so imports count. The file's pages are in the system's cache after the first.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.changes import changes_view
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.testing.worlds.many_customers import make_features
from portrait_assets.testing.worlds.tags import write_tags

JUNE = "2017-06"
PROGRAM = """
import sys
from pathlib import Path
from rich.console import Console
from portrait_assets.app.cli.rooms.card import print_card
from portrait_assets.stages.tags.cards.card import read_card
print_card(read_card(Path(sys.argv[1]), sys.argv[2]), Console())
assert not {"polars", "dagster", "sqlglot", "pandas"} & sys.modules.keys()
"""


def main(customers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portrait.duckdb"
        con = duckdb.connect(str(path), config={"threads": 2, "memory_limit": "4GiB"})
        make_features(con, customers)
        con.execute("CREATE SCHEMA features")
        con.execute("CREATE TABLE features.feature_matrix AS SELECT * FROM features")
        catalogue = load_catalogue()
        for table in (TAG_CATALOGUE, portrait_matrix_table(catalogue), tag_table(catalogue)):
            ensure_table(con, table)
        write_tags(con, catalogue, [JUNE])
        con.execute(f"CREATE VIEW tags.tag_changes AS {changes_view(catalogue).sql}")
        con.close()
        for attempt in range(4):
            customer = f"C{customers // (attempt + 2):08d}"
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", PROGRAM, str(path), customer],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            print(f"card of {customer}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
