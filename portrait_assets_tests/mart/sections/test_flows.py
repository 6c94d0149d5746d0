"""Flow charts lose nobody on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.stages.mart.charts.flows import (
    ENTRY,
    EXIT,
    STEPS,
    geometry,
)

VALUE = st.sampled_from(["a", "b", "c", None])
MOVES = st.dictionaries(
    st.tuples(VALUE, VALUE).filter(lambda move: move != (None, None)),
    st.integers(1, 1000),
    min_size=1,
)


@given(MOVES)
def test_bars_and_bands_hold_every_customer(counts: dict[tuple[str | None, str | None], int]):
    moves = [
        {"value_before": before, "value_after": after, "customers": n}
        for (before, after), n in counts.items()
    ]
    bands, bars = geometry(moves, ["a", "b", "c"], {})
    total = sum(counts.values())
    for side in (0, 1):
        assert sum(bar["size"] for bar in bars if bar["side"] == side) == total
    assert len(bands) == len(moves) * (STEPS + 1)
    for x in (0, 1):
        ends = [point["high"] - point["low"] for point in bands if point["x"] == x]
        assert round(sum(ends)) == total


def test_entries_and_exits_stand_at_the_end():
    moves = [
        {"value_before": None, "value_after": "a", "customers": 5},
        {"value_before": "a", "value_after": None, "customers": 7},
    ]
    _, bars = geometry(moves, ["a"], {})
    assert [(bar["side"], bar["name"]) for bar in bars] == [
        (0, "a"),
        (0, ENTRY),
        (1, "a"),
        (1, EXIT),
    ]


def test_a_band_has_the_colour_of_where_it_comes_from():
    """Of where it goes where it comes from nowhere."""
    moves = [
        {"value_before": before, "value_after": after, "customers": n}
        for (before, after), n in {("a", "b"): 3, (None, "b"): 2, ("b", None): 1}.items()
    ]
    bands, _ = geometry(moves, ["a", "b"], {})
    widths = {(band["name"], round(band["high"] - band["low"])) for band in bands}
    assert widths == {("a", 3), ("b", 2), ("b", 1)}
