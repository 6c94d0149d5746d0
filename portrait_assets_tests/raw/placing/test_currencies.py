"""A source that declares no currency has one, and one whose rows mix them is refused."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import MONEY_SCALE, Type
from portrait_assets.stages.raw.placing.currencies import check_currencies
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import sales_file, short_shop
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait

DOLLARS = "coalesce(town = 'east', false)"


def in_currencies(folder: Path, case: str, declared: str | None = None) -> Settings:
    """The shop of two months; `case` is the SQL of each row's currency."""
    settings = short_shop(folder)
    definition = settings.source_dir / "source.yaml"
    line = f"currency: {declared}\n" if declared else ""
    definition.write_text(definition.read_text().replace("currency: CNY\n", line))
    sql = settings.source_dir / "transactions.sql"
    sql.write_text(sql.read_text().replace("SELECT", f"SELECT\n    {case} AS currency,", 1))
    return settings


def check(settings: Settings) -> None:
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        check_currencies(source, placings(reader))


@pytest.mark.parametrize(
    "case", ["'EUR'", "NULL", f"if({DOLLARS}, 'EUR', ' eur')", f"if({DOLLARS}, 'EUR', ' ')"]
)
def test_rows_of_one_currency_need_no_declaration(tmp_path: Path, case: str):
    check(in_currencies(tmp_path, case))


def test_rows_of_several_need_one_and_the_sentence_says_which_there_are(tmp_path: Path):
    case = f"if({DOLLARS}, 'USD', 'EUR')"
    with pytest.raises(SourceError) as refused:
        check(in_currencies(tmp_path / "none", case))
    assert str(refused.value) == (
        "corner_shop/source.yaml: amounts are in EUR, USD and no currency is declared; write the "
        "one that all are to be in, such as currency: EUR, and give the rates of the others in "
        "exchange_rates.sql."
    )
    check(in_currencies(tmp_path / "declared", case, "EUR"))


@pytest.mark.slow
def test_a_run_over_mixed_currencies_ends_in_that_sentence_before_anything_is_published(
    tmp_path: Path,
):
    settings = in_currencies(tmp_path, f"if({DOLLARS}, 'USD', 'EUR')")
    fails_in_a_sentence(portrait("run", data=tmp_path), "amounts are in EUR, USD and no currency")
    assert not settings.portrait_file.exists()


@pytest.mark.slow
def test_a_run_converts_each_amount_at_the_rate_of_its_month(tmp_path: Path):
    settings = in_currencies(tmp_path, f"if({DOLLARS}, 'USD', 'EUR')", "EUR")
    folder = settings.source_dir
    (folder / "rates.csv").write_text("since,worth\n2024-01-01,0.5\n2024-02-01,0.25\n")
    (folder / "exchange_rates.sql").write_text(
        "SELECT 'USD' AS currency, since AS quoted_on, worth AS rate, source_file, source_row "
        "FROM rates"
    )
    definition = folder / "source.yaml"
    text = definition.read_text().replace("files:\n", "files:\n  rates: rates.csv\n")
    definition.write_text(
        text.replace("tables:\n", "tables:\n  exchange_rates: {rows_of: rates}\n")
    )
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 0, ran.stderr
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        spent = con.execute(
            "SELECT month, sum(amount) FROM features.customer_month GROUP BY month ORDER BY month"
        ).fetchall()
        rate = f"CASE WHEN NOT {DOLLARS} THEN 1 WHEN sold_at < '2024-02' THEN 0.5 ELSE 0.25 END"
        worth = con.execute(
            "SELECT strftime(sold_at::DATE, '%Y-%m') AS month, "
            f"sum(round(paid::{Type.MONEY} * {rate}, {MONEY_SCALE})::{Type.MONEY}) "
            f"FROM read_csv('{sales_file(settings)}', all_varchar = true) "
            "GROUP BY month ORDER BY month"
        ).fetchall()
    assert spent == worth
