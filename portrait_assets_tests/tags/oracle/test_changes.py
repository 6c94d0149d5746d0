"""Changes of tags from month to month, against a few lines of Python over the values."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pytest

from portrait_assets.stages.tags.cards.card import customer_card
from portrait_assets_tests.tags.oracle.five_months import DAYS, values_of

TEXTS = ("tier", "home", "third")


def test_every_change_of_a_text_is_listed_and_the_first_month_has_none(
    con: duckdb.DuckDBPyConnection,
):
    found = con.execute(
        "SELECT as_of, tag_code, customer_id, change, value_before, value_after "
        "FROM tags.tag_changes WHERE tag_code IN ('tier', 'home', 'third', 'answers')"
    ).fetchall()
    expected = []
    for code in (*TEXTS, "answers"):
        for before, after in pairwise(DAYS):
            then, now = values_of(con, before, code), values_of(con, after, code)
            for who in {*then, *now}:
                was, becomes = then.get(who), now.get(who)
                change = "gained" if was is None else "lost" if becomes is None else "changed"
                if was != becomes:
                    expected.append((after, code, who, change, was, becomes))
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("months", [1, 2, 3])
def test_a_card_shows_the_changes_of_the_last_months(con: duckdb.DuckDBPyConnection, months: int):
    """April has a day less than January, whose changes are older than three months."""
    shown = set()
    for who in ("C020", "C033", "C047"):
        values = {code: [values_of(con, day, code)[who] for day in DAYS] for code in TEXTS}
        found = customer_card(con, who, DAYS[-1], months).changes
        assert [(c.as_of, c.code, c.before, c.after) for c in found if c.code in values] == [
            (DAYS[at], code, own[at - 1], own[at])
            for at in range(len(DAYS) - 1, len(DAYS) - 1 - months, -1)
            for code, own in sorted(values.items())
            if own[at - 1] != own[at]
        ]
        shown |= {c.as_of for c in found}
    assert shown == set(DAYS[-months:])
