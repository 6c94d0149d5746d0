"""What a packaged version of a tag decides changes only on purpose; else it is a new version."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp

from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.expressions.expression import parse
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.reachable import _numbers, unreachable_value
from portrait_assets.stages.tags.catalogue.tag import TagValue
from portrait_assets.testing.golden.file import read, write
from portrait_assets.testing.golden.tags import COMMAND, GOLDEN_FILE, definitions, differences
from portrait_assets.testing.worlds.tags import COLUMNS, HOME, SAVE, TIER, catalogue_of

TAGS = TIER + HOME + SAVE


def test_packaged_versions_decide_what_they_did():
    changed = differences(read(GOLDEN_FILE), definitions(load_catalogue()))
    remedy = f"Write a new version; if none was ever published, renew with `{COMMAND}`."
    assert not changed, "\n".join([*changed, remedy])


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("spend >= 100", "spend > 100", ["tier"]),
        ("spend < 100", "spend < 101", ["tier"]),
        ("value: high", "value: top", ["tier", "save"]),
        ("expression: region", "expression: upper(region)", ["home"]),
        ("visits < 3", "visits <= 3", ["save"]),
        ('confidence: "share"', 'confidence: "1 - share"', ["save"]),
        ("valid_months: 2", "valid_months: 3", ["home"]),
        ("on_missing: keep_last", "on_missing: clear", ["home"]),
        ("{value: high, en: High", "{value: high, en: Top", []),
        ("code: home", "code: house", ["home"]),
    ],
)
def test_a_version_that_decides_otherwise_is_named(
    tmp_path: Path, old: str, new: str, names: list[str]
):
    write(definitions(catalogue_of(tmp_path, TAGS)), tmp_path / "golden.json")
    changed = TAGS.replace(old, new, 1)
    changed = changed.replace("tier = 'high'", "tier = 'top'") if "top" in new else changed
    found = differences(
        read(tmp_path / "golden.json"), definitions(catalogue_of(tmp_path, changed))
    )
    assert sorted(each.split(" version ")[0] for each in found) == sorted(names)


def test_a_new_version_changes_none_of_those_before(tmp_path: Path):
    before = definitions(catalogue_of(tmp_path, TAGS))
    more = TAGS + TIER.replace("code: tier", "code: tier\n    version: 2").replace("100", "200")
    assert differences(before, definitions(catalogue_of(tmp_path, more))) == []


HERE = Place("tags.yaml", 1)


@pytest.mark.parametrize(
    ("rules", "position"),
    [
        (("true", "lower(region) = 'x'"), 1),
        (("lower(region) = 'x'", "lower(region) = 'x'"), 1),
        (("lower(region) = 'x'", "lower(region) = 'y'"), None),
        (("spend > 5", "spend > 9"), 1),
        (("spend > 9", "spend > 5"), None),
        (("share >= 1", "share > 1"), 1),
    ],
)
def test_a_value_behind_one_that_always_matches_first_is_reached_by_nobody(
    rules: tuple[str, ...], position: int | None
):
    values = [TagValue(rule, "V", "值", parse(rule, COLUMNS), HERE) for rule in rules]
    assert unreachable_value(values, True, COLUMNS) == position


def test_days_are_tried_before_on_and_after_each_day_of_a_rule():
    columns = {"joined": Column("joined", Type.DATE, "Joined", "入会")}

    def reached(*rules: str) -> int | None:
        values = [TagValue(rule, "V", "值", parse(rule, columns), HERE) for rule in rules]
        return unreachable_value(values, True, columns)

    day = "'2024-01-31'"
    assert reached(f"joined < {day}", f"joined = {day}", f"joined > {day}") is None
    assert reached(f"joined <= {day}", f"joined > {day}", f"joined = {day}") == 2


def test_rules_are_tried_at_the_ends_of_a_column_s_domain_and_between():
    assert _numbers([], 0, 1) == ["0.0", "0.5", "1.0"]
    assert _numbers([], 0, None, whole=True) == ["0.0", "1.0", "2.0"]
    assert _numbers([exp.Literal.number(3)], 0, 3) == ["0.0", "1.5", "3.0"]
