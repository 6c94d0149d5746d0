"""A page for each model: what it is, how it came true, whom it picks out; and one on stages."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.privacy.cells import pooled
from portrait_assets.stages.mart.charts import models as charts
from portrait_assets.stages.mart.reading import short
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.sections.models.reading import (
    findings_on,
    signed_features,
    target_names,
    treated,
)
from portrait_assets.storage.published import Published, Row, Section

MOST_REASONS = 6
NAME = 36  # Letters of a name beside a chart.


def models(published: Published) -> list[Row]:
    """What predicts each target in the newest month, with all that is known of it."""
    decisions = published.newest("predictions.prediction_decision", "target, horizon")
    tests, tenths = published.of(_tests), published.of(_tenths)
    found = []
    for row in decisions:
        code, key = row["target"], (row["target"], row["horizon"])
        history = tests.get(key, [])
        found.append(
            row
            | target_names(row)
            | {
                "proof": history[-1] if history else None,
                "history": history,
                "tenths": tenths.get((*key, history[-1]["as_of"]), []) if history else [],
                "drift": _drift(published, code),
                "reasons": _reasons(published, *key),
                "treated": treated(published, f"model {code}"),
                "findings": findings_on(published, (f"model {code}", f"score {code}")),
            }
        )
    return found


def _tests(published: Published) -> dict[tuple[str, int], list[Row]]:
    """The backtests up to the month by target, the oldest first."""
    return _by_key(published, "predictions.prediction_backtest", ("target", "horizon"))


def _tenths(published: Published) -> dict[tuple[Any, ...], list[Row]]:
    """The tenths of the score of each backtest, the likeliest first."""
    keys = ("target", "horizon", "as_of")
    return _by_key(published, "predictions.prediction_calibration", keys, ", tenth")


def stages(published: Published) -> list[Row]:
    """How well stages of the life cycle predicted each window up to the month, newest first."""
    if published.as_of is None:
        return []
    sql = "SELECT * FROM {table} WHERE as_of <= ? ORDER BY as_of DESC, measure"
    return published.rows("predictions.lifecycle_backtest", sql, [published.as_of])


def _by_key(
    published: Published, table: str, keys: tuple[str, ...], then: str = ""
) -> dict[tuple[Any, ...], list[Row]]:
    if published.as_of is None:
        return {}
    sql = f"SELECT * FROM {{table}} WHERE as_of <= ? ORDER BY as_of{then}"
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in published.rows(table, sql, [published.as_of]):
        found.setdefault(tuple(row[name] for name in keys), []).append(row)
    return found


def _drift(published: Published, target: str) -> Row | None:
    """How far scores moved since the month before."""
    for row in published.newest("validation.drift", "subject"):
        if (row["kind"], row["subject"]) == ("score", target) and row["against"] == "month before":
            return row
    return None


def _reasons(published: Published, target: str, horizon: int) -> list[Row]:
    """The most frequent first reasons of those on top; reasons of few customers are together."""
    if published.as_of is None:
        return []
    rows = published.rows(
        "predictions.prediction",
        "SELECT reason_1::VARCHAR AS reason, count(*) AS n FROM {table} WHERE as_of = ? "
        "AND target = ? AND horizon = ? AND reason_1 IS NOT NULL GROUP BY ALL ORDER BY n DESC, 1",
        [published.as_of, target, horizon],
    )
    everyone = sum(row["n"] for row in rows)
    counts = pl.DataFrame(rows, schema={"reason": pl.String, "n": pl.Int64})
    listed = pooled(counts, ["reason"], "n", published.smallest).to_dicts()
    named = []
    for row in listed[:MOST_REASONS]:
        en, zh = signed_features(row["reason"], published)
        named.append({"en": en, "zh": zh, "share": row["n"] / everyone})
    return named


def _charts(published: Published) -> dict[str, str]:
    drawn: dict[str, str] = {}
    beside: list[Row] = []
    names: dict[str, str] = {}
    for place, model in enumerate(published.of(models)):
        label = (model["en"], model["zh"])
        if any(row["auc"] is not None for row in model["history"]):
            drawn[f"model_{place}_areas"] = charts.areas_by_month(model["history"], label)
        if model["tenths"]:
            drawn[f"model_{place}_calibration"] = charts.calibrated(model["tenths"], label)
        proof = model["proof"]
        if proof is not None and proof["auc"] is not None:
            name = short(model["en"], NAME)
            names[name] = model["zh"]
            beside.append({"name": name} | {key: proof[key] for key in charts.AREAS})
    if beside:
        drawn["models"] = charts.areas_by_model(beside, names)
    return drawn


def _show(published: Published) -> dict[str, Any]:
    return {
        "models": published.of(models),
        "stages": published.of(stages),
        "charts": lambda: _charts(published),
    }


PREDICTIONS = Section(
    "predictions", "Predictions", "预测模型", TEMPLATES / "predictions.html", _show
)
