"""Corrections and objections are rows of the source from their day on, read and counted as such."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.app.backup import irreplaceable_files
from portrait_assets.core.errors import PortraitError, SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.stages.raw.amendments import (
    CORRECTABLE,
    CORRECTIONS_FILE,
    OBJECTIONS_FILE,
    Correction,
    Objection,
    add_correction,
    add_objection,
    broken_rule,
    read_amendments,
)
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.raw.placing.months import Placing, placings
from portrait_assets.stages.raw.placing.receipts import receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, shop

MOVED = Correction(date(2024, 3, 5), "K001", "region", "west", "a clerk", "moved in March")
OBJECTED = Objection(date(2024, 2, 9), "K002", "profiling", None, "a clerk", "by letter")


def correct(settings: Settings, correction: Correction = MOVED) -> None:
    source = load_source(settings.source_dir)
    add_correction(source.own_folder, correction, source.conventions)


def rows_of(placing: Placing, month: str) -> pl.DataFrame:
    found: pl.DataFrame = placing.reader.con.sql(placing.rows([month]).sql).pl()
    return found


def test_a_correction_is_a_row_of_its_month_beside_undated_ones(tmp_path: Path):
    settings = shop(tmp_path)
    correct(settings)
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        customers = placings(reader)["customers"]
        counts = customers.counts()
        found = rows_of(customers, "2024-03").row(0, named=True)
        account = receipts({"customers": customers}, ["customers"], SHOP_MONTHS)
    assert counts == {"2024-01": 40, "2024-03": 1}
    assert found["customer_id"] == "K001"
    assert found["region"] == "west"
    assert (found["source_file"], found["source_row"]) == (CORRECTIONS_FILE, 1)
    assert account["rows_received"].to_list() == [40, 0, 1, 0]
    assert account["rows_in_file"][0] == account["rows_placed"][0] == 41


def test_a_source_without_requests_has_those_that_are_objections(tmp_path: Path):
    settings = shop(tmp_path)
    add_objection(settings.source_dir, OBJECTED)
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        found = rows_of(placings(reader)["requests"], "2024-02").row(0, named=True)
    assert found == {
        "month": "2024-02",
        "customer_id": "K002",
        "kind": "objection",
        "requested_on": "2024-02-09",
        "purpose": "profiling",
        "channel": None,
        "source_file": OBJECTIONS_FILE,
        "source_row": 1,
    }


DATED = """\
SELECT card AS customer_id, DATE '2024-01-01' AS recorded_on, 40::TINYINT AS age,
    1000::INTEGER AS income, source_file, source_row FROM sales"""


def dated_shop(folder: Path) -> Settings:
    settings = shop(folder)
    (settings.source_dir / "customers.sql").write_text(DATED)
    return settings


def test_the_types_of_the_source_stay_where_a_correction_fits_them(tmp_path: Path):
    settings = dated_shop(tmp_path)
    correct(settings, replace(MOVED, column="age", value="41"))
    correct(settings, replace(MOVED, column="income", value="1234.56"))
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        customers = placings(reader)["customers"]
        types, rows = customers.types, rows_of(customers, "2024-03")
    assert (types["recorded_on"], types["age"]) == ("DATE", "TINYINT")
    assert types["income"].startswith("DECIMAL")
    assert rows["age"].to_list() == [41, None]
    assert float(rows["income"][1]) == 1234.56


def test_what_a_hand_wrote_and_does_not_fit_is_received_as_text(tmp_path: Path):
    settings = dated_shop(tmp_path)
    correct(settings, replace(MOVED, column="age", value="41"))
    path = settings.source_dir / CORRECTIONS_FILE
    path.write_text(path.read_text().replace("41", "forty"))
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        assert rows_of(placings(reader)["customers"], "2024-03")["age"].to_list() == ["forty"]


def test_parquet_keeps_its_types_and_is_read_as_fast_and_requests_come_together(tmp_path: Path):
    generate_bank(tmp_path / "bank", customers=60, months=3, seed=1)
    folder = tmp_path / "bank" / "sources" / "synthetic_bank"
    tables = ("customers", "requests")
    with scratch_database() as con, SourceReader(con, load_source(folder)) as reader:
        before = {name: placings(reader)[name] for name in tables}
        counts = {name: placing.counts() for name, placing in before.items()}
    source = load_source(folder)
    last = source.months()[-1]
    day = date.fromisoformat(f"{last}-02")
    born = replace(MOVED, recorded_on=day, column="birth_date", value="1990-02-28")
    add_correction(folder, born, source.conventions)
    add_objection(folder, replace(OBJECTED, requested_on=day))
    with scratch_database() as con, SourceReader(con, load_source(folder)) as reader:
        for name, placing in placings(reader).items():
            if name in tables:
                assert placing.types == before[name].types
                more = {month: n + (month == last) for month, n in counts[name].items()}
                assert placing.counts() == {last: 1, **more}
                assert placing.is_read_fast
                found = receipts({name: placing}, [name], [last]).row(0, named=True)
                assert found["rows_in_file"] == found["rows_placed"]
        row = rows_of(placings(reader)["customers"], last).filter(source_file=CORRECTIONS_FILE)
    assert row["birth_date"].to_list() == ["1990-02-28"]


def test_days_are_written_as_the_source_declares_them(tmp_path: Path):
    forms = {
        "customers.recorded_on": ColumnRules(date_format=("%d/%m/%Y",)),
        "customers.birth_date": ColumnRules(date_format=("%m/%d/%Y",)),
    }
    conventions = Conventions(own=forms)
    born = replace(MOVED, column="birth_date", value="1990-02-28")
    add_correction(tmp_path, born, conventions)
    row = read_amendments(tmp_path, "customers", conventions).row(0, named=True)
    assert (row["recorded_on"], row["birth_date"]) == ("05/03/2024", "02/28/1990")


@pytest.mark.parametrize(
    ("delivered", "income"),
    [("1000::INTEGER", "1234.56"), ("1000.5::DOUBLE", "1234.56"), ("'1000,5'", "1234,56")],
)
def test_numbers_have_the_decimal_mark_of_the_source_where_it_delivers_text(
    tmp_path: Path, delivered: str, income: str
):
    settings = shop(tmp_path)
    (settings.source_dir / "customers.sql").write_text(DATED.replace("1000::INTEGER", delivered))
    with (settings.source_dir / "source.yaml").open("a") as source_yaml:
        source_yaml.write("rules: {customers.income: {decimal_mark: comma}}\n")
    correct(settings, replace(MOVED, column="income", value="1234.56"))
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        customers = placings(reader)["customers"]
        rows = rows_of(customers, "2024-03")
    assert (customers.types["income"] == "VARCHAR") == (delivered == "'1000,5'")
    assert str(rows["income"][0]) == income


def test_the_file_is_only_added_to_and_only_its_owner_reads_it(tmp_path: Path):
    correction = replace(MOVED, column="full_name", value="=HYPERLINK(1)", reason="two\nlines, ok")
    add_correction(tmp_path, correction, Conventions())
    path = tmp_path / CORRECTIONS_FILE
    first = path.read_bytes()
    path.write_bytes(first.rstrip(b"\n"))
    add_correction(tmp_path, MOVED, Conventions())
    assert path.read_bytes().startswith(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "\n2024-03-05,K001,full_name,'=HYPERLINK(1)," in path.read_text()
    read = read_amendments(tmp_path, "customers", Conventions())
    assert read.select("full_name", "region", "source_row").rows() == [
        ("=HYPERLINK(1)", None, 1),
        (None, "west", 2),
    ]
    assert CORRECTIONS_FILE in irreplaceable_files(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("gender", "unknown", "code for not known"),
        ("age", "121", "outside its domain"),
        ("age", "forty", "unreadable"),
        ("risk_tolerance", "C6", "outside its domain"),
        ("national_id", "11010519491231002A", "not a valid"),
        ("region", " ", "empty"),
        ("birth_date", "1990-02-30", "unreadable"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_without_being_shown(
    tmp_path: Path, column: str, value: str, rule: str
):
    with pytest.raises(PortraitError) as refused:
        add_correction(
            tmp_path, replace(MOVED, column=column, value=value), Conventions(country="CN")
        )
    assert column in str(refused.value)
    if value.strip() and value != "C6":
        assert value not in str(refused.value)
    assert broken_rule(column, value, Conventions(country="CN")) is not None
    assert not (tmp_path / CORRECTIONS_FILE).exists()


def test_every_column_but_the_identifier_and_the_day_can_be_corrected():
    assert {"full_name", "birth_date", "income", "region"} <= {c.name for c in CORRECTABLE}
    with pytest.raises(PortraitError, match="customer_id is nothing that can be corrected"):
        add_correction(Path(), replace(MOVED, column="customer_id"), Conventions())
    with pytest.raises(PortraitError, match="did you mean marketing"):
        add_objection(Path(), replace(OBJECTED, purpose="marketin"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("recorded_on,customer_id\n2024-01-01,K001\n", "has no column column"),
        ("recorded_on,customer_id,column,value,by,reason\n,K,region,w,,\n", "line 2, lacks"),
        (
            "recorded_on,customer_id,column,value,by,reason\n2024-01-02,K,region,w,,\n"
            "02.01.2024,K,region,w,,\n",
            "line 3, has no day",
        ),
        (
            "recorded_on,customer_id,column,value,by,reason\n2024-01-02,K,surname,w,,\n",
            "line 2, names a column",
        ),
        ("", "is no CSV file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, text: str, sentence: str
):
    (tmp_path / CORRECTIONS_FILE).write_text(text)
    with pytest.raises(SourceError, match=sentence):
        read_amendments(tmp_path, "customers", Conventions())


def test_a_line_of_nobody_is_no_row_and_keeps_the_numbers_of_those_after_it(tmp_path: Path):
    file = tmp_path / CORRECTIONS_FILE
    file.write_text(
        "recorded_on,customer_id,column,value,by,reason\n,,,,,\n2024-01-02,K,region,w,,\n"
    )
    rows = read_amendments(tmp_path, "customers", Conventions())
    assert rows.select("customer_id", "region", "source_row").rows() == [("K", "w", 2)]
    file.write_text(file.read_text() + "2024-01-03,K,region,,,\n")
    with pytest.raises(SourceError, match="line 4, lacks value"):
        read_amendments(tmp_path, "customers", Conventions())


def test_a_correction_changes_the_files_and_not_the_definitions(tmp_path: Path):
    settings = shop(tmp_path)
    before = inputs_of(load_source(settings.source_dir))
    correct(settings)
    after = inputs_of(load_source(settings.source_dir))
    assert after.files != before.files
    assert after.definitions == before.definitions


def test_the_file_is_no_data_file_of_a_pattern_and_no_other_has_its_name(tmp_path: Path):
    settings = shop(tmp_path)
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text().replace("sales.csv", '"*.csv"'))
    correct(settings)
    source = load_source(settings.source_dir)
    assert [path.name for path in source.files("sales")] == ["sales.csv"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (settings.source_dir / "sales.csv").rename(elsewhere / CORRECTIONS_FILE)
    definition.write_text(definition.read_text().replace("files_in: .", f"files_in: {elsewhere}"))
    with pytest.raises(SourceError, match="rename the source's own"):
        load_source(settings.source_dir).check()
