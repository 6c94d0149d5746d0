"""A source that cannot be used is refused in one sentence with the remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.errors import SourceError
from portrait_assets.core.source_folder import PACKAGED_SOURCES, source_names
from portrait_assets.methods.linkage.resolving import SAME
from portrait_assets.stages.identity.resolving.review import REVIEW_FILE, append_same, read_review
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import shop


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shop(tmp_path).source_dir


def use(folder: Path) -> None:
    source = load_source(folder)
    with scratch_database() as con, SourceReader(con, source) as reader:
        placings(reader)


def test_the_corner_shop_is_four_files_and_no_python(folder: Path):
    assert sorted(path.name for path in folder.iterdir()) == [
        "customers.sql",
        "sales.csv",
        "source.yaml",
        "transactions.sql",
    ]
    use(folder)
    assert load_source(folder).months() == ["2024-01", "2024-02", "2024-03", "2024-04"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("first_month: 2024-01", "first_month: 2024-13", "first_month: '2024-13' is not a month"),
        ("first_month: 2024-01", "first_month: 2025-01", "last_month lies before first_month"),
        ("time_zone: Asia/Shanghai", "time_zone: Mars", "time_zone: 'Mars' is not a time zone"),
        ("sharing: granted", "shraing: granted", r"'shraing' is not a purpose.*mean sharing\?"),
        ("sharing: granted", "sharing: maybe", "'maybe' is neither granted nor refused"),
        (
            "currency: CNY",
            "curency: CNY",
            "line 8: .* no key 'curency' .did you mean currency",
        ),
        ("currency: CNY", "country: NO\ncurrency: CNY", "line 8: country: unquoted NO is a bool"),
        (
            "files_in: .",
            "rules: {customers.gendre: {}}\nfiles_in: .",
            "line 9: .* no.* column of a canonical table .did you mean customers.gender",
        ),
        (
            "files_in: .",
            "categories: {transactions.amount: keep}\nfiles_in: .",
            "transactions.amount is not meant as a category; of transactions these are: "
            "transactions.category, ",
        ),
        (
            "files_in: .",
            "categories: {transactions.category: maybe}\nfiles_in: .",
            "categories",
        ),
        ("name: corner_shop", "name: bank", "the name must be that of its folder"),
        ("licence:", "licence: [", "line 4: this is not valid YAML"),
        ("sales: sales.csv", "sales: sold.csv", "line 11: the file 'sold.csv' .* put it there or"),
        (
            "rows_of: sales",
            "rows_of: sail",
            "line 13: .* no file 'sail' for transactions.sql",
        ),
        (
            "files_in: .",
            "rules: {transactions.amount: {values: {a: [b]}}}\nfiles_in: .",
            "line 9: transactions.amount holds no text; give its values in",
        ),
        (
            "files_in: .",
            "rules: {customers.region: {decimal_mark: comma}}\nfiles_in: .",
            "line 9: customers.region holds no numbers; remove its decimal_mark or name a column",
        ),
        (
            "files_in: .",
            "rules: {transactions.amount: {decimal_mark: ','}}\nfiles_in: .",
            "line 9: decimal_mark of .* must be one of point, comma, not ','",
        ),
        (
            "files_in: .",
            "rules: {customers.region: {values: {a: [x], b: [y, x]}}}\nfiles_in: .",
            "line 9: .*'x' stands under a and b; keep one of them",
        ),
        (
            "files_in: .",
            "rules: {transactions.quantity: {given: false}}\nfiles_in: .",
            "line 9: transactions.quantity need not be given; leave it out of transactions.sql",
        ),
        (
            "files_in: .",
            "rules: {transactions.occurred_at: {given: false}}\nfiles_in: .",
            "line 9: a row of transactions is nothing without occurred_at; only amounts",
        ),
        (
            "files_in: .",
            "rules: {transactions.amount: {given: false}}\nfiles_in: .",
            "returns the column amount, which is not given by the rules of source.yaml; take",
        ),
        ("files_in: .", "files_in: $NOWHERE_SET", "set that variable"),
        ("files_in: .", "files_in: package:no_such_package", "is not installed; install"),
    ],
)
def test_a_mistake_in_source_yaml_is_named(folder: Path, old: str, new: str, says: str):
    edit(folder / "source.yaml", old, new)
    with pytest.raises(SourceError, match=says) as error:
        use(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 1 AS a; SELECT 2", "must be a single SELECT"),
        ("DROP TABLE x", "must be a single SELECT"),
        ("", "must be a single SELECT"),
        (
            "SELECT card AS customer_id,\n  at AS occurred_at FROM sales",
            r', which gives the table transactions, is no valid SQL: syntax error at or near "AS" '
            "in line 2, `at AS occurred_at FROM sales`; correct it there, and write a name that is "
            "also a word of SQL in double quotation marks",
        ),
        ("SELECT 'a FROM sales", ".* unterminated string literal in line 1, `SELECT 'a FROM"),
        ("SELECT card AS customer_id FROM nowhere", "does not run: .*; correct it to the tables"),
        ("SELECT cards AS customer_id FROM sales", r'does not run: .*files have \(such as "card"'),
        ("SELECT card AS customer_id FROM sale", r'does not run: .*files have \(such as "sales"\)'),
        ("SELECT *, 1 AS colour FROM sales", "returns the column"),
        ("SELECT card AS customer_id FROM sales", "does not return the column amount; add it, or"),
        ("SELECT card AS customer_id, town AS Customer_ID FROM sales", "returns .* twice; leave"),
    ],
)
def test_a_mistake_in_a_table_s_sql_is_named(folder: Path, sql: str, says: str):
    (folder / "transactions.sql").write_text(sql)
    with pytest.raises(SourceError, match=rf"corner_shop/transactions\.sql ?{says}") as error:
        use(folder)
    assert "\n" not in str(error.value)


def test_a_file_whose_name_does_not_tell_its_kind_is_text_with_a_delimiter(folder: Path):
    (folder / "sales.csv").rename(folder / "sales.asc")
    edit(folder / "source.yaml", "sales: sales.csv", "sales: sales.asc")
    with pytest.raises(
        SourceError,
        match=r"source\.yaml, line 11: .* 'sales\.asc' is neither CSV, Parquet .* its delimiter",
    ):
        load_source(folder).check()
    edit(folder / "source.yaml", "sales: sales.asc", 'sales: {path: sales.asc, delimiter: ","}')
    use(folder)


@pytest.mark.parametrize(
    ("name", "is_what"),
    [("sales.XLSX", "an Excel workbook"), ("sales.sqlite", "a database"), ("s.zip", "an archive")],
)
def test_a_file_that_holds_more_than_a_table_is_to_be_saved_otherwise(
    folder: Path, name: str, is_what: str
):
    (folder / "sales.csv").rename(folder / name)
    edit(folder / "source.yaml", "sales: sales.csv", f"sales: {name}")
    with pytest.raises(SourceError, match=rf"line 11: '{name}' is {is_what}, .* CSV in UTF-8 or"):
        load_source(folder).check()


def test_a_history_of_who_and_when_is_declared_to_have_no_amounts(folder: Path):
    (folder / "transactions.sql").write_text(
        "SELECT card AS customer_id, sold_at AS occurred_at, source_file, source_row FROM sales"
    )
    with pytest.raises(SourceError, match=r"`transactions\.amount: \{given: false\}`"):
        use(folder)
    edit(
        folder / "source.yaml",
        "files_in: .",
        "rules: {transactions.amount: {given: false}}\nfiles_in: .",
    )
    use(folder)


def test_a_source_without_transactions_or_balances_is_refused(folder: Path):
    (folder / "transactions.sql").unlink()
    with pytest.raises(SourceError, match="a portrait needs one of them"):
        use(folder)


def test_sql_for_no_canonical_table_is_refused(folder: Path):
    (folder / "tranactions.sql").write_text("SELECT 1")
    with pytest.raises(SourceError, match=r"tranactions\.sql is no canonical table"):
        use(folder)


def test_a_source_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SourceError, match=r"There is no source 'bank'.*portrait sources"):
        load_source(tmp_path / "sources" / "bank")


def test_a_source_may_be_of_one_month(folder: Path):
    edit(folder / "source.yaml", "first_month: 2024-01", "first_month: 2024-04")
    assert load_source(folder).months() == ["2024-04"]


def test_a_source_without_a_last_month_goes_on_to_the_last_complete_month(folder: Path):
    edit(folder / "source.yaml", "last_month: 2024-04\n", "")
    assert load_source(folder).months(today=date(2024, 8, 1))[-1] == "2024-07"


def test_a_packaged_source_is_read_and_nothing_is_written_beside_it(tmp_path: Path):
    own = tmp_path / "sources" / "corner_shop"
    source = load_source(own)
    source.check()
    assert source.folder == PACKAGED_SOURCES / "corner_shop"
    assert source.own_folder == own
    before = sorted(source.folder.iterdir())
    append_same(own, pl.DataFrame({"alias_id": ["K2"], "customer_id": ["K1"]}), "2024-02")
    assert read_review(own).rows() == [("K1", "K2", "2024-02", SAME)]
    assert sorted(source.folder.iterdir()) == before


def test_a_users_source_takes_the_place_of_the_packaged_one(folder: Path):
    edit(folder / "source.yaml", "title: {en: A corner shop", "title: {en: Our shop")
    source = load_source(folder)
    assert (source.folder, source.definition.title.en) == (folder, "Our shop")


def test_a_decision_file_takes_the_place_of_the_packaged_one(tmp_path: Path):
    own = tmp_path / "complete_journey"
    catalogue = source_catalogue(own)
    assert len(source_audiences(own, catalogue)) > 0
    own.mkdir()
    (own / "audiences.yaml").write_text("audiences: []\n")
    assert source_audiences(own, catalogue) == ()


def test_sql_beside_no_definition_is_not_passed_over(tmp_path: Path):
    own = tmp_path / "corner_shop"
    own.mkdir()
    (own / "transactions.sql").write_text("SELECT 1")
    with pytest.raises(SourceError, match=r"corner_shop/transactions\.sql is not read"):
        use(own)


def test_an_unknown_source_is_answered_with_those_there_are(folder: Path):
    with pytest.raises(SourceError, match=r"are complete_journey, corner_shop, .*uci_bank"):
        load_source(folder.with_name("bank"))


@pytest.mark.parametrize("name", source_names(PACKAGED_SOURCES))
def test_packaged_sources_bring_no_file_that_the_application_writes(name: str):
    written = {APPROVALS_FILE, REVIEW_FILE}
    assert written.isdisjoint(path.name for path in (PACKAGED_SOURCES / name).iterdir())


def test_no_column_of_the_generated_bank_is_given_as_another():
    """Its files have the columns of the canonical tables, under their names."""
    found = {
        f"{path.stem}: {each.sql()}"
        for path in (PACKAGED_SOURCES / "synthetic_bank").glob("*.sql")
        for select in sqlglot.parse_one(path.read_text(), dialect="duckdb").find_all(exp.Select)
        for each in select.expressions
        if isinstance(each, exp.Alias)
        and isinstance(each.this, exp.Column)
        and each.this.name in {column.name for column in CANONICAL_BY_NAME[path.stem].columns}
    }
    assert found == set()
