"""Every template of the report, rendered from a few frames, in both languages."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from jinja2 import StrictUndefined, UndefinedError

from portrait_assets.schema.table import Type
from portrait_assets.stages.mart import report
from portrait_assets.stages.mart.room import ROOM
from portrait_assets.stages.mart.sections.overview import OVERVIEW
from portrait_assets.stages.mart.sections.segments import SEGMENTS
from portrait_assets.storage.published import Section
from portrait_assets.testing.golden.file import changes
from portrait_assets_tests.mart.conftest import TITLE
from portrait_assets_tests.mart.golden_report import (
    COMMAND,
    Drawn,
    golden,
    noted,
    of_page,
)
from portrait_assets_tests.mart.small_file import CUSTOMERS, write_small_file

TEMPLATES = Path(report.__file__).parent / "templates"
CHARTS = {
    *("segment_value", "lifecycle_stage", "value_tier", "concentration", "segment_mix"),
    *("contacts", "segment_response", "response_buckets", "backtests", "gains", "calibration"),
    *("drift", "flow_segment", "flow_lifecycle_stage", "flow_value_tier"),
    *("fairness", "models", "model_0_areas", "model_0_calibration"),
    *("total_bias", "card_0_curve", "card_0_vintages"),
}
"""All but the scatter, for which a fitted model is needed, and tenths of three customers each."""


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_file(tmp_path_factory.mktemp("small"))


def write(portrait_file: Path, folder: Path, sections: Sequence[Section] | None = None) -> str:
    """The page, with names that a template does not know as errors."""
    strict = report.page_environment().overlay(undefined=StrictUndefined)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "page_environment", lambda: strict)
        report.write_report(portrait_file, TITLE, folder / "index.html", "CNY", sections)
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page_and_drawn(small_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Drawn]:
    with noted() as drawn:
        return write(small_file, tmp_path_factory.mktemp("page")), drawn


@pytest.fixture(scope="module")
def page(page_and_drawn: tuple[str, Drawn]) -> str:
    return page_and_drawn[0]


def sections(page: str, language: str) -> dict[str, str]:
    """What a reader of the language sees, by section."""
    other = {"en": "zh", "zh": "en"}[language]
    one = re.sub(rf'<span class="{other}"[^>]*>[^<]*</span>', "", page)
    return {
        name: " ".join(html.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", body)).split())
        for name, body in re.findall(r'<section id="(\w+)">(.*?)</section>', one, re.DOTALL)
    }


def test_every_section_of_the_templates_is_on_the_page_and_in_its_menu(page: str):
    texts = {path.name: path.read_text() for path in TEMPLATES.glob("*.html")}
    wanted = [name for text in texts.values() for name in re.findall(r'<section id="(\w+)">', text)]
    assert sorted(sections(page, "en")) == sorted(wanted)
    assert re.findall(r'<a href="#(\w+)"><span', page)[: len(wanted)] == [*sections(page, "en")]
    shown = {section.template for section in ROOM.report()}
    rest = {path.name for path in TEMPLATES.glob("*.html")} - {path.name for path in shown}
    assert rest == {"report.html", "macros.html"}, "a template is part of no page"


def test_a_source_without_purchases_has_no_words_of_them(
    small_file: Path, page: str, tmp_path: Path
):
    bank = Path(shutil.copy(small_file, tmp_path / "bank.duckdb"))
    with duckdb.connect(str(bank)) as con:
        con.execute(
            "UPDATE features.feature_matrix SET spend_12m = NULL, purchases_12m = NULL, "
            "recency_days = NULL"
        )
    seen = sections(write(bank, tmp_path, [SEGMENTS]), "en")["segments"]
    for words in ("spend in 12 months", "purchases in", "last purchase", "buys most"):
        assert words in sections(page, "en")["segments"]
        assert words not in seen


def test_every_chart_that_the_rows_allow_is_drawn(page: str):
    assert set(re.findall(r'data-chart="(\w+)"', page)) == CHARTS


def test_the_page_reads_and_draws_as_in_the_golden_file(page_and_drawn: tuple[str, Drawn]):
    changed = changes(golden("page"), of_page(*page_and_drawn))
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


CHINESE = re.compile("[一-鿿]")
SAYS = {
    "overview": [
        "Mostly, with 1 findings that need a decision and 2 to keep an eye on.",
        "大体可信：1项需要决策，2项需关注。",
    ],
    "matrix": ["Value tier: High (top 20 %) 0% 100% – 40%", "价值等级：高（前20%）"],
    "segments": [
        "Three segments stand apart.",
        "三个客群彼此分离。",
        "2 Big baskets",
        "2 大篮",
        "400 CNY",
        "73.8%",
        "+1.4",
        "spend_12m >= 250",
        "93%",
        "88%",
        "tea",
    ],
    "value": ["Value tiers", "价值等级"],
    "campaigns": ["Response by segment", "各客群响应"],
    "backtests": [
        "Lapse risk → silence",
        "流失风险 → 沉默",
        "0.734",
        "0.634 – 0.834",
        "2.345",
        "前十分之一提升度",
        "value_tier v2",
        "0.512",
        "0.688",
    ],
    "predictions": [
        "silence a model 1 0.835 0.731 2.3 42.1% 40.0% surely better",
        "high spend the best baseline 1 – – – – – –",
        "沉默 模型 1 0.835 0.731 2.3 42.1% 40.0% 确优于基准",
        "The model fitted in 2024-02 stays.",
        "沿用2024-02拟合的模型。",
        "boosted trees predicts 2024-02 fitted in 2023-01 – 2023-12 learned from",
        "AUC 0.835 (0.775 – 0.895) 0.731",
        "Lift of the top tenth 2.35 1.99",
        "Brier score (rate of all: 0.2400) 0.1234 0.1678",
        "Mean distance by tenth 3.4%",
        "AUC of shuffled outcomes 0.504",
        "PSI against the month before (by chance below 0.067) 0.123",
        "相对上月PSI（偶然不超过0.067） 0.123",
        "1 of 1 comparisons by gender, age and region differ",
        "gender F △ differs of all 20.0% 40.0%",
        "性别 F △ 存在差异",
        "△ warning calibration What to do about calibration.",
        "There are 9 customer-months.",
    ],
    "lifetime": [
        "30 customers valued 1,500 CNY spend expected in 3 months 45 days with a purchase",
        "BG/NBD chosen 0.79 -4.3% -4.3% -2.1% 30 It did best.",
        "BG/NBD模型 选用",
        "loan 40 7 1,234 CNY 900 1,000 -10.0%",
    ],
    "credit": [
        "Pinned k1 from 2024-04 on.",
        "自2024-04起固定版本k1。",
        "0.787 AUC of the scores of 2024-01 (baseline 0.711)",
        "2024-01 30 0.0% 30 11.0% 10.0% (3.0% – 26.0%) 0.787 0.711",
        "0 of 1 comparisons by gender, age and region differ",
        "gender M of those to whom it did not happen 80.0% 73.3%",
        "性别 M 实际未发生者",
        "580 30 100.0% 11.0% 10.0% (3.0% – 26.0%)",
        "Monetary, last 12 months up to 250 40 7.5% -17",
    ],
    "fairness": [
        "2 of 4 comparisons differ",
        "model silence: top fifth gender F of all 15 20.0% 40.0%",
        "预测模型 沉默：前五分之一",
        "Value tier: High (top 20 %) gender M of all 15 80.0% 20.0% 50.0% – 70.0% 4.00",
        "价值等级：高（前20%） 性别 M 全体",
    ],
    "drift": ["feature Monetary, last 12 months", "0.31"],
    "migration": ["Between segments", "客群之间"],
    "quality": [
        "1,300",
        "1,234",
        "66",
        "the source does not have it",
        "数据源未提供",
        "not a number",
        "7",
        "one_value_per_tag",
        "tags.tag_table: 2 customers have two",
        "45.6%",
        "retire: Nobody asks for it.",
        "无人使用。",
        "6 of 30 customers are the only ones with their combination of what others may know of "
        "them (age, region); 21 have one that fewer than 10 customers have.",
        "30名客户中，6名的准标识符组合（age、region）独一无二，21名所在的组合不足10人。",
        "2024-03 28 3 1 4",
    ],
    "findings": ["segment 2 Big baskets", "What to do about PSI.", "关于PSI的建议。", "0.310"],
    "dictionary": ["features.feature_matrix", "spend_12m", Type.MONEY, "Customer", "客户编号"],
}


def test_sections_show_the_values_of_the_rows_in_both_languages(page: str):
    english, chinese = sections(page, "en"), sections(page, "zh")
    for name, texts in SAYS.items():
        for text in texts:
            seen = chinese if CHINESE.search(text) else english
            assert text in seen[name], f"{name}: {text}"
    for name in english.keys() - {"dictionary"}:
        assert not CHINESE.search(english[name]), f"{name} has Chinese in English"
        assert CHINESE.search(chinese[name]), f"{name} has no Chinese"


def test_a_small_segment_and_customers_stay_undescribed(page: str):
    cards = dict(re.findall(r'id="segment-(\d)">(.*?)</article>', page, re.DOTALL))
    assert "Typical customers" in cards["1"]
    assert "Typical customers" not in cards["3"]
    assert not [who for who, _ in CUSTOMERS if who in page]


def test_an_error_in_a_template_shows(tmp_path: Path):
    nothing_published = tmp_path / "portrait.duckdb"
    duckdb.connect(str(nothing_published)).close()
    assert "Nothing has been materialized yet" in write(nothing_published, tmp_path)
    (tmp_path / "index.html").unlink()

    (drift,) = (section for section in ROOM.report() if section.key == "drift")
    broken = tmp_path / "drift.html"
    broken.write_text(drift.template.read_text().replace("in moved[:9]", "in movd[:9]"))
    with pytest.raises(UndefinedError, match="movd"):
        write(nothing_published, tmp_path, [replace(drift, template=broken)])
    assert not (tmp_path / "index.html").exists()


@pytest.mark.slow
def test_a_month_that_is_late_is_named_and_the_report_is_on_the_complete_one(tmp_path: Path):
    late = {"table_name": "transactions", "rows": 3, "reason": "few rows", "is_complete": False}
    sparse = late | {"table_name": "responses"}
    page = write(write_small_file(tmp_path, [late, sparse]), tmp_path, [OVERVIEW])
    assert "as of 2024-03-31" in page
    assert "2024-04 is late or incomplete (transactions: few rows)" in page
    assert "2024-04数据未到齐（transactions：行数过少）" in page


@pytest.mark.slow
def test_a_table_that_no_portrait_rests_on_does_not_hold_a_month_back(tmp_path: Path):
    sparse = {"table_name": "responses", "reason": "no rows", "is_complete": False}
    page = write(write_small_file(tmp_path, [sparse]), tmp_path, [OVERVIEW])
    assert "as of 2024-04-30" in page
    assert "2024-04 is late" not in page


@pytest.mark.slow
def test_months_of_a_former_version_of_a_tag_keep_its_values(small_file: Path, tmp_path: Path):
    """In March customers were 'new' by the version before, which April's does not have."""
    path = tmp_path / "portrait.duckdb"
    shutil.copy(small_file, path)
    with duckdb.connect(str(path)) as con:
        con.execute(
            "UPDATE tags.portrait_matrix SET lifecycle_stage = 'new' WHERE as_of < '2024-04-01'"
        )
    page = write(path, tmp_path)
    chart = page.split('data-chart="lifecycle_stage"')[1].split("</figure>")[0]
    assert "New" in chart
    assert "Growth" in chart
