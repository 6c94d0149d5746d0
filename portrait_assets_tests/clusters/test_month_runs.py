"""What goes from one month to the next in wealth segments and their parts, with a stated store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.core.months import month_range
from portrait_assets.methods.clustering.asked.model import AskedModel
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.clusters.micro import run as micro
from portrait_assets.stages.clusters.micro.contract import MICRO_MODEL, MICRO_PROOF, MICRO_SEGMENT
from portrait_assets.stages.clusters.micro.habits import Habits
from portrait_assets.stages.clusters.micro.run import MicroRun
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth import run as wealthy
from portrait_assets.stages.clusters.wealth.choosing import Chosen
from portrait_assets.stages.clusters.wealth.contract import (
    WEALTH_DECISION,
    WEALTH_PROOF,
    WEALTH_SEGMENT,
)
from portrait_assets.stages.clusters.wealth.inputs import Wealth
from portrait_assets.stages.clusters.wealth.run import WealthRun
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets.contract import PRODUCT_TARGET
from portrait_assets.storage.place import Place

MONTHS = month_range("2024-01", "2024-12")


class Noted(list[Any]):
    """What a function was called with, which gives this."""

    def giving(self, result: Any, *given: Any) -> Any:
        self.append(given)
        return result


class Stored:
    """A warehouse with these rows by table and month, and nothing of months before."""

    def __init__(self, rows: dict[tuple[Table, str], pl.DataFrame]) -> None:
        self.stored, self.con, self.place = rows, None, Place()

    def materialized(self, table: Table) -> dict[str, int]:
        return {month: rows.height for (of, month), rows in self.stored.items() if of is table}

    def read(self, table: Table, months: list[str]) -> pl.DataFrame:
        return pl.concat([self.stored[table, month] for month in months])

    def last_before(self, table: Table, month: str) -> pl.DataFrame | None:
        months = [each for each in self.materialized(table) if each < month]
        return self.read(table, [max(months)]) if months else None


Make = Callable[..., Any]


@pytest.fixture
def micro_run(monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(
        "portrait_assets.stages.clusters.month_run.Engine",
        lambda con: SimpleNamespace(close=lambda: None),
    )

    def make(rows: dict[tuple[Table, str], pl.DataFrame], outcomes: tuple[Any, ...] = ()) -> Any:
        stored: Any = Stored(rows)
        return MicroRun(stored, MONTHS[6:], MONTHS, outcomes, 1)

    return make


def ids(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": list(names)}, schema={"customer_id": pl.String})


def segments(*rows: tuple[str, int]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["customer_id", "segment_id"], orient="row")
    return frame.with_columns(name=pl.lit("rich"), name_zh=pl.lit("富"), more=pl.lit(1))


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
    of = micro_run({})
    of._parent, of._models = "wealth", {1: SimpleNamespace(ids=(1, 2))}
    monkeypatch.setattr(micro, "profile_segments", lambda *_, **__: None)
    monkeypatch.setattr(micro, "words_of_segments", lambda *_, **__: {})
    monkeypatch.setattr(micro, "distinct_names", lambda words: {n: [f"w{n}"] for n in words})
    monkeypatch.setattr(micro, "name_of", lambda words: Label(words[0], f"词{words[0][1]}"))
    habits = Habits(ids("a", "b"), ())
    members, parts = segments(("a", 1), ("b", 1)), ids("a", "b").with_columns(micro_id=pl.lit(1))
    of._name(1, members, habits.rows, parts, habits)
    assert of._names == {(1, 1): Label("rich: w1", "富：词1"), (1, 2): Label("rich: w2", "富：词2")}
    of._names[1, 1] = Label("kept", "留")
    of._name(1, members, habits.rows, parts, habits)
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


# -- wealth ------------------------------------------------------------------------------------

KNOWN = Wealth(ids("a", "b", "c"), pl.DataFrame({"category": ["fund", "deposit"]}), ("x", "y"))
UNKNOWN = KNOWN._replace(amounts=("x",))


@pytest.fixture
def wealth_run(monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(
        "portrait_assets.stages.clusters.month_run.Engine",
        lambda con: SimpleNamespace(close=lambda: None),
    )

    def make(
        rows: dict[tuple[Table, str], pl.DataFrame] | None = None, wealth: Wealth = KNOWN
    ) -> Any:
        stored: Any = Stored(rows or {})
        monkeypatch.setattr(wealthy, "wealth_of", lambda engine, month: wealth)
        monkeypatch.setattr(wealthy, "without_objectors", lambda wealth, engine, month: wealth)
        return WealthRun(stored, MONTHS[6:], MONTHS, 4, 1)

    return make


@pytest.mark.parametrize(
    ("winner", "is_fitted", "proves", "describes"),
    [
        ("none", False, False, False),
        ("champion", False, False, True),
        ("champion", True, True, True),
        ("challenger", True, True, True),
        ("first", True, True, True),
    ],
)
def test_a_month_has_the_segments_of_the_model_that_holds(
    wealth_run: Make,
    monkeypatch: pytest.MonkeyPatch,
    winner: str,
    is_fitted: bool,
    proves: bool,
    describes: bool,
):
    of = wealth_run()
    model: Any = SimpleNamespace(segments=4, version="v1")
    asked: list[Any] = []

    def chosen(wealth: Any, months: int, before: Any, number: int) -> Chosen:
        asked.append((months, before, number))
        holds = None if winner == "none" else model
        return Chosen(holds, winner, "a reason", model if is_fitted else None)

    done = Noted()
    monkeypatch.setattr(wealthy, "chosen", chosen)
    monkeypatch.setattr(of, "_prove", lambda *_: done.giving(None, "proven"), raising=False)
    monkeypatch.setattr(
        of, "_describe", lambda *_: done.giving(ids("a"), "described"), raising=False
    )
    of._model, of._verdict = "before", {"free_choice": 3, "is_found": False}
    rows = of._of_month("2024-09")
    assert asked == [(9, "before", 4)], "months of the source up to and with this one"
    assert done == [("proven",)] * proves + [("described",)] * describes
    (decision,) = of.rows(WEALTH_DECISION).iter_rows(named=True)
    assert (decision["asked"], decision["winner"], decision["reason"]) == (4, winner, "a reason")
    assert decision["as_of"] == date(2024, 9, 30)
    if winner == "none":
        assert rows.is_empty()
        assert (decision["segments"], decision["model_version"]) == (0, None)
        assert decision["free_choice"] is None
        assert decision["statement_en"].startswith("Four wealth segments cannot be made of these")
        assert of._model is None
    else:
        assert (decision["segments"], decision["model_version"]) == (4, "v1")
        assert (decision["free_choice"], decision["is_found"]) == (3, False)


def test_without_balances_by_product_all_is_forgotten(wealth_run: Make):
    of = wealth_run(wealth=UNKNOWN)
    of._model, of._proof, of._names = "model", ids(), {1: Label("x", "甲")}
    assert of._of_month("2024-09").is_empty()
    assert (of._model, of._segments, of._proof, of._names, of._verdict) == (
        None,
        None,
        None,
        {},
        {},
    )
    assert of.rows(WEALTH_DECISION).is_empty()


def taken(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer_id", "category", "horizon"], orient="row")


def test_what_customers_took_later_is_one_word_of_each(wealth_run: Make):
    """In the three months after the base; of several products the first by name."""
    rows = {
        (FEATURE_MATRIX, "2024-06"): ids("a"),
        (PRODUCT_TARGET, "2024-09"): taken(
            *(("a", "fund", 3), ("a", "deposit", 3), ("b", "fund", 1), ("c", "card", 3)),
        ),
    }
    of = wealth_run(rows)
    later = of._later("2024-09", 3)
    assert later.did.rows() == [("a", "deposit"), ("b", "none"), ("c", "none")]
    assert of._later("2024-12", 6).did.rows() == later.did.rows()
    assert of._later("2024-10", 3) is None, "no features of July"
    assert of._later("2024-12", 3) is None
    assert wealth_run(rows, UNKNOWN)._later("2024-09", 3) is None
    assert of._taken("2024-09").height == 3
    assert of._taken("2024-08").is_empty()


def test_a_proof_is_of_customers_six_and_three_months_ago(
    wealth_run: Make, monkeypatch: pytest.MonkeyPatch
):
    of = wealth_run()
    asked, given = Noted(), Noted()
    monkeypatch.setattr(
        of, "_later", lambda month, ago: asked.giving(f"{ago} ago", ago), raising=False
    )
    proof = SimpleNamespace(
        rows=pl.DataFrame({"segments": [4]}), free=5, is_found=True, statement=Label("yes", "是")
    )
    monkeypatch.setattr(wealthy, "prove", lambda *those: given.giving(proof, *those[2:]))
    of._prove(KNOWN, "model", "2024-09")
    assert (asked, given) == ([(6,), (3,)], [("6 ago", "3 ago")])
    assert of._proof["proven_on"].item() == date(2024, 9, 30)
    assert of._verdict == {
        **{"free_choice": 5, "is_found": True},
        **{"statement_en": "yes", "statement_zh": "是"},
    }
    of._put(WEALTH_PROOF, of._proof, "2024-10")
    assert of.rows(WEALTH_PROOF)["as_of"].to_list() == [date(2024, 10, 31)]
