from typing import Any

import altair as alt
import polars as pl
import pytest

from portrait_assets.methods.clustering.quality import segment_quality
from portrait_assets.stages.clusters.pictures import plots
from portrait_assets.stages.clusters.pictures.plots import (
    FEATURES_SHOWN,
    heat_map_png,
    leading_candidates,
    quality_png,
    scatter_png,
    selection_png,
)
from portrait_assets.stages.clusters.profile import profile_segments
from portrait_assets.testing.worlds.clusters import BANK_USES
from portrait_assets_tests.clusters.conftest import Bank

PNG = b"\x89PNG\r\n\x1a\n"


def test_every_picture_is_drawn(small_bank: Bank) -> None:
    model, features = small_bank.model, small_bank.features
    profile = profile_segments(features, small_bank.assignment, BANK_USES)
    names = (
        profile.select("segment_id")
        .unique()
        .with_columns(
            name_en=pl.format("segment {}", "segment_id"), name_zh=pl.format("客群{}", "segment_id")
        )
    )
    pictures = [
        scatter_png(model, features, names),
        heat_map_png(profile, names, {"age": "年龄"}),
        selection_png(model),
        quality_png(segment_quality(model, features, small_bank.assignment), names),
    ]
    for picture in pictures:
        assert picture.startswith(PNG)
        assert len(picture) > 5_000


def test_quality_has_shares_beside_silhouettes(small_bank: Bank) -> None:
    quality = segment_quality(small_bank.model, small_bank.features, small_bank.assignment)
    assert quality.columns == ["segment_id", "share", "silhouette", "stability"]
    assert quality["share"].sum() == pytest.approx(1.0, abs=1e-4)
    assert (quality["stability"] > 0.8).all()


def test_the_selection_shows_divisions_too_and_what_was_chosen_first() -> None:
    candidates = pl.DataFrame(
        {
            "family": ["division", "division", "k-means", "ward"],
            "score": [None, None, 1.7, None],
            "stability": [0.99, 0.95, 0.9, None],
            "chosen": [False, True, False, False],
        }
    )
    shown = leading_candidates(candidates)
    assert shown["stability"].to_list() == [0.95, 0.99, 0.9]


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is drawn from now on, as it is given to be drawn."""
    given: list[dict[str, Any]] = []

    def kept(chart: alt.Chart) -> bytes:
        given.append(chart.to_dict())
        return PNG

    monkeypatch.setattr(plots, "png", kept)
    return given


def rows_drawn(chart: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chart["datasets"][chart["data"]["name"]]
    return found


def differences(*rows: tuple[str, str | None, int, float]) -> pl.DataFrame:
    names = ["feature", "level", "segment_id", "std_difference"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_a_heat_map_has_the_most_telling_rows_first_whichever_way_they_differ(
    charts: list[dict[str, Any]],
) -> None:
    profile = differences(
        *(("age", None, 1, -0.5), ("age", None, 2, 0.2), ("spend", None, 1, 1.0)),
        *(("spend", None, 2, 0.0), ("job", "clerk", 1, 0.9), ("job", "clerk", 2, -2.5)),
    )
    names = pl.DataFrame({"segment_id": [1, 2], "name_zh": ["高额", "低额"]})
    heat_map_png(profile, names, {"age": "年龄"})
    (chart,) = charts
    assert chart["encoding"]["y"]["sort"] == ["job: clerk", "spend", "年龄"]
    shown = {(row["row"], row["segment"], row["std_difference"]) for row in rows_drawn(chart)}
    assert shown == {
        *(("年龄", "1 高额", -0.5), ("年龄", "2 低额", 0.2), ("spend", "1 高额", 1.0)),
        *(("spend", "2 低额", 0.0), ("job: clerk", "1 高额", 0.9), ("job: clerk", "2 低额", -2.5)),
    }


def test_a_heat_map_of_many_features_has_some_and_of_equal_ones_the_first(
    charts: list[dict[str, Any]],
) -> None:
    many = FEATURES_SHOWN + 5
    heat_map_png(differences(*((f"f{n:02}", None, 1, 1.0) for n in reversed(range(many)))))
    assert charts[0]["encoding"]["y"]["sort"] == [f"f{n:02}" for n in range(FEATURES_SHOWN)]
    assert len(rows_drawn(charts[0])) == FEATURES_SHOWN
