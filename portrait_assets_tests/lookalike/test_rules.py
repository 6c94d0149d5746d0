"""Who joined since, what is known of both sides, and how few are too few, on small frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.app.lookalike import setting_aside
from portrait_assets.app.lookalike.attributes import AGE, ATTRIBUTES, CATEGORIES, attributes, shared
from portrait_assets.app.lookalike.backtest import backtest
from portrait_assets.app.lookalike.errors import LookalikeError
from portrait_assets.app.lookalike.finding import _check_sizes
from portrait_assets.app.lookalike.seed import Seed, _month, _stated_months, read_seed
from portrait_assets.methods.lookalike import lookalike
from portrait_assets.methods.lookalike.lookalike import SMALLEST_SEED
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.parameters import PARAMETERS

MARCH, JUNE = date(2024, 3, 31), date(2024, 6, 30)


@pytest.mark.parametrize(
    ("members", "others", "says"),
    [
        (SMALLEST_SEED, PARAMETERS.least_events, None),
        (SMALLEST_SEED - 1, 500, f"The seed has {SMALLEST_SEED - 1:,} customers of 2024-06"),
        (500, PARAMETERS.least_events - 1, f"all but {PARAMETERS.least_events - 1:,} of the"),
    ],
)
def test_so_many_members_and_others_are_needed(members: int, others: int, says: str | None):
    seed = Seed(JUNE, "rich", pl.Series(["K"]), 1)
    is_member = pl.Series([True] * members + [False] * others)
    if says is None:
        _check_sizes(seed, is_member)
        return
    with pytest.raises(LookalikeError, match=says):
        _check_sizes(seed, is_member)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE SCHEMA tags; CREATE TABLE tags.portrait_matrix AS FROM (VALUES "
            "(DATE '2024-03-31'), (DATE '2024-06-30'), (DATE '2024-04-30')) AS t(as_of)"
        )
        yield opened


def test_a_month_without_a_portrait_is_refused_with_those_there_are(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portrait_assets.app.lookalike.seed.latest_month", lambda con: JUNE)
    monkeypatch.setattr("portrait_assets.app.lookalike.seed.MATRIX", "tags.portrait_matrix")
    assert _month(con, None) == JUNE
    assert _month(con, "2024-04") == date(2024, 4, 30)
    with pytest.raises(LookalikeError, match="of 2024-05; choose a month from 2024-03 to 2024-06"):
        _month(con, "2024-05")


def test_the_months_that_a_file_states():
    rows = pl.DataFrame({"as_of": ["2024-03-31", None, "2024-03-31"]})
    assert _stated_months(rows) == {"2024-03"}
    assert _stated_months(rows.with_columns(pl.col("as_of").str.to_date())) == {"2024-03"}
    assert _stated_months(rows.drop("as_of")) == set()


@pytest.mark.parametrize("month", [None, "2024-03"])
def test_a_seed_of_two_months_or_of_another_than_asked_for_is_refused(
    tmp_path: Path, month: str | None
):
    nothing: Any = None
    rows = pl.DataFrame({"customer_id": ["a", "b"], "as_of": ["2024-03-31", "2024-06-30"]})
    rows.write_csv(tmp_path / "seed.csv")
    with pytest.raises(LookalikeError, match="as of 2024-03, 2024-06; give a seed of"):
        read_seed(nothing, nothing, str(tmp_path / "seed.csv"), month)
    rows.tail(1).write_csv(tmp_path / "other.csv")
    if month is not None:
        with pytest.raises(LookalikeError, match="has customers as of 2024-06; give"):
            read_seed(nothing, nothing, str(tmp_path / "other.csv"), month)


def test_equal_scores_share_a_rank_and_a_tenth_is_of_ranks(monkeypatch: pytest.MonkeyPatch):
    margin = np.array([3.0, 1.0, 3.0, 2.0])
    model = SimpleNamespace(
        margin=lambda _: margin, probability=lambda _: np.array([0.8, 0.2, 0.8, 0.5])
    )
    found: Any = SimpleNamespace(model=model, others_share=0.25, attributes=("age",))
    monkeypatch.setattr(lookalike, "reasons", lambda *_: pl.DataFrame({"reason_1": ["+age"] * 4}))
    scored = lookalike.score(found, pl.DataFrame({"age": [1, None, 3, 4]}))
    assert scored["rank"].to_list() == [1, 4, 1, 3]
    assert scored["band"].to_list() == [1, 8, 1, 6]
    # A quarter of the others were learned from for each of the members: odds of 4 are 1.
    assert scored["score"].to_list() == pytest.approx([0.5, 1 / 17, 0.5, 0.2])
    assert scored["not_known"].to_list() == [None, "age", None, None]


def test_of_few_others_all_are_learned_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookalike, "MOST_ROWS", 10)
    for members, drawn in ((18, 8), (12, 5), (3, 3)):
        is_seed = np.arange(20) < members
        rows = lookalike._drawn(is_seed, seed=0)
        assert (len(rows), is_seed[rows].sum()) == (10, drawn)
        assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize(("members", "says"), [(99, "the seed has 99"), (100, "enough")])
def test_a_hundred_members_are_learned_from(
    monkeypatch: pytest.MonkeyPatch, members: int, says: str
):
    def learned(*_: Any, **__: Any) -> None:
        raise PredictionError("enough")

    monkeypatch.setattr(lookalike, "prove", learned)
    with pytest.raises(PredictionError, match=says):
        lookalike.learn(pl.DataFrame({"age": range(200)}), np.arange(200) < members)


def records(**columns: Any) -> pl.DataFrame:
    given: dict[str, Any] = dict.fromkeys((*CATEGORIES, "age", "birth_date", "recorded_on"))
    return pl.DataFrame(given | columns).with_columns(
        pl.col("age").cast(pl.Int64), pl.col("birth_date", "recorded_on").cast(pl.Date)
    )


@pytest.mark.parametrize(
    ("birth_date", "age", "recorded_on", "years"),
    [
        (date(1990, 6, 30), None, None, 34),
        (date(1990, 7, 1), None, None, 33),
        (date(1990, 6, 30), 99, None, 34),
        (None, 30, date(2023, 6, 30), 31),
        (None, 30, date(2023, 7, 1), 30),
        (None, 30, date(2025, 6, 30), 30),  # recorded later: no younger
        (None, 30, None, 30),
        (date(2030, 1, 1), None, None, 0),
        (None, None, date(2023, 1, 1), None),
    ],
)
def test_age_is_as_of_the_day(
    birth_date: date | None, age: int | None, recorded_on: date | None, years: int | None
):
    rows = records(birth_date=[birth_date], age=[age], recorded_on=[recorded_on])
    found = attributes(rows, JUNE)
    assert found.columns == [*ATTRIBUTES]
    assert found[AGE].to_list() == [years]


def known(**columns: Any) -> pl.DataFrame:
    nothing = {name: [None, None] for name in ATTRIBUTES}
    schema = {name: pl.Int64 if name == AGE else pl.String for name in ATTRIBUTES}
    return pl.DataFrame(nothing | columns, schema=schema)


def test_an_attribute_is_shared_where_both_have_one_value_of_it():
    customers = known(age=[30, None], occupation=["clerk", None], gender=["female", "male"])
    prospects = known(age=[None, 90], occupation=["clerk", "cook"], education=["primary", None])
    found = shared(customers, prospects)
    assert found.names == ("age", "occupation")
    assert "education" in found.not_of_customers
    assert found.not_of_prospects == ("gender",), "not known of any"
    in_other_words = prospects.with_columns(occupation=pl.lit("chef"))
    assert shared(customers, in_other_words).names == ("age",)
    assert "occupation" in shared(customers, in_other_words).not_of_prospects
    with pytest.raises(LookalikeError, match="no attribute in common"):
        shared(customers, in_other_words, ["age"])


def test_who_is_known_is_set_aside_by_when_they_joined(monkeypatch: pytest.MonkeyPatch):
    prospects = [("P1", JUNE), ("P2", JUNE), ("P3", JUNE), ("P4", None), ("P5", JUNE), ("P6", JUNE)]
    now = pl.DataFrame(
        prospects, schema={"prospect_id": pl.String, "recorded_on": pl.Date}, orient="row"
    ).with_columns(marketing_agreed_on=pl.lit(None, pl.Date))
    matched = pl.DataFrame(
        [*((f"P{n}", f"K{n}", True) for n in range(1, 6)), ("P6", "P1", False)],
        schema=["id", "matched", "is_known"],
        orient="row",
    )
    joined = pl.DataFrame(
        {
            "matched": ["K1", "K2", "K3", "K4"],
            "joined_on": [JUNE, date(2024, 7, 1), None, JUNE],
        }
    )
    monkeypatch.setattr(setting_aside, "match", lambda *_, **__: matched)
    stored: Any = SimpleNamespace(now=now, records=None, model="model", joined=joined)
    found = setting_aside.matches(stored, None)
    assert found.rows() == [
        ("P1", setting_aside.CUSTOMER, JUNE),  # on the day itself: a customer when listed
        ("P2", setting_aside.JOINED, date(2024, 7, 1)),
        ("P3", setting_aside.CUSTOMER, None),
        ("P4", setting_aside.CUSTOMER, JUNE),
        ("P5", setting_aside.CUSTOMER, None),
        ("P6", setting_aside.TWICE, None),
    ]


@pytest.mark.parametrize("is_probabilistic", [True, False])
def test_records_are_weighed_by_the_model_only_where_the_source_does(
    monkeypatch: pytest.MonkeyPatch, is_probabilistic: bool
):
    noted: dict[str, Any] = {}

    def match(new: Any, known: Any, keys: Any, model: Any, settings: Any, **more: Any) -> Any:
        noted.update(keys=keys, model=model, threshold=settings.threshold, **more)
        schema = {"id": pl.String, "matched": pl.String, "is_known": pl.Boolean}
        return pl.DataFrame(schema=schema)

    monkeypatch.setattr(setting_aside, "match", match)
    now = pl.DataFrame(
        schema={"prospect_id": pl.String, "recorded_on": pl.Date, "marketing_agreed_on": pl.Date}
    )
    joined = pl.DataFrame(schema={"matched": pl.String, "joined_on": pl.Date})
    how: Any = SimpleNamespace(
        keys=(("national_id",),), probabilistic=is_probabilistic, seed=1, max_pairs=9
    )
    stored: Any = SimpleNamespace(now=now, records=None, model="model", joined=joined)
    setting_aside.matches(stored, how)
    assert noted == {
        "keys": (("national_id",), *setting_aside.KEYS),
        "model": "model" if is_probabilistic else None,
        "threshold": 0.5,
        "is_trained": is_probabilistic,
    }


def test_who_was_no_customer_then_and_whether_they_joined():
    then = pl.DataFrame({"prospect_id": ["P5", "P4", "P3", "P2", "P1"]})
    found = pl.DataFrame(
        [
            ("P1", "joined", date(2024, 4, 1)),
            ("P2", "joined", MARCH),  # by the last day of the month they were
            ("P3", "customer", None),
            ("P4", "customer", date(2024, 5, 1)),
        ],
        schema={"prospect_id": pl.String, "aside": pl.String, "joined_on": pl.Date},
        orient="row",
    )
    stored: Any = SimpleNamespace(then=then)
    fates = setting_aside.became_customers(stored, found, MARCH)
    assert fates.rows() == [("P1", True), ("P4", True), ("P5", False)]


def past_of(joined: int, others: int, as_of: date = MARCH) -> Any:
    """Prospects whose age is their number, of whom the oldest joined."""
    ids = [f"P{number:03}" for number in range(joined + others)]
    then = records(age=[20 + n for n in range(len(ids))]).with_columns(
        prospect_id=pl.Series(ids, dtype=pl.String)
    )
    aside = pl.DataFrame(
        {
            "prospect_id": ids[others:],
            "aside": ["joined"] * joined,
            "joined_on": [date(2024, 5, 1)] * joined,
        },
        schema={"prospect_id": pl.String, "aside": pl.String, "joined_on": pl.Date},
    )
    stored: Any = SimpleNamespace(then=then, newest=JUNE)
    model: Any = SimpleNamespace(
        model=SimpleNamespace(margin=lambda rows: rows["age"].cast(pl.Float64).to_numpy())
    )
    return backtest(stored, aside, as_of, model, [AGE])


def test_a_score_is_judged_by_who_joined():
    found = past_of(10, 95)
    assert (found.prospects, found.joined) == (105, 10)
    assert found.auc.value == 1.0
    # The best tenth is 11, rounded up: all 10 who joined and one who did not.
    assert found.lift == pytest.approx((10 / 11) / (10 / 105))


@pytest.mark.parametrize(("joined", "others"), [(9, 50), (50, 9)])
def test_of_too_few_of_either_nothing_is_judged(joined: int, others: int):
    found = past_of(joined, others)
    assert (found.joined, found.auc, found.lift) == (joined, None, None)


def test_there_is_no_backtest_of_the_newest_month_or_of_nobody():
    assert past_of(50, 50, JUNE) is None
    assert past_of(0, 0) is None
    assert np.isfinite(past_of(50, 50).lift)
