"""What was predicted at a month's end against what happened, and proposed tag versions."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.charts import evidence
from portrait_assets.stages.mart.reading import buckets, short, tags, test_name
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.validation.findings.backtest import BASELINES_ZH
from portrait_assets.storage.published import Published, Row, Section

DRAWN = 30  # Tests, the best first; the table has all.
NAME = 40  # Letters of a name beside a chart.
GAIN_TESTS = (
    "expected_spend_30d / spend",
    "value_tier / spend",
    "lapse_risk / silence",
    "recency_band / silence",
    "expected_response_rate / response",
)


def _charts(published: Published) -> dict[str, str]:
    drawn: dict[str, str] = {}
    names = published.of(tags)
    rows = [
        row
        for row in published.newest("validation.backtest", "value DESC, test")
        if row["metric"] == "auc" and row["horizon_months"] == 1 and row["value"] is not None
    ]
    named, words = [], {}
    for row in rows[:DRAWN]:
        en, zh = test_name(row, names)
        en = short(en, NAME)
        words[en] = zh
        named.append(
            {"name": en, **{k: row[k] for k in ("value", "low", "high", "baseline_value")}}
        )
    if named:
        drawn["backtests"] = evidence.tests(named, words)
    curves = []
    for row in rows:
        if row["test"] in GAIN_TESTS:
            curves += _curve(short(test_name(row, names)[0], NAME), buckets(published, row["test"]))
    if curves:
        drawn["gains"] = evidence.gains(curves, words)
    predicted = [
        {k: row[k] for k in ("predicted", "rate", "low", "high")}
        for row in buckets(published, "purchase_probability_30d / purchase")
    ]
    if predicted:
        drawn["calibration"] = evidence.calibration(predicted)
    return drawn


def _curve(name: str, rows: list[Row]) -> list[Row]:
    everyone = sum(row["customers"] for row in rows)
    points = [{"name": name, "customers": 0.0, "gain": 0.0}]
    seen = 0
    for row in rows:
        seen += row["customers"]
        if row["gain"] is not None:
            points.append({"name": name, "customers": seen / everyone, "gain": row["gain"]})
    return points


def proposals(published: Published) -> list[Row]:
    """The newest quarter's proposals of versions that have not been activated since."""
    if published.as_of is None:
        return []
    return published.rows(
        "validation.tag_proposal",
        "SELECT p.* FROM {table} p JOIN tags.tag_catalogue c ON c.as_of = ? AND c.in_force "
        "AND c.tag_code = p.tag_code AND c.tag_version = p.tag_version "
        "WHERE p.as_of > last_day(?::DATE - INTERVAL 3 MONTH) ORDER BY p.tag_code",
        [published.as_of, published.as_of],
    )


def _show(published: Published) -> dict[str, Any]:
    names = published.of(tags)
    rows = published.newest("validation.backtest", "test, horizon_months, metric")
    for row in rows:
        row["en"], row["zh"] = test_name(row, names)
        row["baseline_zh"] = BASELINES_ZH.get(row["baseline"], row["baseline"])
    return {
        "backtests": [row for row in rows if row["metric"] == "auc"],
        "measures": [row for row in rows if row["metric"] != "auc"],
        "proposals": published.of(proposals),
        "charts": lambda: _charts(published),
    }


BACKTESTS = Section("backtests", "Backtests", "回测", TEMPLATES / "backtests.html", _show)
