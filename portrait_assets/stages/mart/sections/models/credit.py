"""Scorecards: whom approving from a score on would take in, how scores came true, and the card."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.charts import credit as charts
from portrait_assets.stages.mart.reading import feature_labels
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.sections.models.reading import findings_on, target_names, treated
from portrait_assets.storage.published import Published, Row, Section


def cards(published: Published) -> list[Row]:
    """The card of each target of credit in the newest month, with all that is known of it."""
    curve = published.newest(
        "predictions.credit_curve", "target, horizon, kind, base_month, cut DESC"
    )
    found = []
    for row in published.newest("predictions.credit_decision", "target, horizon"):
        own = [each for each in curve if _key(each) == _key(row)]
        vintages = [each for each in own if each["kind"] == "vintage"]
        known = [each for each in vintages if each["known"]]
        code = row["target"]
        found.append(
            row
            | target_names(row)
            | {
                "cuts": [each for each in own if each["kind"] == "cut"],
                "vintages": vintages,
                "proof": known[-1] if known else None,
                "bins": _bins(published, row),
                "treated": treated(published, f"scorecard {code}"),
                "findings": findings_on(published, (f"scorecard {code}", f"credit score {code}")),
            }
        )
    return found


def _key(row: Row) -> tuple[str, int]:
    return row["target"], row["horizon"]


def _bins(published: Published, decision: Row) -> list[Row]:
    """The bins of a card that rest on enough customer-months, with the names of their features."""
    names = published.of(feature_labels)
    rows = [
        row
        for row in published.newest("predictions.scorecard", "item")
        if _key(row) == _key(decision)
        and row["part"] == "bin"
        and (row["rows"] or 0) >= published.smallest
    ]
    for row in rows:
        row["en"], row["zh"], _ = names.get(row["feature"], (row["feature"],) * 2 + ("",))
    return rows


def _charts(published: Published) -> dict[str, str]:
    drawn = {}
    for place, card in enumerate(published.of(cards)):
        label = (card["en"], card["zh"])
        if card["cuts"]:
            drawn[f"card_{place}_curve"] = charts.approval(card["cuts"], label)
        if any(row["actual_bad_rate"] is not None for row in card["vintages"]):
            drawn[f"card_{place}_vintages"] = charts.vintages(card["vintages"], label)
    return drawn


def _show(published: Published) -> dict[str, Any]:
    return {"cards": published.of(cards), "charts": lambda: _charts(published)}


CREDIT = Section("credit", "Credit", "信用评分", TEMPLATES / "credit.html", _show)
