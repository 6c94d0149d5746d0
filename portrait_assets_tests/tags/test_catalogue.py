from pathlib import Path

import pytest

from portrait_assets.schema.table import Sensitivity, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.testing.tag_world import (
    COLUMNS,
    HOME,
    INTERESTS,
    JUNE,
    SAVE,
    TIER,
    catalogue_of,
    write_catalogue,
)


@pytest.fixture(scope="module")
def default() -> Catalogue:
    return load_catalogue()


def test_the_default_catalogue_has_sixty_tags_over_the_four_elements(default: Catalogue):
    tags = default.in_force("2017-06")

    assert len(tags) >= 60
    assert {tag.element for tag in tags} == {"entity", "symbol", "concept", "principle"}
    assert {tag.kind for tag in tags} == {"fact", "rule", "model", "predictive"}
    # What a tag is for stands behind a semicolon or colon of its description, in both languages.
    assert all(";" in tag.description_en or ":" in tag.description_en for tag in tags)
    assert all(any("一" <= letter <= "鿿" for letter in tag.name_zh) for tag in tags)


def test_tags_stand_after_those_that_they_read(tmp_path: Path):
    codes = [tag.code for tag in catalogue_of(tmp_path, SAVE, TIER).in_force("2017-06")]

    assert codes == ["tier", "save"]


def test_the_matrix_has_one_typed_column_per_tag(tmp_path: Path):
    table = portrait_matrix_table(catalogue_of(tmp_path, TIER, HOME, INTERESTS, SAVE))

    assert table.column("tier").allowed == ("high", "low")
    assert table.column("interests").type is Type.TEXTS
    assert table.column("save").type is Type.BOOLEAN


def test_the_catalogue_becomes_rows_of_its_table(tmp_path: Path):
    rows = catalogue_rows(catalogue_of(tmp_path, TIER), JUNE)

    assert rows.schema == TAG_CATALOGUE.polars_schema
    assert rows["in_force"].to_list() == [True]
    assert rows["change"].to_list() == ["first version"]


_VALUES = '    values:\n      - {value: a, en: A, zh: 甲, when: "spend > 1"}\n'


@pytest.mark.parametrize(
    ("tags", "line", "told"),
    [
        (TIER + TIER, 20, "tag tier version 1 stands twice, first on line 16"),
        (TIER.replace("code: tier", "code: Tier!"), 16, "'Tier!' is no code; use small letters"),
        (TIER.replace("code: tier", "code: spend"), 16, "already the name of a column"),
        (
            TIER.replace(', when: "spend < 100"', ""),
            19,
            "low of tag tier has no when; add it",
        ),
        (TIER.replace("spend < 100", "spned < 100"), 19, "did you mean spend?"),
        (TIER.replace("spend < 100", "spend < 'x'"), 19, "compared with 'x'"),
        (TIER.replace("spend < 100", "spend + 1"), 19, "true or false"),
        (TIER.replace("spend < 100", "region + 1 > 2"), 19, "types that clash"),
        (TIER.replace("spend < 100", "spend > 200"), 19, "'low' of tag tier can never be reached"),
        (TIER.replace("spend < 100", "spend >= 100"), 19, "can never be reached"),
        (TIER.replace("spend < 100", "1 = 2"), 19, "can never be reached"),
        (
            TIER.replace("value: low", "value: high"),
            19,
            "'high' of tag tier stands twice, first on line 18",
        ),
        ("  - code: tier\n", 16, "either values, each with its rule, or one expression"),
        (
            "  - code: tier\n    values: []\n",
            17,
            "values of tag tier must be a list of one",
        ),
        ("  - code: tier\n    vaules: 1\n" + _VALUES, 17, "did you mean values?"),
        ("  - code: tier\n    kind: rulle\n" + _VALUES, 17, "did you mean rule?"),
        ("  - code: tier\n    category: [value, vlaue, value]\n" + _VALUES, 17, "'vlaue'"),
        ("  - code: tier\n    expression: spend\n", 16, "no type"),
        ("  - code: tier\n    expression: spend\n    type: date\n", 16, "declared as DATE"),
        ("  - code: tier\n    confidence: region\n" + _VALUES, 16, "confidence of tag tier gives"),
        ("  - code: tier\n    code: tier\n", 17, "code stands twice"),
        ("  - code: tier\n    valid_months: 0\n" + _VALUES, 17, "whole number of 1 or more"),
        (TIER.replace("spend < 100", "salary < 100"), 16, "of class C3"),
        (
            '  - {code: one, expression: "two", type: boolean}\n'
            '  - {code: two, expression: "NOT one", type: boolean}\n',
            16,
            "reads itself by way of",
        ),
        ('  - {code: one, expression: "NOT one", type: boolean}\n', 16, "reads itself"),
    ],
)
def test_a_mistake_is_told_with_the_tag_and_the_line(
    tmp_path: Path, tags: str, line: int, told: str
):
    with pytest.raises(TagError) as caught:
        catalogue_of(tmp_path, tags)
    assert told in str(caught.value)
    assert f"catalogue.yaml, line {line}:" in str(caught.value)


def test_a_class_c3_column_needs_the_clearance_and_a_tag_of_that_class(tmp_path: Path):
    paid = "  - {code: paid, expression: salary, type: money, sensitivity: C3}\n"
    path = write_catalogue(tmp_path, paid)

    with pytest.raises(TagError, match="load with clearance C3"):
        load_catalogue(path, columns=COLUMNS)
    assert load_catalogue(path, columns=COLUMNS, clearance=Sensitivity.C3).tag("paid")

    open_tag = write_catalogue(tmp_path, paid.replace(", sensitivity: C3", ""), name="open.yaml")
    with pytest.raises(TagError, match="raise the tag's sensitivity to C3"):
        load_catalogue(open_tag, columns=COLUMNS, clearance=Sensitivity.C3)


def test_a_source_adds_tags_and_writes_new_versions(tmp_path: Path):
    own = tmp_path / "tags.yaml"
    own.write_text(
        "tags:\n  - code: tier\n    version: 2\n    values:\n"
        '      - {value: high, en: High, zh: 高, when: "spend >= 500"}\n'
        '      - {value: low, en: Low, zh: 低, when: "spend < 500"}\n',
        encoding="utf-8",
    )
    catalogue = load_catalogue(write_catalogue(tmp_path, TIER), own, COLUMNS)

    assert [(tag.code, tag.version) for tag in catalogue.tags] == [("tier", 1), ("tier", 2)]
    assert catalogue.tag("tier").owner == "tests"
    assert [tag.version for tag in catalogue.in_force("2017-06")] == [2]


def test_a_version_in_use_cannot_be_redefined_in_place(tmp_path: Path):
    own = tmp_path / "tags.yaml"
    own.write_text("tags:\n  - code: tier\n    valid_months: 7\n", encoding="utf-8")

    with pytest.raises(TagError, match="write it as version 2"):
        load_catalogue(write_catalogue(tmp_path, TIER), own, COLUMNS)


def test_a_source_may_retire_a_tag_and_its_column_stays(tmp_path: Path):
    own = tmp_path / "tags.yaml"
    own.write_text(
        "tags:\n  - {code: tier, status: retired, retired_from: 2017-06}\n", encoding="utf-8"
    )
    catalogue = load_catalogue(write_catalogue(tmp_path, TIER), own, COLUMNS)

    assert [tag.code for tag in catalogue.in_force("2017-05")] == ["tier"]
    assert catalogue.in_force("2017-06") == ()
    assert "tier" in portrait_matrix_table(catalogue).column_names


def test_broken_yaml_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "catalogue.yaml"
    path.write_text("tags:\n  - {code: x\n", encoding="utf-8")

    with pytest.raises(TagError, match=r"catalogue.yaml, line 3: this is not valid YAML"):
        load_catalogue(path)


def test_the_default_catalogue_reads_only_features_tags_and_segments(default: Catalogue):
    known = {column.name for column in FEATURE_MATRIX.all_columns}
    known |= {tag.code for tag in default.tags} | {column.name for column in SEGMENT_COLUMNS}

    assert {name for tag in default.tags for name in tag.inputs} <= known
