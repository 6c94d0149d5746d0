"""Dates are read by the forms that a source declares, in SQL and in typing alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from portrait_assets.core.errors import SourceError
from portrait_assets.methods.typing.dates import checked_format, read_by, read_iso
from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.raw.placing.months import Placing, placings
from portrait_assets.stages.raw.reading.dates import stated_moment
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.reading.received import Received
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
from portrait_assets.storage.duckdb.connection import literal, scratch_database
from portrait_assets.testing.worlds.shop import run, sales_file, shop
from portrait_assets_tests.cleaned.rows.test_clean import SALE, received

FORMATS = (
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y",
    "%y%m%d",
    "%d-%b-%Y",
    "%d %B %y %I:%M %p",
    "%Y%m%d%H%M%S",
    "%d/%m/%Y %H:%M:%S.%f",
)


@pytest.fixture
def place(tmp_path: Path):
    """Gives the placing of the shop's sales with these dates and these rules in source.yaml."""
    opened: list[tuple[SourceReader, duckdb.DuckDBPyConnection]] = []

    def placed(*dates: str, rules: str = "{}", time_zone: str = "Asia/Shanghai") -> Placing:
        settings = shop(tmp_path / str(len(opened)))
        source_yaml = settings.source_dir / "source.yaml"
        text = source_yaml.read_text().replace("Asia/Shanghai", time_zone)
        source_yaml.write_text(f"{text}rules: {rules}\n")
        lines = "".join(f"{each},K1,B1,tea,1.50,0,east\n" for each in dates)
        sales_file(settings).write_text("sold_at,card,basket,category,paid,saved,town\n" + lines)
        con = scratch_database()
        reader = SourceReader(con, load_source(settings.source_dir)).__enter__()
        opened.append((reader, con))
        return placings(reader)["transactions"]

    yield placed
    for reader, con in opened:
        reader.__exit__()
        con.close()


def declared(form: str) -> str:
    return f"{{transactions.occurred_at: {{date_format: {form}}}}}"


def test_dates_are_placed_and_typed_by_the_form_that_is_declared(place):
    placing = place("1/2/2024 8:26", "12/1/2023 23:59", rules=declared('"%m/%d/%Y %H:%M"'))
    assert placing.counts() == {"2024-01": 2}
    rows = placing.reader.con.sql(placing.rows(["2024-01"]).sql).pl()
    assert rows["occurred_at"].to_list() == ["1/2/2024 8:26", "12/1/2023 23:59"]
    missing = (c for c in TRANSACTIONS.raw_table().column_names if c not in rows.columns)
    rows = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    found = clean(rows, TRANSACTIONS, placing.reader.source.conventions)
    assert found.kept["occurred_at"].to_list() == [
        datetime(2024, 1, 2, 8, 26),
        datetime(2023, 12, 1, 23, 59),
    ]


def test_day_and_month_are_as_declared_and_never_guessed(place):
    day_first = place("1/2/2024", "13/2/2024", rules=declared('"%d/%m/%Y"'))
    assert day_first.counts() == {"2024-02": 2}
    month_first = place("1/2/2024", "13/2/2024", rules=declared('"%m/%d/%Y"'))
    assert month_first.counts() == {"2024-01": 1, None: 1}


def test_a_declared_form_takes_the_place_of_the_usual_ones(place):
    placing = place("240105", "2024-01-05", "45296", rules=declared('"%y%m%d"'))
    assert placing.counts() == {"2024-01": 1, None: 2}


def test_several_forms_are_tried_in_their_order(place):
    placing = place("2/3/2024", "2024-03-05", rules=declared('["%d/%m/%Y", "%Y-%m-%d"]'))
    assert placing.counts() == {"2024-03": 2}


def test_a_column_of_dates_that_cannot_be_read_is_named_with_three_of_them(place):
    placing = place("12/1/2010 8:26", "1/13/2011 9:00", "", "12/2/2010 8:26", "12/3/2010 8:26")
    with pytest.raises(SourceError) as error:
        placing.dates.require_readable()
    assert str(error.value) == (
        "corner_shop: none of the dates in transactions.occurred_at (sales.csv) can be read, "
        "which holds '1/13/2011 9:00', '12/1/2010 8:26' and '12/2/2010 8:26'; declare how they "
        "are written in source.yaml, such as rules: {transactions.occurred_at: {date_format: "
        "'%m/%d/%Y %H:%M'}}, or list under its sentinels what stands for not known."
    )


TEXTS: dict[str, datetime | None] = {
    # Excel shows 45292 as 2024-01-01, 61 as 1900-03-01 and 99999 as 2173-10-13.
    "45292": datetime(2024, 1, 1),
    "45291": datetime(2023, 12, 31),
    "10000": datetime(1927, 5, 18),
    "25569": datetime(1970, 1, 1),
    "99999": datetime(2173, 10, 13),
    "９９９９９": datetime(2173, 10, 13),
    "9999": None,
    "09999": None,
    "100000": None,
    "20240131": datetime(2024, 1, 31),
    " 2024-01-31 23:59:59 ": datetime(2024, 1, 31, 23, 59, 59),
    "2024-01-31 23:59": datetime(2024, 1, 31, 23, 59),
    "2024-01-31T23:59:59": datetime(2024, 1, 31, 23, 59, 59),
    "2024/2/29 0:00": datetime(2024, 2, 29),
    "２０２４／０２／２９　": datetime(2024, 2, 29),
    "2024年2月29日": datetime(2024, 2, 29),
    "2024.2.29": datetime(2024, 2, 29),
    # With an offset they are what the clocks of Shanghai showed.
    "2024-01-31T15:59:59Z": datetime(2024, 1, 31, 23, 59, 59),
    "2024-01-31T16:00:00Z": datetime(2024, 2, 1),
    "2024-01-31 16:00:00 UTC": datetime(2024, 2, 1),
    "2024-01-31T16:00Z": datetime(2024, 2, 1),
    "2024-01-31T17:30:00+01:00": datetime(2024, 2, 1, 0, 30),
    "2024-01-31 17:30:00+01": datetime(2024, 2, 1, 0, 30),
    "2024-01-31T10:00:00-0530": datetime(2024, 1, 31, 23, 30),
    "2024-01-31T15:59:59.123456789Z": datetime(2024, 1, 31, 23, 59, 59, 123456),
    "2024-01-31 23:59:59.5": datetime(2024, 1, 31, 23, 59, 59, 500000),
    "2024-01-31T23:59": datetime(2024, 1, 31, 23, 59),
    "2024-01-31T16:00:00+24:00": None,
    "2024-01-31 16:00:00UTC": None,
    "9999-12-31T15:59:59Z": datetime(9999, 12, 31, 23, 59, 59),
    "9999-12-31T16:00:00Z": None,
    "2024-01-31T24:00:00Z": None,
    "2024-02-30T10:00:00Z": None,
    "2023-02-29": None,
    "31/01/2024": None,
    "": None,
}


def test_text_is_the_same_moment_to_sql_and_to_polars(place):
    """Whatever a row is placed by is what it is typed with."""
    placing = place(*TEXTS)
    moment = placing.dates.moment("occurred_at")
    by_sql = placing.reader.query(f"SELECT {moment} FROM ({placing.sql}) ORDER BY source_row")
    assert [read for (read,) in by_sql] == list(TEXTS.values())
    raw = received(TRANSACTIONS, [SALE | {"occurred_at": text} for text in TEXTS])
    typed = clean(raw, TRANSACTIONS, Conventions("Asia/Shanghai")).kept
    by_polars = dict(typed.select("source_row", "occurred_at").iter_rows())
    assert [by_polars.get(n) for n in range(1, len(TEXTS) + 1)] == list(TEXTS.values())


@pytest.mark.parametrize("time_zone", ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns"])
@given(
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2068, 12, 30)),
    ahead=st.integers(-14 * 60, 14 * 60),
    colon=st.sampled_from(["", ":"]),
)
def test_sql_and_polars_read_a_moment_with_an_offset_alike(
    time_zone: str, moment: datetime, ahead: int, colon: str
):
    hours, minutes = divmod(abs(ahead), 60)
    offset = f"{'-' if ahead < 0 else '+'}{hours:02}{colon}{minutes:02}"
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{offset}"
    stated = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=ahead)))
    local = stated.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
    assert pl.select(read_iso(pl.lit(text), time_zone)).item() == local
    sql = f"SELECT {stated_moment(literal(text), time_zone)}"
    assert duckdb.execute(sql).fetchone() == (local,)


@pytest.mark.parametrize(
    ("time_zone", "first", "last"),
    [
        ("Asia/Shanghai", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("America/New_York", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_what_the_clocks_of_a_zone_showed_before_the_year_1_or_after_9999_is_no_moment(
    time_zone: str, first: str, last: str
):
    is_east = time_zone.startswith("Asia")
    for text, is_moment in ((first, is_east), (last, not is_east)):
        (by_sql,) = duckdb.execute(
            f"SELECT {stated_moment(literal(text), time_zone)} IS NOT NULL"
        ).fetchall()[0]
        by_polars = pl.select(read_iso(pl.lit(text), time_zone).is_not_null()).item()
        assert (by_sql, by_polars) == (is_moment, is_moment)


def test_days_with_an_offset_are_those_of_the_source_s_clocks():
    raw = received(
        CUSTOMERS,
        [{"customer_id": f"K{n}", "joined_on": f"2024-01-31T{n}:30:00Z"} for n in (15, 16)],
    )
    found = clean(raw, CUSTOMERS, Conventions("Asia/Shanghai")).kept
    assert found["joined_on"].to_list() == [date(2024, 1, 31), date(2024, 2, 1)]


@pytest.mark.parametrize("time_zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_a_moment_with_a_time_zone_is_one_of_the_source_s(place, time_zone: str):
    placing = place("2024-01-01", time_zone=time_zone)
    stated = [datetime(2024, month, 10, 17, 30, tzinfo=UTC) for month in (1, 7)]
    received_rows = Received(
        "FROM (VALUES (TIMESTAMPTZ '2024-01-10 17:30:00+00'), (TIMESTAMPTZ "
        "'2024-07-10 19:30:00+02')) AS t(occurred_at)",
        {"occurred_at": "TIMESTAMP WITH TIME ZONE"},
    )
    moment = replace(placing.dates, received=received_rows).moment("occurred_at")
    rows = placing.reader.query(
        f"SELECT {moment} AS local FROM ({received_rows.sql}) ORDER BY local"
    )
    local = [at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None) for at in stated]
    assert [read for (read,) in rows] == local


@pytest.mark.parametrize(
    "column", [c for c in CUSTOMERS.columns if c.type is Type.DATE], ids=lambda c: c.name
)
def test_every_column_of_dates_is_looked_at_and_only_public_ones_are_shown(
    tmp_path: Path, column: Column
):
    settings = shop(tmp_path)
    (settings.source_dir / "customers.sql").write_text(
        f"SELECT card AS customer_id, '3/Mai/24' AS {column.name}, source_file, source_row "
        "FROM sales"
    )
    shown = "3/Mai/24" if column.sensitivity is Sensitivity.C1 else "9/xxx/99"
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        says = rf"customers\.{column.name} .* holds '{shown}'; "
        with pytest.raises(SourceError, match=says):
            placings(reader)["customers"].dates.require_readable()


def test_a_form_that_reads_nothing_is_to_be_corrected(place):
    with pytest.raises(SourceError, match=r"can be read by %d\.%m\.%Y, which holds '12/1/2010'"):
        place("12/1/2010", rules=declared('"%d.%m.%Y"')).dates.require_readable()


@pytest.mark.parametrize(
    ("dates", "rules"),
    [
        (["2024-01-05", "soon", "later", "never"], "{}"),
        (["", ""], "{}"),
        ([], "{}"),
        (["none", "None"], "{transactions.occurred_at: {sentinels: [none]}}"),
        (["Unknown", "UNKNOWN"], "{transactions.occurred_at: {sentinels: [UnKnown]}}"),
        (["12/1/2010"], declared('"%m/%d/%Y"')),
    ],
    ids=["one is read", "no value", "no row", "codes for not known", "in capitals", "as declared"],
)
def test_what_is_no_fault_of_the_form_stops_nothing(place, dates: Sequence[str], rules: str):
    place(*dates, rules=rules).dates.require_readable()


@pytest.mark.parametrize("through_view", [False, True])
def test_files_that_a_derived_table_does_not_read_are_not_named(tmp_path: Path, through_view: bool):
    settings = shop(tmp_path)
    folder = settings.source_dir
    (folder / "towns.csv").write_text("town\neast\n")
    definition = (folder / "source.yaml").read_text()
    definition = definition.replace(
        "  sales: sales.csv\n", "  towns: towns.csv\n  sales: sales.csv\n"
    )
    definition = definition.replace("{rows_of: sales}", "{derived: true}")
    (folder / "source.yaml").write_text(definition)
    if through_view:
        (folder / "views").mkdir()
        (folder / "views" / "sold.sql").write_text("SELECT * FROM sales")
        sql = (folder / "transactions.sql").read_text()
        (folder / "transactions.sql").write_text(sql.replace("FROM sales", "FROM sold"))
    text = sales_file(settings).read_text().replace("2024-", "24|")
    sales_file(settings).write_text(text)
    says = r"in transactions\.occurred_at \(sales\.csv\) can"
    with (
        scratch_database() as con,
        SourceReader(con, load_source(folder)) as reader,
        pytest.raises(SourceError, match=says),
    ):
        placings(reader)["transactions"].dates.require_readable()


def test_personal_dates_are_shown_by_their_form_alone(tmp_path: Path):
    settings = shop(tmp_path)
    (settings.source_dir / "customers.sql").write_text(
        "SELECT card AS customer_id, '3/Mai/' || town AS birth_date, source_file, source_row "
        "FROM sales"
    )
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        placings(reader)["transactions"].dates.require_readable()
        with pytest.raises(SourceError, match=r"customers\.birth_date .* holds '9/xxx/xxxx'; "):
            placings(reader)["customers"].dates.require_readable()


@pytest.mark.slow
def test_a_run_ends_before_anything_is_published(tmp_path: Path):
    settings = shop(tmp_path)
    text = sales_file(settings).read_text().replace("2024-", "24|")
    sales_file(settings).write_text(text)
    assert not run(settings).success
    assert not settings.portrait_file.exists()


@pytest.mark.parametrize("form", FORMATS)
@given(moment=st.datetimes(datetime(1969, 1, 1), datetime(2068, 12, 31)))
def test_sql_and_polars_read_a_declared_form_alike(form: str, moment: datetime):
    text = pl.select(pl.lit(moment, pl.Datetime("us")).dt.strftime(form.replace(".%f", "%.6f")))
    text = text.to_series()[0]
    read = pl.select(read_by(pl.lit(text), [form])).to_series()[0]
    by_sql = duckdb.execute("SELECT try_strptime(?, [?])", [text, form]).fetchone()
    assert by_sql == (read,)
    assert read.date() == moment.date()
    if "%S" in form:
        assert read.replace(microsecond=0) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("%m/%d", "names year, month and day once"),
        ("%d/%d/%Y", "names year, month and day once"),
        ("%x", "has %x"),
        ("%Y-%m-%d %H", "no form of a time"),
        ("%Y-%m-%d %I:%M", "no form of a time"),
        ("%Y-%m-%d %H:%M %p", "no form of a time"),
        ("%Y-%m-%d %H:%M %f", "elsewhere than in %S.%f"),
        ("%Y-%m-%d%", "has %"),
    ],
)
def test_a_form_that_is_none_is_refused(form: str, says: str):
    with pytest.raises(ValidationError, match=says):
        ColumnRules(date_format=form)


@pytest.mark.parametrize("form", FORMATS)
def test_a_form_of_a_date_is_taken(form: str):
    assert checked_format(form) == form


def test_a_form_for_a_column_without_dates_is_refused(place):
    with pytest.raises(SourceError, match=r"transactions\.amount holds no dates"):
        place("2024-01-05", rules='{transactions.amount: {date_format: "%Y-%m-%d"}}')


def typed_dates(rows: Sequence[Mapping[str, str | None]], form: str) -> list[date | None]:
    conventions = Conventions(own={"customers.joined_on": ColumnRules(date_format=form)})
    raw = received(CUSTOMERS, [{"customer_id": "K", **row} for row in rows])
    return clean(raw, CUSTOMERS, conventions).kept["joined_on"].to_list()


def test_every_column_of_dates_may_have_a_form():
    joined = [{"joined_on": text} for text in ("930101", "690228", "680228", "１５０３０１", "x")]
    assert typed_dates(joined, "%y%m%d") == [
        date(1993, 1, 1),
        date(1969, 2, 28),
        date(2068, 2, 28),
        date(2015, 3, 1),
        None,
    ]


def test_dates_that_came_as_numbers_with_a_fraction_are_read():
    raw = received(TRANSACTIONS, [SALE, SALE]).with_columns(occurred_at=pl.Series([930101.0, None]))
    own = {"transactions.occurred_at": ColumnRules(date_format="%y%m%d")}
    found = clean(raw, TRANSACTIONS, Conventions(own=own))
    assert found.kept["occurred_at"].to_list() == [datetime(1993, 1, 1)]
    assert found.rejects["rule"].to_list() == ["required and missing"]
