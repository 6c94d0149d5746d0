"""What a month's findings look at: which months, tests, features and results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from portrait_assets.core.months import month_range
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation import judging
from portrait_assets.stages.validation.backtests.counting import _has_rows
from portrait_assets.stages.validation.judging import _filling, _results_so_far, by_baseline
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.tags import write_catalogue

YEAR = month_range("2024-01", "2024-12")


def stored(rows: pl.DataFrame, months: list[str]) -> Warehouse:
    """A warehouse in which each table has these rows, in each of these months."""

    class Stored:
        def materialized(self, table: Table) -> dict[str, int]:
            return dict.fromkeys(months, rows.height)

        def read(self, table: Table, of: list[str]) -> pl.DataFrame:
            assert set(of) <= set(months)
            return rows

    return cast(Warehouse, Stored())


@pytest.mark.parametrize(
    ("month", "looked_at"),
    [("2024-02", []), ("2024-03", YEAR[:3]), ("2024-05", []), ("2024-06", YEAR[3:6])],
)
def test_at_a_quarter_s_end_its_three_months_are_looked_at(month: str, looked_at: list[str]):
    assert judging.tests_of_quarter(YEAR, month) == looked_at


def test_a_target_is_of_its_baseline_where_no_model_predicts_it():
    decisions = pl.DataFrame(
        {"target": ["silence", "spend", "response"], "basis": ["baseline", "model", "baseline"]}
    )
    warehouse = stored(decisions, ["2024-02"])
    assert by_baseline(warehouse, "2024-02") == {"silence", "response"}
    assert by_baseline(warehouse, "2024-03") == set(), "nothing was decided then"


@pytest.mark.parametrize(("months", "longest"), [(2, 3), (3, 6), (6, 12), (11, 12)])
def test_a_feature_fills_while_the_history_is_shorter_than_its_window(months: int, longest: int):
    """The shortest window of a feature that is filling still."""
    found = _filling(stored(pl.DataFrame(), YEAR), YEAR[months - 1])
    windows: dict[str, Any] = {each.name: each.window_months or 0 for each in FEATURES}
    assert min(windows[name] for name in found) == longest
    assert found == {name for name, window in windows.items() if window > months}


def test_after_a_year_no_feature_fills():
    longest = max(each.window_months or 0 for each in FEATURES)
    months = month_range("2023-01", "2024-12")[:longest]
    assert _filling(stored(pl.DataFrame(), months), months[-1]) == set()


def test_results_are_those_of_the_stages_before():
    names = ["cleaned.transactions", "validation.drift", "tags.tag_quality", "validations"]
    rows = pl.DataFrame({"table_name": names})
    found = _results_so_far(stored(rows, ["2024-02"]), "2024-02")
    assert found["table_name"].to_list() == [names[0], names[2], names[3]]


TAGS = """\
  - code: tier
    values:
      - {value: high, en: High, zh: 高, when: "spend_12m > 5"}
      - {value: low, en: Low, zh: 低, when: "spend_12m <= 5"}
  - code: tier
    version: 2
    values:
      - {value: high, en: High, zh: 高, when: "spend_3m > 5"}
      - {value: low, en: Low, zh: 低, when: "spend_3m <= 5"}
  - {code: best, expression: "tier = 'high' AND spend_3m > 9", type: boolean}
  - {code: lately, expression: "spend_3m > 9", type: boolean}
  - {code: old, expression: "tenure_days > 900", type: boolean}
"""


def test_a_tag_looks_back_as_far_as_any_version_of_what_it_reads(tmp_path: Path):
    catalogue = load_catalogue(write_catalogue(tmp_path, TAGS))
    _, tags, mix = judging.compared_columns(catalogue)
    windows = {code: tags.windows[code] for code in ("tier", "best", "lately", "old")}
    assert windows == {"tier": 12, "best": 12, "lately": 3, "old": 12}
    assert (mix.columns, mix.windows) == (("segment_id",), {"segment_id": 12})


def test_what_grows_with_time_moves_for_ever_and_what_is_made_of_it_for_a_year(tmp_path: Path):
    features, tags, _ = judging.compared_columns(load_catalogue(write_catalogue(tmp_path, TAGS)))
    endless = {name for name, months in features.windows.items() if months > 1_200}
    assert endless == {"tenure_days", "recorded_days"}
    assert max(tags.windows.values()) == 12


def test_nothing_is_tested_on_an_outcome_of_a_table_without_rows():
    rows = pl.DataFrame({"customer_id": ["a"]})
    assert _has_rows(stored(rows, ["2024-02"]), outcome("purchase"))
    assert not _has_rows(stored(rows.clear(), ["2024-02"]), outcome("purchase"))
    assert not _has_rows(stored(rows, []), outcome("purchase"))
