"""What an erasure removes, what it leaves, and what it says of both."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.app.doctor import examine
from portrait_assets.app.erasure import erase as erasing
from portrait_assets.app.erasure.erase import erase, resume
from portrait_assets.app.erasure.persons import PROSPECTS, read_asked
from portrait_assets.app.erasure.preview import preview
from portrait_assets.app.run import run_portrait
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import read_request
from portrait_assets.privacy.erasure import ErasureError, plan_file, read_unfinished
from portrait_assets.privacy.keys import KeyFileError, KeyName, find_key, key_file
from portrait_assets.privacy.register import RegisterError
from portrait_assets.privacy.tombstones import MARK, digest_of, read_tombstones
from portrait_assets_tests.erasure.conftest import ASKED, Done, copied, quiet
from portrait_assets_tests.erasure.world import ALIAS, OTHER, PERSON, STAYS, THEIRS

pytestmark = pytest.mark.slow  # Whole shops, materialized.

IDS = {PERSON, ALIAS, OTHER}


class Disk(NamedTuple):
    """What a disk has left, in bytes."""

    free: int


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_the_certificate_counts_what_was_removed_and_a_scan_that_found_it_only_before(
    done: Done,
) -> None:
    certificate = done.erased.certificate
    assert (certificate.persons, certificate.ids) == (2, 4)
    removed = {each.name: (each.before, each.after) for each in certificate.rows}
    assert removed["raw.customers"] == (4, 1)
    assert removed["raw.transactions"] == (560, 510)
    assert removed["identity.identity_map"] == (55, 52)
    assert removed["cleaned.rejects"] == (2, 1)
    assert removed["identity_review.csv"] == (2, 1)
    assert removed["warehouse/corner_shop/audience.csv"] == (2, 1)
    before, after = certificate.scan_before, certificate.scan_after
    assert before is not None and after is not None  # noqa: PT018
    assert before.found.keys() >= {
        "warehouse/corner_shop/warehouse.duckdb",
        "warehouse/corner_shop/portrait.duckdb",
        "warehouse/corner_shop/audience.csv",
    }
    assert (before.files, before.size_bytes) != (after.files, after.size_bytes)
    assert after.found == {}
    assert after.patterns == 17
    assert "sources/corner_shop/sales.csv" in certificate.source_files


def test_a_prospect_with_a_telephone_of_theirs_goes_too_and_others_stay(done: Done) -> None:
    """One of the others has the identifier of a customer, whom it is not."""
    for table in ("raw.prospects", "cleaned.prospects"):
        left = rows(done.settings, f"SELECT DISTINCT prospect_id FROM {table} ORDER BY ALL")
        assert left == [("K035",), ("P002",)]


def test_the_certificate_names_nobody_and_is_a_page_too(done: Done) -> None:
    page = done.erased.page.read_text()
    data = json.loads(done.erased.page.with_suffix(".json").read_text())
    for text in (*THEIRS, *IDS):
        assert text not in page
        assert text not in json.dumps(data)
    key = find_key(done.settings, KeyName.TOMBSTONES)
    assert key is not None
    digests = [*(digest_of(key, value) for value in IDS), digest_of(key, "P003", PROSPECTS)]
    assert data["tombstones"] == sorted(digests)
    assert "were not touched" in page
    assert "删除证明" in page


def test_nothing_of_them_is_in_any_table_and_others_are_untouched(done: Done) -> None:
    with (
        duckdb.connect(str(done.settings.warehouse_file), read_only=True) as now,
        duckdb.connect(str(done.before.warehouse_file), read_only=True) as then,
    ):
        tables = now.execute(
            "SELECT concat_ws('.', schema_name, table_name) FROM duckdb_columns() "
            "WHERE column_name = 'customer_id' AND schema_name <> 'meta' AND "
            "table_name IN (SELECT table_name FROM duckdb_tables()) ORDER BY 1"
        ).fetchall()
        assert len(tables) > 15
        for (table,) in tables:
            of_others = f"FROM {table} WHERE trim(customer_id) NOT IN ('K035', 'K008', 'K908')"
            assert (
                now.execute(
                    f"FROM ({of_others} AND customer_id NOT LIKE '{MARK}%') ORDER BY ALL"
                ).fetchall()
                == then.execute(f"{of_others} ORDER BY ALL").fetchall()
            ), table
            assert not now.execute(
                f"SELECT 1 FROM {table} WHERE trim(customer_id) IN ('K035', 'K008', 'K908')"
            ).fetchall(), table


def test_a_prospect_of_the_same_id_and_lines_of_others_stay(done: Done) -> None:
    assert rows(done.settings, "SELECT count(*) FROM raw.prospects WHERE prospect_id = 'K035'") == [
        (1,)
    ]
    assert rows(done.settings, "SELECT dated FROM raw.unplaced") == [("also never",)]


def test_assignments_keep_arm_and_count_under_a_tombstone(done: Done) -> None:
    key = find_key(done.settings, KeyName.TOMBSTONES)
    assert key is not None
    expected = [
        (STAYS, "mail"),
        *sorted(
            (MARK + digest_of(key, value), arm)
            for value, arm in ((PERSON, "control"), (ALIAS, "mail"))
        ),
    ]
    for stage in ("raw", "cleaned"):
        found = rows(done.settings, f"SELECT customer_id, arm FROM {stage}.assignments ORDER BY 1")
        assert found == expected


def test_the_account_of_rows_names_the_erased(done: Done) -> None:
    account = rows(
        done.settings,
        "SELECT month, table_name, rows_received, rows_erased FROM raw.receipts "
        "WHERE table_name IN ('customers', 'interactions') ORDER BY ALL",
    )
    assert account == [
        ("2024-01", "customers", 3, 2),
        ("2024-01", "interactions", 3, 2),
        ("2024-02", "customers", 1, 1),
        ("2024-02", "interactions", 2, 1),
    ]


def test_no_month_is_stale_and_the_doctor_is_well(done: Done) -> None:
    assert examine(done.settings) == []
    plan = read_plan(read_request(done.settings, None))
    assert plan.is_empty
    assert plan.reason.startswith("nothing has changed since it was published")
    noted = "SELECT table_name, month, made_at, changed_at FROM meta.partitions ORDER BY ALL"
    assert rows(done.settings, noted) == rows(done.before, noted)


def test_the_plan_is_gone_and_tombstones_say_who(done: Done) -> None:
    assert not plan_file(done.settings).exists()
    tombstones = read_tombstones(done.settings)
    ids = pl.Series([" K035 ", ALIAS, STAYS])
    assert tombstones.among(ids)["value"].to_list() == [" K035 ", ALIAS]


def test_reading_the_files_again_changes_nothing(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    file = settings.source_dir / "customers.csv"
    file.write_text(file.read_text() + "K035,2024-02-03,Zhao Longzhi,1,2,3,teacher\n")
    done_again = run_portrait(read_request(settings, "2024-01..2024-02"), quiet())
    assert not done_again.has_failed
    for table in ("raw.customers", "cleaned.interactions", "raw.unplaced", "raw.assignments"):
        sql = f"FROM {table} ORDER BY ALL"
        assert rows(settings, sql) == rows(done.settings, sql), table
    assert rows(
        settings, "SELECT sum(rows_erased) FROM raw.receipts WHERE table_name = 'customers'"
    ) == [(4,)]
    assert examine(settings) == []


def test_a_missing_key_is_refused_and_names_its_place(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    key_file(settings, KeyName.TOMBSTONES).unlink()
    with pytest.raises(KeyFileError, match=r"lists 4 ids that were erased.*is missing"):
        run_portrait(read_request(settings, None, fresh=True), quiet())
    assert settings.warehouse_file.exists()
    assert any("is missing" in str(issue) for issue in examine(settings))


def test_people_who_are_back_in_an_older_warehouse_are_an_issue(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    settings.warehouse_file.write_bytes(done.before.warehouse_file.read_bytes())
    assert any("3 ids of people who were erased" in str(issue) for issue in examine(settings))


# -- what is asked for -------------------------------------------------------------------------


def test_ids_of_nobody_are_counted_by_line_and_nothing_is_erased(
    named_shop: Settings, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("customer_id\nK035\nNOBODY\n\nNEITHER\n")
    asked = read_asked(tmp_path / "people.csv")
    with pytest.raises(ErasureError) as refused:
        preview(named_shop, asked)
    assert "2 of 3 ids in people.csv are nobody's (line 3, 5)" in str(refused.value)
    assert "NOBODY" not in str(refused.value)
    assert preview(named_shop, asked, ignore_unknown=True).persons.customers == (PERSON,)
    assert not plan_file(named_shop).exists()


def test_those_who_asked_for_it(named_shop: Settings) -> None:
    what = preview(named_shop, None)
    assert what.persons.customers == (PERSON,)
    assert what.rows["raw.customers"] == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("id\nK035\n", "has no column customer_id"), (b"customer_id\n\xff\xfe\n", "cannot be read")],
)
def test_a_file_that_names_no_ids(content: str | bytes, sentence: str, tmp_path: Path) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "people.csv").write_bytes(data)
    with pytest.raises(PortraitError, match=sentence):
        read_asked(tmp_path / "people.csv")
    with pytest.raises(PortraitError, match="There is no file"):
        read_asked(tmp_path / "nowhere.csv")


def test_without_yes_it_asks_and_no_erases_nothing(named_shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("customer_id\nK035\n")
    arguments = ["erase", str(tmp_path / "people.csv"), "--source", named_shop.source]
    arguments += ["--data-dir", str(named_shop.data_dir)]
    result = CliRunner().invoke(app, arguments, input="n\n")
    assert "1 people with 2 ids and" in result.output
    assert "cannot be undone" in result.output
    assert str(result.exception) == "Nothing was erased."
    assert not plan_file(named_shop).exists()


# -- stopped in the middle ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("copy_without", marks=pytest.mark.long),
        "put_in_place",
        pytest.param("clean_file", marks=pytest.mark.long),
        "publish_again",
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
    if at != "publish_again":
        with pytest.raises(ErasureError, match=r"was stopped.*--resume"):
            run_portrait(read_request(settings, None), quiet())
    with pytest.raises(ErasureError, match=r"was stopped.*--resume"):
        preview(settings, ASKED)
    assert any("was stopped" in str(issue) for issue in examine(settings))
    monkeypatch.setattr(erasing, "publish_again", lambda *_: None)
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
    monkeypatch.setattr(erasing, "publish_again", lambda *_: None)
    with pytest.raises(ErasureError) as refused:
        erase(settings, preview(settings, ASKED), quiet())
    assert "are still in sources/corner_shop/notes.txt (its bytes)" in str(refused.value)
    (settings.source_dir / "notes.txt").unlink()
    assert resume(settings, quiet()).page.exists()


@pytest.mark.slow
def test_a_warehouse_that_cannot_be_searched_is_no_proof(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")
    monkeypatch.setattr(erasing, "publish_again", lambda *_: None)
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

    def publish_again(*_: object) -> None:
        published.append(len(published))
        if len(published) <= times:
            with duckdb.connect(str(settings.warehouse_file)) as con:
                con.execute("DROP TABLE IF EXISTS meta.planted")
                con.execute(PLANTED)

    monkeypatch.setattr(erasing, "publish_again", publish_again)
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
def test_what_the_bytes_alone_hold_is_named_without_another_pass(
    named_shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(named_shop, tmp_path / "data")

    def publish_again(*_: object) -> None:
        with duckdb.connect(str(settings.warehouse_file)) as con:
            con.execute("CREATE TABLE meta.planted AS SELECT 1 AS n")
            con.execute("COMMENT ON TABLE meta.planted IS 'of Zhao Longzhi'")

    monkeypatch.setattr(erasing, "publish_again", publish_again)
    certificate = erase(settings, preview(settings, ASKED), quiet()).certificate
    (note,) = certificate.notes
    assert note.startswith("1 places in the bytes of warehouse/corner_shop/warehouse.duckdb read")
    assert not any("second" in each.what for each in certificate.rows)
    assert certificate.scan_after is not None
    assert certificate.scan_after.found == {"warehouse/corner_shop/warehouse.duckdb": 1}


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


def test_a_number_of_an_erasure_is_of_its_moment(done: Done) -> None:
    began = done.erased.certificate.began_at
    assert done.erased.certificate.number == f"E{began:%Y%m%dT%H%M%SZ}"
    assert began < datetime.now(UTC)
