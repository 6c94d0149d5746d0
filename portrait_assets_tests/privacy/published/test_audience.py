"""Files of audiences of a shop whose customers are a secret: identifiers for marketing alone."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Door, Outlet
from portrait_assets.privacy.keys import KeyName, key_file
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets_tests.faults.command import portrait_here
from portrait_assets_tests.privacy.published.world import PHONES, query

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def agreed(settings: Settings) -> Door:
    """The door of a source whose customers all agreed to everything."""
    return Door(settings, consent=lambda departure: None)


def of_high_tier(path: Path) -> list[object]:
    """The customers of an audience, as a file names them."""
    found = query(
        path,
        "SELECT customer_id FROM tags.portrait_matrix WHERE value_tier = 'high' AND as_of = "
        "(SELECT max(as_of) FROM tags.portrait_matrix) ORDER BY customer_id",
    )
    return [who for (who,) in found]


def test_a_file_for_marketing_has_identifiers_and_is_its_owners_only(
    shop: Settings, tmp_path: Path
):
    file = tmp_path / "audience.csv"
    found = find_audience(shop.portrait_file, "value_tier = 'high'", agreed(shop), out=file)
    assert (found.purpose, found.is_identified) == ("marketing", True)
    written = pl.read_csv(file, infer_schema=False)["customer_id"].to_list()
    assert written == of_high_tier(shop.warehouse_file)
    assert len(written) > 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entries = agreed(shop).earlier(Outlet.AUDIENCE)
    assert (entries[-1]["purpose"], entries[-1]["rows"]) == ("marketing", len(written))
    assert not PHONES.search(shop.register_file.read_bytes())


def test_a_file_for_analysis_has_pseudonyms(shop: Settings, tmp_path: Path):
    file = tmp_path / "audience.parquet"
    ran = portrait_here(
        *("audience", "value_tier = 'high'", "--purpose", "analysis", "--out", str(file)),
        data=shop.data_dir,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"written to {file} by pseudonyms, for profiling; only you may read it" in ran.stdout
    assert pl.read_parquet(file)["customer_id"].to_list() == of_high_tier(shop.portrait_file)


def test_a_file_for_sharing_hides_every_customer_and_says_what_that_took(
    shop: Settings, tmp_path: Path
):
    """Nobody was asked for sharing, so that nobody has refused it either."""
    file = tmp_path / "audience.csv"
    ran = portrait_here(
        *("audience", "value_tier = 'high'", "--purpose", "sharing", "--k", "2"),
        *("--out", str(file)),
        data=shop.data_dir,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"written to {file} by pseudonyms of its own, for sharing; only you" in ran.stdout
    assert "combinations of quasi-identifiers, each of 2 customers or more" in ran.stdout
    written = pl.read_csv(file, infer_schema=False)
    assert written.height == len(of_high_tier(shop.portrait_file))
    assert not set(written["customer_id"]) & set(of_high_tier(shop.portrait_file))
    entry = agreed(shop).earlier(Outlet.SHARED)[-1]
    assert (entry["profile"], entry["purpose"], entry["rows"]) == (
        *("shared", "sharing"),
        written.height,
    )
    assert entry["about"]["k"] == "2"
    assert "information_loss" in entry["about"]


@pytest.mark.parametrize("lacks", ["key", "warehouse"])
def test_without_key_or_warehouse_no_file_for_marketing_is_written(
    own_shop: Settings, tmp_path: Path, lacks: str
):
    lost = {"key": key_file(own_shop, KeyName.PSEUDONYMS), "warehouse": own_shop.warehouse_file}
    lost[lacks].unlink()
    file = tmp_path / "audience.csv"
    says = {"key": "The key of fingerprint", "warehouse": "warehouse.duckdb does not exist yet"}
    with pytest.raises(PortraitError, match=says[lacks]):
        find_audience(own_shop.portrait_file, "value_tier = 'high'", agreed(own_shop), out=file)
    assert not file.exists()
