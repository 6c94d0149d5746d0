import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from portrait_assets.app.cli.rooms.audience import print_audience
from portrait_assets.app.cli.rooms.card import print_card
from portrait_assets.app.cli.rooms.tags import print_diff, print_tags
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.consent import ConsentError, Use
from portrait_assets.privacy.egress import Door
from portrait_assets.schema.table import MONEY_SCALE, Sensitivity
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.condition import (
    count_sql,
    matrix_columns,
    parse_audience,
)
from portrait_assets.stages.tags.audiences.export import export_audience, reasons
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences, membership_sql
from portrait_assets.stages.tags.card import customer_card, read_card
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.stages.tags.contract import AUDIENCE_MEMBERSHIP
from portrait_assets.stages.tags.services import diff_drafts
from portrait_assets.stages.tags.views import evidence_view
from portrait_assets.testing.tag_world import (
    COLUMNS,
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    SAVE,
    TIER,
    catalogue_of,
    features,
    of_month,
    tagged,
    write_catalogue,
)
from portrait_assets_tests.privacy.consent_world import write_consents

IN_TIER = f"{150:.{MONEY_SCALE}f}"
PAID = "  - {code: paid, expression: salary, type: money, sensitivity: C3}\n"
SAVED = """\
audiences:
  - code: regulars
    name: {en: Regulars, zh: 常客}
    owner: tests
    where: "list_contains(interests, 'often')"
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file: two months of six customers."""
    folder = tmp_path_factory.mktemp("published")
    catalogue = catalogue_of(folder, TIER, HOME, INTERESTS, SAVE)
    path = folder / "portrait.duckdb"
    con = duckdb.connect(str(path))
    con.execute("CREATE SCHEMA clusters")
    con.execute(
        "CREATE TABLE clusters.cluster_assignment "
        "(as_of DATE, customer_id VARCHAR, segment_id BIGINT, confidence DOUBLE)"
    )
    con.execute(
        "CREATE TABLE clusters.cluster_segment "
        "(as_of DATE, segment_id BIGINT, name_en VARCHAR, name_zh VARCHAR)"
    )
    worlds = {
        as_of: features(
            as_of,
            spend=spend,
            visits=[1, 12, 1, 12, 1, 1],
            member=[True] * 6,
            region=["north" if as_of == MAY else None] * 6,
            share=[0.5] * 6,
        )
        for as_of, spend in ((MAY, [150, 20, 150, 5, 5, 5]), (JUNE, [150, 150, 20, 5, 5, 5]))
    }
    tagged(con, catalogue, worlds)
    view = evidence_view(catalogue)
    con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
    con.close()
    return path


def door_of(folder: Path, clearance: dict[str, str] | None = None) -> Door:
    """The door of a public source, which shows groups of any size."""
    settings = Settings(data_dir=folder, source="shop", clearance=clearance or {})
    return Door(settings, public=True)


@pytest.fixture
def con(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(database), read_only=True)
    yield connection
    connection.close()


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
    expression = parse_audience(text, matrix_columns(con))

    assert select_audience(con, text, JUNE).size == counted
    assert con.execute(count_sql(expression, JUNE)).fetchall() == [(counted,)]


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


@pytest.mark.parametrize("name", ["people.csv", "people.parquet"])
def test_an_audience_can_be_exported(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str):
    audience = select_audience(con, "tier = 'high'")
    assert export_audience(con, audience, tmp_path / name).customers == 2

    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(tmp_path / name)["customer_id"].to_list() == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


SPENT = "  - {code: amount, expression: spend, type: money}\n"
FORMULAS = ["=HYPERLINK(0)", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"]


def test_no_text_of_an_exported_audience_is_a_formula(tmp_path: Path):
    regions = [*FORMULAS, "north - south", "'quoted'", None]
    spend = [-5.0] * len(regions)
    with duckdb.connect() as con:
        tagged(
            con, catalogue_of(tmp_path, HOME, SPENT), {JUNE: features(region=regions, spend=spend)}
        )
        for name in ("people.csv", "people.parquet"):
            export_audience(con, select_audience(con, "customer_id IS NOT NULL"), tmp_path / name)
    written = pl.read_csv(tmp_path / "people.csv")
    assert written["home"].to_list() == [*(f"'{text}" for text in FORMULAS), *regions[-3:]]
    assert written["amount"].to_list() == spend, "numbers stay numbers"
    assert pl.read_parquet(tmp_path / "people.parquet")["home"].to_list() == regions


def test_an_audience_is_written_as_csv_or_parquet_only(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    with pytest.raises(TagError, match=r"neither \.csv nor \.parquet"):
        export_audience(con, select_audience(con, "save"), tmp_path / "people.xlsx")


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


def test_the_evidence_is_what_decided(con: duckdb.DuckDBPyConnection):
    rows = con.execute(
        "SELECT tag_code, rule, evidence FROM tags.tag_evidence WHERE customer_id = 'a' "
        "AND as_of = '2017-06-30' AND tag_code IN ('tier', 'home', 'save') ORDER BY tag_code"
    ).fetchall()

    assert rows == [
        # The region was last known in May, and May's features are the evidence.
        ("home", "region", {"region": "north"}),
        (
            "save",
            "tier = 'high' AND visits < 3\nconfidence: share",
            {"share": "0.5", "tier": "high", "visits": "1"},
        ),
        ("tier", "spend >= 100", {"spend": IN_TIER}),
    ]


def test_a_card_shows_tags_with_evidence_and_what_changed(database: Path, tmp_path: Path):
    card = read_card(database, "b", door_of(tmp_path, {"card": "C3"}))

    tier = next(tag for tag in card.tags if tag.code == "tier")
    assert (tier.value_en, tier.value_zh, tier.rule) == ("High", "高", "spend >= 100")
    assert tier.evidence == (("spend", IN_TIER),)
    home = next(tag for tag in card.tags if tag.code == "home")
    assert (home.decided_as_of, home.evidence) == (MAY, (("region", "north"),))
    assert [(c.code, c.before, c.after) for c in card.changes if c.code == "tier"] == [
        ("tier", "low", "high")
    ]

    for chinese in (False, True):
        console = Console(width=120, file=io.StringIO())
        with console.capture() as shown:
            print_card(card, console, chinese)
        assert ("高" if chinese else "High") in shown.get()


@pytest.mark.parametrize(
    ("chinese", "text"),
    [(False, "by rank: a fixed share of customers"), (True, "按排名，各取值占比固定")],
)
def test_a_card_says_that_shares_are_set_by_rank(tmp_path: Path, chinese: bool, text: str):
    ranked = TIER.replace("spend >= 100", "rank_share(spend) >= 0.5")
    ranked = ranked.replace("spend < 100", "rank_share(spend) < 0.5")
    printed = {}
    for name, tier in (("ranked", ranked), ("by amount", TIER)):
        console = Console(width=160, file=io.StringIO())
        with duckdb.connect() as con, console.capture() as shown:
            tagged(con, catalogue_of(tmp_path, tier), {JUNE: features(spend=[500, 5])})
            print_card(customer_card(con, "a"), console, chinese)
        printed[name] = shown.get()
    assert text in printed["ranked"]
    assert text not in printed["by amount"]


def test_a_card_of_a_past_month_shows_nothing_later(con: duckdb.DuckDBPyConnection):
    card = customer_card(con, "b", MAY)

    assert next(tag.value for tag in card.tags if tag.code == "tier") == "low"
    assert card.changes == ()


def test_an_unknown_customer_is_an_error(
    database: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    with pytest.raises(PortraitError, match="no customer 'zz'"):
        read_card(database, "zz", door_of(tmp_path))
    with pytest.raises(PortraitError, match="from 2017-05 to 2017-06 and not in 2016-01"):
        customer_card(con, "b", date(2016, 1, 31))
    with pytest.raises(PortraitError, match="does not exist yet"):
        read_card(database.with_name("other.duckdb"), "b", door_of(tmp_path))


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


EVERYBODY = "customer_id IS NOT NULL"
RISKY = """\
  - code: risky
    expression: "visits < 3"
    type: boolean
    purpose: credit
"""


@pytest.fixture
def asked(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A file of six customers: b has left marketing, c may be contacted by sms, f objected."""
    con = duckdb.connect()
    world = features(JUNE, visits=[1, 2, 3, 4, 5, 6])
    tagged(con, catalogue_of(tmp_path, TIER, RISKY), {JUNE: world})
    con.execute(
        "UPDATE tags.portrait_matrix SET profiling_allowed = false, risky = NULL, tier = NULL "
        "WHERE customer_id = 'f'"
    )
    answers = [
        ("b", "marketing", None, False, "withdrawn"),
        ("c", "marketing", None, False, "objection"),
        ("c", "marketing", "sms", True, "consent"),
        ("a", "credit", None, True, "contract"),
        ("f", "profiling", None, False, "objection"),
    ]
    write_consents(con, answers, {"marketing": True}, as_of=f"{JUNE}")
    return con


def written(con: duckdb.DuckDBPyConnection, path: Path, columns: str) -> list[tuple[object, ...]]:
    return con.execute(f"SELECT {columns} FROM '{path}' ORDER BY customer_id").fetchall()


def test_a_row_of_nulls_is_in_no_audience(asked: duckdb.DuckDBPyConnection):
    audience = select_audience(asked, "tier IS NULL OR tier IS NOT NULL")
    assert (audience.size, audience.base) == (5, 5)


def test_into_an_export_go_those_who_allow_its_purpose(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    audience, path = select_audience(asked, EVERYBODY), tmp_path / "people.csv"
    exported = export_audience(asked, audience, path, use=Use("marketing"))
    assert exported.customers == 4
    assert exported.left_out == {("marketing", "withdrawn"): 1}
    assert reasons(exported.left_out) == "marketing: consent withdrawn 1"
    found = written(asked, path, "customer_id, allowed_channels")
    assert found == [("a", "any"), ("c", "sms"), ("d", "any"), ("e", "any")]
    by_mail = export_audience(asked, audience, path, use=Use("marketing", "email"))
    assert (by_mail.customers, sum(by_mail.left_out.values())) == (3, 2)
    assert written(asked, path, "customer_id") == [("a",), ("d",), ("e",)]
    for_analysis = export_audience(asked, audience, path)
    assert (for_analysis.customers, for_analysis.left_out) == (5, {})


def test_an_export_of_an_earlier_month_leaves_out_who_objected_to_profiling_since(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """In the month of the audience e was profiled; by the newest consents they may not be."""
    write_consents(
        asked,
        [("e", "profiling", None, False, "objection")],
        {"marketing": True},
        as_of="2017-07-31",
    )
    audience, path = select_audience(asked, "customer_id IN ('a', 'e')"), tmp_path / "people.csv"
    for use in (Use("marketing"), Use("profiling")):
        exported = export_audience(asked, audience, path, use=use)
        assert (exported.customers, exported.left_out) == (1, {("profiling", "objection"): 1})
        assert written(asked, path, "customer_id") == [("a",)]


def test_a_tag_of_another_purpose_is_asked_for_by_itself(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """Of credit only a has a contract: others' tags are null, and by them nobody is selected."""
    path = tmp_path / "people.parquet"
    export_audience(asked, select_audience(asked, EVERYBODY), path, use=Use("marketing"))
    found = written(asked, path, "customer_id, risky")
    assert found == [("a", True), ("c", None), ("d", None), ("e", None)]
    exported = export_audience(asked, select_audience(asked, "risky OR NOT risky"), path)
    assert exported.left_out == {("credit", "default"): 4}
    assert written(asked, path, "customer_id, risky") == [("a", True)]


def test_an_export_that_nobody_may_be_in_is_refused_and_nothing_is_written(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / "people.csv"
    with pytest.raises(TagError, match=r"^None of the 1 .* for marketing \(marketing: consent "):
        export_audience(
            asked, select_audience(asked, "customer_id = 'b'"), path, use=Use("marketing")
        )
    asked.execute("UPDATE consent.consent_default SET is_declared = false, consents = 0")
    asked.execute("UPDATE consent.consent_default SET allowed = purpose = 'profiling'")
    with pytest.raises(ConsentError, match="consent_default"):
        export_audience(asked, select_audience(asked, EVERYBODY), path, use=Use("marketing"))
    assert list(tmp_path.glob("people*")) == []


@pytest.mark.parametrize(
    ("chinese", "says"),
    [
        (False, "marketing by sms: allowed since 2024-03-05 (the customer agreed)"),
        (True, "营销（sms）：允许，自2024-03-05起（本人同意）"),
    ],
)
def test_the_card_says_what_the_customer_allows(
    asked: duckdb.DuckDBPyConnection, chinese: bool, says: str
):
    console = Console(file=io.StringIO(), width=120)
    print_card(customer_card(asked, "c"), console, chinese)
    print_card(customer_card(asked, "f"), console, chinese)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert says in text
    refused = "画像：拒绝" if chinese else "profiling: refused since 2024-03-05 (objected)"
    assert refused in text


def test_the_card_of_who_objected_to_profiling_has_no_profile_of_any_month(tmp_path: Path):
    """Nor has that of a minor whose guardian withdrew, who has a row of earlier months only."""
    path = tmp_path / "portrait.duckdb"
    with duckdb.connect(str(path)) as con:
        catalogue = catalogue_of(tmp_path, TIER)
        tagged(con, catalogue, {month: features(month, spend=[500, 5]) for month in (MAY, JUNE)})
        con.execute(
            f"DELETE FROM tags.portrait_matrix WHERE customer_id = 'b' AND as_of = '{JUNE}'"
        )
        answers = [("b", "profiling", None, False, "minor_without_guardian")]
        write_consents(con, answers, as_of=f"{JUNE}")
    door = door_of(tmp_path, {"card": "C3"})
    assert read_card(path, "a", door, MAY).tags
    for month in (MAY, None):
        card = read_card(path, "b", door, month)
        assert (card.tags, card.changes, card.columns, card.segment_en) == ((), (), (), None)
        assert [p.because for p in card.permissions if not p.allowed][:1] == [
            "minor_without_guardian"
        ]


def test_the_card_has_no_tags_for_a_purpose_that_the_customer_refuses(tmp_path: Path):
    """Where nobody was asked for it, the tags are analysis, and are shown."""
    path = tmp_path / "portrait.duckdb"
    careful = '  - {code: careful, expression: "NOT risky", type: boolean}\n'
    catalogue = catalogue_of(tmp_path, TIER, RISKY, careful)
    with duckdb.connect(str(path)) as con:
        tagged(con, catalogue, {JUNE: features(spend=[500, 5], visits=[1, 9])})
        write_consents(con, [("a", "credit", None, True, "contract")], as_of=f"{JUNE}")
    door = door_of(tmp_path, {"card": "C3"})
    a, b = (read_card(path, who, door) for who in "ab")
    assert {tag.code for tag in a.tags} - {tag.code for tag in b.tags} == {"risky"}
    of_b = next(tag for tag in b.tags if tag.code == "careful")
    assert (of_b.value, of_b.inputs, of_b.evidence) == ("true", (), ())
    assert "risky" not in {column.name for column in b.columns}
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE consent.consent_default SET consents = 0")
        con.execute("DELETE FROM consent.customer_consent")
    assert "risky" in {tag.code for tag in read_card(path, "b", door).tags}
