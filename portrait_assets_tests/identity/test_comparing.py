"""Which pairs are compared: those that share a key which few others have."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.linkage.comparing import numbered, seldom

TEXTS = st.lists(st.one_of(st.none(), st.sampled_from("abcdefgh"), st.text(max_size=3)))


def pairs(times: int) -> int:
    return times * (times - 1) // 2


@given(TEXTS)
def test_equal_texts_have_one_number_and_others_another(texts: list[str | None]):
    coded = (
        pl.Series("text", texts, dtype=pl.String)
        .to_frame()
        .with_columns(numbered(pl.col("text")).alias("number"))
    )
    assert coded.filter(pl.col("text").is_null() != pl.col("number").is_null()).is_empty()
    assert coded.n_unique() == coded["text"].n_unique() == coded["number"].n_unique()


@given(TEXTS, st.integers(0, 40))
def test_the_commonest_keys_are_left_out_until_there_are_few_pairs(
    texts: list[str | None], most_pairs: int
):
    codes = pl.Series(texts, dtype=pl.String).to_frame("key").select(numbered(pl.col("key")))
    times = Counter(code for code in codes["key"] if code is not None)
    first = {code: codes["key"].to_list().index(code) for code in times}
    expected, so_far = set(), 0
    for code in sorted(times, key=lambda code: (times[code], first[code])):
        so_far += pairs(times[code])
        if times[code] > 1 and so_far <= most_pairs:
            expected.add(code)
    kept = seldom(codes["key"], most_pairs)
    assert set(kept.drop_nulls()) == expected
    assert kept.to_list() == [code if code in expected else None for code in codes["key"]]


def test_of_keys_as_common_as_each_other_those_that_come_first_are_kept():
    codes = pl.Series([3, 1, 2, None, 2, 1, 3, 4], dtype=pl.UInt32)
    assert seldom(codes, 2).to_list() == [3, 1, None, None, None, 1, 3, None]
    assert seldom(codes, 3).null_count() == 2
