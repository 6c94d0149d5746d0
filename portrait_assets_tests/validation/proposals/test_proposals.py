"""A threshold that no longer separates is found a better one, or none is proposed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.months import last_day
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.tags.catalogue.governance import approve
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Status, Tag
from portrait_assets.stages.tags.evaluation.diff import with_drafts_active
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.claims import CLAIMS, Claim
from portrait_assets.stages.validation.judging import weak_before
from portrait_assets.stages.validation.proposals.drafts import Sample, Seen, draft_file
from portrait_assets.stages.validation.proposals.proposing import _improved, propose
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets_tests.validation.small_world import filled, renew_targets

MONTHS = [f"2024-{month:02d}" for month in range(1, 7)]
CUSTOMERS = 1_500
CLAIM = Claim("quiet", outcome("silence"), ("yes", "no"), is_tunable=True)
TAGS = """
tags:
  - code: quiet
    name: {en: Quiet, zh: 安静}
    description: {en: Will be silent, zh: 将沉默}
    element: principle
    category: [risk, attrition, attrition]
    kind: predictive
    values:
      - {value: "yes", en: "Yes", zh: 是, when: "recency_days > %s"}
      - {value: "no", en: "No", zh: 否, when: "recency_days >= 0"}
    owner: retention
    sensitivity: C1
    valid_months: 1
    on_missing: clear
    status: active
    version: 1
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return catalogue_with(tmp_path, 100)


def catalogue_with(folder: Path, days: int) -> Catalogue:
    """The catalogue with a tag that calls who has not come for so many days quiet."""
    (folder / "tags.yaml").write_text(TAGS % days, encoding="utf-8")
    return load_catalogue(overrides=folder / "tags.yaml")


def world(warehouse: Warehouse, breaks_in: str | None = None) -> None:
    """Customers who stay away for 40 days stay away; from `breaks_in` on that is no longer so."""
    rng = np.random.default_rng(5)
    for name in ("outcomes", "transactions"):
        warehouse.write(CLEANED[name], MONTHS, CLEANED[name].empty())
    people = [f"C{i:04d}" for i in range(CUSTOMERS)]
    for month in MONTHS:
        recency = rng.integers(0, 120, CUSTOMERS)
        day = pl.select(pl.lit(f"{month}-01").str.to_date().dt.month_end()).item()
        matrix = pl.DataFrame({"as_of": day, "customer_id": people, "recency_days": recency})
        warehouse.write(FEATURE_MATRIX, [month], filled(FEATURE_MATRIX, matrix))
        warehouse.write(UNPROFILED, [month], UNPROFILED.empty())
        following = MONTHS[(MONTHS.index(month) + 1) % len(MONTHS)]
        silent = recency > 40
        if breaks_in is not None and following >= breaks_in:
            silent = recency < 60
        stays = np.where(silent, rng.random(CUSTOMERS) < 0.8, rng.random(CUSTOMERS) < 0.1)
        active = pl.DataFrame(
            {"month": following, "customer_id": people, "purchases": np.where(stays, 0, 1)}
        )
        warehouse.write(CUSTOMER_MONTH, [following], filled(CUSTOMER_MONTH, active))
    renew_targets(warehouse, MONTHS)


@pytest.fixture
def empty(tmp_path: Path) -> Warehouse:
    return SmallWarehouse(tmp_path / "w.duckdb", "made_up", "one")


def test_a_threshold_that_separates_too_late_is_moved(
    empty: Warehouse, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
):
    """It is tried on a month of which nothing was known when it was found."""
    looked_at: list[list[str]] = []
    seen = Sample.seen

    def noted(
        self: Sample, claim: Claim, tags: Sequence[Tag], order: Sequence[str], months: Sequence[str]
    ) -> list[Seen]:
        looked_at.append([*months])
        return seen(self, claim, tags, order, months)

    monkeypatch.setattr(Sample, "seen", noted)
    world(empty)
    weak = [CLAIM.name]
    found = propose(empty, catalogue, MONTHS[-1], MONTHS, weak, [CLAIM]).row(0, named=True)
    moved = float(found["rule_after"].rsplit(" ", 1)[1])
    assert 30 <= moved <= 55
    assert found["auc_after"] > found["auc_before"]
    assert found["gain_low"] > 0
    assert found["customers_changing"] > 0
    assert (found["tag_version"], found["draft_version"]) == (1, 2)
    *fitted_on, tried_on = looked_at
    assert len(tried_on) == 1
    assert {month for months in fitted_on for month in months}.isdisjoint(tried_on)


def test_what_would_have_been_worse_out_of_time_is_not_proposed(
    empty: Warehouse, catalogue: Catalogue
):
    world(empty, breaks_in=MONTHS[-1])
    assert propose(empty, catalogue, MONTHS[-1], MONTHS, [CLAIM.name], [CLAIM]).is_empty()


def test_a_tag_is_weak_by_the_month_before_the_one_that_its_draft_is_tried_on():
    """A month in which a tag did badly by chance is one in which any draft does better."""
    tests = pl.DataFrame(
        {
            "as_of": [last_day(month) for month in (*MONTHS[-2:], *MONTHS[-2:])],
            "test": ["long weak", "long weak", "bad luck", "bad luck"],
            "verdict": ["fail", "warn", "pass", "fail"],
        }
    )
    assert weak_before(tests, MONTHS[-1]) == ["long weak"]


@pytest.mark.parametrize(
    ("customers", "is_better"), [((10, 10), True), ((10, 9), False), ((20, 0), False)]
)
def test_a_draft_must_leave_nobody_without_a_value_and_no_value_empty(
    catalogue: Catalogue, customers: tuple[int, int], is_better: bool
):
    """The tag tells nobody apart; each draft would, of so many customers of either value."""
    tag = catalogue.tag("quiet")

    class Stated:
        def seen(self, claim: Claim, tags: Sequence[Tag], *_: object) -> list[Seen]:
            return [self.of(each) for each in tags]

        def of(self, each: Tag) -> Seen:
            cells = np.full((2, 50, 2), 10.0)
            cells[1] = 5
            if each is not tag:
                cells[0], cells[1] = customers, np.minimum(customers, (9, 1))
            return Seen(cells)

    sample = cast(Sample, Stated())
    found = _improved(sample, catalogue, CLAIM, tag, ("2024-01", "2024-02"), is_weak=True)
    assert (found is not None) == is_better


def test_a_threshold_that_separates_is_left_alone(empty: Warehouse, tmp_path: Path):
    world(empty)
    assert propose(
        empty, catalogue_with(tmp_path, 40), MONTHS[-1], MONTHS, claims=[CLAIM]
    ).is_empty()


def test_months_within_a_quarter_propose_nothing(empty: Warehouse, catalogue: Catalogue):
    world(empty)
    assert propose(empty, catalogue, MONTHS[-2], MONTHS[:-1], [CLAIM.name], [CLAIM]).is_empty()


@pytest.mark.slow
def test_the_draft_can_be_compared_and_approved(
    empty: Warehouse, catalogue: Catalogue, tmp_path: Path
):
    """What the file holds is copied into tags.yaml, and is then as any other draft."""
    world(empty)
    found = propose(empty, catalogue, MONTHS[-1], MONTHS, [CLAIM.name], [CLAIM])
    _, _, entries = draft_file(found["draft"].to_list()).partition("tags:\n")
    (tmp_path / "tags.yaml").write_text(TAGS % 100 + entries, encoding="utf-8")
    own, approvals = tmp_path / "tags.yaml", tmp_path / "tag_approvals.yaml"
    with_draft = load_catalogue(overrides=own)
    draft = with_draft.tag("quiet")
    assert (draft.version, draft.status) == (2, Status.DRAFT)
    assert with_drafts_active(with_draft, ["quiet"]).tag("quiet").status is Status.ACTIVE
    approve(with_draft, approvals, "quiet", "Li", "better", "2024-07", date(2024, 7, 1), "2024-06")
    active = load_catalogue(overrides=own, approvals=approvals).active("2024-07")
    assert next(tag for tag in active if tag.code == "quiet").version == 2


def test_without_proposals_the_file_says_so_and_can_still_be_read(tmp_path: Path):
    path = tmp_path / "tags.yaml"
    path.write_text(draft_file([]), encoding="utf-8")
    assert load_catalogue(overrides=path).tags


def test_a_sample_of_a_month_whose_window_is_not_materialized_is_named(tmp_path: Path):
    warehouse = SmallWarehouse(tmp_path / "w.duckdb", "made_up", "one")
    with pytest.raises(
        WarehouseError, match=r"targets\.target has not been materialized for 2024-06 yet"
    ):
        Sample.of(warehouse, [], ["2024-05"])


def test_thresholds_that_serve_the_prediction_are_these():
    assert {claim.tag for claim in CLAIMS if claim.is_tunable} == {
        *("lapse_risk", "purchase_outlook", "campaign_response"),
    }
