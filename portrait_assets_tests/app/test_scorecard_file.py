"""`portrait scorecard` on files: what it writes, prints and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from portrait_assets.app.any_table.scorecard import Asked, Outputs, outcome_of, scorecard_file
from portrait_assets.app.cli import app
from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.rows import SCHEMA
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.schema.csv_text import restored
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.files.errors import TableFileError

ROWS = 600


def loans() -> pl.DataFrame:
    """Loans of which the last hundred are not known to have defaulted or not yet."""
    draw = np.random.default_rng(0)
    late = draw.integers(-2, 6, ROWS)
    income = draw.gamma(3, 1_000, ROWS).round()
    risk = -1.5 + 0.5 * late.clip(0) - (income - 3_000) / 1_500
    defaulted = draw.random(ROWS) < 1 / (1 + np.exp(-risk))
    known = [int(each) if n < ROWS - 100 else None for n, each in enumerate(defaulted)]
    return pl.DataFrame(
        {
            "loan_id": [f"L{n}" for n in range(ROWS)],
            "pay_0": late,
            "income": income,
            "[job]": draw.choice(["baker", "=clerk", "nurse"], ROWS),
            "SEX": draw.choice([1, 2], ROWS),
            "recovered": np.where(defaulted, 50, 0),
            "defaulted": known,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the command ran on a CSV file with semicolons."""
    folder = tmp_path_factory.mktemp("loans")
    loans().write_csv(folder / "loans.csv", separator=";")
    options = (
        "--outcome defaulted --leave-out loan_id --code pay_0=-2 --card card.csv --sql card.sql"
    )
    words = ["scorecard", "loans.csv", *options.split(), "--out", "scores.parquet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    (folder / "printed.txt").write_text(ran.output, "utf-8")
    return folder


def test_every_row_is_scored_in_order(folder: Path):
    found = pl.read_parquet(folder / "scores.parquet")
    reasons = [f"reason_{rank}" for rank in range(1, 5)]
    assert found.columns == ["score", "probability", "band", *reasons]
    assert found.height == ROWS
    rows = restored(pl.read_csv(folder / "card.csv", schema=SCHEMA))
    card = Scorecard.from_rows(rows)
    assert found["score"].to_list() == card.points(loans()).tolist()
    assert found["probability"].to_list() == card.probability(found["score"]).tolist()
    assert set(found["band"]) <= set("ABCDE")


def test_the_card_in_sql_scores_the_file_alike(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    with scratch_database() as con:
        scored = con.execute((folder / "card.sql").read_text("utf-8")).fetchall()
    found = pl.DataFrame(scored, ["loan_id", "score", "probability", "band"], orient="row")
    joined = loans().select("loan_id").join(found, on="loan_id", how="left", maintain_order="left")
    assert joined["score"].to_list() == pl.read_parquet("scores.parquet")["score"].to_list()


@pytest.mark.parametrize(
    "written",
    [
        pl.when(pl.col("income") < 2_000).then(pl.lit("NA")).otherwise(pl.col("[job]")),
        pl.format("{}%", "income"),
    ],
    ids=["what is nothing to one and a word to the other", "percentages"],
)
def test_sql_that_would_give_other_points_is_refused(tmp_path: Path, written: pl.Expr):
    file, to = tmp_path / "loans.csv", Outputs(tmp_path / "s.csv", sql=tmp_path / "card.sql")
    known = loans().select("defaulted", written.alias("stated"))
    asked = Asked("defaulted")
    known.write_csv(file)
    with pytest.raises(ScorecardError, match=r"^DuckDB reads .* in another way .*Parquet"):
        scorecard_file(file, asked, to, CardRules())
    assert not to.scores.exists()
    scorecard_file(file, asked, Outputs(to.scores), CardRules())
    assert to.scores.exists()


def test_it_prints_the_card_its_proof_and_what_was_refused(folder: Path):
    printed = " ".join((folder / "printed.txt").read_text("utf-8").split())
    known = loans()["defaulted"].drop_nulls()
    assert f"known of 500 of 600 rows, and 1 in {known.sum()} of them" in printed
    assert "600 stand for 50 good to one bad, and 20 more for twice as many" in printed
    assert "code -2" in printed
    assert "Cross-validated on 500 rows, with 95 % intervals" in printed
    assert "boosted trees" in printed
    assert "SEX: it stands for sex (性别); Regulation B" in printed
    assert "recovered: it gives the outcome away" in printed
    assert "What is suggested is no decision" in printed
    assert "600 rows have a score in scores.parquet" in printed


def test_a_csv_of_scores_runs_nothing_in_a_spreadsheet(tmp_path: Path):
    table = loans().select("pay_0", "defaulted").rename({"pay_0": "=pay"})
    table.write_parquet(tmp_path / "in.parquet")
    asked, outputs = Asked("defaulted"), Outputs(tmp_path / "out.csv")
    scorecard_file(tmp_path / "in.parquet", asked, outputs, CardRules())
    reasons = pl.read_csv(tmp_path / "out.csv")["reason_1"].drop_nulls()
    assert reasons.str.starts_with("'=pay: ").all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False, None], [1, 0, None]),
        ([1.0, 0.0, float("nan")], [1, 0, None]),
        (["yes", "No ", ""], [1, 0, None]),
        (["是", "否", None], [1, 0, None]),
        (["bad", "Good", None], [1, 0, None]),
        ([None, None], [None, None]),
    ],
)
def test_outcomes_are_0_1_or_not_known(values: list[object], expected: list[float | None]):
    found = outcome_of(pl.Series("y", values))
    assert pl.Series(found).fill_nan(None).to_list() == expected


@pytest.mark.parametrize(
    ("values", "event", "expected"),
    [
        ([1, 2, None], "2", [0, 1, None]),
        ([1.0, 2.0, float("nan")], "2", [0, 1, None]),
        (["paid", "Charged Off", ""], "charged off", [0, 1, None]),
        ([True, False, None], "false", [0, 1, None]),
        (["A", "B", "C"], "B", [0, 1, 0]),
    ],
)
def test_the_value_that_is_not_to_happen_may_be_named(
    values: list[object], event: str, expected: list[float | None]
):
    found = outcome_of(pl.Series("y", values), event)
    assert pl.Series(found).fill_nan(None).to_list() == expected


@pytest.mark.parametrize(
    ("values", "event", "sentence"),
    [
        ([1, 2], None, r"y holds values other than 0 and 1 \(2\); name .* such as --event 2\."),
        (["paid", "lost"], None, r"other than 0 and 1 \(lost, paid\); .* --event lost\."),
        (["paid", "lost"], "losst", r"y is losst in no row \(did you mean lost\?\); it has lost, "),
        ([1, 2], "three", r"y is three in no row; it has 1, 2\."),
    ],
)
def test_an_outcome_that_does_not_tell_is_one_sentence(
    values: list[object], event: str | None, sentence: str
):
    with pytest.raises(ScorecardError, match=sentence):
        outcome_of(pl.Series("y", values), event)


def test_a_column_that_numbers_the_rows_is_no_input(tmp_path: Path):
    """Even where it tells much, as where a file is sorted by the outcome."""
    table = loans().select("pay_0", "defaulted").drop_nulls().sort("defaulted").with_row_index("no")
    table.write_parquet(tmp_path / "in.parquet")
    outputs = Outputs(tmp_path / "out.parquet")
    found = scorecard_file(tmp_path / "in.parquet", Asked("defaulted"), outputs, CardRules())
    assert found.identifying == ("no",)
    assert found.fitted.inputs == ("pay_0",)


def failing(folder: Path, table: pl.DataFrame, *options: str) -> str:
    """What the command says of the table; nothing may be written."""
    table.write_parquet(folder / "in.parquet")
    out = folder / "out.parquet"
    words = ["scorecard", str(folder / "in.parquet"), "--out", str(out), "--outcome", *options]
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, PortraitError)
    assert not out.exists()
    return str(ran.exception)


def test_mistakes_are_one_sentence_and_nothing_is_written(tmp_path: Path):
    table = loans()
    few = table.with_columns((pl.int_range(pl.len()) < 10).cast(pl.Int64).alias("defaulted"))
    assert "has no column defalted (did you mean defaulted?)" in failing(
        tmp_path, table, "defalted"
    )
    assert "no column id; it has" in failing(tmp_path, table, "defaulted", "--leave-out", "id")
    assert "pay_0 holds values other than 0 and 1" in failing(tmp_path, table, "pay_0")
    assert "Only 10 of 600 known rows have the outcome 1" in failing(tmp_path, few, "defaulted")
    assert "is no list of numbers" in failing(tmp_path, table, "defaulted", "--code", "pay_0=x")
    assert "pdo must be above 0" in failing(tmp_path, table, "defaulted", "--pdo", "0")
    only = table.select("defaulted")
    assert "has no column besides defaulted" in failing(tmp_path, only, "defaulted")
    assert "has no row" in failing(tmp_path, table.clear(), "defaulted")


def test_files_that_would_be_written_over_are_one_sentence(tmp_path: Path):
    here = tmp_path / "in.parquet"
    with pytest.raises(TableFileError, match="would be written over"):
        scorecard_file(here, Asked("y"), Outputs(here), CardRules())
    with pytest.raises(TableFileError, match=r"'out.csv' would be written over"):
        scorecard_file(here, Asked("y"), Outputs(*[tmp_path / "out.csv"] * 2), CardRules())


def test_a_table_without_a_column_that_a_card_can_read_is_one_sentence(tmp_path: Path):
    table = pl.DataFrame({"items": [[1, 2]] * 60, "y": [0, 1] * 30})
    table.write_parquet(tmp_path / "in.parquet")
    outputs = Outputs(tmp_path / "out.parquet")
    with pytest.raises(ScorecardError, match=r"No column of 'in.parquet' can be an input .*items"):
        scorecard_file(tmp_path / "in.parquet", Asked("y"), outputs, CardRules())
    assert not outputs.scores.exists()
