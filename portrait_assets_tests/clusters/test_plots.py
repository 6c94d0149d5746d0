import polars as pl
import pytest

from portrait_assets.methods.clustering.quality import segment_quality
from portrait_assets.methods.drawing.font import FONT_FILE
from portrait_assets.stages.clusters.pictures.plots import (
    heat_map_png,
    leading_candidates,
    quality_png,
    scatter_png,
    selection_png,
)
from portrait_assets.stages.clusters.profile import profile_segments
from portrait_assets.testing.cluster_worlds import BANK_USES
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
        scatter_png(model, features, names, FONT_FILE),
        heat_map_png(profile, names, {"age": "年龄"}, FONT_FILE),
        selection_png(model, FONT_FILE),
        quality_png(segment_quality(model, features, small_bank.assignment), names, FONT_FILE),
    ]
    for picture in pictures:
        assert picture.startswith(PNG)
        assert len(picture) > 5_000


def test_quality_has_shares_beside_silhouettes(small_bank: Bank) -> None:
    quality = segment_quality(small_bank.model, small_bank.features, small_bank.assignment)
    assert quality.columns == ["segment_id", "share", "silhouette", "stability"]
    assert quality["share"].sum() == pytest.approx(1.0, abs=1e-4)
    assert (quality["stability"] > 0.8).all()


def test_a_missing_font_file_is_an_error_not_boxes(small_bank: Bank) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.otf"):
        selection_png(small_bank.model, "nowhere.otf")


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
