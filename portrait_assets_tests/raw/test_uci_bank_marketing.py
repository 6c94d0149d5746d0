"""The UCI source: years from the order of rows, codes declared, the call's length not used."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.connection import scratch_database

SOURCE = PACKAGED_SOURCES / "uci_bank_marketing"
FULL = """\
"age";"job";"marital";"education";"default";"balance";"housing";"loan";"contact";"day";"month";\
"duration";"campaign";"pdays";"previous";"poutcome";"y"
58;"management";"married";"tertiary";"no";2143;"yes";"no";"unknown";5;"may";261;1;-1;0;"unknown";"no"
44;"unknown";"single";"unknown";"no";29;"yes";"no";"cellular";20;"nov";151;1;-1;0;"unknown";"yes"
33;"admin.";"married";"secondary";"no";2;"yes";"yes";"telephone";5;"jan";76;1;-1;0;"unknown";"no"
"""
ADDITIONAL = """\
"age";"job";"marital";"education";"default";"housing";"loan";"contact";"month";"day_of_week";\
"duration";"campaign";"pdays";"previous";"poutcome";"emp.var.rate";"cons.price.idx";\
"cons.conf.idx";"euribor3m";"nr.employed";"y"
56;"x";"m";"e";"no";"no";"no";"telephone";"may";"mon";261;1;999;0;"n";1.1;93.994;-36.4;4.857;5191;"no"
57;"x";"m";"e";"no";"no";"no";"telephone";"may";"tue";149;1;999;0;"n";1.1;93.994;-36.4;4.859;5191;"no"
58;"x";"m";"e";"no";"no";"no";"telephone";"apr";"tue";9;1;999;0;"n";-1.8;93.1;-47.1;1.4;5099.1;"no"
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("uci")
    (folder / "bank-full.csv").write_text(FULL)
    (folder / "bank-additional-full.csv").write_text(ADDITIONAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTRAIT_UCI_BANK_DIR", str(folder))
        return _cleaned(load_source(SOURCE))


def _cleaned(source: Source) -> dict[str, pl.DataFrame]:
    definition = source.definition
    conventions = Conventions(definition.time_zone, definition.country, definition.rules)
    with scratch_database() as con, SourceReader(con, source) as reader:
        found = {}
        for name, placing in placings(reader).items():
            canonical = CANONICAL_BY_NAME[name]
            rows = con.sql(placing.rows(source.months()).sql).pl()
            missing = [c for c in canonical.raw_table().column_names if c not in rows.columns]
            rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in missing)
            found[name] = clean(rows, canonical, conventions).kept
        return found


def test_the_year_goes_up_where_the_month_goes_back(tables: dict[str, pl.DataFrame]):
    calls = tables["contacts"].select("customer_id", pl.col("contacted_on").cast(pl.String))
    assert calls.rows() == [
        ("C00001", "2008-05-05"),
        ("C00002", "2008-11-20"),
        ("C00003", "2009-01-05"),
    ]


def test_what_is_known_of_a_client_is_known_before_the_call(tables: dict[str, pl.DataFrame]):
    known = ["2008-04-30", "2008-10-31", "2008-12-31"]
    assert tables["balances"]["balance_on"].cast(pl.String).to_list() == known
    assert tables["customers"]["recorded_on"].cast(pl.String).to_list() == known


def test_codes_for_not_known_are_no_values(tables: dict[str, pl.DataFrame]):
    assert tables["contacts"]["channel"].to_list() == [None, "cellular", "telephone"]
    assert tables["customers"]["occupation"].to_list() == ["management", None, "admin."]
    assert tables["customers"]["education"].to_list() == ["tertiary", None, "secondary"]


def test_who_subscribed_responded_and_everybody_has_an_outcome(tables: dict[str, pl.DataFrame]):
    assert tables["responses"]["customer_id"].to_list() == ["C00002"]
    assert tables["outcomes"]["value"].to_list() == [0, 1, 0]


def test_the_market_has_one_value_a_month_from_the_last_call(tables: dict[str, pl.DataFrame]):
    euribor = tables["market"].filter(indicator="euribor 3 months").sort("observed_on")
    assert euribor.select(pl.col("observed_on").cast(pl.String), "value").rows() == [
        ("2008-05-31", 4.859),
        ("2009-04-30", 1.4),
    ]
    assert tables["market"].height == 10


def test_the_length_of_the_call_feeds_nothing():
    # It is known only when the answer is.
    for path in SOURCE.rglob("*.sql"):
        assert "duration" not in path.read_text()
