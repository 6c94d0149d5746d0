import polars as pl
import pytest

from portrait_assets.clusters import pictures
from portrait_assets.clusters.errors import ClusterError
from portrait_assets_tests.clusters.conftest import Bank


def test_without_the_packages_that_draw_it_is_said_which_extra_is_needed(
    small_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "NEEDED", ("a_package_that_is_not_there",))
    assert not pictures.has_pictures()
    with pytest.raises(ClusterError, match=r"portrait-assets\[pictures\]"):
        pictures.draw_pictures(
            small_bank.model, small_bank.features, pl.DataFrame(), pl.DataFrame(), {}
        )
