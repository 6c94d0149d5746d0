"""What tags of the packs say of customers: words of the source, preferences, what is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.raw.definition import SourceDefinition
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.stages.tags.catalogue.load import load_catalogue, source_catalogue
from portrait_assets.stages.tags.catalogue.packs.pack import chosen
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.testing.steps import small_database
from portrait_assets.testing.worlds.tags import JUNE, tagged, touched_by
from portrait_assets_tests.cleaned.rows.test_clean import received
from portrait_assets_tests.tags.catalogue.test_packs import source

BANK = load_catalogue(start=chosen(["bank"]))
RETAIL = load_catalogue(start=chosen(["retail"]))


def tags_of(catalogue: Catalogue, **features: Sequence[object]) -> pl.DataFrame:
    """The tags of customers with these features, in their order, and `tag__confidence`."""
    height = len(next(iter(features.values())))
    given = {"as_of": [JUNE] * height, "customer_id": [f"c{n}" for n in range(height)], **features}
    matrix = pl.DataFrame(
        {name: given.get(name, [None] * height) for name in FEATURE_MATRIX.column_names},
        schema=FEATURE_MATRIX.polars_schema,
    )
    with small_database() as con:
        tagged(con, touched_by(catalogue, features), {JUNE: matrix})
        found: pl.DataFrame = con.sql(
            "FROM tags.portrait_matrix JOIN tags.tag_details USING (as_of, customer_no) "
            "ORDER BY customer_id"
        ).pl()
        return found


def recorded(definition: SourceDefinition, row: Mapping[str, str]) -> dict[str, list[object]]:
    """The columns of `row` as they are after cleaning."""
    conventions = Conventions(definition.time_zone, definition.country, definition.rules)
    kept = clean(received(CUSTOMERS, [{"customer_id": "c", **row}]), CUSTOMERS, conventions).kept
    return {name: kept[name].to_list() for name in row}


def test_a_vocabulary_of_source_yaml_gives_tags_their_values(tmp_path: Path):
    own = source(
        tmp_path,
        """
rules:
  customers.income_band: {values: {low: [A], medium: [B], very_high: [C, D]}}
  customers.home_ownership: {values: {owner: [own, mortgage], renter: [rent]}}
""",
    )
    definition, catalogue = load_source(own).definition, source_catalogue(own)

    found = tags_of(
        catalogue, **recorded(definition, {"income_band": "D", "home_ownership": "rent"})
    )

    assert found.select("income_level", "housing").rows() == [("high", "renter")]


@pytest.mark.parametrize(
    ("column", "tag", "values"),
    [
        (
            "income_band",
            "income_level",
            {"Under 15K": "low", "35-49K": "low", "50-74K": "medium", "99": None, "250K+": "high"},
        ),
        (
            "household_type",
            "family_stage",
            {"1 Adult Kids": "single_parent", "2 Adults No Kids": "couple"},
        ),
        ("home_ownership", "housing", {"Homeowner": "owner", "Probable Renter": "renter"}),
        ("children", "children_at_home", {"0": "none", "2": "two", "3+": "three_or_more"}),
    ],
)
def test_the_complete_journey_keeps_its_tags_under_words_of_all_sources(
    column: str, tag: str, values: Mapping[str, str | None]
):
    definition = load_source(PACKAGED_SOURCES / "complete_journey").definition
    columns = [recorded(definition, {column: spelling})[column][0] for spelling in values]

    assert tags_of(RETAIL, **{column: columns})[tag].to_list() == list(values.values())


def test_no_tag_of_a_pack_names_a_spelling_of_a_packaged_source():
    spellings = {
        spelling
        for name in ("complete_journey", "synthetic_bank")
        for rules in load_source(PACKAGED_SOURCES / name).definition.rules.values()
        for spelling in rules.words
    }
    assert "100-124K" in spellings
    rules = " ".join(tag.rules for tag in load_catalogue().tags)
    assert [spelling for spelling in spellings if f"'{spelling}'" in rules] == []


def test_age_is_taken_before_its_band():
    found = tags_of(RETAIL, age=[60, None, None, None], age_band_from=[19, 45, 19, None])
    assert found["generation"].to_list() == ["senior", "middle", "young", None]


def test_a_favourite_needs_five_lines_and_bears_the_lower_limit_of_its_share():
    found = tags_of(
        RETAIL,
        top_category=["tea", "tea"],
        top_category_share_low_12m=[0.3, 0.4],
        category_lines_12m=[4, 5],
        top_brand=["leaf", "leaf"],
        top_brand_share_12m=[0.3, 0.3],
        brand_lines_12m=[4, 5],
    )
    assert found["favourite_category"].to_list() == [None, "tea"]
    assert found["favourite_category__confidence"].to_list() == [None, 0.4]
    assert found["favourite_brand"].to_list() == [None, "leaf"]


def test_a_category_sets_apart_where_its_index_is_certain_to_be_above_everyone_s():
    found = tags_of(
        RETAIL,
        distinct_category=["caviar", "tea", "wine"],
        distinct_category_tgi_12m=[5456.0, 160.0, 149.0],
        distinct_category_tgi_low_12m=[99.0, 101.0, 120.0],
        category_lines_12m=[20, 20, 20],
    )
    assert found["distinctive_category"].to_list() == [None, "tea", None]


def test_a_weekday_is_a_favourite_where_chance_does_not_explain_it():
    """A seventh is expected: 0.4 of 5 purchases is chance and of 16 is not; 0.24 is too little."""
    found = tags_of(
        RETAIL,
        top_weekday_12m=[1, 1, 7, 7, None],
        top_weekday_share_12m=[0.4, 0.4, 0.24, 0.25, None],
        purchases_12m=[5, 16, 900, 900, 0],
    )
    assert found["favourite_weekday"].to_list() == ["none", "monday", "none", "sunday", None]


def test_nothing_more_is_sold_to_who_is_past_due():
    """All have one product and nothing more urgent; those who come last come seldom."""
    days_past_due = [0, None, 1, 90, 0, 0, 0, 0]
    same = {
        **{"tenure_days": 900, "recorded_days": 900},
        "recency_days": 3,
        "purchases_6m": 24,
        "purchases_12m": 48,
        "spend_trend_3m": 0.0,
        "contacts_12m": 0,
        "responses_12m": 0,
        "response_rate_12m": 0.1,
        "products_held": 1,
    }
    found = tags_of(
        BANK,
        max_days_past_due=days_past_due,
        purchases_3m=[12] * 4 + [1] * 4,
        spend_12m=[480, 470, 460, 450, 40, 30, 20, 10],
        **{name: [value] * len(days_past_due) for name, value in same.items()},
    )
    assert found["cross_sell"].to_list() == [True, True, False, False, *[False] * 4]
    actions = found["next_action"].to_list()
    assert actions[:2] == ["widen", "widen"]
    assert not {"widen", None} & {*actions[2:]}


@pytest.mark.parametrize(("categories", "mission"), [(2, "stock_up"), (None, None)])
def test_who_buys_nothing_that_has_a_category_is_on_no_shopping_mission(
    categories: int | None, mission: str | None
):
    found = tags_of(
        RETAIL,
        category_count_12m=[categories] * 3,
        average_ticket_12m=[9.0, 5.0, 1.0],
        purchases_12m=[12] * 3,
        recorded_days=[400] * 3,
    )
    others = "mixed" if mission else None
    assert found["shopping_mission"].to_list() == [mission, others, others]


@pytest.mark.parametrize(
    ("products", "categories", "expected"),
    [(1, 9, True), (2, 1, False), (0, 1, True), (None, 1, True), (None, 9, False)],
)
def test_who_holds_one_product_or_buys_from_few_categories_is_offered_more(
    products: int | None, categories: int, expected: bool
):
    """Products held count where they are known; 0 stands for accounts without a product."""
    others = [3, 5, 7]
    count = len(others) + 1
    found = tags_of(
        RETAIL,
        products_held=[products, *[None] * 3],
        category_count_12m=[categories, *others],
        tenure_days=[900] * count,
        recorded_days=[900] * count,
        purchases_3m=[12, *[1] * len(others)],
        purchases_12m=[48] * count,
    )
    assert found["cross_sell"][0] is expected
