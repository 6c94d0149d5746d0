"""When a column's values look like free text, at each limit and just beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from portrait_assets.methods.personal_data import free_text as looks
from portrait_assets.methods.personal_data.forms import write_name
from portrait_assets.methods.personal_data.free_text import Values, free_text
from portrait_assets.methods.personal_data.rules import ANYWHERE, MAX_AGE_YEARS, full_years
from portrait_assets.methods.typing.rules import _is_sentinel
from portrait_assets.schema.table import Column, Type

FINE = Values(
    **{"rows": 10_000, "values": 100, "repeated": 100, "own": 0, "once": 0, "twice": 1},
    **{"seen": 100, "personal": 0, "names": 0},
    characters=10,
)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"personal": 20}, "20% of its values hold names, numbers or addresses"),
        ({"personal": 19}, None),
        ({"personal": 5, "seen": 10}, "50% of its values hold"),
        ({"personal": 4, "seen": 10}, None),
        ({"names": 40}, "40% of its values seem to name somebody"),
        ({"names": 39}, None),
        ({"names": 9, "seen": 10}, None),
        ({"own": looks.FEWEST_OWN, "repeated": 1}, f"{looks.FEWEST_OWN} of the 1 values that"),
        ({"own": looks.FEWEST_OWN - 1, "repeated": 1}, None),
        (
            {"own": round(looks.OWN_SHARE * 1_000), "repeated": 1_000},
            "of the 1000 values that stand in",
        ),
        ({"own": round(looks.OWN_SHARE * 1_000) - 1, "repeated": 1_000}, None),
        ({"characters": looks.LONG}, "its values have 60 characters on average"),
        ({"characters": looks.LONG - 0.1}, None),
        ({"characters": 99, "values": looks.FEWEST_VALUES}, "its values have 99 characters"),
        ({"characters": 99, "values": looks.FEWEST_VALUES - 1}, None),
    ],
)
def test_a_column_looks_like_free_text(changed: dict[str, float], why: str | None):
    found = free_text(replace(FINE, **changed))  # type: ignore[arg-type]
    assert (found is None) if why is None else (found is not None and why in found[0])


@pytest.mark.parametrize(
    ("rows", "share", "in_all", "is_text"),
    [
        (looks.FEWEST_ROWS, looks.ONCE_SHARE, looks.MOST_VALUES + 1, True),
        (looks.FEWEST_ROWS - 1, looks.ONCE_SHARE, looks.MOST_VALUES + 1, False),
        (looks.FEWEST_ROWS, looks.ONCE_SHARE, looks.MOST_VALUES, False),
        (looks.FEWEST_ROWS, looks.ONCE_SHARE - 0.01, looks.MOST_VALUES + 1, False),
        (looks.MANY_ROWS, looks.ONCE_SHARE_OF_MANY, looks.MOST_VALUES + 1, True),
        (looks.MANY_ROWS - 1, looks.ONCE_SHARE_OF_MANY, looks.MOST_VALUES + 1, False),
    ],
)
def test_values_that_no_other_row_has_are_text_where_there_is_no_end_of_them(
    rows: int, share: float, in_all: int, is_text: bool
):
    once = round(share * rows)
    # By Chao's estimate there is one value more than were seen.
    of = replace(FINE, rows=rows, values=in_all - 1, once=once, twice=once**2 // 2)
    assert of.in_all == pytest.approx(in_all, abs=0.01)
    assert (free_text(of) is not None) is is_text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (" Ann  Lee ".strip(), "Ann Lee"),
        ("欧阳 娜 娜", "欧阳娜娜"),
        ("张 三", "张三"),
        ("阿卜杜拉 · 买买提", "阿卜杜拉·买买提"),
        ("张 San", "张 San"),
        ("Ａｎｎ　Ｌｅｅ", "Ann Lee"),
    ],
)
def test_a_name_is_written_in_one_way(text: str, written: str):
    frame = pl.DataFrame({"n": [text]})
    assert frame.select(write_name(pl.col("n"))).item() == written


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2000, 3, 5), date(2024, 3, 5), 24),
        (date(2000, 3, 5), date(2024, 3, 4), 23),
        (date(2000, 2, 29), date(2023, 2, 28), 22),
        (date(2000, 2, 29), date(2023, 3, 1), 23),
    ],
)
def test_years_are_full_on_the_day(born: date, on: date, years: int):
    frame = pl.DataFrame({"b": [born], "o": [on]})
    assert frame.select(full_years(pl.col("b"), pl.col("o"))).item() == years


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        ({"birth_date": date(2024, 1, 1)}, set()),
        ({"birth_date": date(2024, 1, 2)}, {"born after the record was made"}),
        ({"birth_date": date(2024 - MAX_AGE_YEARS, 1, 1)}, set()),
        (
            {"birth_date": date(2023 - MAX_AGE_YEARS, 1, 1)},
            {f"more than {MAX_AGE_YEARS} years old"},
        ),
        ({"birth_date": date(1990, 1, 1), "age": 33}, set()),
        ({"birth_date": date(1990, 1, 1), "age": 35}, set()),
        ({"birth_date": date(1990, 1, 1), "age": 32}, {"differs from the date of birth"}),
        ({"birth_date": date(1990, 1, 1), "age": 36}, {"differs from the date of birth"}),
        ({"joined_on": date(2024, 1, 1)}, set()),
        ({"joined_on": date(2024, 1, 2)}, {"joined after the record was made"}),
        (
            {"recorded_on": None, "joined_on": date(2020, 1, 1), "birth_date": date(2020, 1, 2)},
            {"born after the record was made"},
        ),
    ],
)
def test_a_rule_of_persons_breaks_beside_its_limit(row: dict[str, object], broken: set[str]):
    """Of a record of 1 January 2024."""
    known = {"recorded_on": date(2024, 1, 1), "joined_on": None, "birth_date": None, "age": None}
    schema = {"recorded_on": pl.Date, "joined_on": pl.Date, "birth_date": pl.Date, "age": pl.Int64}
    frame = pl.DataFrame([known | row], schema=schema)
    found = {rule.name for rule in ANYWHERE if frame.select(rule.broken).item()}
    assert found == broken


def test_a_boolean_is_no_code():
    """Codes are of what is received; a value that could be read as yes or no is none."""
    column = Column("x", Type.BOOLEAN, "X", "甲")
    found = pl.DataFrame({"x": [True, False, None]}).select(
        _is_sentinel(column, pl.col("x"), ("1", "true")).alias("is")
    )
    assert not found["is"].any()
