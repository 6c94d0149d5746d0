"""What the sections on models show, against a few lines of Python over the rows of the file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from portrait_assets.stages.mart.findings import _subject_name
from portrait_assets.stages.mart.sections.models.credit import cards
from portrait_assets.stages.mart.sections.models.lifetime import by_tenth, methods, totals
from portrait_assets.stages.mart.sections.models.predictions import models, stages
from portrait_assets.stages.mart.words import METRICS, model_name
from portrait_assets.storage.published import Published
from portrait_assets.testing.golden.file import FOLDER, read
from portrait_assets_tests.mart import small_models
from portrait_assets_tests.mart.conftest import published_of

CUSTOMERS = [f"K{number:02d}" for number in range(40)]
TABLES: dict[str, list[dict[str, Any]]] = {
    **small_models.models(CUSTOMERS),
    **small_models.values(CUSTOMERS),
    **small_models.cards(),
    **small_models.stages(),
    "validation.drift": [small_models.DRIFT],
    "validation.fairness": small_models.fairness(),
}


def published(smallest: int) -> Published:
    as_of = {"as_of": small_models.APRIL}
    tables = {name: [as_of | row for row in rows] for name, rows in TABLES.items()}
    return published_of(tables, small_models.APRIL, smallest)


def test_a_model_has_its_newest_window_and_the_tenths_of_that():
    silence, spend = models(published(1))
    assert [row["as_of"] for row in silence["history"]] == [
        date(2024, 3, 31),
        small_models.APRIL,
    ]
    assert silence["proof"]["auc"] == 0.835
    assert [row["tenth"] for row in silence["tenths"]] == [1, 2]
    assert silence["drift"]["psi"] == 0.123
    assert (silence["anchor"], silence["zh"]) == ("silence-1", "沉默")
    assert (spend["proof"], spend["tenths"], spend["drift"]) == (None, [], None)
    assert spend["en"] == "high spend", "where the decision has no name, the package's"


def test_stages_of_the_life_cycle_stand_with_the_newest_window_first():
    found = [(row["base_month"], row["measure"], row["value"]) for row in stages(published(1))]
    assert found == [
        ("2024-03", "auc", 0.836),
        ("2024-03", "log loss", 0.691),
        ("2024-02", "log loss", 0.702),
    ]


def test_first_reasons_of_few_customers_are_together():
    every = [(row["en"], row["share"]) for row in models(published(1))[0]["reasons"]]
    assert every == [("↑ recency_days", pytest.approx(11 / 12)), ("↓ spend_12m", 1 / 12)]
    (pooled,) = models(published(10))[0]["reasons"]
    assert (pooled["en"], pooled["zh"]) == ("other (2 values)", "其他（2个取值）")
    assert models(published(13))[0]["reasons"] == [], "of twelve customers nothing is said"


def test_the_groups_of_a_model_are_those_compared_of_it():
    found = models(published(1))[0]["treated"]
    assert (found["judged"], len(found["differing"])) == (1, 1)
    assert found["furthest"][0]["group_en"] == "gender F"
    (card,) = cards(published(1))
    assert (card["treated"]["judged"], card["treated"]["differing"]) == (1, [])
    assert card["treated"]["furthest"][0]["counted"] == "of good"


def test_the_chosen_method_comes_first_and_values_add_up():
    page = published(1)
    assert [row["method"] for row in methods(page)] == ["BG/NBD", "Pareto/NBD"]
    total = totals(page)
    assert total is not None
    assert (total["customers"], total["spend"], total["horizon"]) == (40, 20 * 90 + 20 * 10, 3)
    assert float(total["p_alive"]) == pytest.approx(0.8)
    assert totals(published(41)) is None


def test_tenths_of_value_are_shown_where_each_is_of_enough():
    shares = [row["share"] for row in by_tenth(published(4))]
    assert shares == pytest.approx([4 * 90 / 2_000] * 5 + [4 * 10 / 2_000] * 5)
    assert by_tenth(published(5)) == []


def test_a_card_has_its_curve_and_bins_of_enough_customers():
    (card,) = cards(published(10))
    assert [row["cut"] for row in card["cuts"]] == [600, 580]
    assert card["proof"]["base_month"] == "2024-01"
    assert [row["label"] for row in card["bins"]] == ["up to 250"]
    assert [row["label"] for row in cards(published(1))[0]["bins"]] == ["up to 250", "more"]


def test_a_finding_on_a_model_names_its_target():
    assert model_name("model silence") == ("model silence", "预测模型 沉默")
    assert model_name("credit score overdue")[1].startswith("信用评分 ")
    assert model_name("transactions") == ("transactions", "transactions")


def test_every_metric_of_a_finding_has_a_name_in_chinese():
    findings = read(FOLDER / "findings.json").values()
    assert {metric for _, _, metric, *_ in findings} <= METRICS.keys()
    assert METRICS["AUC, 1 month on"] == "AUC（1个月后）"
    assert METRICS["tags that separate, 6 months on"] == "有区分力的标签数（6个月后）"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("gender", ("gender", "性别")),
        ("customer value", ("customer value", "客户价值")),
        ("every feature", ("all features", "全部特征")),
        ("scorecard overdue", ("scorecard overdue", "评分卡 逾期")),
    ],
)
def test_what_a_finding_is_about_has_a_name(subject: str, name: tuple[str, str]):
    assert _subject_name(subject, {}, {}, []) == name
