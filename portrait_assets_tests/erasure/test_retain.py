"""What is older than the source keeps it is removed, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.app.doctor import examine
from portrait_assets.app.erasure import erase as erasing
from portrait_assets.app.erasure.erase import resume
from portrait_assets.app.erasure.retain import retain, to_retain
from portrait_assets.app.runs.run import run_portrait
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import read_request
from portrait_assets.privacy.erasure import ErasureError, plan_file
from portrait_assets_tests.erasure.conftest import copied, quiet
from portrait_assets_tests.erasure.world import rows

pytestmark = pytest.mark.slow  # Whole shops, materialized.


@pytest.fixture
def aged(named_shop: Settings, tmp_path: Path) -> Settings:
    """The shop whose source keeps interactions for one month, and assignments."""
    settings = copied(named_shop, tmp_path / "data")
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text() + "keep_months: {interactions: 1, marketing: 5}\n")
    return settings


def test_the_doctor_says_what_is_too_old_and_a_run_does_not_mind(aged: Settings) -> None:
    assert [(each.table, each.kept_from, each.rows) for each in to_retain(aged)] == [
        ("interactions", "2024-02", 1)
    ]
    (issue,) = examine(aged)
    assert "holds 1 rows of months before 2024-02, which are not kept" in str(issue)
    assert read_plan(read_request(aged, None)).is_empty


def test_without_yes_it_asks_and_no_removes_nothing(aged: Settings) -> None:
    arguments = ["retain", "--source", aged.source, "--data-dir", str(aged.data_dir)]
    result = CliRunner().invoke(app, arguments, input="n\n")
    assert "interactions: 1 rows before 2024-02" in result.output
    assert str(result.exception) == "Nothing was removed."


def test_old_rows_go_and_a_new_reading_does_not_bring_them_back(aged: Settings) -> None:
    matrix = "FROM features.feature_matrix ORDER BY ALL"
    before = rows(aged, matrix)
    january = (
        "SELECT made_at FROM meta.partitions "
        "WHERE table_name = 'features.feature_matrix' AND month = '2024-01'"
    )
    written = rows(aged, january)
    certificate = json.loads(retain(aged, quiet()).page.with_suffix(".json").read_text())
    assert certificate["kind"] == "retention"
    assert certificate["asked_by"] == "source.yaml, keep_months: {interactions: 1, marketing: 5}"
    removed = {each["name"]: (each["before"], each["after"]) for each in certificate["rows"]}
    assert removed == {"raw.interactions": (3, 2), "cleaned.interactions": (3, 2)}
    assert rows(aged, "SELECT DISTINCT month FROM cleaned.interactions") == [("2024-02",)]
    assert rows(aged, matrix) == before
    assert examine(aged) == []
    assert read_plan(read_request(aged, None)).is_empty
    file = aged.source_dir / "interactions.csv"
    file.write_text(file.read_text() + "K011,2024-02-08 10:00,complaint,one more\n")
    run_portrait(read_request(aged, None), quiet())
    found = rows(aged, "SELECT month, count(*) FROM raw.interactions GROUP BY 1")
    assert found == [("2024-02", 3)]
    assert rows(aged, january) == written
    assert examine(aged) == []


@pytest.mark.parametrize("at", ["put_in_place", "remove_published", "publish_apart"])
def test_a_removal_that_is_stopped_goes_on_and_is_certified(
    at: str, aged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the warehouse is in its place, after it is, and before anything is published."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, at, killed)
        with pytest.raises(KeyboardInterrupt):
            retain(aged, quiet())
    left = rows(aged, "SELECT count(*) FROM raw.interactions")
    assert left == [(3,) if at == "put_in_place" else (2,)]
    with pytest.raises(
        ErasureError, match=r"^The removal R.* of rows that are too old was stopped"
    ):
        to_retain(aged)
    assert any(
        "is a removal of rows that are too old that was stopped" in str(each)
        for each in examine(aged)
    )
    # What is declared by then does not matter: the rows go that were shown.
    definition = aged.source_dir / "source.yaml"
    definition.write_text(
        definition.read_text().replace("keep_months: {interactions: 1, marketing: 5}\n", "")
    )
    monkeypatch.setattr(erasing, "publish_apart", lambda *_: None)
    certificate = resume(aged, quiet()).certificate
    assert (certificate.kind, certificate.tombstones) == ("retention", ())
    assert certificate.asked_by == "source.yaml, keep_months: {interactions: 1, marketing: 5}"
    removed = {each.name: (each.before, each.after) for each in certificate.rows}
    assert removed == {"raw.interactions": (3, 2), "cleaned.interactions": (3, 2)}
    assert rows(aged, "SELECT count(*) FROM raw.interactions") == [(2,)]
    assert not plan_file(aged).exists()
