"""Who the records of each month are, by a small oracle: groups, their first record, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.linkage.resolving import DIFFERENT, SAME
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.identity.resolving.resolve import (
    Resolved,
    first_seen,
    key_pairs,
    resolve,
)

Pair = tuple[str, str]
MONTHS = ("2024-01", "2024-02", "2024-03")
SAYS = {"review": "decided by a reviewer", "key": "same phone", "probable": "probable match"}
ALONE = "same identifier in the source"


def resolved(
    month: str,
    seen: Sequence[str],
    known: pl.DataFrame | None = None,
    *,
    key: Sequence[Pair] = (),
    probable: Sequence[tuple[str, str, float]] = (),
    review: Sequence[tuple[str, str, float]] = (),
) -> Resolved:
    """What a month adds, of records first seen in it and the pairs that there are so far."""
    pair = {"record_1": pl.String, "record_2": pl.String}
    return resolve(
        month,
        pl.DataFrame(
            {"source_customer_id": list(seen), "month": [month] * len(seen)},
            schema={"source_customer_id": pl.String, "month": pl.String},
        ),
        IDENTITY_MAP.empty() if known is None else known,
        pl.DataFrame(
            [(*each, SAYS["key"]) for each in key],
            schema=pair | {"evidence": pl.String},
            orient="row",
        ),
        pl.DataFrame(list(probable), schema=pair | {"match_probability": pl.Float64}, orient="row"),
        pl.DataFrame(list(review), schema=pair | {"weight": pl.Float64}, orient="row"),
        threshold=0.9,
    )


def customers(rows: pl.DataFrame) -> dict[str, str]:
    return dict(rows.select("source_customer_id", "customer_id").iter_rows())


RANKS = ("review", "known", "key", "probable")


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [(RANKS[i], RANKS[j]) for i in range(4) for j in range(i + 1, 4)],
)
@pytest.mark.parametrize("with_first", [True, False])
def test_of_two_whom_a_record_cannot_both_be_it_is_the_one_with_the_stronger_evidence(
    stronger: str, weaker: str, with_first: bool
):
    """M belongs to A and to Z, who are two; in both directions, so that no order decides it."""
    sides = ("A", "Z") if with_first else ("Z", "A")
    found: dict[str, list[Pair]] = {name: [] for name in RANKS}
    for kind, other in zip((stronger, weaker), sides, strict=True):
        one, two = sorted((other, "M"))
        found[kind].append((one, two))
    known = resolved(MONTHS[0], "AMZ", key=found["known"]).identity_map
    now = resolved(
        MONTHS[1],
        [],
        known,
        key=found["key"],
        probable=[(*each, 0.9999) for each in found["probable"]],
        review=[("A", "Z", DIFFERENT), *((*each, SAME) for each in found["review"])],
    )
    who = customers(known) | customers(now.identity_map)
    assert who["M"] == who[sides[0]] != who[sides[1]]


@pytest.mark.parametrize("kinds", [RANKS[i:] for i in range(4)], ids=" ".join)
def test_the_strongest_evidence_is_the_one_that_is_named(kinds: tuple[str, ...]):
    kinds = tuple(kind for kind in kinds if kind != "known")
    found = resolved(
        MONTHS[0],
        "AB",
        key=[("A", "B")] if "key" in kinds else [],
        probable=[("A", "B", 0.97)],
        review=[("A", "B", SAME)] if "review" in kinds else [],
    ).identity_map
    why = found.select("source_customer_id", "evidence", "match_probability").rows()
    probability = 0.97 if kinds == ("probable",) else 1.0
    assert why == [("A", SAYS[kinds[0]], probability), ("B", SAYS[kinds[0]], probability)]


_RECORDS = "abcdef"
_PAIRS = st.sets(st.sampled_from([(a, b) for a in _RECORDS for b in _RECORDS if a < b]), max_size=3)
_MONTH_OF = st.fixed_dictionaries({name: st.sampled_from(MONTHS) for name in _RECORDS})


@settings(max_examples=30)
@given(_MONTH_OF, st.lists(st.tuples(_PAIRS, _PAIRS, _PAIRS), min_size=3, max_size=3))
def test_months_of_pairs_give_the_persons_names_and_reasons_of_an_oracle(month_of, found):
    """Of pairs that all speak for one person, month by month; none is ever taken back."""
    known, aliases = IDENTITY_MAP.empty(), CUSTOMER_ALIAS.empty()
    was: dict[str, str] = {}
    pairs: dict[str, set[Pair]] = {"review": set(), "key": set(), "probable": set()}
    for month, of_month in zip(MONTHS, found, strict=True):
        here = [name for name in _RECORDS if month_of[name] <= month]
        for kind, more in zip(pairs, of_month, strict=True):
            pairs[kind] |= {each for each in more if set(each) <= set(here)}
        person = {name: {name} for name in here}
        for one, two in sorted(set().union(*pairs.values())):
            both = person[one] | person[two]
            for name in both:
                person[name] = both
        now = {name: min(person[name], key=lambda each: (month_of[each], each)) for name in here}

        def why(name: str) -> str:
            of = [kind for kind in pairs if any(name in each for each in pairs[kind])]
            return SAYS[of[0]] if of else ALONE

        added = resolved(
            month,
            [name for name in _RECORDS if month_of[name] == month],
            known,
            key=sorted(pairs["key"]),
            probable=[(*each, 0.9999) for each in sorted(pairs["probable"])],
            review=[(*each, SAME) for each in sorted(pairs["review"])],
        )
        changed = [name for name in here if was.get(name) != now[name]]
        day = date.fromisoformat(f"{month}-01")
        assert added.identity_map.select(
            "month", "source_customer_id", "customer_id", "valid_from", "evidence"
        ).rows() == [(month, name, now[name], day, why(name)) for name in changed]
        assert added.aliases.rows() == [
            (month, name, now[name], day, why(name)) for name in changed if was.get(name) == name
        ]
        known, aliases = (
            pl.concat([known, added.identity_map]),
            pl.concat([aliases, added.aliases]),
        )
        was = now


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.sampled_from(["x", "y", None])] * 3), max_size=6))
def test_a_key_pairs_the_records_that_agree_in_all_of_its_columns(values):
    names = [f"r{number}" for number in range(len(values))]
    records = pl.DataFrame(
        [(name, *row) for name, row in zip(names, values, strict=True)],
        schema=dict.fromkeys(("record_id", "phone", "born", "card"), pl.String),
        orient="row",
    )
    columns = {("phone", "born"): (0, 1), ("card",): (2,)}
    expected: dict[Pair, str] = {}
    for key, places in columns.items():
        first: dict[tuple[str | None, ...], str] = {}
        for name, row in zip(names, values, strict=True):
            value = tuple(row[place] for place in places)
            if None not in value and first.setdefault(value, name) != name:
                expected.setdefault((first[value], name), f"same {' and '.join(key)}")
    found = key_pairs(records, [*columns, ("not", "there")])
    assert {(one, two): why for one, two, why in found.iter_rows()} == expected
    assert found.height == len(expected)


def test_an_identifier_is_first_seen_in_the_earliest_month_of_any_table():
    def table(*rows: tuple[str, object]) -> pl.LazyFrame:
        return pl.LazyFrame(rows, schema=["month", "customer_id"], orient="row", strict=False)

    known = resolved("2023-12", ["old"]).identity_map
    tables = [
        table(("2024-03", "a"), ("2024-02", "b"), ("2024-02", None), ("2024-01", "old")),
        table(("2024-02", "a"), ("2024-03", "b"), ("2024-01", "c")),
    ]
    assert sorted(first_seen(tables, known).select("source_customer_id", "month").rows()) == [
        ("a", "2024-02"),
        ("b", "2024-02"),
        ("c", "2024-01"),
    ]
