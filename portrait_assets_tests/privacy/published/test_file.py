"""The shop as if its customers were a secret, and named by their telephone numbers."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.app import doctor
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.privacy.egress import Door, Outlet
from portrait_assets.privacy.keys import KeyName, find_key, key_file
from portrait_assets.privacy.pseudonyms import PseudonymError, is_pseudonym, pseudonym
from portrait_assets.stages.mart.pseudonyms import pseudonyms_of
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.publishing import publish, published_key
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.published import contents
from portrait_assets.testing.shop import sales_file, short_shop
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait, portrait_here

pytestmark = pytest.mark.slow  # Whole shops, materialized.

PHONES = re.compile(rb"1380000\d{4}")
_AS_PHONE = "'1380000' || lpad(regexp_extract({0}, '\\d+'), 4, '0')"


@contextmanager
def opened(settings: Settings) -> Iterator[Warehouse]:
    warehouse = Warehouse(settings.warehouse_file, settings.source, "run-2")
    try:
        yield warehouse
    finally:
        warehouse.close()


def named_by_phone(settings: Settings) -> None:
    """Give every customer in every table of the warehouse a telephone number as identifier."""
    with opened(settings) as warehouse:
        for table in context_of(settings).tables:
            for column in table.stored.all_columns:
                if column.identifies and warehouse.materialized(table):
                    phone = _AS_PHONE.format(column.name)
                    warehouse.con.execute(
                        f"UPDATE {table.stored.full_name} SET {column.name} = {phone} "
                        f"WHERE {column.name} IS NOT NULL"
                    )


def published(settings: Settings) -> Path:
    """Publish what the warehouse of the settings has."""
    context = context_of(settings)
    source, tables = load_source(settings.source_dir), [*context.tables, CHECK_RESULTS]
    with opened(settings) as warehouse:
        under = pseudonyms_of(settings, source, warehouse, tables)
        publish(warehouse, tables, context.views, settings.portrait_file, source.name, under)
    return settings.portrait_file


def copy_of(settings: Settings, folder: Path, is_public: bool) -> Settings:
    """A copy of a shop, its customers named by phones, and nothing published of it."""
    own = settings.model_copy(update={"data_dir": folder})
    shutil.copytree(settings.source_dir, own.source_dir)
    own.warehouse_dir.mkdir(parents=True)
    shutil.copy(settings.warehouse_file, own.warehouse_file)
    definition = own.source_dir / "source.yaml"
    if not is_public:
        definition.write_text(definition.read_text().replace("public: true\n", ""))
    return own


@pytest.fixture(scope="module")
def shop(first_months: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Published; tests that change it publish a copy of it."""
    settings = copy_of(first_months, tmp_path_factory.mktemp("private"), is_public=False)
    named_by_phone(settings)
    published(settings)
    return settings


@pytest.fixture
def own_shop(shop: Settings, tmp_path: Path) -> Settings:
    """A copy of it that a test may change, with its key."""
    shutil.copytree(shop.data_dir, tmp_path / "data")
    return shop.model_copy(update={"data_dir": tmp_path / "data"})


def texts_in(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every text in every table of a file, by table and column; views show no others."""
    with duckdb.connect(str(path), read_only=True) as con:
        columns = con.execute(
            "SELECT concat_ws('.', schema_name, table_name), column_name FROM duckdb_columns() "
            "JOIN duckdb_tables() USING (schema_name, table_name) WHERE data_type LIKE 'VARCHAR%'"
        ).fetchall()
        for table, column in columns:
            found = con.execute(
                f'SELECT DISTINCT CAST("{column}" AS VARCHAR) FROM {table} '
                f'WHERE "{column}" IS NOT NULL'
            ).fetchall()
            yield f"{table}.{column}", [text for (text,) in found]


def naming(path: Path) -> set[str]:
    """The columns of a file in which a telephone number stands."""
    return {where for where, texts in texts_in(path) if PHONES.search("\n".join(texts).encode())}


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_no_identifier_is_in_the_published_file(shop: Settings):
    assert len(naming(shop.warehouse_file)) > 10, "the scan sees them where they are"
    assert naming(shop.portrait_file) == set()
    assert PHONES.search(shop.portrait_file.read_bytes()) is None
    pseudonyms = [who for (who,) in query(shop.portrait_file, "SELECT customer_id FROM portrait")]
    assert len(pseudonyms) > 50
    assert all(is_pseudonym(str(who)) for who in pseudonyms)


def test_a_pseudonym_is_that_of_the_customer_with_the_same_values(shop: Settings):
    """Found by its whole row of features, which no two customers share."""
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    described = query(shop.portrait_file, "DESCRIBE features.feature_matrix")
    names = [str(row[0]) for row in described if row[0] != "customer_id"]
    sql = f"SELECT customer_id, hash({', '.join(names)}) FROM features.feature_matrix"
    there = {row[1]: str(row[0]) for row in query(shop.warehouse_file, sql)}
    here = {row[1]: str(row[0]) for row in query(shop.portrait_file, sql)}
    assert len(here) > 80
    assert here == {row: pseudonym(key, who) for row, who in there.items()}


def test_nothing_stands_in_the_order_of_identifiers(shop: Settings):
    """Neither rows nor numbers: both follow the pseudonyms."""
    months = "SELECT DISTINCT as_of FROM tags.portrait_matrix ORDER BY as_of"
    for (month,) in query(shop.portrait_file, months):
        rows = query(
            shop.portrait_file,
            "SELECT customer_id, customer_no FROM tags.portrait_matrix "
            f"WHERE as_of = DATE '{month}' ORDER BY rowid",
        )
        who = [row[0] for row in rows]
        assert who == sorted(map(str, who))
        assert [row[1] for row in rows] == list(range(1, len(rows) + 1))
    traced = query(
        shop.portrait_file,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "AND column_name IN ('source_row', 'origins')",
    )
    assert traced == []


def test_tags_and_their_details_are_of_the_same_customer_as_before(shop: Settings):
    """The tag table, a view over customers' numbers, says of each pseudonym what it did."""
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    sql = "SELECT * EXCLUDE customer_id, customer_id FROM tags.tag_table"
    expected = [
        (*row[:-1], pseudonym(key, str(row[-1]))) for row in query(shop.warehouse_file, sql)
    ]
    assert len(expected) > 1000
    assert sorted(query(shop.portrait_file, sql), key=str) == sorted(expected, key=str)


def test_identities_stay_in_the_warehouse(shop: Settings):
    names = [
        name for (name,) in query(shop.portrait_file, "SELECT table_name FROM duckdb_tables()")
    ]
    assert "current_customer" in names
    assert not {"identity_map", "customer_alias"} & set(names)


def test_another_run_gives_the_same_contents_and_the_same_key_the_same_names(own_shop: Settings):
    before = contents(own_shop.portrait_file)
    published(own_shop)
    assert contents(own_shop.portrait_file) == before
    own_shop.portrait_file.unlink()
    published(own_shop)
    assert contents(own_shop.portrait_file) == before


def test_a_missing_key_leaves_the_old_file_as_it_is(own_shop: Settings):
    before = own_shop.portrait_file.read_bytes()
    key_file(own_shop, KeyName.PSEUDONYMS).unlink()
    with pytest.raises(PseudonymError, match="is missing from"):
        published(own_shop)
    assert own_shop.portrait_file.read_bytes() == before


def test_rotation_publishes_a_new_file_and_the_old_one_can_be_looked_up(own_shop: Settings):
    old = find_key(own_shop, KeyName.PSEUDONYMS)
    assert old is not None
    data = own_shop.data_dir
    done = portrait_here("pseudonyms", "rotate", "--yes", data=data)
    assert done.returncode == 0, done.stderr
    assert old.secret.hex() not in done.stdout
    new = find_key(own_shop, KeyName.PSEUDONYMS)
    assert new is not None
    published(own_shop)
    assert published_key(own_shop.portrait_file) == new.fingerprint
    assert naming(own_shop.portrait_file) == set()
    for key in (old, new):
        who = pseudonym(key, "13800000001")
        found = portrait_here("pseudonyms", "who", who, data=data)
        assert found.stdout == f"{who}  13800000001\n"
        assert (who.encode() in own_shop.portrait_file.read_bytes()) == (key is new)


def test_a_public_source_keeps_its_identifiers(first_months: Settings):
    assert published_key(first_months.portrait_file) is None
    found = query(first_months.portrait_file, "SELECT min(customer_id) FROM portrait")
    assert found == [("K001",)]
    assert not first_months.key_dir.exists()


def test_a_public_source_whose_identifiers_are_phones_does_not(
    shop: Settings, first_months: Settings, tmp_path: Path
):
    settings = copy_of(first_months, tmp_path, is_public=True)
    shutil.copy(shop.warehouse_file, settings.warehouse_file)
    logged: list[str] = []
    context = context_of(settings)
    with opened(settings) as warehouse:
        source = load_source(settings.source_dir)
        assert source.definition.public
        under = pseudonyms_of(settings, source, warehouse, context.tables, logged.append)
    assert under is not None
    assert "declares itself public, and 54 of its customers' identifiers" in logged[0]
    assert str(key_file(settings, KeyName.PSEUDONYMS)) in logged[1]


# -- looking up ----------------------------------------------------------------------------


def test_a_card_is_asked_for_by_identifier_or_pseudonym(shop: Settings):
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    who = pseudonym(key, "13800000001")
    cards = {
        name: portrait_here("show", name, data=shop.data_dir).stdout
        for name in ("13800000001", who)
    }
    assert [card.split()[0] for card in cards.values()] == list(cards)
    by_identifier, by_pseudonym = (card.split("\n", 1)[1] for card in cards.values())
    assert by_identifier == by_pseudonym
    assert "segment" in cards[who]
    entered = [entry["digest"] for entry in Door(shop).earlier(Outlet.CARD)[-2:]]
    assert entered[0] == entered[1], "neither is of the identifier, which could be tried"
    unknown = portrait_here("show", "13800009999", data=shop.data_dir)
    fails_in_a_sentence(unknown, "There is no customer '13800009999'")


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


def test_pseudonyms_are_looked_up_both_ways(shop: Settings):
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    ids = ("13800000002", "13800000001")
    of = portrait_here("pseudonyms", "of", *ids, data=shop.data_dir)
    assert of.stdout.splitlines() == [f"{each}  {pseudonym(key, each)}" for each in ids]
    nobody = "p" + "0" * 32
    who = portrait_here("pseudonyms", "who", pseudonym(key, ids[0]), nobody, data=shop.data_dir)
    assert who.returncode == 1
    assert who.stdout.splitlines() == [
        f"{pseudonym(key, ids[0])}  {ids[0]}",
        f"{nobody}  nobody in the warehouse",
    ]
    unknown = portrait_here("pseudonyms", "of", "13800009999", data=shop.data_dir)
    fails_in_a_sentence(unknown, "Nobody in the warehouse has the identifier '13800009999'")
    looked_up = Door(shop).earlier(Outlet.IDENTITY)
    assert [entry["rows"] for entry in looked_up[-2:]] == [2, 1]
    owners = {pseudonym(key, ids[0]): ids[0], nobody: None}
    assert looked_up[-1]["digest"] == key.digest(repr(owners)).hex(), "to be tried by nobody else"
    no_pseudonym = portrait_here("pseudonyms", "who", ids[0], data=shop.data_dir)
    fails_in_a_sentence(no_pseudonym, "is no pseudonym")


def test_a_run_that_holds_the_warehouse_is_not_waited_for(shop: Settings):
    with warehouse_lock(shop.warehouse_dir / "warehouse.lock", "run-3", 0):
        ran = portrait_here("pseudonyms", "of", "13800000001", data=shop.data_dir)
    fails_in_a_sentence(ran, "is held by run run-3")


def test_doctor_reports_a_key_that_the_next_publication_cannot_use(own_shop: Settings):
    fingerprint, file = (
        published_key(own_shop.portrait_file),
        key_file(own_shop, KeyName.PSEUDONYMS),
    )
    assert list(doctor._key(own_shop, fingerprint)) == []
    file.chmod(0o644)
    (issue,) = doctor._key(own_shop, fingerprint)
    assert "can be read by others" in str(issue)
    file.unlink()
    (issue,) = doctor._key(own_shop, fingerprint)
    assert str(issue).startswith(f"key of pseudonyms: is not in {file}; put it back, or")
    assert list(doctor._key(own_shop, None)) == [], "a file of identifiers needs no key"


def test_a_backup_names_both_keys_and_holds_neither(shop: Settings, tmp_path: Path):
    file = tmp_path / "shop.zip"
    ran = portrait_here("backup", "--out", str(file), data=shop.data_dir)
    assert ran.returncode == 0, ran.stderr
    for name in KeyName:
        assert f"Not in it: the key of {name}, {key_file(shop, name)}" in ran.stdout
    assert "keep it apart from the backup" in ran.stdout
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    assert key.secret.hex() not in ran.stdout
    shutil.unpack_archive(file, tmp_path / "unpacked")
    unpacked = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert unpacked
    assert not any(key.secret.hex().encode() in path.read_bytes() for path in unpacked)


# -- a whole run ---------------------------------------------------------------------------


def readable(path: Path) -> bytes:
    """The bytes of a file, and of what is packed in it where it is a database."""
    found = path.read_bytes()
    if path.suffix == ".duckdb":
        found += "\n".join(text for _, texts in texts_in(path) for text in texts).encode()
    return found


def test_a_whole_run_leaves_identifiers_only_where_they_belong(tmp_path: Path):
    """In the source's own files and in the warehouse: in no report, record or log."""
    settings = short_shop(tmp_path)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("public: true\n", ""))
    sales = sales_file(settings)
    sales.write_text(re.sub(r"\bK(\d{3})\b", r"13800000\1", sales.read_text()))
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    place = key_file(settings, KeyName.PSEUDONYMS)
    assert f"A key of pseudonyms was made: {place}; keep a copy" in ran.stdout
    key = find_key(settings, KeyName.PSEUDONYMS)
    assert key is not None
    assert naming(settings.warehouse_file)
    belongs = {sales, settings.warehouse_file}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert settings.portrait_file in files
    assert settings.warehouse_dir / "report" / "index.html" in files
    assert {path for path in files if PHONES.search(readable(path))} == belongs
    secrets = (key.secret.hex().encode(), key.secret)
    assert {p for p in files if any(each in readable(p) for each in secrets)} == {place}
    assert not PHONES.search((ran.stdout + ran.stderr).encode())

    again = portrait("run", data=tmp_path)
    assert "pseudonyms was made" not in again.stdout
    place.unlink()
    before = settings.portrait_file.read_bytes()
    refused = portrait("run", "--months", "2024-02", data=tmp_path)
    fails_in_a_sentence(refused, "is missing from .*pseudonyms.key; put it back")
    assert settings.portrait_file.read_bytes() == before
    rotated = portrait("pseudonyms", "rotate", "--yes", data=tmp_path)
    assert rotated.returncode == 0, rotated.stderr
    anew = portrait("publish", data=tmp_path)
    assert anew.returncode == 0, anew.stderr + anew.stdout
    assert published_key(settings.portrait_file) not in (None, key.fingerprint)
