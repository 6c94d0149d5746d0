"""Audiences: who is selected, how they differ from all customers, and saved ones."""

import io
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from portrait_assets.app.cli.rooms.audience import print_audience
from portrait_assets.app.cli.rooms.tags import print_diff, print_tags
from portrait_assets.schema.table import Sensitivity
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.condition import (
    matrix_columns,
    parse_audience,
)
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences, membership_sql
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.stages.tags.contract import AUDIENCE_MEMBERSHIP
from portrait_assets.stages.tags.services import diff_drafts
from portrait_assets.testing.worlds.tags import (
    COLUMNS,
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    SAVE,
    TIER,
    catalogue_of,
    of_month,
    write_catalogue,
)
from portrait_assets_tests.tags.six_customers import door_of

PAID = "  - {code: paid, expression: salary, type: money, sensitivity: C3}\n"
SAVED = """\
audiences:
  - code: regulars
    name: {en: Regulars, zh: 常客}
    owner: tests
    where: "list_contains(interests, 'often')"
"""


def test_an_audience_has_size_share_profile_and_overlaps(con: duckdb.DuckDBPyConnection):
    saved = {"regulars": "list_contains(interests, 'often')"}
    audience = select_audience(con, "tier = 'high'", saved=saved)

    assert (audience.as_of, audience.size, audience.base) == (JUNE, 2, 6)
    assert audience.share == pytest.approx(1 / 3)
    line = audience.profile.filter(tag_code="tier", tag_value="high").row(0, named=True)
    assert (line["audience_share"], line["tgi"]) == (1.0, 300.0)
    assert line["p_value"] == pytest.approx(1 / 15)  # Fisher: one draw of the 15 pairs
    assert audience.overlaps.rows() == [("regulars", 2, 1, 0.5, 0.5, 0.333333)]


def test_an_audience_is_a_where_clause(con: duckdb.DuckDBPyConnection):
    text = "tier = 'high' AND NOT save"
    counted = con.execute(
        f"SELECT count(*) FROM tags.portrait_matrix WHERE as_of = '2017-06-30' AND {text}"
    ).fetchall()[0][0]

    assert select_audience(con, text, JUNE).size == counted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tier = 'hihg'", "did you mean high?"),
        ("teir = 'high'", "did you mean tier?"),
        ("tier", "true or false"),
        ("home > save", "types clash"),
        ("tier = 'high' OR (SELECT true)", "subquery"),
        ("rank_share(visits) > 0.5", "make a tag of it"),
        ("tier = 'high' AND tier = 'low'", "tier = 'high' alone selects 2; tier = 'low' alone"),
    ],
)
def test_an_invalid_audience_is_refused_and_nothing_is_written(
    database: Path, tmp_path: Path, text: str, message: str
):
    out = tmp_path / "audience.csv"
    with pytest.raises(TagError) as caught:
        find_audience(database, text, door_of(tmp_path), out=out)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_month_is_an_error(con: duckdb.DuckDBPyConnection):
    with pytest.raises(TagError, match="no row for 2016-01-31"):
        select_audience(con, "save", date(2016, 1, 31))


def test_a_class_c3_tag_needs_the_clearance(tmp_path: Path):
    path = write_catalogue(tmp_path, PAID)
    catalogue = load_catalogue(path, columns=COLUMNS, clearance=Sensitivity.C3)
    columns = {"paid": catalogue.tag("paid").column}

    with pytest.raises(TagError, match="of class C3"):
        parse_audience("paid > 1", columns)
    assert parse_audience("paid > 1", columns, Sensitivity.C3).columns == ("paid",)


def test_membership_lists_who_entered_stayed_and_left(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / "audiences.yaml"
    path.write_text(SAVED.replace("list_contains(interests, 'often')", "tier = 'high'"), "utf-8")
    audiences = load_audiences(path, matrix_columns(con))
    matrix = "tags.portrait_matrix"
    con.execute(
        f"CREATE TEMP TABLE first AS {membership_sql(audiences, of_month(matrix, MAY), None, MAY)}"
    )

    june = membership_sql(audiences, of_month(matrix, JUNE), "SELECT * FROM first", JUNE)

    second = con.sql(june).pl()
    assert second.columns == list(AUDIENCE_MEMBERSHIP.column_names)
    assert second.drop("as_of", "audience_code").rows() == [
        ("a", "stayed", True),
        ("b", "entered", True),
        ("c", "left", False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SAVED + SAVED.removeprefix("audiences:\n"), "line 6: audience regulars stands twice"),
        (SAVED.replace("'often'", "'oftne'"), "line 5: audience regulars: The audience cannot"),
        (SAVED.replace("    owner: tests\n", ""), "line 2: audience regulars has no owner"),
        (SAVED.replace("owner", "onwer"), "did you mean owner?"),
        (SAVED.replace("list_contains(interests, 'often')", "home > save"), "types clash"),
        (SAVED.replace("list_contains(interests, 'often')", "tier"), "true or false"),
        (
            SAVED.replace("audiences:", "audience:"),
            "line 1: the file has no key 'audience' (did",
        ),
        (SAVED.replace(", zh: 常客", ""), "line 3: name of audience regulars has no zh"),
    ],
)
def test_a_mistake_in_a_saved_audience_is_reported_with_its_line(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, message: str
):
    path = tmp_path / "audiences.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TagError) as caught:
        load_audiences(path, matrix_columns(con))
    assert message in str(caught.value)


def test_tags_diffs_and_audiences_are_printed(database: Path, tmp_path: Path):
    console = Console(record=True, width=140, file=io.StringIO())
    draft = TIER.replace("100", "140").replace(
        "code: tier", "code: tier\n    version: 2\n    status: draft"
    )
    catalogue = catalogue_of(tmp_path, TIER, draft, HOME, INTERESTS, SAVE)

    diff = diff_drafts(catalogue, database)
    assert (diff.as_of, diff.customers, diff.moved.height) == (JUNE, 6, 0)
    found = find_audience(database, "tier = 'high'", door_of(tmp_path), month="2017-06")
    assert (found.audience.size, found.written) == (2, None)

    print_tags(catalogue.tags, console)
    print_diff(diff, console)
    print_audience(found.audience, console)
    printed = console.export_text()
    assert printed.count("active") == 4
    assert "tier version 2" in printed
    assert "No customer's tags would change in 2017-06" in printed
    assert "2 of 6 customers (33.3%) in 2017-06" in printed


def test_a_row_of_nulls_is_in_no_audience(asked: duckdb.DuckDBPyConnection):
    audience = select_audience(asked, "tier IS NULL OR tier IS NOT NULL")
    assert (audience.size, audience.base) == (5, 5)
