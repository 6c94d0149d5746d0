"""Records of persons who are known, and those listed twice, are found among new ones."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.app.lookalike import setting_aside
from portrait_assets.app.lookalike.setting_aside import CUSTOMER, JOINED, TWICE
from portrait_assets.app.lookalike.stored import Stored
from portrait_assets.methods.linkage import matching
from portrait_assets.methods.linkage.matching import match
from portrait_assets.methods.linkage.model import LinkageModel, LinkageSettings

SETTINGS = LinkageSettings(threshold=0.5)
KEYS = (("phone", "birth_date"),)
FAMILIES = ["chen", "wang", "zhao", "liu", "sun", "zhou", "wu", "xu", "gao", "lin"]
GIVEN = ["anna", "boris", "carla", "david", "elena", "felix", "greta", "hugo", "irene", "jonas"]


def persons(numbers: list[int]) -> pl.DataFrame:
    """Persons by number, each with a name, day of birth, telephone and mail of their own."""
    rng = np.random.default_rng(0)
    days = rng.integers(0, 20_000, 2_000)
    phones = rng.choice(9_000_000, 2_000, replace=False) + 1_000_000
    texts = dict.fromkeys(("id", "full_name", "phone", "email"), pl.String)
    return pl.DataFrame(
        schema_overrides=texts,
        data={
            "id": [f"{n:04}" for n in numbers],
            "full_name": [
                f"{GIVEN[n % 10]} {FAMILIES[n // 10 % 10]}{FAMILIES[n // 100]}" for n in numbers
            ],
            "birth_date": pl.Series([int(days[n]) for n in numbers], dtype=pl.Int32).cast(pl.Date),
            "phone": [f"1{phones[n]}" for n in numbers],
            "email": [f"p{n}x{phones[n]}@example.com" for n in numbers],
        },
    )


def test_by_a_key_whoever_else_is_there():
    known = persons([1, 2, 3])
    new = persons([3, 4]).with_columns(id=pl.Series(["N3", "N4"]), email=pl.lit(None, pl.String))
    found = match(new, known, KEYS, None, SETTINGS)
    assert found.rows() == [("N3", "0003", True)]


def test_of_two_known_persons_by_a_key_it_is_the_one_of_the_lesser_identifier():
    known = persons([3, 3]).with_columns(id=pl.Series(["K2", "K1"]))
    found = match(persons([3]), known, KEYS, None, SETTINGS)
    assert found.rows() == [("0003", "K1", True)]


@pytest.mark.parametrize(("probability", "count"), [(0.4999, 0), (0.5, 1)])
def test_a_match_is_as_probable_as_the_threshold(
    monkeypatch: pytest.MonkeyPatch, probability: float, count: int
):
    pairs = {"record_1": ["known 1"], "record_2": ["new 0004"], "match_probability": [probability]}
    monkeypatch.setattr(matching, "score", lambda *_: pl.DataFrame(pairs))
    model = cast(LinkageModel, SimpleNamespace())
    found = match(persons([4]), persons([8, 9]), (), model, SETTINGS)
    assert found.rows() == [("0004", "0009", True)] * count


@pytest.mark.parametrize(("known", "is_learned"), [(98, False), (99, True)])
def test_a_hundred_records_teach_how_those_of_one_person_differ(
    monkeypatch: pytest.MonkeyPatch, known: int, is_learned: bool
):
    learned = []
    monkeypatch.setattr(matching, "train", lambda table, _: learned.append(table.height))
    match(persons([200]), persons(list(range(known))), (), None, SETTINGS)
    assert learned == [100] * is_learned


def test_a_key_that_one_side_lacks_is_left_out():
    found = match(persons([1]), persons([1]).drop("phone"), KEYS, None, SETTINGS)
    assert found.is_empty()


def test_without_probable_matches_only_keys_count():
    new = persons(list(range(200))).with_columns(phone=pl.lit(None, pl.String))
    assert match(new, persons([1]), KEYS, None, SETTINGS, is_trained=False).is_empty()


@pytest.mark.slow
def test_who_is_spelt_otherwise_is_found_and_nobody_else():
    known = persons(list(range(150)))
    again = persons(list(range(40))).with_columns(
        id=pl.format("A{}", pl.col("id")),
        # Another telephone, and a letter of the name is missing.
        phone=pl.format("199{}", pl.int_range(pl.len()) + 10_000),
        full_name=pl.col("full_name").str.replace("(.)$", ""),
    )
    strangers = persons(list(range(500, 600))).with_columns(id=pl.format("S{}", pl.col("id")))
    found = match(pl.concat([again, strangers]), known, KEYS, None, SETTINGS)
    assert found["is_known"].all()
    assert found["id"].to_list() == again["id"].sort().to_list()
    assert (found["id"].str.strip_prefix("A") == found["matched"]).all()


def test_the_second_of_two_new_records_of_one_person_is_named():
    twice = persons([7]).with_columns(id=pl.lit("Z"))
    found = match(pl.concat([persons([7, 8]), twice]), persons([9]), KEYS, None, SETTINGS)
    assert found.rows() == [("Z", "0007", False)]


def test_who_is_known_and_listed_twice_is_known():
    twice = persons([7]).with_columns(id=pl.lit("Z"))
    known = persons([7]).with_columns(id=pl.lit("K"))
    found = match(pl.concat([persons([7]), twice]), known, KEYS, None, SETTINGS)
    assert found.rows() == [("0007", "K", True), ("Z", "K", True)]


def test_nobody_known_and_nobody_new():
    assert match(persons([1]), persons([]), KEYS, None, SETTINGS).is_empty()
    assert match(persons([]), persons([1]), KEYS, None, SETTINGS).is_empty()


def test_who_joined_on_the_day_of_the_list_was_a_customer_when_listed(
    monkeypatch: pytest.MonkeyPatch,
):
    day, later = date(2024, 5, 10), date(2024, 5, 11)
    ids = ["N1", "N2", "N3", "N4"]
    pairs = {"id": ids, "matched": ["K1", "K2", "K3", "N1"], "is_known": [True] * 3 + [False]}
    monkeypatch.setattr(setting_aside, "match", lambda *_, **__: pl.DataFrame(pairs))
    listed = pl.DataFrame({"prospect_id": ids, "recorded_on": day, "marketing_agreed_on": day})
    joined = pl.DataFrame({"matched": ["K1", "K2", "K3"], "joined_on": [day, later, None]})
    stored = SimpleNamespace(now=listed, records=pl.DataFrame(), joined=joined, model=None)
    assert setting_aside.matches(cast(Stored, stored), None).rows() == [
        ("N1", CUSTOMER, day),
        ("N2", JOINED, later),
        ("N3", CUSTOMER, None),
        ("N4", TWICE, None),
    ]
