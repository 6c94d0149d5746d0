"""Decisions on models stand in the approvals file, beside those on tags, and are only added."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.settings import Settings
from portrait_assets.stages.predictions.governance.approvals import (
    Action,
    ApprovalError,
    decision_on,
    source_decisions,
)
from portrait_assets.stages.predictions.governance.listing import decide, listed
from portrait_assets.stages.tags.catalogue.governance import read_approvals

TAG_LINE = """\
- code: value_tier
  version: 2
  action: activate
  effective_from: 2024-02
  by: Li Na
  reason: agreed
  on: 2024-01-01
  definition_hash: abc
"""
HISTORY = [
    # month, basis, version, fitted in
    ("2024-01-31", "baseline", "b1", "2024-01"),
    ("2024-02-29", "model", "m1", "2024-02"),
    ("2024-03-31", "model", "m1x", "2024-02"),
    ("2024-04-30", "model", "m2", "2024-04"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A published file with decisions on silence of four months, and one backtest."""
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    settings.source_dir.mkdir(parents=True)
    settings.warehouse_dir.mkdir(parents=True)
    con = duckdb.connect(str(settings.portrait_file))
    con.execute("CREATE SCHEMA predictions")
    values = ", ".join(
        f"(DATE '{day}', 'silence', 1, '{version}', '{basis}', 'logistic', '{fitted}', 'kept', 'w')"
        for day, basis, version, fitted in HISTORY
    )
    con.execute(
        f"CREATE TABLE predictions.prediction_decision AS FROM (VALUES {values}) AS t(as_of, "
        "target, horizon, model_version, basis, family, fitted_in, action, reason_en)"
    )
    con.execute(
        "CREATE TABLE predictions.prediction_backtest AS "
        "SELECT DATE '2024-03-31' AS as_of, 'silence' AS target, 1 AS horizon, 0.8::DOUBLE AS auc"
    )
    con.close()
    return settings


def decided(settings: Settings, action: Action, month: str = "2024-05", **more: str) -> str | None:
    given = {"by": "Li Na", "reason": "agreed with sales", "version": None} | more
    return decide(settings, "silence", action, month, **given).model_version  # type: ignore[arg-type]


def test_a_decision_is_added_and_read_beside_those_on_tags(settings: Settings):
    path = settings.source_dir / APPROVALS_FILE
    path.write_text(TAG_LINE)
    decided(settings, Action.PIN)
    decided(settings, Action.APPROVE, "2024-06")

    assert path.read_text().startswith(TAG_LINE.rstrip("\n"))
    found = source_decisions(settings.source_dir)
    assert [(each.action, each.model_version) for each in found] == [
        (Action.PIN, "m2"),
        (Action.APPROVE, None),
    ]
    assert found[0].on == date.today()
    assert [each.code for each in read_approvals(path)] == ["value_tier"]
    assert decision_on(found, "silence", "2024-04") is None
    may, june = (decision_on(found, "silence", month) for month in ("2024-05", "2024-06"))
    assert (may, june) == (found[0], found[1])
    assert decision_on(found, "spend", "2024-06") is None


def test_going_back_is_to_the_last_version_of_the_model_fitted_before(settings: Settings):
    assert decided(settings, Action.ROLLBACK) == "m1x"
    assert decided(settings, Action.ROLLBACK, version="baseline") == "baseline"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"month": "2024-04"}, r"2024-04 is materialized .* from 2024-05 on"),
        ({"by": " "}, "needs a name and a reason"),
        ({"version": "zz"}, "No month has silence by version zz; choose baseline or one of b1, m1"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_not_written(
    settings: Settings, more: dict[str, str], message: str
):
    with pytest.raises(ApprovalError, match=message):
        decided(settings, Action.PIN, **more)
    assert not (settings.source_dir / APPROVALS_FILE).exists()


def test_a_target_that_nothing_predicts_is_refused(settings: Settings):
    with pytest.raises(ApprovalError, match="No model predicts churn; choose one of silence"):
        decide(settings, "churn", Action.APPROVE, "2024-05", "Li Na", "agreed")


def test_a_line_without_its_version_is_named(settings: Settings):
    path = settings.source_dir / APPROVALS_FILE
    decided(settings, Action.PIN)
    path.write_text(path.read_text().replace("  model_version: m2\n", ""))
    with pytest.raises(ApprovalError, match=r"tag_approvals.yaml, line 3: pin of silence needs a"):
        source_decisions(settings.source_dir)
    path.write_text(path.read_text().replace("reason:", "reazon:"))
    with pytest.raises(ApprovalError, match=r"line 7: .* no key 'reazon' \(did you mean reason"):
        source_decisions(settings.source_dir)


def test_models_are_listed_with_the_newest_proof_up_to_the_month(settings: Settings):
    (newest,) = listed(settings.portrait_file)
    assert (newest["model_version"], newest["proof"]["auc"]) == ("m2", pytest.approx(0.8))
    (february,) = listed(settings.portrait_file, "2024-02")
    assert (february["model_version"], february["proof"]) == ("m1", None)
    with pytest.raises(ApprovalError, match="no predictions of 2024-09; there are some of 2024-01"):
        listed(settings.portrait_file, "2024-09")
    shutil.rmtree(settings.warehouse_dir)
    with pytest.raises(ApprovalError, match="has no predictions; run the month first"):
        listed(settings.portrait_file)
