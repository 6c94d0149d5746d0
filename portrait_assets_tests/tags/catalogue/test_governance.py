from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from portrait_assets.stages.tags.catalogue.governance import (
    Action,
    approve,
    check_unaltered,
    read_approvals,
    version_change,
)
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.evaluation.diff import catalogue_diff, with_drafts_active
from portrait_assets.testing.worlds.tags import (
    COLUMNS,
    JUNE,
    SAVE,
    TIER,
    catalogue_of,
    features,
    write_catalogue,
)
from portrait_assets_tests.tags.oracle.five_months import DAYS

DRAFT = TIER.replace("100", "500").replace(
    "code: tier", "code: tier\n    version: 2\n    status: draft"
)
TODAY = date(2017, 7, 3)


def load(folder: Path) -> Catalogue:
    return load_catalogue(
        folder / "catalogue.yaml", columns=COLUMNS, approvals=folder / "tag_approvals.yaml"
    )


def test_a_draft_decides_nothing_until_it_is_approved(tmp_path: Path):
    write_catalogue(tmp_path, TIER, DRAFT)
    approvals = tmp_path / "tag_approvals.yaml"
    assert [tag.version for tag in load(tmp_path).active("2018-01")] == [1]

    approve(
        load(tmp_path), approvals, "tier", "controller", "rents rose", "2017-08", TODAY, "2017-06"
    )

    after = load(tmp_path)
    assert [tag.version for tag in after.active("2017-08")] == [2]
    assert after.tag("tier", 2).approved_by == "controller"
    # A past month keeps the version that was active then.
    assert [tag.version for tag in after.active("2017-07")] == [1]


def test_approvals_are_only_added(tmp_path: Path):
    write_catalogue(tmp_path, TIER, DRAFT)
    approvals = tmp_path / "tag_approvals.yaml"
    approve(load(tmp_path), approvals, "tier", "controller", "rents rose", "2017-08", TODAY)
    first = approvals.read_text(encoding="utf-8")

    approve(
        load(tmp_path),
        approvals,
        "tier",
        "owner",
        "replaced",
        "2017-10",
        TODAY,
        action=Action.RETIRE,
    )

    assert approvals.read_text(encoding="utf-8").startswith(first)
    assert [a.action for a in read_approvals(approvals)] == [Action.ACTIVATE, Action.RETIRE]
    catalogue = load(tmp_path)
    assert catalogue.active("2017-10") == ()
    assert [tag.version for tag in catalogue.active("2017-09")] == [2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"by": " "}, "needs a name and a reason"),
        ({"reason": ""}, "needs a name and a reason"),
        ({"effective_from": "2017-13"}, "not a month"),
        ({"effective_from": "2017-06", "latest_materialized": "2017-06"}, "from 2017-07 on"),
        ({"code": "save"}, "no draft to approve"),
        ({"code": "svae"}, "no tag svae"),
        ({"code": "tier", "action": Action.RETIRE}, "save reads the tag tier"),
    ],
)
def test_an_invalid_approval_is_refused_and_nothing_is_written(
    tmp_path: Path, changed: dict[str, object], message: str
):
    write_catalogue(tmp_path, TIER, DRAFT, SAVE)
    approvals = tmp_path / "tag_approvals.yaml"
    given: dict[str, object] = {
        "code": "tier",
        "by": "controller",
        "reason": "rents rose",
        "effective_from": "2017-08",
        "on": TODAY,
        **changed,
    }
    with pytest.raises(Exception, match=message):
        approve(load(tmp_path), approvals, **given)  # type: ignore[arg-type]
    assert not approvals.exists()


def test_what_was_approved_cannot_be_changed_or_removed(tmp_path: Path):
    write_catalogue(tmp_path, TIER, DRAFT)
    approvals = tmp_path / "tag_approvals.yaml"
    approve(load(tmp_path), approvals, "tier", "controller", "rents rose", "2017-08", TODAY)

    write_catalogue(tmp_path, TIER, DRAFT.replace("500", "400"))
    with pytest.raises(TagError, match="changed after its approval"):
        load(tmp_path)
    write_catalogue(tmp_path, TIER)
    with pytest.raises(TagError, match="restore the version"):
        load(tmp_path)


def test_a_version_that_a_month_uses_cannot_be_redefined(tmp_path: Path):
    write_catalogue(tmp_path, TIER)
    stored = catalogue_rows(load(tmp_path), JUNE)
    check_unaltered(stored, load(tmp_path))

    write_catalogue(tmp_path, TIER.replace("100", "120"))
    with pytest.raises(TagError, match="differs from the definition that 2017-06 uses"):
        check_unaltered(stored, load(tmp_path))


def test_a_draft_that_no_month_used_may_be_redefined(tmp_path: Path):
    second = TIER.replace("code: tier", "code: tier\n    version: 2\n    status: draft")
    listed = catalogue_rows(catalogue_of(tmp_path, TIER, second), DAYS[0])
    other = catalogue_of(tmp_path, TIER, second.replace("100", "200"))
    check_unaltered(listed, other)
    with pytest.raises(TagError, match="tier version 1 differs"):
        check_unaltered(listed, catalogue_of(tmp_path, TIER.replace("100", "200"), second))


@pytest.mark.parametrize(
    ("month", "version"),
    [("2024-01", 9), ("2024-02", 10), ("2024-03", 10), ("2024-04", 9), ("2024-05", 11)],
)
def test_the_version_that_took_effect_last_is_active(tmp_path: Path, month: str, version: int):
    """Of those that took effect in the same month the highest."""
    since = {8: "2024-01", 9: "2024-01", 10: "2024-02", 11: "2024-05"}
    tags = (
        TIER.replace("code: tier", f"code: tier\n    version: {n}\n    effective_from: {first}")
        for n, first in since.items()
    )
    tag = catalogue_of(tmp_path, *tags)
    back = replace(tag.tag("tier", 9), effective_from="2024-04")
    again = tuple(each for each in tag.tags if each.version != 9)
    versions = (*again, back) if month >= "2024-04" else tag.tags
    [active] = replace(tag, tags=versions).active(month)
    assert active.version == version


def test_a_broken_approval_is_reported_with_its_line(tmp_path: Path):
    write_catalogue(tmp_path, TIER)
    (tmp_path / "tag_approvals.yaml").write_text("- {code: tier, version: 1}\n", encoding="utf-8")

    with pytest.raises(TagError, match=r"tag_approvals\.yaml, line 1: .* has no action, eff"):
        load(tmp_path)


def test_two_versions_are_compared_value_by_value(tmp_path: Path):
    write_catalogue(tmp_path, TIER, DRAFT)
    catalogue = load(tmp_path)
    one, two = catalogue.tag("tier", 1), catalogue.tag("tier", 2)

    assert version_change(one, two) == (
        "~ high: spend >= 100 -> spend >= 500\n~ low: spend < 100 -> spend < 500"
    )
    assert version_change(one, replace(one, version=2)) == "no difference"
    rows = catalogue_rows(catalogue, JUNE)
    assert rows["change"].to_list() == ["first version", version_change(one, two)]


def test_a_diff_counts_who_would_enter_and_leave_each_value(tmp_path: Path):
    write_catalogue(tmp_path, TIER, DRAFT, SAVE)
    before = load(tmp_path)
    world = features(spend=[50, 200, 800], visits=[1, 1, 1])

    moved = catalogue_diff(before, with_drafts_active(before), world, None, None, JUNE)

    # Customer b leaves the high tier, and with it the list that reads the tier.
    assert moved.rows() == [
        ("save", "false", 1, 2, 1, 0),
        ("save", "true", 2, 1, 0, 1),
        ("tier", "high", 2, 1, 0, 1),
        ("tier", "low", 1, 2, 1, 0),
    ]


def test_a_diff_needs_a_draft(tmp_path: Path):
    write_catalogue(tmp_path, TIER)
    with pytest.raises(TagError, match="No tag has a draft"):
        with_drafts_active(load(tmp_path))
    with pytest.raises(TagError, match="Tag tier has no draft"):
        with_drafts_active(load(tmp_path), ["tier"])
