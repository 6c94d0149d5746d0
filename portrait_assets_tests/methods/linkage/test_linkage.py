"""Linkage finds the records of one person without examples of what is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage import linking, training
from portrait_assets.methods.linkage.linking import link
from portrait_assets.methods.linkage.model import (
    LinkageModel,
    LinkageSettings,
    _frequencies,
    prepare,
    score,
    share_of_pairs,
    without_empty_columns,
)
from portrait_assets.methods.linkage.person_columns import Kind, person_columns, person_texts
from portrait_assets.methods.linkage.training import train, with_names_alike

GIVEN = ("anna", "bruno", "carla", "david", "elena", "felix", "greta", "hugo", "irene", "jonas")
FAMILY = ("silva", "santos", "ferreira", "pereira", "oliveira", "costa", "rodrigues", "martins")
CITIES = ("lisbon", "porto", "braga", "coimbra", "faro", "evora")


def people(count: int, seed: int = 3) -> pl.DataFrame:
    """People, every third with a second, misspelled record; `person` is the true identity."""
    draw = random.Random(seed)
    rows = []
    for person in range(count):
        born = f"{draw.randrange(1940, 2005)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
        row = {
            "person": str(person),
            "first_name": draw.choice(GIVEN) + draw.choice("aeiou"),
            "last_name": draw.choice(FAMILY) + draw.choice("xyz"),
            "dob": born,
            "city": draw.choice(CITIES),
            "postcode": str(draw.randrange(1000, 4000)),
        }
        rows.append(row)
        if person % 3 == 0:
            rows.append(row | _slip(row, draw))
    return pl.DataFrame(rows).with_row_index("n").cast({"n": pl.String})


def _slip(row: dict[str, str], draw: random.Random) -> dict[str, str]:
    first, last = row["first_name"], row["last_name"]
    return draw.choice(
        [
            {"first_name": last, "last_name": first},
            {"first_name": first[1:]},
            {"last_name": last[:3] + last[4:]},
            {"dob": row["dob"][:5] + row["dob"][8:] + "-" + row["dob"][5:7]},
            {"postcode": "", "city": ""},
        ]
    )


@pytest.fixture(scope="module")
def records() -> pl.DataFrame:
    return people(240)


Trained = tuple[pl.DataFrame, LinkageModel, pl.DataFrame]
"""Prepared records, the model learnt of them, and their pairs."""


@pytest.fixture(scope="module")
def linked(records: pl.DataFrame) -> tuple[pl.DataFrame, Trained]:
    """The pairs among the records, and what was learnt on the way, which takes most of the time."""
    noted: list[Trained] = []

    def noting(table: pl.DataFrame, settings: LinkageSettings) -> tuple[LinkageModel, pl.DataFrame]:
        trained = train(table, settings)
        assert trained
        noted.append((table, *trained))
        return trained

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "train", noting)
        found = link(records.drop("person"), "n")
    return found, noted[0]


@pytest.fixture(scope="module")
def found(linked: tuple[pl.DataFrame, Trained]) -> pl.DataFrame:
    """The pairs among the records."""
    return linked[0]


@pytest.fixture(scope="module")
def learnt(linked: tuple[pl.DataFrame, Trained]) -> Trained:
    """What was learnt of the records."""
    return linked[1]


def test_slips_are_seen_through(records: pl.DataFrame, found: pl.DataFrame):
    who = dict(records.select("n", "person").iter_rows())
    right = sum(who[a] == who[b] for a, b in found.select("record_1", "record_2").iter_rows())
    assert right / max(found.height, 1) > 0.95
    assert right / 80 > 0.95
    assert (found["record_1"] < found["record_2"]).all()


def divided(learnt: Trained) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The second records of persons as new ones, and the others as known."""
    table, _, scored = learnt
    second = scored.filter(pl.col("match_probability") > 0.9)["record_2"].implode()
    is_new = pl.col("unique_id").is_in(second)
    return table.filter(is_new), table.filter(~is_new)


@pytest.mark.slow
def test_new_records_are_linked_to_known_ones_with_what_was_learnt(learnt: Trained):
    model = learnt[1]
    again = LinkageModel.from_json(model.to_json())
    assert again == model
    new, known = divided(learnt)
    found = score(again, new, known, LinkageSettings()).filter(pl.col("match_probability") > 0.5)
    assert found["record_2"].n_unique() >= 0.9 * new.height
    old = known["unique_id"].implode()
    both_old = pl.col("record_1").is_in(old) & pl.col("record_2").is_in(old)
    assert found.filter(both_old).is_empty()


def test_pairs_are_as_likely_as_matches_are_among_that_many_records(learnt: Trained):
    """Of n records each with r matches, r x n of n x (n - 1) / 2 pairs are of one person."""
    model = learnt[1]
    new, known = divided(learnt)

    def odds(probability: pl.Expr) -> pl.Expr:
        return probability / (1 - probability)

    def scored(matches: float) -> pl.DataFrame:
        of_more = replace(model, matches_per_record=matches)
        return score(of_more, new, known, LinkageSettings())

    few, many = 0.002, 0.02
    both = scored(few).join(scored(many), on=["record_1", "record_2"], suffix="_many")
    probabilities = pl.col("match_probability"), pl.col("match_probability_many")
    both = both.filter(each.is_between(0.005, 0.999) for each in probabilities)
    assert both.height
    pairs_each = (new.height + known.height - 1) / 2
    times = (many / (pairs_each - many)) / (few / (pairs_each - few))
    found = both.select(odds(probabilities[1]) / odds(probabilities[0])).to_series()
    assert found.to_list() == pytest.approx([times] * both.height, rel=1e-2)


def test_records_that_resemble_nobody_make_a_pair_less_likely(learnt: Trained):
    """Of twice as many records with as many matches each a pair has half the odds."""
    model = replace(learnt[1], matches_per_record=0.02)
    new, known = divided(learnt)
    count = new.height + known.height
    others = known.clear(count).with_columns(
        pl.format("Z{}", pl.int_range(pl.len())).alias("unique_id")
    )
    one = score(model, new, known, LinkageSettings())
    other = score(model, new, pl.concat([known, others]), LinkageSettings())
    both = one.join(other, on=["record_1", "record_2"], suffix="_of_more")
    few, more = pl.col("match_probability"), pl.col("match_probability_of_more")
    both = both.filter(few.is_between(0.005, 0.999), more.is_between(0.005, 0.999))
    found = both.select((more / (1 - more)) / (few / (1 - few))).to_series()
    assert found.len()
    times = (count - 1) / (2 * count - 1)
    assert found.to_list() == pytest.approx([times] * found.len(), rel=0.01)


@pytest.mark.parametrize(("words", "parted"), [(9, True), (8, False)])
def test_names_are_compared_word_by_word_where_nearly_all_have_several(
    monkeypatch: pytest.MonkeyPatch, words: int, parted: bool
):
    names = [f"anna silva{n}" for n in range(words)] + ["王小明"] * (10 - words)
    records = pl.DataFrame({"n": range(10), "full_name": names, "phone": map(str, range(10))})
    compared = with_names_alike(prepare(records, "n"))
    assert ({"given_name", "surname"} <= set(compared.columns)) is parted
    assert "full_name" in compared.columns
    asked: list[list[str]] = []
    monkeypatch.setattr(training, "_sure_share", lambda _, kinds, __: asked.append(kinds))
    assert train(prepare(records, "n"), LinkageSettings()) is None
    assert asked == [[name for name in compared.columns if name != "unique_id"]]
    own = pl.DataFrame({"n": ["1"], "given_name": ["anna"], "surname": ["silva"]})
    assert with_names_alike(own).equals(own), "a source's own parts stay"


@pytest.mark.slow
def test_one_name_of_two_words_leaves_all_others_to_be_compared():
    """Of 30 persons, of whom 10 have another character in their second record's name."""
    draw, rows = random.Random(5), []
    for n in range(150):
        name = draw.choice("王李张刘陈") + draw.choice("芳娜敏静丽") + draw.choice("伟强磊军洋")
        rows.append({"full_name": name, "birth_date": f"{1950 + n % 50}-0{1 + n // 50}-15"})
    again = [row | {"full_name": row["full_name"][:2] + "华"} for row in rows[:10]]
    other = {"full_name": "Anna Silva", "birth_date": "1980-01-15"}
    records = pl.DataFrame([*rows, *again, *rows[10:30], other])
    records = records.with_columns(n=pl.format("R{}", pl.int_range(pl.len()) + 100))
    trained = train(prepare(records, "n"), LinkageSettings())
    assert trained is not None
    probable = trained[1].filter(pl.col("match_probability") >= LinkageSettings().threshold)
    assert set(probable.select("record_1", "record_2").iter_rows()) == {
        (f"R{100 + n}", f"R{250 + n}") for n in range(30)
    }


def test_no_data_rule_out_a_match_or_prove_one():
    shares = [share_of_pairs(matches, 100) for matches in (0, 0.4, 3, 99.7, 100)]
    assert shares == [0.005, 0.005, 0.03, 0.995, 0.995]
    table = pl.DataFrame({"phone": ["1", None], "email": [None, None]})
    assert without_empty_columns(table).columns == ["phone"]


def test_a_value_is_as_frequent_as_among_the_records_that_have_one():
    levels = [{"is_null_level": True}, {"tf_adjustment_column": "city"}, {}]
    table = pl.DataFrame({"city": ["A", "A", "A", "B", None, None]})
    (counted,) = _frequencies(table, {"comparisons": [{"comparison_levels": levels}]}).values()
    assert dict(counted.rows()) == {"A": 0.75, "B": 0.25}


@pytest.mark.slow
def test_the_same_records_train_the_same_model():
    """Otherwise equal data would give unequal rows in identity.linkage_model."""
    table = prepare(people(2000).drop("person"), "n")
    rows = []
    for _ in range(2):
        trained = train(table, LinkageSettings())
        assert trained
        rows.append(trained[0].to_json())
    assert rows[0] == rows[1]


def different(count: int) -> pl.DataFrame:
    """So many persons of whom no two share anything but their town."""
    names = pl.Series([f"{n:06d}" for n in range(count)], dtype=pl.String).str.replace_all("0", "o")
    return pl.DataFrame(
        {
            "n": [f"r{n}" for n in range(count)],
            "given_name": "an" + names,
            "surname": names.reverse() + "son",
            "dob": [f"{1950 + n % 50}-{1 + n % 12:02d}-{1 + n % 28:02d}" for n in range(count)],
            "email": names + "@example.com",
            "city": "Lyon",
        },
        schema_overrides={"n": pl.String},
    )


@pytest.mark.parametrize("count", [0, 1, 2, 150])
def test_where_nobody_comes_twice_there_is_no_pair(count: int):
    assert link(different(count), "n").is_empty()


def test_records_that_are_all_the_same_are_one_person():
    one = different(1).select(pl.exclude("n"))
    same = pl.concat([one] * 5).with_row_index("n").cast({"n": pl.String})
    assert link(same, "n").height == 10


def test_a_few_who_come_twice_among_many_who_do_not_are_found():
    """Most agreements have no pair to teach from here, and splink fails over them."""
    many = different(150)
    again = many.head(3).with_columns(pl.format("again {}", "n").alias("n"))
    again = again.with_columns(pl.when(pl.col("n") != "again r1").then("email"))
    found = link(pl.concat([many, again]), "n").select("record_1", "record_2")
    assert sorted(found.rows()) == [(f"again r{n}", f"r{n}") for n in range(3)]


def test_columns_that_say_nothing_of_anybody_link_nobody():
    empty = different(40).with_columns(pl.lit(None, pl.String).alias(c) for c in ("dob", "email"))
    nothing = empty.with_columns(
        pl.lit(None, pl.String).alias(c) for c in ("given_name", "surname")
    )
    assert link(nothing, "n").is_empty()


@pytest.mark.slow
def test_equal_records_and_seed_give_equal_pairs(records: pl.DataFrame, found: pl.DataFrame):
    assert link(records.drop("person"), "n").equals(found)


def test_columns_are_known_by_their_usual_names():
    known = person_columns(["Given Name", "surname", "dob", "favourite_colour"])
    assert set(known) == {Kind.GIVEN, Kind.FAMILY, Kind.BORN}


def test_texts_are_plain_and_dates_are_digits():
    frame = pl.DataFrame({"name": ["Ｏ'Brien,  Ana"], "dob": ["5/3/1990"], "phone": ["+1 (2) 3"]})
    texts = person_texts(frame, person_columns(frame.columns))
    assert texts.row(0, named=True) == {
        "full_name": "o brien ana",
        "birth_date": "19900305",
        "phone": "123",
        "given_name": "o",
        "surname": "ana",
    }


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pl.DataFrame({"n": ["1"], "surname": ["a"], "colour": ["b"]}), "two are needed"),
        (pl.DataFrame({"n": ["1", None], "surname": ["a", "b"], "dob": ["1", "2"]}), "empty or"),
        (pl.DataFrame({"n": ["1", "1"], "surname": ["a", "b"], "dob": ["1", "2"]}), "repeated"),
    ],
)
def test_a_table_that_cannot_be_linked_is_refused(frame: pl.DataFrame, says: str):
    with pytest.raises(PortraitError, match=says):
        link(frame, "n")


@pytest.mark.slow
def test_a_file_is_linked_from_the_command_line(tmp_path: Path, records: pl.DataFrame):
    records.drop("person").head(120).write_csv(tmp_path / "people.csv")
    to = tmp_path / "pairs.csv"
    ran = CliRunner().invoke(
        app, ["link", str(tmp_path / "people.csv"), "--out", str(to), "--id", "n"]
    )
    assert ran.exit_code == 0, ran.output
    assert pl.read_csv(to).columns == ["record_1", "record_2", "match_probability"]
