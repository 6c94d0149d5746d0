"""k-anonymity holds for any table, whatever its columns, and costs no more than it must."""

from __future__ import annotations

from collections import Counter
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.anonymity import anonymise as module
from portrait_assets.methods.anonymity.anonymise import (
    Anonymous,
    NotAnonymousError,
    anonymise,
    class_sizes,
)
from portrait_assets.methods.anonymity.hierarchy import QuasiIdentifier
from portrait_assets.methods.anonymity.suppression import Shown, suppress
from portrait_assets_tests.methods.anonymity.linkage import attack, covers

LEVELS = ("low", "medium", "high")
KINDS: dict[str, tuple[pl.DataType, st.SearchStrategy]] = {
    "age": (pl.Int64(), st.integers(18, 90)),
    "income": (pl.Float64(), st.floats(-1e6, 1e9, allow_nan=False)),
    "born": (pl.Date(), st.dates(date(1930, 1, 1), date(2020, 1, 1))),
    "member": (pl.Boolean(), st.booleans()),
    "region": (pl.String(), st.text(max_size=2)),
    "level": (pl.String(), st.sampled_from(LEVELS)),
    "ways": (pl.List(pl.String), st.lists(st.sampled_from("abc"), max_size=2)),
}
ORDERS = {"level": LEVELS}


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True))
    height = draw(st.integers(0, 40))
    return pl.DataFrame(
        {
            name: pl.Series(
                draw(st.lists(KINDS[name][1] | st.none(), min_size=height, max_size=height)),
                dtype=KINDS[name][0],
            )
            for name in names
        }
    )


def anonymous(table: pl.DataFrame, k: int) -> Anonymous:
    columns = [QuasiIdentifier(name, ORDERS.get(name, ())) for name in table.columns]
    return anonymise(table, columns, k)


def rows_of(table: pl.DataFrame) -> Counter[str]:
    return Counter(repr(row) for row in table.iter_rows())


@settings(max_examples=50)
@given(tables(), st.integers(1, 12))
def test_every_combination_is_had_by_k_rows_and_cells_add_up(table: pl.DataFrame, k: int):
    found = anonymous(table, k)
    assert found.rows.columns == table.columns
    assert found.rows.height == table.height
    sizes = Counter(rows_of(found.rows).values())
    if table.height < k:
        assert all(value is None for row in found.rows.iter_rows() for value in row)
    else:
        assert min(sizes) >= k
    for loss in found.columns:
        cells = found.rows[loss.column]
        assert loss.unknown == table[loss.column].null_count()
        assert loss.suppressed == cells.null_count() - loss.unknown
        assert loss.as_recorded + loss.generalised == cells.len() - cells.null_count()
    assert 0 <= found.loss <= 1


@settings(max_examples=40)
@given(tables(), st.integers(1, 6))
def test_each_cell_covers_its_value_or_shows_nothing(table: pl.DataFrame, k: int):
    found = anonymous(table, k)
    for name in set(table.columns) - {"born"}:
        order = ORDERS.get(name, ())
        for cell, value in zip(found.rows[name].to_list(), table[name].to_list(), strict=True):
            value = sorted(value) if isinstance(value, list) else value
            assert covers(cell, value, order), (name, cell, value)


@settings(max_examples=30)
@given(tables(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: pl.DataFrame, k: int, random):
    order = list(range(table.height))
    random.shuffle(order)
    assert rows_of(anonymous(table[order], k).rows) == rows_of(anonymous(table, k).rows)


def test_what_k_rows_share_is_shown_as_it_is():
    table = pl.DataFrame({"gender": ["F"] * 3 + ["M"] * 4, "age": [30] * 3 + [40] * 4})
    found = anonymous(table, 3)
    assert found.rows.equals(table)
    assert (found.loss, found.classes, found.smallest_class, found.average_class) == (0, 2, 3, 3.5)


def test_one_odd_row_costs_no_more_than_the_cells_of_k_rows():
    table = pl.DataFrame({"gender": ["F"] * 50 + ["M"] * 49 + ["X"]})
    found = anonymous(table, 10)
    assert Counter(found.rows["gender"]) == {"F": 41, "M": 49, None: 10}


def test_who_can_just_spare_a_few_is_shown_all_the_same():
    table = pl.DataFrame({"gender": ["F"] * 19 + ["X"]})
    assert Counter(anonymous(table, 10).rows["gender"]) == {"F": 10, None: 10}
    table = pl.DataFrame({"gender": ["F"] * 18 + ["X"]})
    assert Counter(anonymous(table, 10).rows["gender"]) == {None: 19}


def test_what_was_not_known_shelters_what_is_rare():
    table = pl.DataFrame({"gender": ["F"] * 50 + ["X"] + [None] * 9})
    found = anonymous(table, 10)
    assert Counter(found.rows["gender"]) == {"F": 50, None: 10}
    (loss,) = found.columns
    assert (loss.unknown, loss.as_recorded, loss.suppressed) == (9, 50, 1)


def test_ages_become_bands_that_are_read_as_text():
    ages = pl.DataFrame({"age": np.repeat(np.arange(20, 60), 2)})
    found = anonymous(ages, 10)
    assert found.columns[0].level == "8 bands"
    assert Counter(found.rows["age"]) == {
        **{"below 25": 10, "25 to 29": 10, "30 to 34": 10, "35 to 39": 10},
        **{"40 to 44": 10, "45 to 49": 10, "50 to 54": 10, "55 and above": 10},
    }


def test_ordered_categories_are_merged_with_neighbours_and_others_into_other():
    levels = pl.DataFrame({"level": ["low"] * 4 + ["medium"] * 4 + ["high"] * 12})
    found = anonymous(levels, 8)
    assert Counter(found.rows["level"]) == {"low to medium": 8, "high": 12}
    regions = pl.DataFrame({"region": ["N"] * 12 + ["S"] * 4 + ["E"] * 4})
    found = anonymous(regions, 8)
    assert Counter(found.rows["region"]) == {"N": 12, "other": 8}
    assert found.columns[0].level == "the 1 most frequent and other"
    assert (found.columns[0].as_recorded, found.columns[0].generalised) == (12, 8)


def test_ends_of_bands_of_many_amounts_are_round_and_nobodys():
    amounts = np.exp(np.random.default_rng(1).normal(11, 0.7, 5000)).round(2)
    found = anonymous(pl.DataFrame({"income": amounts}), 10)
    ends = {word for cell in found.rows["income"].unique() for word in cell.split()}
    numbers = {float(word) for word in ends if word[0].isdigit()}
    assert len(numbers) > 50
    assert all(number == float(f"{number:.1e}") for number in numbers)
    assert not numbers & set(amounts)


def world(n: int, seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    levels = random.choice([*LEVELS, "?"], n, p=[0.5, 0.3, 0.1, 0.1])
    return pl.DataFrame(
        {
            "gender": random.choice(["F", "M"], n),
            "age": random.integers(18, 91, n),
            "region": random.choice([f"R{i}" for i in range(20)], n),
            "level": levels,
        }
    ).with_columns(pl.col("level").replace("?", None))


def test_a_linkage_attack_succeeds_on_the_raw_table_and_at_most_once_in_k_on_the_anonymous_one():
    people = world(500)
    raw = attack(people, people, ORDERS)
    assert raw.success > 0.7
    assert raw.highest == 1
    found = anonymous(people, 10)
    shared = attack(people, found.rows, ORDERS)
    assert shared.misses == 0
    assert 0.03 < shared.success <= 0.1
    assert shared.highest <= 0.1
    assert found.loss < 0.5


def test_a_result_that_is_not_anonymous_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        module, "suppress", lambda uniform, k, stand_for=None: suppress(uniform, 1, stand_for)
    )
    with pytest.raises(NotAnonymousError, match="fewer than 10"):
        anonymous(world(300), 10)


def test_class_sizes_take_null_for_a_value():
    table = pl.DataFrame({"gender": ["F", None, None], "age": [1, 2, 2]})
    assert sorted(class_sizes(table)) == [1, 2]


@pytest.mark.slow
def test_a_bank_of_many_customers_stays_useful():
    found = anonymous(world(50_000), 10)
    assert found.smallest_class >= 10
    assert found.loss < 0.1


@pytest.mark.parametrize(("rows", "shown"), [(4, None), (5, 30)])
def test_k_equal_rows_are_shown(rows: int, shown: int | None):
    table = pl.DataFrame({"age": [30] * rows})
    assert anonymise(table, [QuasiIdentifier("age")], 5).rows["age"].to_list() == [shown] * rows


def test_as_many_rows_as_k_may_stay_behind():
    """Five of 30 and five of 40 show their value, and the five who differ stay hidden together."""
    hidden = [31, 32, 33, 34, 35]
    table = pl.DataFrame({"name": [str(n) for n in [30] * 5 + [40] * 5 + hidden]})
    found = anonymise(table, [QuasiIdentifier("name")], 5).rows["name"].to_list()
    assert found[:10] == ["30"] * 5 + ["40"] * 5


def test_a_level_suits_where_its_cells_and_those_left_out_lose_least():
    def hierarchy(values: list[int], *losses: list[float]) -> Any:
        levels = tuple(SimpleNamespace(losses=np.array(each)) for each in losses)
        return SimpleNamespace(values=np.array(values), levels=levels)

    hierarchies = [
        # Both rows reach the first level and none the second.
        hierarchy([0, 1, -1], [0.5, 0.5], [0.1, 0.1]),
        # One row reaches the second, which is worth it for that alone.
        hierarchy([0, 0, 1], [0.9, 0.9], [0.1, 0.1]),
        # Of rows that all are null nothing is lost at any level.
        hierarchy([-1, -1, -1], [0.5]),
    ]
    levels = np.array([[1, 1, 0], [1, 2, 0], [0, 1, 0]], dtype=np.int8)
    shown = Shown(np.zeros((3, 3), np.int32), levels)
    assert list(module._suiting(hierarchies, shown)) == [1, 2, 0]
