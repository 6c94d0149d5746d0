"""An erasure that is stopped, refused, or that a scan finds unfinished."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from portrait_assets.app.doctor import examine
from portrait_assets.app.erasure import erase as erasing
from portrait_assets.app.erasure.erase import erase, resume
from portrait_assets.app.erasure.preview import preview
from portrait_assets.app.erasure.proof import _chance
from portrait_assets.app.runs.run import run_portrait
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.request import read_request
from portrait_assets.privacy.departures.register import RegisterError
from portrait_assets.privacy.erasure import ErasureError, plan_file, read_unfinished
from portrait_assets.privacy.scan.wanted import Hits
from portrait_assets.privacy.tombstones import MARK
from portrait_assets_tests.erasure.conftest import ASKED, copied, quiet
from portrait_assets_tests.erasure.world import PERSON, rows

pytestmark = pytest.mark.slow  # Whole shops, materialized.


class Disk(NamedTuple):
    """What a disk has left, in bytes."""

    free: int


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("copy_without", marks=pytest.mark.long),
        "put_in_place",
        pytest.param("clean_file", marks=pytest.mark.long),
        "publish_apart",
    ],
)
def test_an_erasure_that_is_stopped_goes_on(
    at: str, named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    was = settings.warehouse_file.read_bytes()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, at, killed)
        with pytest.raises(KeyboardInterrupt):
            erase(settings, preview(settings, ASKED), quiet())
    plan = read_unfinished(settings)
    assert plan is not None
    assert stat.S_IMODE(plan_file(settings).stat().st_mode) == 0o600
    if at in ("copy_without", "put_in_place"):
        assert settings.warehouse_file.read_bytes() == was
    if at != "publish_apart":
        with pytest.raises(ErasureError, match=r"was stopped.*--resume"):
            run_portrait(read_request(settings, None), quiet())
    with pytest.raises(ErasureError, match=r"was stopped.*--resume"):
        preview(settings, ASKED)
    assert any("was stopped" in str(issue) for issue in examine(settings))
    monkeypatch.setattr(erasing, "publish_apart", lambda *_: None)
    finished = resume(settings, quiet())
    assert finished.certificate.number == plan.number
    removed = {each.name: (each.before, each.after) for each in finished.certificate.rows}
    assert removed["raw.customers"] == (4, 1)
    assert removed["identity_review.csv"] == (2, 1)
    assert finished.certificate.scan_before is not None
    assert finished.certificate.scan_before.found
    with pytest.raises(ErasureError, match="No erasure"):
        resume(settings, quiet())


@pytest.mark.long
def test_a_text_that_stays_somewhere_is_named_and_no_certificate_is_written(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    (settings.source_dir / "notes.txt").write_text("call Zhao Longzhi")
    monkeypatch.setattr(erasing, "publish_apart", lambda *_: None)
    with pytest.raises(ErasureError) as refused:
        erase(settings, preview(settings, ASKED), quiet())
    assert "are still in sources/corner_shop/notes.txt (its bytes)" in str(refused.value)
    (settings.source_dir / "notes.txt").unlink()
    assert resume(settings, quiet()).page.exists()


def test_a_warehouse_that_cannot_be_searched_is_no_proof(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    monkeypatch.setattr(erasing, "publish_apart", lambda *_: None)
    what = preview(settings, ASKED)
    with duckdb.connect(str(settings.portrait_file)), pytest.raises(ErasureError) as refused:
        erase(settings, what, quiet())  # To read it beside who writes it is refused by DuckDB.
    assert "portrait.duckdb could not be opened to be searched" in str(refused.value)
    assert settings.portrait_file.exists()
    assert resume(settings, quiet()).certificate.notes == ()


PLANTED = f"""
CREATE TABLE meta.planted AS SELECT * FROM (VALUES
    (1, json('{{"of": "Zhao Longzhi"}}'), ['a', 'call Zhao Longzhi'], {{'of': 'nobody'}}, 'K011'),
    (2, json('{{"of": "nobody"}}'), ['b', 'Zhao Longzhi'], {{'of': 'nobody'}}, 'K011'),
    (3, json('{{"of": "nobody"}}'), ['c'], {{'of': 'Zhao Longzhi'}}, 'K011'),
    (4, json('{{"of": "nobody"}}'), ['d'], {{'of': 'nobody'}}, '{PERSON}'),
    (5, json('{{"of": "nobody"}}'), ['e'], {{'of': 'nobody'}}, 'K011')
) AS t(n, as_json, as_list, as_struct, record_1)
"""


def plants(settings: Settings, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Have so many publications put texts of the erased into the warehouse."""
    published: list[int] = []

    def publish_apart(*_: object) -> None:
        published.append(len(published))
        if len(published) <= times:
            with duckdb.connect(str(settings.warehouse_file)) as con:
                con.execute("DROP TABLE IF EXISTS meta.planted")
                con.execute(PLANTED)

    monkeypatch.setattr(erasing, "publish_apart", publish_apart)
    return published


def test_what_only_the_scan_after_finds_in_the_warehouse_is_removed_by_a_second_pass(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    published = plants(settings, monkeypatch, times=1)
    certificate = erase(settings, preview(settings, ASKED), quiet()).certificate
    assert published == [0, 1]
    left = rows(settings, "SELECT n, as_list FROM meta.planted ORDER BY n")
    assert [n for n, _ in left] == [2, 5]
    assert left[0][1][0] == "b"
    assert left[0][1][1].startswith(MARK)
    assert certificate.scan_after is not None
    assert certificate.scan_after.found == {}
    assert certificate.notes == ()
    again = {
        (each.what, each.before, each.after) for each in certificate.rows if "second" in each.what
    }
    assert again == {
        ("rows removed by a second pass", 5, 2),
        ("values of as_list replaced by a second pass", 2, 0),
    }
    assert b"Zhao Longzhi" not in settings.warehouse_file.read_bytes()


@pytest.mark.long
def test_after_two_more_passes_the_certificate_says_what_is_left(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    published = plants(settings, monkeypatch, times=9)
    done = erase(settings, preview(settings, ASKED), quiet())
    assert published == [0, 1, 2]
    assert done.certificate.scan_after is not None
    assert set(done.certificate.scan_after.found) == {"warehouse/corner_shop/warehouse.duckdb"}
    assert any(
        note.startswith(
            "2 values are still in warehouse/corner_shop/warehouse.duckdb "
            "(meta.planted.as_list), which two more passes did not remove"
        )
        for note in done.certificate.notes
    ), done.certificate.notes
    assert "meta.planted.as_list" in done.page.read_text()
    assert not plan_file(settings).exists()


@pytest.mark.long
def test_what_stands_in_bytes_that_no_value_explains_has_the_file_written_once_more(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    published: list[int] = []

    def publish_apart(*_: object) -> None:
        published.append(len(published))
        if len(published) > 1:
            return
        with duckdb.connect(str(settings.warehouse_file)) as con:
            con.execute("CREATE TABLE meta.gone AS SELECT 'Zhao Longzhi' AS v FROM range(9)")
            con.execute("CHECKPOINT")
            con.execute("CREATE TABLE meta.after AS SELECT 1 AS n; DROP TABLE meta.gone")

    monkeypatch.setattr(erasing, "publish_apart", publish_apart)
    certificate = erase(settings, preview(settings, ASKED), quiet()).certificate
    assert published == [0, 1]
    assert certificate.scan_after is not None
    assert certificate.scan_after.found == {}
    assert b"Zhao Longzhi" not in settings.warehouse_file.read_bytes()


def test_the_certificate_says_what_reads_like_a_text_by_chance() -> None:
    note = _chance(Hits("warehouse/a/warehouse.duckdb", "raw.sales.basket_id", 12))
    assert note.startswith("12 places in the bytes of warehouse/a/warehouse.duckdb read like texts")
    assert "parts of other values of raw.sales.basket_id" in note


def test_a_full_disk_is_one_sentence_before_anything(
    named_shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = preview(named_shop, ASKED)
    monkeypatch.setattr("shutil.disk_usage", lambda _: Disk(1 << 10))
    with pytest.raises(ErasureError, match=r"are free; free room.*Nothing was erased"):
        erase(named_shop, what, quiet())
    assert not plan_file(named_shop).exists()


def test_a_broken_register_is_a_sentence_before_anything(
    named_shop: Settings, tmp_path: Path
) -> None:
    """What is published again is entered in it: the warehouse would be left unpublished."""
    settings = copied(named_shop, tmp_path / "data")
    with settings.register_file.open("a") as register:
        register.write("another line\n")
    with pytest.raises(RegisterError, match="nothing leaves"):
        erase(settings, preview(settings, ASKED), quiet())
    assert not plan_file(settings).exists()
    assert settings.portrait_file.exists()
