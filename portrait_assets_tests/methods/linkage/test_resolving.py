"""Pairs become persons only as far as the evidence for a whole group outweighs that against."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.methods.linkage.resolving import (
    DIFFERENT,
    SAME,
    persons_of,
    within,
)


def pairs(*rows: tuple[str, str, float]) -> pl.DataFrame:
    names = ["record_1", "record_2", "match_probability"]
    return pl.DataFrame(rows, schema=names, orient="row")


def decided(*rows: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["record_1", "record_2", "weight"], orient="row")


def persons(*rows: tuple[str, str, float], **more: Any) -> dict[str, str]:
    return dict(persons_of(pairs(*rows), 0.5, **more).iter_rows())


def test_a_probable_pair_is_one_person_named_by_the_first_record():
    assert persons(("a", "b", 0.99), ("c", "d", 0.3)) == {"a": "a", "b": "a"}


def test_the_threshold_is_the_least_probability_that_joins():
    assert persons_of(pairs(("a", "b", 0.8)), 0.9).is_empty()


def test_what_belongs_together_through_another_is_one_person():
    assert set(persons(("a", "b", 0.99), ("b", "c", 0.99)).values()) == {"a"}


def test_one_weak_pair_does_not_chain_two_families():
    families = [("a", "b", 0.999), ("a", "c", 0.999), ("b", "c", 0.999)]
    others = [("x", "y", 0.999), ("x", "z", 0.999), ("y", "z", 0.999)]
    found = persons(*families, *others, ("c", "x", 0.7))
    assert len(set(found.values())) == 2


def test_evidence_against_counts_eight_to_one_at_most_and_what_is_not_compared_two_to_one():
    chained = [("a", "b", 0.99), ("b", "c", 0.98), ("a", "c", 1e-9)]
    assert persons(*chained) == dict.fromkeys("abc", "a"), "49 to one for, and 8 against"
    for weight, joined in ((1.0, ["a", "b"]), (1.01, ["a", "b", "c"])):
        found = persons(("a", "b", 0.99), decided=decided(("b", "c", weight)))
        assert sorted(found) == joined, "a and c share nothing to compare them by"


def test_a_decision_outweighs_every_probability():
    assert persons(("a", "b", 0.999), decided=decided(("a", "b", DIFFERENT))) == {}
    assert persons(("a", "b", 1e-6), decided=decided(("a", "b", SAME))) == {"a": "a", "b": "a"}


def test_within_gives_every_two_records_of_a_person_once():
    found = persons_of(pairs(("a", "b", 0.99), ("b", "c", 0.99)), 0.5)
    assert within(found).rows() == [("a", "b"), ("a", "c"), ("b", "c")]
