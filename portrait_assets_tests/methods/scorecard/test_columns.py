"""Codes among numbers, and columns as numbers and text."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.scorecard.columns import Form, codes_among, form_of, numbers, texts

AMOUNTS = [0.0, 1.0, 2.0, 5.0, 27.0] * 10


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([*AMOUNTS, -2, -1], (-2, -1)),
        ([*AMOUNTS, -9, -8, -7], (-9, -8, -7)),
        ([*AMOUNTS, -99], (-99,)),
        (AMOUNTS + [999] * 10, (999,)),
        (AMOUNTS + [98] * 3 + [99] * 12, (98, 99)),
        (AMOUNTS + [999] * 9, ()),  # Too few to be a code.
        ([*AMOUNTS, -2.5, -1], ()),  # An amount below 0.
        ([*AMOUNTS, -4, -3, -2, -1], ()),  # More than three are amounts.
        ([-3.0, -2.0, -1.0] * 10, ()),  # Nothing is above them.
        (list(range(18, 100)) + [99] * 20, ()),  # An age of 99 is not far from 98.
        (AMOUNTS, ()),
    ],
)
def test_codes_are_found(values: list[float], codes: tuple[float, ...]):
    assert codes_among(np.array(values, dtype=float)) == codes


def test_declared_codes_are_added_where_the_column_holds_them():
    values = np.array([*AMOUNTS, 7.0])
    assert codes_among(values, [7, 8]) == (7,)


def test_columns_are_read_as_numbers_days_or_text():
    day = datetime(1970, 1, 3, 23, 59)
    frame = pl.DataFrame(
        {
            "flag": [True, None],
            "on": [date(1970, 1, 2), date(1969, 12, 31)],
            "at": [day, None],
            "word": ["a ", "  "],
            "list": [[1], [2]],
        }
    )
    forms = [form_of(column) for column in frame.iter_columns()]
    assert forms == [Form.NUMBER, Form.DATE, Form.DATE, Form.TEXT, None]
    assert numbers(frame["flag"], Form.NUMBER)[0] == 1
    assert np.isnan(numbers(frame["flag"], Form.NUMBER)[1])
    assert numbers(frame["on"], Form.DATE).tolist() == [1, -1]
    assert numbers(frame["at"], Form.DATE)[0] == 2
    assert texts(frame["word"]).to_list() == ["a ", None]
