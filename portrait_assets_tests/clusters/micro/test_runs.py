"""What goes from one month to the next in parts of segments, with a stated store."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.methods.clustering.asked.model import AskedModel
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
)
from portrait_assets.stages.clusters.micro import run as micro
from portrait_assets.stages.clusters.micro.contract import MICRO_MODEL, MICRO_PROOF, MICRO_SEGMENT
from portrait_assets.stages.clusters.micro.habits import Habits
from portrait_assets.stages.clusters.micro.run import MicroRun
from portrait_assets.stages.clusters.names.vocabulary import Business
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth.contract import (
    WEALTH_SEGMENT,
)
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets.contract import PRODUCT_TARGET
from portrait_assets_tests.clusters.month_store import MONTHS, Make, Noted, Stored, ids, segments


@pytest.fixture
def micro_run(no_engine: None) -> Make:
    def make(rows: dict[tuple[Table, str], pl.DataFrame], outcomes: tuple[Any, ...] = ()) -> Any:
        stored: Any = Stored(rows)
        return MicroRun(stored, MONTHS[6:], MONTHS, outcomes, 1)

    return make


def test_parts_are_of_wealth_segments_where_a_month_has_them(micro_run: Make):
    free = {
        (CLUSTER_ASSIGNMENT, "2024-07"): pl.DataFrame(
            {"customer_id": ["a", "b"], "segment_id": [1, 9], "confidence": [1.0, 1.0]}
        ),
        (CLUSTER_SEGMENT, "2024-07"): pl.DataFrame(
            {"segment_id": [1], "name_en": ["thrifty"], "name_zh": ["节俭"], "share": [1.0]}
        ),
    }
    kind, found = micro_run(free)._segments_of("2024-07")
    assert (kind, found.rows()) == ("cluster", [("a", 1, "thrifty", "节俭")])
    none = free | {(WEALTH_SEGMENT, "2024-07"): segments().clear()}
    assert micro_run(none)._segments_of("2024-07")[0] == "cluster"
    some = free | {(WEALTH_SEGMENT, "2024-07"): segments(("a", 3))}
    kind, found = micro_run(some)._segments_of("2024-07")
    assert (kind, found.rows()) == ("wealth", [("a", 3, "rich", "富")])


def test_another_kind_of_segments_has_parts_of_its_own(micro_run: Make):
    of = micro_run({(WEALTH_SEGMENT, "2024-07"): segments(("a", 1))})
    old: Any = {1: SimpleNamespace(version="v")}
    of._parent, of._models = "cluster", old
    of._names, of._proof = {(1, 1): Label("x", "甲")}, ids()
    assert of._of_month("2024-07").is_empty()
    assert (of._parent, of._models, of._names, of._proof) == ("wealth", {}, {}, None)


def test_a_time_is_some_months_ago_with_those_who_were_counted(
    micro_run: Make, monkeypatch: pytest.MonkeyPatch
):
    """Of four customers one objects by now, and of one it is not known what they did."""
    outcome: Any = SimpleNamespace(code="silence", prediction_horizon=3)
    far: Any = SimpleNamespace(code="far", prediction_horizon=6)
    never: Any = SimpleNamespace(code="never", prediction_horizon=None)
    base, month = "2024-06", "2024-09"
    rows = {
        (FEATURE_MATRIX, base): ids("a"),
        (WEALTH_SEGMENT, base): segments(("a", 1), ("b", 1), ("c", 2)),
        (UNPROFILED, month): ids("b"),
        (PRODUCT_TARGET, "2024-09"): ids("a"),
    }
    asked: list[tuple[str, list[str], str]] = []

    def labels(warehouse: Any, of: Any, bases: list[str], at: str) -> pl.DataFrame:
        asked.append((of.code, bases, at))
        return pl.DataFrame(
            {
                "customer_id": ["a", "c", "d"],
                "eligible": [True, True, False],
                "hit": [True, None, True],
            }
        )

    monkeypatch.setattr(micro, "labels", labels)
    monkeypatch.setattr(micro, "tables_read", lambda of: [PRODUCT_TARGET])
    habits = Habits(ids("a", "b", "c"), ("rate",))
    monkeypatch.setattr(micro, "habits_of", lambda engine, at: habits)
    of = micro_run(rows, (outcome, far, never))
    of._parent = "wealth"
    time, found = of._time(month, 3)
    assert asked == [("silence", [base], month)]
    assert found.columns == ("rate",)
    assert time.habits["customer_id"].to_list() == ["a", "c"]
    assert time.segments.rows() == [("a", 1), ("b", 1), ("c", 2)]
    assert {code: each.rows() for code, each in time.labels.items()} == {"silence": [("a", "true")]}
    assert of._time(month, 2) is None, "no features"
    of._parent = "cluster"
    assert of._time(month, 3) is None, "other segments than now"


def test_names_stay_with_models_that_stay(micro_run: Make, monkeypatch: pytest.MonkeyPatch):
    def model(version: str) -> Any:
        return SimpleNamespace(version=version)

    times = {6: ("earlier", SimpleNamespace(columns=("x",))), 3: ("later", None)}
    tried = Noted()
    of = micro_run({})
    of._parent = "wealth"
    monkeypatch.setattr(of, "_time", lambda month, ago: times[ago], raising=False)
    monkeypatch.setattr(micro, "tried", lambda *given: tried.giving([], *given))
    found = {1: SimpleNamespace(model=model("same")), 2: SimpleNamespace(model=model("other"))}
    monkeypatch.setattr(micro, "taken", lambda divisions: found)
    of._models = {1: model("same"), 2: model("before"), 3: model("gone")}
    of._names = {(n, 1): Label(f"{n}", "甲") for n in (1, 2, 3)}
    of._search("2024-09")
    assert tried == [("earlier", "later", ("x",))], "six and three months ago"
    assert {n: each.version for n, each in of._models.items()} == {1: "same", 2: "other"}
    assert list(of._names) == [(1, 1)]
    times[6] = None  # type: ignore[assignment]
    of._models = {9: model("kept")}
    of._search("2024-12")
    assert list(of._models) == [9], "nothing is looked for without a time"


def test_what_was_tried_is_stored_with_what_is_taken():
    saved = SimpleNamespace(mean=0.02, low=0.01, high=0.03)
    one, other = (
        SimpleNamespace(
            **{"segment": n, "model": SimpleNamespace(segments=2), "outcome": "silence"},
            **{"smallest_share": 0.2, "tests": 4, "agreement": 0.9, "saved": saved},
            reason=("because", "因为"),
        )
        for n in (1, 2)
    )
    given: Any = [one, other]
    rows = micro._proof_rows(given, {1: one, 2: one}, "wealth", "2024-09")  # type: ignore[dict-item]
    assert rows["is_taken"].to_list() == [True, False]
    first = rows.row(0, named=True)
    assert first["proven_on"] == date(2024, 9, 30)
    assert (first["gain"], first["gain_low"], first["gain_high"]) == (0.02, 0.01, 0.03)
    assert (first["reason_en"], first["reason_zh"]) == ("because", "因为")
    assert (first["parts"], first["tests"], first["bootstrap_agreement"]) == (2, 4, 0.9)


def test_parts_are_named_after_their_segment_in_both_languages(
    micro_run: Make, monkeypatch: pytest.MonkeyPatch
):
    of = micro_run({(CLUSTER_PROFILE, "2024-09"): pl.DataFrame({"feature": ["owed_balance"]})})
    of._parent, of._models = "wealth", {1: SimpleNamespace(ids=(1, 2))}
    asked = Noted()
    monkeypatch.setattr(micro, "profile_segments", lambda *_, **__: None)
    monkeypatch.setattr(
        micro, "words_of_segments", lambda *_, **more: asked.giving({}, more["business"])
    )
    monkeypatch.setattr(micro, "distinct_names", lambda words: {n: [f"w{n}"] for n in words})
    monkeypatch.setattr(micro, "name_of", lambda words: Label(words[0], f"词{words[0][1]}"))
    habits = Habits(ids("a", "b"), ())
    members, parts = segments(("a", 1), ("b", 1)), ids("a", "b").with_columns(micro_id=pl.lit(1))
    of._name("2024-09", 1, members, habits.rows, parts, habits)
    assert of._names == {(1, 1): Label("rich: w1", "富：词1"), (1, 2): Label("rich: w2", "富：词2")}
    assert asked == [(Business.BANK,)]
    of._names[1, 1] = Label("kept", "留")
    of._name("2024-09", 1, members, habits.rows, parts, habits)
    assert of._names[1, 1] == Label("kept", "留"), "once for a model"


def test_customers_of_a_segment_with_parts_are_in_one_of_them(
    micro_run: Make, monkeypatch: pytest.MonkeyPatch
):
    of = micro_run({})
    of._parent = "wealth"
    of._names = {(1, 7): Label("rich: often", "富：常"), (3, 8): Label("x", "甲")}
    model = SimpleNamespace(
        version="v1",
        assign=lambda rows: rows.select("customer_id", segment_id=pl.lit(7, pl.Int64)),
        to_rows=lambda: pl.DataFrame({"part": ["centre"]}),
    )
    of._models = {3: model, 1: model}
    habits = Habits(ids("c", "b", "a"), ())
    monkeypatch.setattr(micro, "habits_of", lambda engine, at: habits)
    found = of._assigned("2024-09", segments(("a", 1), ("b", 2), ("c", 1), ("gone", 3)))
    assert found.select("customer_id", "segment_id", "micro_id", "name", "name_zh").rows() == [
        ("c", 1, 7, "rich: often", "富：常"),
        ("a", 1, 7, "rich: often", "富：常"),
    ]
    assert found.select("parent", "model_version", "as_of").unique().rows() == [
        ("wealth", "v1", date(2024, 9, 30))
    ]
    stored = of.rows(MICRO_MODEL)
    assert stored.select("segment_id", "model_version", "parent").rows() == [(1, "v1", "wealth")]


def test_stored_parts_are_taken_up_by_segment(micro_run: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        AskedModel, "from_rows", classmethod(lambda cls, rows: rows["value"].to_list())
    )
    model = pl.DataFrame({"parent": "wealth", "segment_id": [2, 1, 2], "value": [5, 6, 7]})
    named = pl.DataFrame(
        {"segment_id": [1, 1], "micro_id": [2, 2], "name": ["x", "x"], "name_zh": ["甲", "甲"]}
    )
    of = micro_run(
        {
            (MICRO_MODEL, "2024-05"): model.head(0),
            (MICRO_MODEL, "2024-06"): model,
            (MICRO_MODEL, "2024-07"): model.head(1),
            (MICRO_SEGMENT, "2024-06"): named,
            (MICRO_PROOF, "2024-06"): ids("proof"),
        }
    )
    assert (of._parent, of._models) == ("wealth", {1: [6], 2: [5, 7]})
    assert of._names == {(1, 2): Label("x", "甲")}
    assert of._proof.item() == "proof"
    nothing = micro_run({})
    assert (nothing._parent, nothing._models, nothing._names, nothing._proof) == ("", {}, {}, None)
