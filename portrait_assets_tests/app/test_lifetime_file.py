"""`portrait lifetime`: any file of transactions, and one sentence where it is none."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from portrait_assets.app.any_table.lifetime import LeftOut, _read, _typed, lifetime_file
from portrait_assets.app.cli import app
from portrait_assets.core.errors import PortraitError
from portrait_assets_tests.methods.lifetime import worlds
from portrait_assets_tests.methods.lifetime.worlds import after

UNTIL = str(after(400))


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return worlds.pareto_nbd(300, 450)


@pytest.fixture
def file(sales: pl.DataFrame, tmp_path: Path) -> Path:
    sales.write_parquet(tmp_path / "sales.parquet")
    return tmp_path / "sales.parquet"


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["lifetime", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_values_are_written_and_what_they_rest_on_is_printed(file: Path, tmp_path: Path):
    to = tmp_path / "values.parquet"
    printed = run(str(file), "--until", UNTIL, "--horizon", "8w", "--out", str(to))
    values = pl.read_parquet(to)
    assert values.columns == [
        "customer_id",
        "expected_purchases",
        "expected_spend",
        "low",
        "high",
        "spend_low",
        "spend_high",
        "p_alive",
    ]
    assert values.schema["customer_id"] == pl.Int64
    assert values["p_alive"].is_between(0, 1).all()
    assert f"{values.height} customers, 2020-01-" in printed
    assert "56 days are predicted" in printed
    assert "BG/NBD: r 0." in printed
    assert "log-likelihood -" in printed
    assert f"Backtest of 56 days after {after(344)}" in printed
    assert printed.count("chosen") == 1
    assert f"transactions after {UNTIL} were not looked at" in printed


def test_csv_and_parquet_give_the_same_values(file: Path, sales: pl.DataFrame, tmp_path: Path):
    moments = pl.col("occurred_at").dt.strftime("%Y-%m-%dT23:59:01.5+08:00")
    sales.with_columns(moments, pl.col("customer_id").cast(pl.String).str.zfill(5)).write_csv(
        tmp_path / "sales.csv"
    )
    lifetime_file(file, tmp_path / "a.parquet", UNTIL, "56d")
    lifetime_file(tmp_path / "sales.csv", tmp_path / "b.csv", UNTIL, "8w")
    one, other = pl.read_parquet(tmp_path / "a.parquet"), pl.read_csv(tmp_path / "b.csv")
    assert one["expected_purchases"].to_list() == pytest.approx(
        other["expected_purchases"].to_list()
    )
    assert one["customer_id"].to_list() == other["customer_id"].to_list()


def test_a_day_is_that_of_where_it_was(file: Path, sales: pl.DataFrame, tmp_path: Path):
    local = pl.col("occurred_at").cast(pl.Datetime).dt.offset_by("30m")
    early = sales.with_columns(local.dt.replace_time_zone("Asia/Shanghai"))
    early.write_parquet(tmp_path / "early.parquet")
    one = lifetime_file(file, tmp_path / "a.parquet", UNTIL, "56d").lifetime
    other = lifetime_file(tmp_path / "early.parquet", tmp_path / "b.parquet", UNTIL, "56d").lifetime
    assert other.first == one.first
    assert other.values.equals(one.values)


def test_text_is_read_whatever_separates_it(file: Path, sales: pl.DataFrame, tmp_path: Path):
    amount = pl.col("amount").cast(pl.String).str.replace(".", ",", literal=True)
    text = sales.with_columns(amount).write_csv(separator=";")
    (tmp_path / "sales.txt").write_bytes(text.encode("utf-16"))
    one = lifetime_file(file, tmp_path / "a.parquet", UNTIL, "56d").lifetime.values
    other = lifetime_file(tmp_path / "sales.txt", tmp_path / "b.parquet", UNTIL, "56d").lifetime
    in_order = other.values.with_columns(pl.col("customer_id").cast(pl.Int64)).sort("customer_id")
    assert in_order["expected_spend"].to_list() == pytest.approx(one["expected_spend"].to_list())


def test_an_amount_that_cannot_be_read_leaves_the_others_as_they_are(tmp_path: Path):
    amounts = ["1.234", "1.234,50", "5,5", "7"]
    found = []
    for more in ([], ["storno"]):
        lines = "".join(f"K{n};2020-01-0{n + 1};{each}\n" for n, each in enumerate(amounts + more))
        (tmp_path / "in.csv").write_text("customer_id;occurred_at;amount\n" + lines)
        found.append(_typed(_read(tmp_path / "in.csv"), "in.csv", None)["amount"].to_list())
    assert found == [[1234.0, 1234.5, 5.5, 7.0], [1234.0, 1234.5, 5.5, 7.0, None]]


@pytest.mark.parametrize("offset", ["", "Z", "+08:00", "+0800", "+08", " +08:00", " UTC"])
@pytest.mark.parametrize("time", ["02:30", "02:30:00", "02:30:00.5"])
def test_a_day_is_one_where_it_happened(tmp_path: Path, time: str, offset: str):
    (tmp_path / "in.csv").write_text(
        f"customer_id,occurred_at,amount\nK1,2024-04-01T{time}{offset},5\n"
    )
    rows = _typed(_read(tmp_path / "in.csv"), "in.csv", None)
    assert rows["occurred_at"].to_list() == [date(2024, 4, 1)]


def test_a_declared_form_of_dates_is_read(sales: pl.DataFrame, tmp_path: Path):
    file, to = tmp_path / "sales.csv", tmp_path / "values.csv"
    sales.with_columns(pl.col("occurred_at").dt.strftime("%m/%d/%Y")).write_csv(file)
    with pytest.raises(PortraitError, match=r"No date in column occurred_at of 'sales\.csv'"):
        lifetime_file(file, to, UNTIL, "56d")
    assert not to.exists()
    lifetime_file(file, to, UNTIL, "56d", "%m/%d/%Y")
    assert pl.read_csv(to).height > 200


def test_of_a_declared_form_no_other_is_read(sales: pl.DataFrame, tmp_path: Path):
    file = tmp_path / "sales.csv"
    american = sales.filter(pl.col("occurred_at") <= after(400)).with_columns(
        pl.col("occurred_at").dt.strftime("%m/%d/%Y")
    )
    other = american.head(1).with_columns(occurred_at=pl.lit("20200501"))
    pl.concat([american, other]).write_csv(file)
    found = lifetime_file(file, tmp_path / "v.csv", UNTIL, "56d", "%m/%d/%Y")
    assert found.left_out.without_date == 1


def test_rows_that_do_not_count_are_counted(sales: pl.DataFrame, tmp_path: Path):
    text = sales.filter(pl.col("occurred_at") <= after(400)).with_columns(
        pl.col("customer_id", "occurred_at", "amount").cast(pl.String)
    )
    broken = pl.DataFrame(
        {
            "customer_id": [" ", None, "3", "3"],
            "amount": ["5", "5", "5", "five"],
            "occurred_at": ["2020-05-01", "2020-05-01", "soon", "2020-05-01"],
        }
    )
    pl.concat([text, broken.select(text.columns)]).write_csv(tmp_path / "sales.csv")
    found = lifetime_file(tmp_path / "sales.csv", tmp_path / "v.csv", UNTIL, "2m")
    assert found.left_out == LeftOut(without_customer=2, without_date=1, without_amount=1, later=0)
    assert found.lifetime.horizon_days == 59  # From 4 February to 4 April.


def test_returns_take_off_spend_and_are_no_purchases(sales: pl.DataFrame, tmp_path: Path):
    back = sales.filter(pl.col("occurred_at") < after(300)).with_columns(
        pl.col("occurred_at").dt.offset_by("1d"), -pl.col("amount") / 2
    )
    sales.write_csv(tmp_path / "plain.csv")
    pl.concat([sales, back]).write_csv(tmp_path / "returns.csv")
    plain = lifetime_file(tmp_path / "plain.csv", tmp_path / "a.csv", UNTIL, "8w").lifetime
    fewer = lifetime_file(tmp_path / "returns.csv", tmp_path / "b.csv", UNTIL, "8w").lifetime
    one, other = plain.values.sum(), fewer.values.sum()
    assert other["expected_purchases"][0] == pytest.approx(one["expected_purchases"][0], rel=0.05)
    assert 0.4 < other["expected_spend"][0] / one["expected_spend"][0] < 0.75


def test_a_horizon_longer_than_the_history_is_judged_over_half_of_it(file: Path, tmp_path: Path):
    to = str(tmp_path / "values.csv")
    printed = run(str(file), "--until", UNTIL, "--horizon", "104w", "--out", to)
    assert "half of the history, as no window of 728 days is over" in printed


def test_a_last_day_long_after_the_data_end_is_pointed_out(sales: pl.DataFrame, tmp_path: Path):
    file = tmp_path / "few.csv"
    sales.filter(pl.col("customer_id") < 40).write_csv(file)
    printed = run(
        str(file), "--until", "2022-12-31", "--horizon", "8w", "--out", str(tmp_path / "v.csv")
    )
    assert "if the file ends there, so should --until" in printed


def test_a_few_silent_days_of_a_long_history_are_not(sales: pl.DataFrame, tmp_path: Path):
    file = tmp_path / "few.csv"
    few = sales.filter(pl.col("customer_id") < 40)
    few.write_csv(file)
    newest = few["occurred_at"].max()
    assert isinstance(newest, date)
    until = str(newest + timedelta(days=30))
    printed = run(str(file), "--until", until, "--horizon", "8w", "--out", str(tmp_path / "v.csv"))
    assert "The last purchase is of" not in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": "2020-13-01"}, "'2020-13-01' is no day; write --until 1997-09-30."),
        ({"until": "2019-06-01"}, "is of 2020-01-0., after 2019-06-01; name a later --until"),
        ({"horizon": "39"}, "'39' is no horizon"),
        ({"horizon": "0d"}, "'0d' is no horizon"),
        ({"horizon": "-4w"}, "'-4w' is no horizon"),
        ({"horizon": "900m"}, "longer than ten years"),
        ({"date_format": "%d.%m"}, "--date-format: '%d.%m' is no form of a date"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(
    file: Path, tmp_path: Path, changes: dict[str, str], message: str
):
    request = {"until": UNTIL, "horizon": "8w", **changes}
    with pytest.raises(PortraitError, match=message):
        lifetime_file(file, tmp_path / "values.parquet", **request)
    assert not (tmp_path / "values.parquet").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line must hold the names of columns"),
        ("customer,occurred_at,amount\n1,2020-01-01,5\n", "has no column customer_id"),
        (
            "customer_id,occurred_on,amount\n1,2020-01-01,5\n",
            r"no column occurred_at \(did you mean occurred_on\?\)",
        ),
        ("customer_id,occurred_at,amount\n", "has no transaction with a customer and a date"),
        ("customer_id,occurred_at,amount\n1,soon,5\n", "No date in column occurred_at"),
        ("customer_id,occurred_at,amount\n1,2020-01-01,five\n", "No number in column amount"),
        ("customer_id,occurred_at,amount\n,2020-01-01,5\n", "no transaction with a customer"),
        ("customer_id,occurred_at,amount\n1,2020-01-01,5\n", "Nobody has bought on a second day"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, message: str):
    (tmp_path / "sales.csv").write_text(text)
    with pytest.raises(PortraitError, match=message) as raised:
        lifetime_file(tmp_path / "sales.csv", tmp_path / "values.csv", UNTIL, "8w")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "values.csv").exists()


def test_files_that_are_not_there_or_cannot_be_written(file: Path, tmp_path: Path):
    with pytest.raises(PortraitError, match="There is no file"):
        lifetime_file(tmp_path / "none.csv", tmp_path / "v.csv", UNTIL, "8w")
    (tmp_path / "text.parquet").write_text("PAR1, and no table")
    with pytest.raises(PortraitError, match=r"'text\.parquet' cannot be read"):
        lifetime_file(tmp_path / "text.parquet", tmp_path / "v.csv", UNTIL, "8w")
    with pytest.raises(PortraitError, match=r"no folder '.*nowhere' to write 'v\.parquet' to"):
        lifetime_file(file, tmp_path / "nowhere" / "v.parquet", UNTIL, "8w")
