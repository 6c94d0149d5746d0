"""`portrait predict`: a column of any table, with its proof."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from portrait_assets.app.any_table.predict import predict_file, sentences
from portrait_assets.app.cli import app
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.proof import Proof
from portrait_assets.methods.prediction.families.encoding import Dropped
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.inputs.leaks import leaks
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.table.features import by_reason
from portrait_assets.methods.prediction.table.outcome import read_outcome
from portrait_assets.methods.prediction.table.predictions import Request, predict_table
from portrait_assets.methods.prediction.trials.choice import Choice
from portrait_assets.methods.prediction.trials.rare import Rarity
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.storage.files.errors import TableFileError
from portrait_assets.storage.files.reading import read_table
from portrait_assets_tests.methods.prediction.world import World, world

FEW = Parameters(folds=3, most_trees=15)


@pytest.fixture(scope="module")
def people() -> World:
    return world(800)


@pytest.fixture(scope="module")
def table(people: World) -> pl.DataFrame:
    """Customers with `churned`, which is not known of every fourth."""
    known = pl.int_range(pl.len()) % 4 != 0
    return people.frame.with_columns(
        customer_id=pl.int_range(pl.len()) * 7,
        churned=pl.when(known).then(pl.Series(people.outcome)),
        closed_on=pl.when(pl.Series(people.outcome) == 1).then(pl.lit("2024-05-01")),
    )


def test_every_row_gets_a_probability_in_order(tmp_path: Path, table: pl.DataFrame, people: World):
    table.write_parquet(tmp_path / "in.parquet")
    asked = Request("churned", parameters=FEW)
    found = predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet", asked)
    rows = pl.read_parquet(tmp_path / "out.parquet")
    assert rows.columns == ["probability", "rank", "band", "reason_1", "reason_2", "reason_3"]
    assert rows.height == table.height
    unknown = np.arange(table.height) % 4 == 0
    truth = roc_auc_score(people.outcome[unknown], people.truth[unknown])
    scored = roc_auc_score(people.outcome[unknown], rows["probability"].to_numpy()[unknown])
    assert scored > truth - 0.04
    (part,) = found.parts
    exact = pl.Series(part.model.expected(table))
    assert rows["rank"].to_list() == exact.rank("min", descending=True).to_list()
    assert rows["probability"].to_list() == exact.round(6).to_list()
    best = rows.filter(pl.col("band") == 1)
    assert best.height == table.height // 10
    assert best["probability"].min() >= rows.filter(pl.col("band") == 2)["probability"].max()  # type: ignore[operator]
    text = "\n".join(sentences(found))
    assert "800 rows, 600 with a value of churned" in text
    assert "closed_on alone has an AUC of 1.000" in text
    assert "left out (--keep closed_on uses it)" in text
    assert "not used: customer_id (identifies rows)" in text
    assert "not used: empty (has no value)" in text
    assert "not used: one (has one value only)" in text
    assert f"the best single column, {found.parts[0].proof.baseline_feature}," in text
    assert "surely better" in text


@pytest.mark.parametrize(
    ("quality", "gain", "is_surely"),
    [(0.51, 0.01, True), (0.49, 0.01, False), (0.51, -0.01, False)],
)
def test_what_is_no_better_than_chance_is_not_surely_better_than_a_column(
    quality: float, gain: float, is_surely: bool
):
    """The best column where it was learned may be worse than chance on unseen rows."""
    found = Proof(
        judged=np.arange(2),
        outcome=np.arange(2.0),
        is_of_number=False,
        is_by_time=False,
        scores={},
        choice=Choice("logistic", ()),
        baseline_feature="noise",
        quality=Interval(0.6, quality, 0.7),
        of_baseline=Interval(0.38, 0.28, 0.48),
        gain=Interval(0.22, gain, 0.4),
    )
    assert found.is_surely_better is is_surely


def test_columns_that_are_not_used_are_named_by_reason():
    dropped = [Dropped("id", "identifies rows"), Dropped("a", "empty"), Dropped("b", "empty")]
    assert by_reason(dropped) == [("id", "identifies rows"), ("a, b", "empty")]
    assert by_reason([]) == []


def test_the_command_prints_the_proof_and_writes_the_file(tmp_path: Path, people: World):
    frame = people.frame.select("visits", "city").with_columns(
        answer=pl.when(pl.Series(people.outcome) == 1).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    frame.write_csv(tmp_path / "in.csv", separator=";")
    out = tmp_path / "out.csv"
    words = [str(tmp_path / "in.csv"), "--outcome", "answer", "--event", "yes", "--out", str(out)]
    result = CliRunner().invoke(app, ["predict", *words])
    assert result.exit_code == 0, result.output
    assert "probability: that answer is yes" in result.output
    assert "By tenth of the prediction, unseen rows" in result.output
    assert pl.read_csv(out).height == 800


def test_a_leak_is_used_where_it_is_asked_for(table: pl.DataFrame):
    small = table.select("churned", "closed_on", "visits")
    kept = predict_table(small, Request("churned", keep=("closed_on",), parameters=FEW))
    assert kept.left_out == ()
    assert kept.parts[0].proof.quality.value > 0.99
    only = small.drop("visits")
    with pytest.raises(PredictionError, match=r"no column is left.*closed_on alone gives it away"):
        predict_table(only, Request("churned"))


def test_where_nothing_is_left_to_learn_from_it_says_why():
    table = pl.DataFrame({"customer_id": range(100), "y": [0, 1] * 50})
    with pytest.raises(PredictionError, match=r"from: customer_id: identifies rows \(--keep uses"):
        predict_table(table, Request("y"))
    many = pl.DataFrame({f"c{n}_id": range(40) for n in range(12)} | {"y": [0, 1] * 20})
    with pytest.raises(
        PredictionError, match=r"c7_id and 4 more: identifies rows \(--keep uses it\)$"
    ):
        predict_table(many, Request("y"))
    with pytest.raises(PredictionError, match="from: there is none"):
        predict_table(table, Request("y", leave_out=("customer_id",)))


def test_a_rare_outcome_is_learned_by_bins_from_all_events_and_its_probabilities_come_true():
    """As in a warehouse; each number counts only by whether it is above 1."""
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(40_000, 4))
    late = rng.random(40_000) < 0.004 * 5.0 ** (numbers > 1).sum(axis=1)
    rare = Rarity(few_until=5_000, small_trees_from=1_000)
    asked = Request("late", parameters=FEW, rarity=rare)
    known = pl.int_range(pl.len()) < 6_000
    table = pl.DataFrame(numbers, schema=["a", "b", "c", "d"]).with_columns(
        late=pl.when(known).then(pl.Series(late))
    )
    found = predict_table(table, asked)
    (part,) = found.parts
    assert set(part.proof.scores) == {"binned", "logistic"}
    assert isinstance(part.model, PredictionModel)
    assert part.model.family == "binned"
    events = int(late[:6_000].sum())
    assert part.model.facts["events"] == events < 300
    assert part.model.facts["fitted_rows"] <= 21 * events < 6_000
    unseen = found.rows["probability"].tail(34_000)
    assert unseen.mean() == pytest.approx(late[6_000:].mean(), rel=0.15)
    text = "\n".join(sentences(found))
    assert f"that late is true, as in {events / 6_000:.1%} of them" in text
    assert "weights of bins; logistic regression is not surely better" in text
    (usual,) = predict_table(table.head(5_000), asked).parts
    assert set(usual.proof.scores) == {"logistic", "trees", "both"}


def test_classes_get_a_probability_each_that_sum_to_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=600), rng.normal(size=600)
    kind = np.where(x > 0.5, "gold", np.where(y > 0, "silver", "bronze"))
    flip = rng.random(600) < 0.2
    kind[flip] = rng.permutation(kind[flip])
    found = predict_table(
        pl.DataFrame({"x": x, "y": y, "kind": kind}), Request("kind", parameters=FEW)
    )
    names = ["bronze", "gold", "silver"]
    assert [part.name for part in found.parts] == names
    shares = found.rows.select(f"probability_{name}" for name in names)
    assert np.allclose(shares.sum_horizontal(), 1, atol=2e-6)
    assert (found.rows["predicted"] == pl.Series(kind)).mean() > 0.75  # type: ignore[operator]
    # The reason of gold is what gold depends on, for those who are predicted to be it.
    gold = found.rows.filter(pl.col("predicted") == "gold")
    assert (gold["reason_1"] == "+x").mean() > 0.9  # type: ignore[operator]


def test_what_gives_two_of_three_classes_away_but_for_a_few_is_as_suspicious_as_of_the_third():
    kind = np.repeat(["a", "b", "c"], 200)
    hint = np.repeat([0, 1, 2], 200)
    hint[400:410] = 1
    table = pl.DataFrame({"hint": hint, "n": np.random.default_rng(0).normal(size=600)})
    by_class = [leaks(table, kind == name)[0].auc for name in "abc"]
    found = predict_table(table.with_columns(kind=kind), Request("kind", parameters=FEW))
    (leak,) = found.leaks
    assert leak.auc == min(by_class) < 0.99 < max(by_class)
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("values", "classes"),
    [([9, 10], ("9", "10")), ([-2, -10], ("-10", "-2")), ([True, False], ("false", "true"))],
)
def test_of_two_numbers_the_larger_one_is_predicted(values: list[object], classes: tuple[str, str]):
    assert read_outcome(pl.DataFrame({"y": values * 20}), "y").classes == classes


def test_a_number_gets_its_expected_value(people: World):
    frame = people.frame.with_columns(
        spend=pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.Series(people.number))
    )
    asked = Request("spend", parameters=FEW)
    found = predict_table(frame, asked)
    unknown = np.arange(800) % 5 == 0
    expected = found.rows["expected"].to_numpy()[unknown]
    truth = people.number[unknown]
    assert 1 - ((truth - expected) ** 2).mean() / truth.var() > 0.5
    assert "explained variance" in "\n".join(sentences(found))


def test_the_newest_rows_judge_where_an_order_is_given(people: World):
    frame = people.frame.select("visits", "amount").with_columns(
        churned=pl.Series(people.outcome), month=pl.int_range(pl.len()) // 100
    )
    asked = Request("churned", order="month", parameters=FEW)
    found = predict_table(frame, asked)
    (part,) = found.parts
    assert len(part.proof.judged) == 200
    assert isinstance(part.model, PredictionModel)
    assert "month" not in [term.feature for term in part.model.terms]
    assert "of the newest 200 rows" in "\n".join(sentences(found))
    same = frame.with_columns(month=1)
    with pytest.raises(PredictionError, match="month is the same in all rows"):
        predict_table(same, asked)
    with pytest.raises(PredictionError, match="month is missing in 800 rows"):
        predict_table(frame.with_columns(month=pl.lit(None, pl.Int64)), asked)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([0, 1], ("0", "1")),
        ([2, 1], ("1", "2")),
        ([True, False], ("false", "true")),
        (["no", "yes", "no"], ("no", "yes")),
        (["No", "Yes", "Yes"], ("No", "Yes")),
        (["b", "a"], ("a", "b")),
        (["good", "bad", "good"], ("good", "bad")),
        ([0.5, 1.5], ("0.5", "1.5")),
    ],
)
def test_of_two_values_the_larger_or_the_rarer_is_predicted(
    values: list[object], classes: tuple[str, str]
):
    outcome = read_outcome(pl.DataFrame({"y": values * 20}), "y")
    assert (outcome.kind, outcome.classes) == ("outcome", classes)
    assert outcome.events(classes[1]).sum() == (values * 20).count(
        2 if values[0] == 2 else values[1]
    )


def test_numbers_are_classes_where_it_is_asked_for():
    table = pl.DataFrame({"y": [1, 2, 3, 3] * 10})
    assert read_outcome(table, "y").kind == "number"
    outcome = read_outcome(table, "y", as_classes=True)
    assert (outcome.kind, outcome.classes) == ("classes", ("1", "2", "3"))
    assert read_outcome(table, "y", "3").classes == ("not 3", "3")


REFUSED = {
    "no such column": (Request("churn"), r"no column churn \(did you mean churned\?\)"),
    "a far name": (Request("zzz"), "no column zzz: it has visits, amount"),
    "all missing": (Request("empty"), "empty has no value in any row"),
    "one value": (Request("one"), "one is 1 in every row that has a value"),
    "ten events": (Request("rare"), "rare is 1 in only 3 of 800 rows.*needs 10 of each"),
    "texts": (Request("note"), "note has 800 different values, and at most 20"),
    "a date": (Request("joined"), "joined is of the type Date"),
    "leave out": (Request("churned", leave_out=("visit",)), r"no column visit to leave out"),
    "an event": (Request("city", event="nord"), r"city is nord in no row \(did you mean north\?\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_predicted_is_refused_in_a_sentence(case: str, table: pl.DataFrame):
    asked, sentence = REFUSED[case]
    rows = table.with_columns(
        rare=(pl.int_range(pl.len()) < 3).cast(pl.Int64),
        note=pl.int_range(pl.len()).cast(pl.String),
    )
    with pytest.raises(PredictionError, match=sentence) as refused:
        predict_table(rows, asked)
    assert "\n" not in str(refused.value)


def test_ten_events_are_enough(people: World):
    frame = people.frame.head(200).with_columns(rare=(pl.int_range(pl.len()) < 10).cast(pl.Int64))
    found = predict_table(frame, Request("rare", parameters=FEW))
    assert found.rows["probability"].mean() == pytest.approx(0.05, abs=0.03)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, people: World):
    frame = people.frame.select("visits").with_columns(y=pl.Series(people.outcome))
    frame.write_parquet(tmp_path / "in.parquet")
    (tmp_path / "out.parquet").mkdir()
    asked = Request("y", parameters=FEW)
    with pytest.raises(TableFileError, match="is a folder or a device"):
        predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet", asked)
    assert {path.name for path in tmp_path.iterdir()} == {"in.parquet", "out.parquet"}


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_what_is_written_can_be_read(tmp_path: Path, name: str):
    x = np.random.default_rng(0).normal(size=200)
    pl.DataFrame({"x": x, "y": (x > 0).astype(int)}).write_csv(tmp_path / "in.csv")
    asked = Request("y", keep=("x",), parameters=FEW)
    found = predict_file(tmp_path / "in.csv", tmp_path / name, asked)
    assert read_table(tmp_path / name)["rank"].to_list() == found.rows["rank"].to_list()


def test_no_prediction_is_certain_and_ranks_tell_more_than_six_digits():
    x = np.append(np.random.default_rng(0).normal(size=600), [400.0, 500.0])
    kind = np.where(x > 0.5, "c", np.where(x > -0.5, "b", "a"))
    table = pl.DataFrame({"x": x, "kind": kind})
    classes = predict_table(table, Request("kind", keep=("x",), parameters=FEW)).rows
    for column in (f"probability_{name}" for name in "abc"):
        shares = classes[column].to_numpy()
        assert shares.min() >= 1e-6
        assert shares.max() <= 1 - 1e-6
        assert np.array_equal(shares, shares.round(6))
    late = np.random.default_rng(1).random(602) < 1 / (1 + np.exp(-3 * x.clip(-5, 5)))
    asked = Request("late", keep=("x",), parameters=FEW)
    found = predict_table(pl.DataFrame({"x": x, "late": late}), asked)
    (part,) = found.parts
    exact = part.model.expected(table)
    assert exact.max() > 1 - 1e-6
    assert found.rows["probability"].max() == 1 - 1e-6
    ranks = pl.Series(exact).rank("min", descending=True)
    assert found.rows["rank"].to_list() == ranks.to_list()


def test_the_column_that_orders_rows_must_be_there():
    table = pl.DataFrame({"month": [1, 2] * 10, "y": [0, 1] * 10})
    with pytest.raises(PredictionError, match=r"no column mont to order rows by.*month"):
        predict_table(table, Request("y", order="mont"))


def test_where_no_split_helps_there_is_no_tree():
    """Of a column that is infinite or one number, nothing can be learned."""
    endless = pl.DataFrame({"x": [float("inf")] * 100 + [1.0] * 100, "y": [0, 1] * 100})
    found = predict_table(endless, Request("y", parameters=FEW))
    assert found.rows["probability"].to_list() == pytest.approx([0.5] * 200, abs=0.05)
