"""The page reports all findings, and gives the reason where something is not judged."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.validation.findings.returns import SHARE_RETURNED
from portrait_assets_tests.mart.conftest import Page

pytestmark = pytest.mark.slow  # They need a whole run.

NEEDS_NETWORK = re.compile(r"""\b(?:src|href)="(?!data:|#)|url\((?!data:)|@import|fetch\(""")


def broken(settings: Settings, tmp_path: Path, *statements: str) -> Path:
    """A copy of the published file, changed by the statements."""
    file = Path(shutil.copy(settings.portrait_file, tmp_path / "portrait.duckdb"))
    with duckdb.connect(str(file)) as con:
        for statement in statements:
            con.execute(statement)
    return file


def test_the_page_is_self_contained(shop_page: str):
    assert not NEEDS_NETWORK.findall(shop_page)
    assert "data:font/otf;base64," in shop_page
    assert "http://" not in shop_page.replace("http://www.w3.org/", "")
    assert "https://" not in shop_page


def test_every_sentence_is_in_both_languages(shop_page: str):
    assert shop_page.count('class="en"') == shop_page.count('class="zh"')
    for title in ("Can it be trusted?", "是否可信？", "Portrait matrix", "客户画像矩阵"):
        assert title in shop_page


def test_charts_are_counted_and_have_titles_on_their_axes(shop_page: str):
    counted = re.search(r'data-charts="(\d+)"', shop_page)
    assert counted is not None
    figures = re.findall(r'<figure data-chart="(\w+)">.*?</figure>', shop_page, re.DOTALL)
    assert len(figures) == int(counted[1]) == shop_page.count("<svg ")
    assert {"segment_value", "lifecycle_stage", "concentration", "backtests", "drift"} <= {*figures}
    for name in figures:
        svg = re.search(rf'data-chart="{name}">.*?</figure>', shop_page, re.DOTALL)
        assert svg is not None
        if not name.startswith("flow_"):  # its bars are labelled with numbers
            assert "role-axis-title" in svg[0], name


def test_all_findings_are_listed_and_can_be_linked_to(all_months: Settings, shop_page: str):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        findings = con.execute(
            "SELECT count(*) FROM validation.validation_report "
            "WHERE as_of = (SELECT max(as_of) FROM validation.validation_report)"
        ).fetchall()[0][0]
    assert len(set(re.findall(r'<tr id="(f-[^"]+)"', shop_page))) == findings


def test_one_month_alone_says_that_there_is_nothing_to_compare_with(
    first_month: Settings, page: Page
):
    text = page(first_month.portrait_file)
    assert "There is no earlier month to compare with." in text
    assert "there is no earlier month, or no outcome is known" in text
    assert "没有更早的月份可比较" in text


def test_a_source_without_campaigns_and_outcomes_says_so(shop_page: str):
    assert "The source has neither contacts nor responses." in shop_page
    assert "The source has no outcomes." in shop_page


def test_the_headline_names_what_the_source_does_not_give(all_months: Settings, shop_page: str):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        without, tags = con.execute(
            "SELECT count(lacks), count(*) FROM tags.tag_catalogue WHERE in_force "
            "AND as_of = (SELECT max(as_of) FROM tags.tag_catalogue)"
        ).fetchall()[0]
    lead = shop_page[shop_page.index('<section id="overview">') :].partition("</p>")[0]
    assert 0 < without < tags
    known = f"{without} of {tags} tags are not known of anybody, because the source gives no "
    assert known in lead
    named = lead.partition(known)[2].partition("<")[0]
    assert {"contacts", "responses", "products"} <= set(re.split(r", |\.", named))
    assert "transactions" not in named
    assert f"{tags}个标签中有{without}个对所有客户未知" in lead


def test_a_segment_of_one_customer_is_not_described(
    all_months: Settings, tmp_path: Path, page: Page
):
    text = page(
        broken(
            all_months,
            tmp_path,
            "UPDATE clusters.cluster_segment SET customers = 1, share = 0.001 WHERE segment_id = 1",
        )
    )
    card = re.search(r'id="segment-1">.*?</article>', text, re.DOTALL)
    assert card is not None
    assert "Too few customers for a programme of their own" in card[0]
    assert "Typical customers" not in card[0]
    assert "TGI" not in card[0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tags.portrait_matrix SET lifecycle_stage = 'churn'",
        "UPDATE tags.portrait_matrix SET lifecycle_stage = NULL, value_tier = NULL",
        "UPDATE features.feature_matrix SET average_ticket_12m = NULL, recency_days = NULL",
        "UPDATE validation.drift SET psi = NULL, psi_p95 = NULL",
        "DELETE FROM validation.backtest; DELETE FROM validation.backtest_bucket",
        "DELETE FROM validation.validation_report",
        "DELETE FROM clusters.cluster_profile; DELETE FROM clusters.cluster_model",
        "DROP TABLE validation.migration; DROP TABLE tags.tag_quality",
        "DELETE FROM tags.portrait_matrix",
    ],
    ids=[
        "a tag with one value",
        "tags without customers",
        "features that are null for all",
        "drift without numbers",
        "no backtest",
        "no finding",
        "no cluster model",
        "missing tables",
        "nothing at all",
    ],
)
def test_whatever_is_missing_the_page_still_opens(
    all_months: Settings, tmp_path: Path, page: Page, statement: str
):
    text = page(broken(all_months, tmp_path, *statement.split("; ")))
    assert text.rstrip().endswith("</html>")
    assert 'id="overview"' in text
    assert 'class="empty"' in text


def test_what_was_cancelled_stands_by_month(
    all_months: Settings, tmp_path: Path, shop_page: str, page: Page
):
    assert "Cancelled and returned" not in shop_page
    row = "SELECT * REPLACE ('source' AS area, 'transactions' AS subject, {} AS value, '{}' AS "
    row += f"advice_en, '{SHARE_RETURNED}' AS metric) FROM validation.validation_report "
    row += "WHERE as_of = '{}' LIMIT 1"
    months = ((0.165, "33 of 200", "2024-03-31"), (0.02, "4 of 201", "2024-04-30"))
    inserts = (f"INSERT INTO validation.validation_report {row.format(*each)}" for each in months)
    text = page(broken(all_months, tmp_path, *inserts))
    table = text[text.index("Cancelled and returned") :]
    table = table[: table.index("</table>")]
    found = re.findall(r"<tr><td>(\S+)</td><td class=\"n\">(\S+)</td>", table)
    assert found == [("2024-04", "2.0%"), ("2024-03", "16.5%")]
    assert table.index("4 of 201") < table.index("33 of 200")


def test_nobody_is_named_on_the_page(all_months: Settings, shop_page: str):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        people = con.execute("SELECT DISTINCT customer_id FROM tags.portrait_matrix").fetchall()
    assert len(people) > 10
    assert not [person for (person,) in people if person in shop_page]


def test_markup_in_values_is_escaped(all_months: Settings, tmp_path: Path, page: Page):
    text = page(
        broken(
            all_months,
            tmp_path,
            "UPDATE clusters.cluster_segment SET name_en = '<script>alert(1)</script>'",
            "UPDATE validation.validation_report SET advice_en = '<b onclick=x>'",
        )
    )
    assert "<script>alert" not in text
    assert "<b onclick" not in text
