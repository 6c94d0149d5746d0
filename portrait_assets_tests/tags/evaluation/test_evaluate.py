from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.evaluate import evaluate
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.duckdb.rows import conform
from portrait_assets.testing.steps import small_database
from portrait_assets.testing.worlds.tags import (
    HOME,
    INTERESTS,
    JULY,
    JUNE,
    MAY,
    SAVE,
    TIER,
    catalogue_of,
    features,
    tagged,
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(tmp_path_factory.mktemp("tags"), TIER, HOME, INTERESTS, SAVE)


def test_the_first_value_whose_rule_is_true_wins(catalogue: Catalogue):
    found = evaluate(catalogue, features(spend=[150, 20, None]), None, None, JUNE)

    assert found.portrait_matrix["customer_id"].to_list() == ["a", "b", "c"]
    assert found.portrait_matrix["tier"].to_list() == ["high", "low", None]


def test_a_missing_input_is_never_read_as_no(tmp_path: Path):
    # The second rule is true of everyone, and still the first has to be known.
    rules = TIER.replace("spend < 100", "visits >= 0")
    found = evaluate(
        catalogue_of(tmp_path, rules), features(spend=[None, 50], visits=[1, 1]), None, None, JUNE
    )

    assert found.portrait_matrix["tier"].to_list() == [None, "low"]


def test_a_customer_can_have_several_values(catalogue: Catalogue):
    world = features(visits=[12, 1, None, 1], member=[True, True, None, False])
    found = evaluate(catalogue, world, None, None, JUNE)

    interests = found.portrait_matrix["interests"].to_list()
    assert interests == [["often", "member"], ["member"], None, []]
    rows = found.tag_table.filter(tag_code="interests").sort("customer_id", "tag_value")
    assert rows.select("customer_id", "tag_value").rows() == [
        ("a", "member"),
        ("a", "often"),
        ("b", "member"),
    ]


def test_a_tag_reads_other_tags_and_says_how_sure_it_is(catalogue: Catalogue):
    world = features(spend=[150, 150], visits=[1, 9], share=[0.256, None])
    rows = evaluate(catalogue, world, None, None, JUNE).tag_table.filter(tag_code="save")

    assert rows.sort("customer_id").select("tag_value", "confidence").rows() == [
        ("true", 0.26),
        ("false", 0.0),
    ]


def test_a_confidence_that_is_not_known_is_none(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, SAVE.replace('"share"', '"share - 0.5"'))
    world = features(spend=[150] * 4, visits=[1] * 4, share=[0.756, 0.1, 1.9, None])
    rows = evaluate(catalogue, world, None, None, JUNE).tag_table.filter(tag_code="save")
    assert rows.sort("customer_id")["confidence"].to_list() == [0.26, 0.0, 1.0, 0.0]


def test_both_frames_conform_to_their_contracts(catalogue: Catalogue):
    found = evaluate(catalogue, features(spend=[1], visits=[1]), None, None, JUNE)

    assert conform(tag_table(catalogue), found.tag_table).height == found.tag_table.height
    assert conform(portrait_matrix_table(catalogue), found.portrait_matrix).height == 1


def test_a_value_is_kept_while_it_is_valid_and_remembers_what_decided_it(catalogue: Catalogue):
    first = evaluate(catalogue, features(MAY, region=["north"]), None, None, MAY)
    second = evaluate(catalogue, features(JUNE, region=[None]), None, first.tag_table, JUNE)
    third = evaluate(catalogue, features(JULY, region=[None]), None, second.tag_table, JULY)

    assert third.portrait_matrix["home"].to_list() == ["north"]
    kept = third.tag_table.filter(tag_code="home")
    assert kept.select("as_of", "decided_as_of").rows() == [(JULY, MAY)]

    august = JULY.replace(month=8)
    fourth = evaluate(catalogue, features(august, region=[None]), None, third.tag_table, august)
    assert fourth.portrait_matrix["home"].to_list() == [None]


def test_a_value_that_is_kept_is_of_the_version_that_decided_it(tmp_path: Path):
    first = catalogue_of(tmp_path, HOME)
    may = evaluate(first, features(MAY, region=["north", "north"]), None, None, MAY).tag_table
    second = catalogue_of(tmp_path, HOME.replace("code: home", "code: home\n    version: 2"))
    june = evaluate(second, features(JUNE, region=[None, "south"]), None, may, JUNE).tag_table
    assert june.sort("customer_id").select("tag_value", "tag_version", "decided_as_of").rows() == [
        ("north", 1, MAY),
        ("south", 2, JUNE),
    ]


def test_a_tag_that_clears_keeps_nothing(catalogue: Catalogue):
    first = evaluate(catalogue, features(MAY, spend=[500]), None, None, MAY)
    second = evaluate(catalogue, features(JUNE, spend=[None]), None, first.tag_table, JUNE)

    assert second.portrait_matrix["tier"].to_list() == [None]


def test_segments_are_read_and_may_be_missing(tmp_path: Path):
    own = "  - {code: group_name, expression: segment_name_en, type: text, kind: model,\n"
    own += "     confidence: segment_confidence}\n"
    catalogue = catalogue_of(tmp_path, own)
    segments = pl.DataFrame(
        {
            "customer_id": ["a"],
            "segment_id": [3],
            "segment_name_en": ["loyal"],
            "segment_name_zh": ["忠诚"],
            "segment_confidence": [0.7],
        }
    )
    found = evaluate(catalogue, features(spend=[1, 2]), segments, None, JUNE)

    assert found.portrait_matrix["segment_id"].to_list() == [3, None]
    assert found.tag_table.select("customer_id", "tag_value", "confidence").rows() == [
        ("a", "loyal", 0.7)
    ]
    alone = evaluate(catalogue, features(spend=[1]), None, None, JUNE)
    assert alone.tag_table.is_empty()
    assert alone.portrait_matrix.height == 1


@settings(max_examples=6, deadline=None)
@given(spends=st.lists(st.none() | st.integers(0, 200).map(float), min_size=1, max_size=10))
def test_rank_share_is_the_share_of_customers_with_less(
    spends: list[float | None], tmp_path_factory: pytest.TempPathFactory
):
    rank = '  - {code: place, expression: "rank_share(spend)", type: number}\n'
    catalogue = catalogue_of(tmp_path_factory.mktemp("rank"), rank)
    found = evaluate(catalogue, features(spend=spends), None, None, JUNE).portrait_matrix

    known = [spend for spend in spends if spend is not None]
    for spend, place in zip(spends, found["place"], strict=True):
        if spend is None or len(set(known)) == 1:
            assert place is None, "nobody is lower or higher than others where all are equal"
        else:
            lower = sum(other < spend for other in known)
            assert place == pytest.approx(lower / (len(known) - 1))


@settings(max_examples=6, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.integers(0, 300), st.none() | st.integers(0, 20)),
        min_size=1,
        max_size=10,
    ),
)
def test_the_order_of_customers_does_not_matter_and_each_has_one_row(
    catalogue: Catalogue, rows: list[tuple[int | None, int | None]]
):
    world = features(spend=[row[0] for row in rows], visits=[row[1] for row in rows])
    shuffled = world.sample(fraction=1.0, shuffle=True, seed=3)

    one, two = (evaluate(catalogue, w, None, None, JUNE) for w in (world, shuffled))
    assert one.portrait_matrix.equals(two.portrait_matrix)
    assert one.portrait_matrix["customer_id"].to_list() == sorted(world["customer_id"])
    long = one.tag_table.select("customer_id", "tag_code", "tag_value")
    assert long.is_unique().all()


def test_the_compact_rows_give_the_same_tag_table_through_the_view(catalogue: Catalogue):
    world = features(spend=[150, 20], visits=[12, 1], member=[True, True], region=["n", None])
    con = small_database()
    tagged(con, catalogue, {JUNE: world})

    keys = ["customer_id", "tag_code", "tag_value"]
    through = con.sql("SELECT * FROM tags.tag_table").pl().sort(keys)
    direct = evaluate(catalogue, world, None, None, JUNE).tag_table.sort(keys)
    con.close()
    assert through.equals(direct.select(through.columns))
