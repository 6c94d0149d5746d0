import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portrait_assets.schema.sensitivity import BAND
from portrait_assets.schema.table import Sensitivity, Type
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError, dependency_order
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.testing.worlds.shop import shop
from portrait_assets.testing.worlds.tags import (
    COLUMNS,
    HOME,
    INTERESTS,
    JUNE,
    SAVE,
    TIER,
    catalogue_of,
    write_catalogue,
)
from portrait_assets_tests.faults.command import portrait_here


@pytest.fixture(scope="module")
def default() -> Catalogue:
    return load_catalogue()


def test_the_default_catalogue_has_sixty_tags_over_the_four_elements(default: Catalogue):
    tags = default.active("2017-06")

    assert len(tags) >= 60
    assert {tag.element for tag in tags} == {"entity", "symbol", "concept", "principle"}
    assert {tag.kind for tag in tags} == {"fact", "rule", "model", "predictive"}
    # What a tag is for stands behind a semicolon or colon of its description, in both languages.
    assert all(";" in tag.description_en or ":" in tag.description_en for tag in tags)
    assert all(any("一" <= letter <= "鿿" for letter in tag.name_zh) for tag in tags)


DRAFT = """\
tags:
  - code: value_tier
    version: 2
    status: draft
    values:
      - {value: high, en: High, zh: 高, when: "rank_share(spend_12m) >= 0.5"}
      - {value: low, en: Low, zh: 低, when: "rank_share(spend_12m) < 0.5"}
"""


def test_tags_are_listed_by_their_status(tmp_path: Path):
    settings = shop(tmp_path / "data")
    (settings.source_dir / "tags.yaml").write_text(DRAFT)

    def listed(*status: str) -> list[str]:
        ran = portrait_here("tags", "list", *status, data=settings.data_dir)
        assert ran.returncode == 0, ran.stderr
        return re.findall(r"^│ (\w+)", ran.stdout, re.MULTILINE)

    drafts, active = (listed("--status", status) for status in ("draft", "active"))
    assert drafts == ["value_tier"]
    assert "value_tier" in active
    assert sorted(listed()) == sorted([*drafts, *active])


def test_tags_stand_after_those_that_they_read(tmp_path: Path):
    codes = [tag.code for tag in catalogue_of(tmp_path, SAVE, TIER).active("2017-06")]

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
    ("tags", "line", "message"),
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
        (
            '  - {code: one, expression: "two", type: boolean}\n'
            '  - {code: two, expression: "NOT one", type: boolean}\n',
            16,
            "reads itself by way of",
        ),
        ('  - {code: one, expression: "NOT one", type: boolean}\n', 16, "reads itself"),
    ],
)
def test_a_mistake_is_reported_with_the_tag_and_the_line(
    tmp_path: Path, tags: str, line: int, message: str
):
    with pytest.raises(TagError) as caught:
        catalogue_of(tmp_path, tags)
    assert message in str(caught.value)
    assert f"catalogue.yaml, line {line}:" in str(caught.value)


PAID = "  - {code: paid, expression: salary, type: money}\n"


def test_a_tag_has_the_class_of_what_it_reads(tmp_path: Path):
    reader = "  - {code: rich, expression: paid > 10, type: boolean}\n"
    path = write_catalogue(tmp_path, PAID, reader)
    catalogue = load_catalogue(path, columns=COLUMNS, clearance=Sensitivity.C3)
    assert catalogue.tag("paid").sensitivity is Sensitivity.C3
    assert catalogue.tag("rich").sensitivity is Sensitivity.C3, "also by way of another tag"


def test_a_tag_above_the_clearance_is_withheld(tmp_path: Path):
    catalogue = load_catalogue(write_catalogue(tmp_path, PAID, TIER), columns=COLUMNS)
    assert {tag.code for tag in catalogue.tags} == {"tier"}
    assert [tag.code for tag in catalogue.withheld] == ["paid"]
    with pytest.raises(TagError, match="no tag paid"):
        catalogue.tag("paid")


PAID_WELL = """
  - code: paid_well
    lowered_by: {operation}
    values:
      - {{value: much, en: Much, zh: 高, when: {rule}}}
      - {{value: little, en: Little, zh: 低, when: {rule_else}}}
"""


def test_a_class_is_lower_than_that_of_the_inputs_by_an_operation_only(tmp_path: Path):
    band = PAID_WELL.format(operation="band", rule="salary > 100", rule_else="salary <= 100")
    catalogue = load_catalogue(write_catalogue(tmp_path, band), columns=COLUMNS)
    assert catalogue.tag("paid_well").sensitivity is Sensitivity.C2, "one below that of salary"
    assert catalogue.matrix_columns[0].operation is BAND
    assert catalogue.withheld == ()
    rank = PAID_WELL.format(
        operation="rank", rule="rank_share(salary) > 0.5", rule_else="rank_share(salary) <= 0.5"
    )
    catalogue = load_catalogue(write_catalogue(tmp_path, rank), columns=COLUMNS)
    assert catalogue.tag("paid_well").sensitivity is Sensitivity.C2


@pytest.mark.parametrize(
    ("tag", "needs"),
    [
        (PAID.replace("}", ", lowered_by: band}"), "a tag with at most 10 values"),
        (
            PAID_WELL.format(operation="rank", rule="salary > 1", rule_else="salary <= 1"),
            "a rule that ranks all customers",
        ),
    ],
)
def test_an_operation_lowers_nothing_where_its_condition_does_not_hold(
    tmp_path: Path, tag: str, needs: str
):
    with pytest.raises(TagError, match=f"which needs {needs}; leave out lowered_by"):
        load_catalogue(write_catalogue(tmp_path, tag), columns=COLUMNS)


def test_tags_stand_after_those_that_they_read_and_by_name_where_either_could():
    reads = {"z": [], "a": ["m"], "m": ["spend"], "b": ["z"], "k": []}
    tags: Any = {
        code: SimpleNamespace(reads=names, place="tags.yaml, line 1")
        for code, names in reads.items()
    }
    assert dependency_order(tags) == ["k", "m", "z", "a", "b"]
    tags["m"].reads = ["a"]
    with pytest.raises(
        TagError, match=r"tag (a|m) reads itself by way of (a -> m -> a|m -> a -> m)"
    ):
        dependency_order(tags)
