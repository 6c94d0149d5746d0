"""Equal inputs give equal contents, in whatever order the rows of the files stand."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.worlds.shop import run, sales_file, short_shop

MONTHS = ["2024-01", "2024-02"]
PLACES = ("source_file", "source_row", "origins")
"""Columns that name the place of a row, which is another one in another order."""
TABLES = {
    "people": "customer_id,recorded_on,joined_on,region,occupation,phone,birth_date",
    "goods": "product_id,introduced_on,category,brand,is_own_label,risk_grade",
    "accounts": "customer_id,account_id,product_id,balance_on,balance,credit_limit,days_past_due",
    "offers": "campaign_id,campaign_type,started_on",
    "touches": "customer_id,campaign_id,contacted_on,channel",
    "answers": "customer_id,campaign_id,responded_on,response",
    "rates": "indicator,observed_on,value",
}
CANONICAL = ("customers", "products", "balances", "campaigns", "contacts", "responses", "market")


def rows_of(seed: int) -> dict[str, list[str]]:
    """Lines of each file in which rows of a customer, product, account and day tie."""
    rng = random.Random(seed)

    def some(*values: object) -> str:
        return str(rng.choice(values))

    days = [f"{month}-{day:02}" for month in MONTHS for day in (5, 20)]
    often = [day for number, day in enumerate(days) for _ in range(3 - number)]
    cards = [f"K{number:03}" for number in range(1, 31)]
    lines: dict[str, list[tuple[str, ...]]] = {
        "people": [
            (
                *(card, day, f"2023-0{some(1, 2, 3)}-01"),
                *(some("east", "west", ""), some("baker", "")),
                *(f"138001380{some(1, 2, 3)}0", f"1990-01-0{number % 3 + 1}"),
            )
            for number, card in enumerate(cards)
            for day in often
        ],
        "goods": [
            (product, day, some("tea", "bread"), some("ours", ""), some(1, 0, ""), some("R1", "R5"))
            for product in ("P1", "P2")
            for day in often
        ],
        "accounts": [
            (card, f"{card}-1", "P1", day, some(1, 2), some("", 9, 8), some("", 0, 31))
            for card in cards
            for day in days * 3
        ],
        "offers": [("C1", kind, day) for day in days for kind in ("mail", "call")],
        "touches": [(card, "C1", day, some("app", "")) for card in cards for day in days],
        "answers": [(card, "C1", day, some("y", "n")) for card in cards[::2] for day in days],
        "rates": [("rate", day, value) for day in days for value in ("1", "2", "1.5")],
    }
    return {name: [",".join(row) for row in rows] for name, rows in lines.items()}


def tied_shop(folder: Path, order: int) -> Settings:
    """The shop of two months with ties in every table, its rows in an order of their own."""
    settings = short_shop(folder)
    shuffle = random.Random(order).shuffle
    header, *sales = sales_file(settings).read_text().splitlines()
    files = {"sales": (header, sales)}
    files |= {name: (TABLES[name], lines) for name, lines in rows_of(1).items()}
    for name, (header, lines) in files.items():
        if order:
            shuffle(lines)
        (settings.source_dir / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    pairs = list(zip(TABLES, CANONICAL, strict=True))
    more_files = "".join(f"\n  {name}: {name}.csv" for name in TABLES)
    more_tables = "".join(f"\n  {table}: {{rows_of: {name}}}" for name, table in pairs)
    source_yaml = settings.source_dir / "source.yaml"
    text = source_yaml.read_text().replace("  customers: {derived: true}", "")
    text = text.replace("sales: sales.csv", f"sales: sales.csv{more_files}")
    text = text.replace("{rows_of: sales}", f"{{rows_of: sales}}{more_tables}")
    identity = "identity: {keys: [[phone, birth_date]], probabilistic: false}\n"
    source_yaml.write_text(text + identity)
    for name, table in pairs:
        (settings.source_dir / f"{table}.sql").write_text(f"SELECT * FROM {name}")
    return settings


def contents_but_places(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every published table, sorted, without places and what differs from run to run."""
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute(
            "SELECT concat_ws('.', schema_name, table_name), "
            "string_agg(column_name, ', ' ORDER BY column_index) FROM duckdb_columns() "
            "WHERE NOT internal AND table_name <> 'runs' AND column_name <> 'run_id' "
            f"AND NOT ends_with(column_name, '_at') AND column_name NOT IN {PLACES} GROUP BY ALL"
        ).fetchall()
        return {
            name: con.execute(f"SELECT {columns} FROM {name} ORDER BY ALL").fetchall()
            for name, columns in tables
        }


@pytest.mark.slow
def test_rows_in_another_order_give_the_same_contents(tmp_path: Path):
    found = []
    for order in range(3):
        settings = tied_shop(tmp_path / str(order), order)
        assert run(settings, MONTHS).success
        found.append(contents_but_places(settings.portrait_file))
    for other in found[1:]:
        assert [name for name, rows in found[0].items() if rows != other[name]] == []
    assert len(found[0]["cleaned.golden_record"]) > 10
    assert len(found[0]["main.current_customer"]) > 3
    assert len(found[0]["features.feature_matrix"]) > 10
