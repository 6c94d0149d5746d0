"""A bank goes on: its past stays as it is."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.core.errors import PortraitError
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic import bank as bank_module
from portrait_assets.synthetic import continuing
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.continuing import continue_bank
from portrait_assets.synthetic.economy.outcomes import outcomes_table
from portrait_assets.synthetic.persons.lifecycle import NEVER
from portrait_assets.synthetic.recipe import Recipe
from portrait_assets_tests.generate.conftest import contents
from portrait_assets_tests.generate.continued.conftest import CLEAN, Write, tables

CHANGES = (
    "truth/segments.parquet",
    "truth/defaults.parquet",
    "truth/bad_values.parquet",
    "truth/breakpoints.parquet",
    "truth/events.parquet",
    *("truth/unsuitable.parquet", "truth/prospects.parquet"),
)
"""Of these a row may say more later: when somebody left, where a row stands, what still lasts."""


def test_the_past_stays_as_it_is(original: Path, bank: Path) -> None:
    done = continue_bank(bank)
    assert done.summary.months == ("2023-06",)
    before, after = tables(original), tables(bank)
    for place, had in before.items():
        if place not in CHANGES:
            lost = had.join(after[place], on=had.columns, how="anti", nulls_equal=True)
            is_monthly = "/" in place and not place.startswith("truth")
            # What a campaign cost and who is a customer stays; more rows may have come.
            assert len(lost) == 0, place
            assert not is_monthly or had.equals(after[place]), place
    one, two = (of["truth/segments.parquet"] for of in (before, after))
    assert one.drop("left_on").equals(two.drop("left_on"))
    changed = two.filter(one["left_on"].ne_missing(two["left_on"]))["left_on"]
    assert 0 < len(changed) == changed.is_between(date(2023, 6, 1), date(2023, 6, 30)).sum()


def test_what_became_of_prospects_only_gains(original: Path, bank: Path) -> None:
    continue_bank(bank)
    column = "value_after_six_months"
    had, has = (tables(of)["truth/prospects.parquet"] for of in (original, bank))
    same = had.drop_nulls(column)
    assert len(same) == len(same.join(has, on=had.columns, nulls_equal=True))
    rest = [name for name in had.columns if name != column]
    assert len(had.join(has, on=rest, how="anti", nulls_equal=True)) == 0


def test_what_becomes_of_consents_touches_only_the_new_month(original: Path, bank: Path) -> None:
    continue_bank(bank)
    had, has = (pl.read_parquet(of / "consents.parquet") for of in (original, bank))
    assert had.equals(has[: len(had)])
    later = has[len(had) :]
    assert later["recorded_on"].is_between(date(2023, 6, 1), date(2023, 6, 30)).all()
    withdrawn = later.drop_nulls("withdrawn_on")
    assert (withdrawn["granted_on"] < date(2023, 6, 1)).any()


def test_the_next_month_follows_the_last(original: Path, bank: Path) -> None:
    continue_bank(bank)

    def rows(table: str, month: str) -> int:
        return len(pl.read_parquet(bank / table / f"{month}.parquet", columns=[0]))

    for table in ("transactions", "balances", "interactions"):
        assert 0.85 < rows(table, "2023-06") / rows(table, "2023-05") < 1.2, table
    with scratch_database() as con:
        kept, accounts = con.sql(
            f"SELECT count(b.account_id), count(*) FROM '{bank}/balances/2023-05.parquet' a "
            f"LEFT JOIN '{bank}/balances/2023-06.parquet' b USING (account_id)"
        ).fetchall()[0]
        assert kept > 0.98 * accounts
        left, still_there = con.sql(
            f"SELECT count(*), count(*) FILTER (customer_id IN (SELECT customer_id FROM "
            f"'{bank}/balances/2023-06.parquet')) FROM '{bank}/truth/segments.parquet' "
            "WHERE left_on BETWEEN '2023-06-01' AND '2023-06-30'"
        ).fetchall()[0]
    assert left > 0
    assert still_there == 0
    source = load_source(bank / "sources" / "synthetic_bank")
    source.check()
    assert source.months()[-1] == "2023-06"
    assert "2023-06" in (bank / "README.txt").read_text("utf-8")


def test_further_rows_stand_after_those_that_were_there(
    original: Path, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_module, "CHUNK_CUSTOMERS", 900)
    continue_bank(bank)
    before, after = tables(original), tables(bank)
    for place in ("customers", "products", "campaigns", "market", "promotions", "outcomes"):
        had, has = before[f"{place}.parquet"], after[f"{place}.parquet"]
        assert has.head(len(had)).equals(had), place
        schemas = [pq.read_schema(f / f"{place}.parquet") for f in (original, bank)]
        assert schemas[0].remove_metadata() == schemas[1].remove_metadata()
    assert len(after["outcomes.parquet"]) > len(before["outcomes.parquet"])
    # A bad value in a further row is listed by where that row stands.
    bad = after["truth/bad_values.parquet"].filter(
        pl.col("source_file") == "customers.parquet", pl.col("kind") == "missing"
    )
    had = before["truth/bad_values.parquet"]
    assert (
        had.join(bad, on=had.columns, how="anti", nulls_equal=True)
        .filter(pl.col("source_file") == "customers.parquet", pl.col("kind") == "missing")
        .is_empty()
    )
    for column, rows in bad.group_by("column_name"):
        values = after["customers.parquet"][str(column[0])].gather(rows["source_row"] - 1)
        assert values.null_count() == len(values)


def test_two_months_at_once_are_two_months_one_by_one(bank: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(bank, tmp_path / "other"))
    continue_bank(bank, months=2)
    continue_bank(other)
    continue_bank(other)
    one, two = tables(bank), tables(other)
    assert one.keys() == two.keys()
    for place in one.keys() - {"truth/bad_values.parquet"}:
        assert one[place].sort(pl.all()).equals(two[place].sort(pl.all())), place
    assert len(one["truth/bad_values.parquet"]) == len(two["truth/bad_values.parquet"])
    assert (bank / "bank.json").read_text() == (other / "bank.json").read_text()


def test_a_bank_continued_twice_remembers_what_was_assigned(bank: Path, write: Write) -> None:
    continue_bank(bank, write(900))
    before = tables(bank)
    continue_bank(bank)
    after = tables(bank)
    assert Recipe.read(bank).continued == (True, False)
    for place in ("truth/responses.parquet", "campaigns.parquet", "outcomes.parquet"):
        had = before[place]
        assert had.join(after[place], on=had.columns, how="anti", nulls_equal=True).is_empty()
    ours = after["truth/responses.parquet"].filter(pl.col("campaign_id") == "june cashback")
    assert len(ours) == 900


def test_only_a_bank_that_says_what_it_was_made_with_is_continued(
    bank: Path, tmp_path: Path
) -> None:
    with pytest.raises(PortraitError, match=r"holds no bank\.json"):
        continue_bank(tmp_path)
    with pytest.raises(PortraitError, match="cannot be continued by 0"):
        continue_bank(bank, months=0)
    (bank / "bank.json").write_text('{"customers": 3}')
    with pytest.raises(PortraitError, match="cannot be read"):
        continue_bank(bank)


def test_settings_survive_being_written(tmp_path: Path) -> None:
    recipe = Recipe(10, 2, 1, "2023-01", None, CLEAN, (True, False))
    recipe.write(tmp_path)
    assert Recipe.read(tmp_path) == recipe


def test_what_fails_on_the_way_leaves_the_bank_as_it_was(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(original)

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(continuing, "_keep_bad_values", fails)
    with pytest.raises(OSError, match="disk full"):
        continue_bank(original)
    assert contents(original) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--continue", "D", "--seed", "3"], "--continue and --seed contradict"),
        (["--continue", "D", "--out", "E"], "--continue and --out contradict"),
        (["--continue", "D", "--customers", "5"], "--continue and --customers contradict"),
        (["--continue", "D", "--campaigns", "5"], "--continue and --campaigns contradict"),
        (["--out", "E", "--assignments", "F"], "--assignments needs --continue"),
        ([], "--out"),
        (["--out", "E", "--campaigns", "0"], "0 campaigns"),
    ],
)
def test_options_that_contradict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["generate", "bank", *options])
    assert ran.exit_code != 0
    assert says in f"{ran.output} {ran.exception}"
    assert list(tmp_path.iterdir()) == []


def test_a_bank_is_continued_from_the_command_line(bank: Path, write: Write) -> None:
    file = write(5, campaign_id="ours")
    ran = CliRunner().invoke(
        app, ["generate", "bank", "--continue", str(bank), "--assignments", str(file)]
    )
    assert ran.exit_code == 0, ran.output
    assert "Campaign ours states no campaign_type" in ran.output
    assert "contacts: 5 rows" in ran.output
    assert (bank / "transactions" / "2023-06.parquet").exists()


def test_who_leaves_or_defaults_in_the_first_month_that_continues_was_spared_before():
    """Of three months and one more: a leaves in the third, b in the fourth, c in none."""
    lives: Any = SimpleNamespace(
        join_month=np.zeros(3, dtype=np.int64),
        leave_month=np.array([2, 3, NEVER]),
        leave_day=np.array([5, 10, 1]),
    )
    borrowing: Any = SimpleNamespace(
        is_borrower=np.array([False, False, True]), default_month=np.array([NEVER, NEVER, 3])
    )
    people: Any = range(3)
    calendar = Calendar("2024-01", 4, continues=3)
    ids = pa.array(["a", "b", "c"])
    found = outcomes_table(people, lives, borrowing, (), calendar, ids)
    rows = cast(pl.DataFrame, pl.from_arrow(found)).sort("customer_id", "outcome", "observed_on")
    assert [
        (*row[:2], str(row[2]), row[3])
        for row in rows.select("customer_id", "outcome", "observed_on", "value").iter_rows()
    ] == [
        ("a", "churn", "2024-03-05", 1.0),
        ("b", "churn", "2024-03-31", 0.0),
        ("b", "churn", "2024-04-10", 1.0),
        ("c", "churn", "2024-03-31", 0.0),
        ("c", "churn", "2024-04-30", 0.0),
        ("c", "default", "2024-03-31", 0.0),
        ("c", "default", "2024-04-30", 1.0),
    ]
