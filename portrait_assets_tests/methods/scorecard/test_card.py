"""A card made by hand: points, probability, bands, reasons, rows and SQL."""

import math
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.reasons import label, reasons, scores
from portrait_assets.methods.scorecard.card.rows import SCHEMA
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.card.sql import band_sql, scores_sql
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets_tests.methods.scorecard.worlds import AMOUNT, BANDS, CARD, HOME, SINCE

ROWS = pl.DataFrame(
    {
        "amount": [100.0, 100.5, 2500.5, 9e9, -2.0, None, float("nan"), -50.0],
        "home": ["owned", "rented", "lent by a friend's", "tent", None, " ", "rented", "owned"],
        "since": [date(2020, 1, 1), date(2020, 1, 2), None, *[date(1999, 1, 1)] * 5],
    }
)
POINTS = [
    540 - 23 + 10 + 6,
    540 + 5 - 11 - 6,
    540 + 5 + 10 + 0,
    540 + 32 + 0 + 6,
    540 + 1 + 0 + 6,
    540 + 3 + 0 + 6,
    540 + 3 - 11 + 6,
    540 - 23 + 10 + 6,
]


def test_points_are_those_of_the_bins():
    assert CARD.points(ROWS).tolist() == POINTS


def test_probability_follows_the_odds():
    """600 points are 50 to 1; 20 more are 100 to 1."""
    expected = [1 / 51, 1 / 101, 1 / 26]
    assert Scale().probability([600, 620, 580]).tolist() == pytest.approx(expected)
    assert Scale().factor == pytest.approx(28.8539, abs=1e-4)
    assert Scale().offset == pytest.approx(487.123, abs=1e-3)
    assert Scale(pdo=50, base_points=500, base_odds=1).probability(550) == pytest.approx(1 / 3)


@pytest.mark.parametrize("given_", [{"pdo": 0}, {"base_odds": -1}])
def test_a_scale_without_width_is_refused(given_: dict[str, float]):
    with pytest.raises(ScorecardError, match="must be above 0"):
        Scale(**given_)


def test_bands_begin_at_their_least():
    assert CARD.band(np.array([559, 560, 900, -5])).to_list() == ["B", "A", "A", "B"]


def test_reasons_are_what_cost_most_against_the_best_bin():
    """The best are 32, 10 and 6: the second row is 27, 21 and 12 below them."""
    found = reasons(CARD, ROWS)
    assert found.row(1) == (
        "amount: above 100 up to 2,500.5 (-27 points)",
        "home: rented (-21 points)",
        "since: above 2020-01-01 (-12 points)",
        None,
    )
    assert found.row(3) == ("home: any other (-10 points)", None, None, None)
    assert found["reason_1"][5] == "amount: missing (-29 points)"
    assert reasons(CARD, ROWS, chinese=True).row(1)[:2] == (
        "amount：100 以上至 2,500.5（-27 分）",
        "home：rented（-21 分）",
    )


def test_labels_are_in_both_languages():
    assert [label(AMOUNT, each) for each in AMOUNT.bins] == [
        *("up to 100", "above 100 up to 2,500.5", "above 2,500.5", "code -2", "missing"),
    ]
    assert [label(AMOUNT, each, chinese=True) for each in AMOUNT.bins] == [
        *("100 及以下", "100 以上至 2,500.5", "2,500.5 以上", "代码 -2", "缺失"),
    ]
    assert label(SINCE, SINCE.bins[0]) == "up to 2020-01-01"
    assert label(HOME, HOME.bins[2], chinese=True) == "其他"
    three, four = (replace(HOME.bins[0], levels=tuple("abcd"[:n])) for n in (3, 4))
    assert (label(HOME, three), label(HOME, four)) == ("a, b, c", "a, b, c and 1 more")
    assert label(HOME, three, chinese=True) == "a、b、c"
    assert label(HOME, four, chinese=True) == "a、b、c 等 4 类"


def test_a_card_is_its_rows_whatever_their_order():
    rows = CARD.rows()
    assert dict(rows.schema) == SCHEMA
    restored = Scorecard.from_rows(rows.sample(fraction=1, shuffle=True, seed=1))
    assert restored == CARD
    assert restored.rows().equals(rows)
    assert scores(restored, ROWS).equals(scores(CARD, ROWS))


def in_sql(card: Scorecard, table: pl.DataFrame) -> pl.DataFrame:
    numbered = table.with_row_index("n")
    with scratch_database() as con:
        con.register("numbered", numbered)
        found: pl.DataFrame = con.sql(scores_sql(card, "numbered", ["n"]) + " ORDER BY n").pl()
    return found.drop("n")


def test_sql_gives_the_same_points_probability_and_band():
    found = in_sql(CARD, ROWS)
    assert found["score"].to_list() == POINTS
    assert found["probability"].to_list() == pytest.approx(CARD.probability(POINTS).tolist())
    assert found["band"].to_list() == CARD.band(np.array(POINTS)).to_list()


def test_a_band_begins_at_its_least_score_in_sql_too():
    least = [band.least for band in CARD.bands if band.least is not None]
    edges = [each + step for each in least for step in (-1, 0, 1)]
    with scratch_database() as con:
        rows = ", ".join(f"({score})" for score in edges)
        found = con.sql(f"SELECT {band_sql(CARD)} FROM (VALUES {rows}) AS t(score)").fetchall()
    assert [band for (band,) in found] == CARD.band(np.array(edges)).to_list()
    assert CARD.band(np.array(least)).to_list() == [band.name for band in CARD.bands[:-1]]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats() | st.sampled_from([100.0, 2500.5, -2.0]),
            st.none() | st.sampled_from(["owned", "rented", "", " ", "O'x", "lent by a friend's"]),
            st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        ),
        min_size=1,
    )
)
def test_sql_is_python_for_all_values(rows: list[tuple[float | None, str | None, date | None]]):
    schema = {"amount": pl.Float64, "home": pl.String, "since": pl.Date}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    assert in_sql(CARD, table)["score"].to_list() == CARD.points(table).tolist()


def test_other_types_of_the_same_form_are_scored_alike():
    table = pl.DataFrame(
        {
            "amount": [Decimal("100.00"), Decimal("2500.50"), Decimal("-2.00")],
            "home": pl.Series(["owned", "rented", None], dtype=pl.Categorical),
            "since": [datetime(2020, 1, 1, 23, 59), datetime(2020, 1, 2), None],
        }
    )
    expected = [540 - 23 + 10 + 6, 540 + 5 - 11 - 6, 540 + 1 + 0 + 0]
    assert CARD.points(table).tolist() == expected
    assert in_sql(CARD, table)["score"].to_list() == expected


def test_a_table_that_is_not_the_cards_is_one_sentence():
    with pytest.raises(ScorecardError, match="no column since, which the card scores"):
        CARD.points(ROWS.drop("since"))
    with pytest.raises(ScorecardError, match="reads amount as number, but the table has it as Str"):
        CARD.points(ROWS.with_columns(pl.col("amount").cast(pl.String)))


def test_a_column_of_nulls_is_missing_throughout():
    nothing = ROWS.select(pl.lit(None).alias(name) for name in ROWS.columns)
    assert CARD.points(nothing).tolist() == [543] * len(nothing)


def test_a_card_without_columns_gives_everybody_the_base():
    card = Scorecard(Scale(), 500, 100, 30, (), BANDS[1:])
    found = scores(card, ROWS)
    assert found["score"].unique().to_list() == [500]
    assert found["reason_1"].null_count() == ROWS.height
    assert Scorecard.from_rows(card.rows()) == card
    assert math.isclose(in_sql(card, ROWS)["probability"][0], found["probability"][0])
