"""Which pairs are compared, those that share a key which few others have, and at which levels."""

from __future__ import annotations

from collections import Counter
from typing import cast

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.linkage import comparing
from portrait_assets.methods.linkage.comparing import (
    blocking_keys,
    comparisons,
    numbered,
    seldom,
)
from portrait_assets.storage.duckdb.connection import scratch_database

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


def test_in_a_small_table_all_pairs_are_compared(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "ALL_PAIRS", pairs(4))
    codes = pl.DataFrame({"key_1": [7, 7, 8, 9, 8], "key_2": [1, 2, 3, 4, 5]})
    assert blocking_keys(codes.head(4), 10).to_dict(as_series=False) == {"key_1": ["all"] * 4}
    assert blocking_keys(codes, 10).to_dict(as_series=False) == {
        "key_1": [7, 7, 8, None, 8],
        "key_2": [None] * 5,
    }


KINDS = ("phone", "birth_date", "email", "given_name", "surname", "address", "full_name")


def level(kinds: tuple[str, ...], left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    """By kind the label of the level that two records are compared at."""
    columns, found = [], {}
    for kind in kinds:
        for side, record in (("l", left), ("r", right)):
            value = f"'{record[kind]}'" if kind in record else "NULL::VARCHAR"
            columns.append(f'{value} AS "{kind}_{side}"')
    with scratch_database() as con:
        con.execute(f"CREATE TABLE pair AS SELECT {', '.join(columns)}")
        for each in comparisons(kinds):
            levels = cast(list[dict[str, str]], each["comparison_levels"])
            cases = " ".join(
                f"ELSE '{of['label_for_charts']}'"
                if of["sql_condition"] == "ELSE"
                else f"WHEN {of['sql_condition']} THEN '{of['label_for_charts']}'"
                for of in levels
            )
            rows = con.execute(f"SELECT CASE {cases} END FROM pair").fetchall()
            found[str(each["output_column_name"])] = rows[0][0]
    return found


@pytest.mark.parametrize(
    ("kind", "left", "right", "label"),
    [
        ("phone", "13912345678", "13912345678", "same"),
        ("phone", "13912345678", "13912345679", "1 edits"),
        ("phone", "13912345678", "13912345687", "1 edits"),  # two digits have changed places
        ("phone", "13912345678", "1391234567", "1 edits"),
        ("phone", "13912345678", "13912345600", "2 edits"),
        ("phone", "13912345678", "139123456", "2 edits"),
        ("phone", "13912345678", "13912345999", "other"),
        ("phone", "13912345678", "13912345", "other"),
        ("birth_date", "19800512", "19801205", "day for month"),
        ("birth_date", "19800512", "19800521", "1 edits"),
        ("birth_date", "19800512", "19900513", "2 edits"),
        ("email", "anna@a.com", "anna@b.org", "same mailbox"),
        ("email", "anna.li@example.com", "anna.lee@example.com", "alike 0.9"),
        ("email", "anna.li@example.com", "boris@mail.org", "other"),
        ("given_name", "katharina", "katarina", "alike 0.92"),
        ("given_name", "li", "lina", "short form"),
        ("given_name", "l", "lina", "other"),
        ("given_name", "martha", "marhat", "alike 0.92"),
        ("given_name", "dixon", "dicksonx", "alike 0.8"),  # 0.813 in W. Winkler's own table
        ("full_name", "王小明", "王晓明", "one other"),
        ("full_name", "王明", "王民", "one other"),
        ("full_name", "王小明", "王晓亮", "other"),
        ("full_name", "王小明", "王明小", "alike 0.85"),
        ("full_name", "欧阳小明", "欧阳晓明", "one other"),
        ("full_name", "买买提江古丽", "买买提江古力", "alike 0.85"),
        ("full_name", "王小明", "amy", "other"),  # as many characters, and other bytes
        ("full_name", "jose", "josé", "one other"),
        ("full_name", "katharina", "katharine", "one other"),
        ("full_name", "katharina", "katerina", "alike 0.85"),
        ("postcode", "12345é", "123456", "2 edits"),  # é is two bytes
        ("address", "dixon", "dicksonx", "alike 0.8"),
        ("address", "1 high street", "8 park lane", "other"),
    ],
)
def test_two_values_are_compared_from_the_same_down_to_anything_else(
    kind: str, left: str, right: str, label: str
):
    assert level((kind,), {kind: left}, {kind: right}) == {kind: label}
    assert level((kind,), {kind: right}, {kind: left}) == {kind: label}
    assert level((kind,), {kind: left}, {}) == {kind: "null"}


def test_texts_without_a_character_do_not_differ_in_one():
    with scratch_database() as con:
        con.execute("CREATE TABLE pair AS SELECT '' AS l, '' AS r")
        found = con.execute(f"SELECT {comparing._one_other('l', 'r')} FROM pair").fetchall()
    assert found == [(False,)]


def test_names_that_were_exchanged_are_distinguished():
    one, other = ({"given_name": "li", "surname": "na"}, {"given_name": "na", "surname": "li"})
    names = ("given_name", "surname", "full_name")
    assert level(names, one, other) == {"given_name": "exchanged", "surname": "exchanged"}


def test_agreement_in_what_many_share_counts_less():
    kinds = (*KINDS, "national_id", "bank_card", "postcode", "place", "region", "occupation")
    weighed = {
        each["output_column_name"]
        for each in comparisons(kinds)
        for of in cast(list[dict[str, object]], each["comparison_levels"])
        if "tf_adjustment_column" in of
    }
    assert weighed == {*kinds} - {"phone", "birth_date", "full_name", "national_id", "bank_card"}
