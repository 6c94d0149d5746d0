"""What is stale: values over small graphs of tables and months."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.storage.staleness.states import State, stale_months, states_of

UPSTREAM = {"raw": [], "cleaned": ["raw"], "features": ["cleaned"]}
MONTHS = ("2024-01", "2024-02", "2024-03")


def states(**changed: State) -> dict[str, dict[str, State]]:
    """Three months of three tables, each written a tick after the one before it; some others."""
    by_month = {
        month: {
            table: State(10 * month_no + step, 10 * month_no + step)
            for step, table in enumerate(UPSTREAM)
        }
        for month_no, month in enumerate(MONTHS)
    }
    for place, state in changed.items():
        table, _, month = place.partition("_")
        by_month[f"2024-{month}"][table] = state
    return by_month


def test_months_run_one_after_the_other_are_not_stale():
    assert stale_months(states(), UPSTREAM) == []


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        # Of raw, a month run again that came out different: its own later tables are stale too.
        (
            {"raw_02": State(99, 99)},
            {
                "2024-02": "cleaned is older than raw",
                "2024-03": "raw is older than raw of 2024-02",
            },
        ),
        # The same month run again, with the same rows as before: nothing is stale.
        ({"raw_02": State(99, 10)}, {}),
        # What is carried forward within one table reaches every later month.
        (
            {"features_01": State(99, 99)},
            {
                "2024-02": "features is older than features of 2024-01",
                "2024-03": "features is older than features of 2024-01",
            },
        ),
        # The newest month changes nothing before it.
        ({"features_03": State(99, 99)}, {}),
    ],
)
def test_a_change_reaches_what_reads_it_in_its_month_and_later(
    changed: dict[str, State], stale: dict[str, str]
):
    found = stale_months(states(**changed), UPSTREAM)
    assert {each.month: str(each) for each in found} == stale


def test_a_table_that_was_never_materialized_is_not_stale_but_missing():
    by_month = states(raw_01=State(99, 99))
    del by_month["2024-01"]["cleaned"], by_month["2024-01"]["features"]
    assert [each.month for each in stale_months(by_month, UPSTREAM)] == ["2024-02", "2024-03"]


_GRAPH = {"raw": [], "other": [], "cleaned": ["raw"], "features": ["cleaned", "other"]}
_TIMES = st.tuples(st.integers(1, 6), st.integers(1, 6)).map(sorted)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(MONTHS), st.dictionaries(st.sampled_from([*_GRAPH]), _TIMES), max_size=3
    )
)
def test_what_is_stale_is_what_an_oracle_finds(times):
    """A table is stale where what it reads, or itself in a month before, changed after it."""
    by_month = {
        month: {table: State(written, changed) for table, (changed, written) in tables.items()}
        for month, tables in times.items()
    }
    changes = [
        (month, table, state.changed_at)
        for month, tables in by_month.items()
        for table, state in tables.items()
    ]
    expected = set()
    for month, tables in by_month.items():
        for table, state in tables.items():
            later = [
                other
                for other, name, changed_at in changes
                if changed_at > state.made_at
                and (
                    (name in _GRAPH[table] and other <= month) or (name == table and other < month)
                )
            ]
            if later:
                expected.add(month)
                break
    found = stale_months(by_month, _GRAPH)
    assert [each.month for each in found] == sorted(expected)
    for each in found:
        changed = by_month[each.changed_month][each.changed_table]
        assert changed.changed_at > by_month[each.month][each.table].made_at
        of_name = [
            at for of, name, at in changes if name == each.changed_table and of <= each.month
        ]
        assert each.changed_table == each.table or changed.changed_at == max(of_name)


def test_states_are_read_by_month_and_table():
    rows = [("2024-01", "raw", 1, 1), ("2024-01", "cleaned", 3, 2)]
    assert states_of(rows) == {"2024-01": {"raw": State(1, 1), "cleaned": State(3, 2)}}
