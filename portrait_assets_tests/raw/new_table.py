"""The pipeline with one canonical table more, as a process of its own.

`python -m portrait_assets_tests.raw.new_table FOLDER` declares `visits` among the tables of raw and
nowhere else, has the corner shop provide it, makes the raw and cleaned tables of a month and a
synthetic bank, and prints what came out as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from portrait_assets_tests.edited import load_edited

DECLARED = """\
VISITS = Canonical(
    name="visits",
    en="Visits to a shop",
    zh="到店",
    dated_by="visited_on",
    required=("customer_id", "visited_on"),
    columns=(
        CUSTOMER_ID,
        Column("visited_on", Type.DATE, "Day of the visit", "到店日期"),
        Column("minutes", Type.INTEGER, "How long it took", "时长", unit="minutes", minimum=0),
    ),
)

TABLES = (VISITS, """
ROWS = "customer_id,visited_on,minutes\nK001,2024-01-09,12\nK002,2024-01-10,-3\n"
SQL = "SELECT customer_id, visited_on, minutes, source_file, source_row FROM visits\n"


def declare_visits() -> None:
    """Load the module of raw's tables with the table."""
    start = "TABLES = ("
    load_edited(
        "portrait_assets.stages.raw.tables.events", lambda text: text.replace(start, DECLARED)
    )


def main(folder: Path) -> None:
    """Print what came out."""
    declare_visits()
    import dagster as dg
    import duckdb

    from portrait_assets.orchestration.automation import JOB, range_tags
    from portrait_assets.orchestration.definitions import build_defs
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.synthetic.bank import generate_bank
    from portrait_assets.testing.worlds.shop import QUIET, shop

    settings = shop(folder / "shop")
    listed = settings.source_dir / "source.yaml"
    listed.write_text(listed.read_text().replace("files:\n", "files:\n  visits: visits.csv\n"))
    (settings.source_dir / "visits.csv").write_text(ROWS)
    (settings.source_dir / "visits.sql").write_text(SQL)
    definitions = build_defs(settings)
    keys = definitions.resolve_asset_graph().materializable_asset_keys
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def(JOB).get_subset(
            asset_selection={key for key in keys if key.path[0] in ("raw", "identity", "cleaned")}
        ).execute_in_process(instance=instance, tags=range_tags(["2024-01"]), run_config=QUIET)
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        kept = con.execute("SELECT customer_id, minutes FROM cleaned.visits ORDER BY 1").fetchall()
    bank = generate_bank(folder / "bank", customers=20, months=2, seed=1)
    provided = load_source(bank.folder / "sources" / "synthetic_bank").provided
    print(json.dumps({"kept": kept, "bank": [*provided]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
