"""Which segments hold in a month: each rule at its limit and beside it, with models stood in for.

What the models themselves find is shown in `test_active`, `test_tracking` and `test_wealth`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.stages.clusters.assets import with_customers
from portrait_assets.stages.clusters.champions import active, champion
from portrait_assets.stages.clusters.champions.active import ActiveModel, active_model
from portrait_assets.stages.clusters.champions.champion import (
    Decision,
    _silhouette,
    _smallest_share,
    decide,
    mix_drift,
)
from portrait_assets.stages.clusters.rule import RULE

CUSTOMERS = pl.DataFrame({"customer_id": [f"c{n}" for n in range(100)]})
STABLE = RULE.stability.stable


def model(version: str, labels: list[int], **differing: Any) -> Any:
    """A model that puts the hundred customers into these segments; each number is repeated."""
    of = SimpleNamespace(
        **{"version": version, "nature": "degrees", "supported": True},
        bootstrap_agreement=0.95,
        preparation=SimpleNamespace(transform=lambda sample: np.zeros((sample.height, 2))),
        labels=labels * (100 // len(labels)),
        silhouette=0.5,
    )
    for name, value in differing.items():
        setattr(of, name, value)
    return of


def test_a_month_without_customers_ends_before_anything_is_fitted():
    assert with_customers(CUSTOMERS, "2024-01") is CUSTOMERS
    with pytest.raises(ClusterError, match="by the end of 2024-01; begin with a later first_month"):
        with_customers(CUSTOMERS.clear(), "2024-01")


@pytest.mark.parametrize(
    ("labels", "share"),
    [([0, 0, 1], 0.333333), ([5, 5, 5], 1.0), ([2, 0, 2, 1, 1], 0.2), ([], 0.0)],
)
def test_the_smallest_share_has_six_digits(labels: list[int], share: float):
    assert _smallest_share(np.array(labels, dtype=np.int64)) == share


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Decision]:
    """`decide` on models whose labels and silhouettes are as stated."""

    def run(old: Any, new: Any, **more: Any) -> Decision:
        scores = iter([old.silhouette, new.silhouette])
        monkeypatch.setattr(champion, "canonical_sample", lambda features, rows, seed: features)
        monkeypatch.setattr(
            champion, "assign", lambda of, sample: pl.DataFrame({"segment_id": of.labels})
        )
        monkeypatch.setattr(champion, "_silhouette", lambda points, labels: next(scores))
        return decide(old, new, CUSTOMERS, **more)

    return run


OLD = model("old", [1, 1, 1, 2])


@pytest.mark.parametrize(
    ("new", "winner", "why"),
    [
        (model("old", [1, 2], silhouette=0.9), "champion", "the refit is the same model"),
        (
            model("new", [1, 1, 1, 2], nature="separate", silhouette=0.1),
            "challenger",
            "only the challenger's segments lie apart",
        ),
        (
            model("new", [1, 1, 1, 2], supported=False, silhouette=0.9),
            "champion",
            "only the champion's segments are supported by data",
        ),
        (
            model("new", [1], silhouette=None),
            "champion",
            "the challenger finds no separate segments",
        ),
        (
            model("new", [1, 2], bootstrap_agreement=STABLE - 0.01, silhouette=0.9),
            "champion",
            "the challenger's segments are not stable",
        ),
        (
            model("new", [1, 2], bootstrap_agreement=STABLE, silhouette=0.9),
            "challenger",
            "the challenger's silhouette is better by at least 0.02",
        ),
        (
            model("new", [1, 2], silhouette=0.52),
            "challenger",
            "the challenger's silhouette is better by at least 0.02",
        ),
        (
            model("new", [1, 2], silhouette=0.519),
            "champion",
            "no gain in silhouette of at least 0.02",
        ),
    ],
)
def test_a_challenger_wins_by(compare: Callable[..., Decision], new: Any, winner: str, why: str):
    found = compare(OLD, new)
    assert (found.winner, found.reason) == (winner, why)
    assert (found.champion_silhouette, found.challenger_silhouette) == (0.5, new.silhouette)
    assert found.champion_smallest_share == 0.25
    counts = np.unique(new.labels, return_counts=True)[1]
    assert found.challenger_smallest_share == counts.min() / 100


def test_the_champion_of_one_segment_gives_way_to_any_and_an_unstable_one_to_a_better(
    compare: Callable[..., Decision],
):
    new = model("new", [1, 2], silhouette=0.01, bootstrap_agreement=0.1)
    assert compare(model("old", [1], silhouette=None), new).winner == "challenger"
    better = model("new", [1, 2], silhouette=0.9, bootstrap_agreement=STABLE - 0.01)
    below, at = (
        model("old", [1, 2], bootstrap_agreement=agreement) for agreement in (STABLE - 0.01, STABLE)
    )
    assert compare(below, better).winner == "challenger"
    assert compare(at, better).winner == "champion"
    apart, supported = model("old", [1, 2], nature="separate"), model("old", [1, 2])
    assert compare(apart, better).reason == "only the champion's segments lie apart"
    unsupported = model("old", [1, 2], supported=False)
    assert compare(unsupported, better).reason.startswith("only the challenger's segments are")
    assert (
        compare(supported, replace_labels(better, [1, 1, 1, 2])).challenger_smallest_share == 0.25
    )


def replace_labels(of: Any, labels: list[int]) -> Any:
    return model(
        of.version, labels, silhouette=of.silhouette, bootstrap_agreement=of.bootstrap_agreement
    )


@pytest.mark.parametrize(("moved", "winner"), [(5, "challenger"), (6, "champion")])
def test_a_moved_champion_may_relabel_one_in_twenty(
    compare: Callable[..., Decision], moved: int, winner: str
):
    old = model("old", [1] * 50 + [2] * 50)
    new = model("new", [2] * moved + [1] * (50 - moved) + [2] * 50, silhouette=0.9)
    assert RULE.challenge.most_relabelled == 0.05
    found = compare(old, new, most_relabelled=RULE.challenge.most_relabelled)
    assert found.winner == winner
    if winner == "champion":
        assert found.reason == "the refit would relabel 6.0% of customers, who have not moved"


def test_the_drift_of_a_mix_is_the_index_of_its_shares():
    before, after = {1: 0.5, 2: 0.5}, {1: 0.4, 2: 0.6}
    by_hand = -0.1 * np.log(0.4 / 0.5) + 0.1 * np.log(0.6 / 0.5)
    assert mix_drift(before, after) == pytest.approx(by_hand, abs=1e-6)
    least = RULE.challenge.least_share
    gone = (least - 0.5) * np.log(least / 0.5) + 0.5 * np.log(1.0 / 0.5)
    assert mix_drift(before, {1: 1.0}) == pytest.approx(gone, rel=1e-3)
    assert mix_drift(before, before) == 0


# -- when a challenger is looked for -----------------------------------------------------------


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, ActiveModel]]:
    """`active_model` with what makes challengers stood in for: which of them was asked."""

    def run(
        months: int, drift: float = 0.0, segments: int = 2, wins: bool = False
    ) -> tuple[str, ActiveModel]:
        def maker(name: str) -> Callable[..., Any]:
            return lambda *_, **__: SimpleNamespace(name=name)

        for name, of in (
            ("warm_refit", "moved"),
            ("separate_or_divided", "chosen anew"),
            ("divided", "divided"),
        ):
            monkeypatch.setattr(active, name, maker(of))
        winner = "challenger" if wins else "champion"
        most: list[Any] = []

        def compare(*_: Any, most_relabelled: float = 1, **__: Any) -> Decision:
            most.append(most_relabelled)
            return Decision(winner, "as stated")

        monkeypatch.setattr(active, "decide", compare)
        monkeypatch.setattr(active, "track", lambda old, new, *_, **__: (new, None))
        monkeypatch.setattr(active, "_mix", lambda *_: {1: 0.9})
        monkeypatch.setattr(active, "_drift", lambda *_: drift)
        monkeypatch.setattr(
            active,
            "_row",
            lambda model, drift, decision, challenger=None: {
                "of": model.name,
                "drift": drift,
                "winner": decision.winner,
                "challenger": getattr(challenger, "name", None),
                "most": most,
            },
        )
        before: Any = SimpleNamespace(
            segments=[None] * segments,
            name="champion",
            with_baseline=lambda mix: SimpleNamespace(name=f"champion of {mix}"),
        )
        found = active_model(CUSTOMERS, months, before)
        return str(found.decision["challenger"]), found

    return run


@pytest.mark.parametrize(
    ("months", "drift", "segments", "asked"),
    [
        (2, 0.0, 2, "None"),
        (3, 0.0, 2, "moved"),
        (4, 0.0, 2, "None"),
        (6, 0.0, 2, "moved"),
        (6, 0.0, 1, "divided"),  # one segment has no prototypes to move
        (12, 0.0, 2, "chosen anew"),
        (15, 0.0, 2, "moved"),
        (15, 0.0, 1, "chosen anew"),
        (24, 0.0, 2, "chosen anew"),
        (4, RULE.challenge.drift_limit, 2, "None"),
        (4, RULE.challenge.drift_limit + 0.001, 2, "divided"),
        (11, 0.3, 2, "divided"),
        (13, 0.3, 2, "chosen anew"),
        (15, 0.3, 2, "chosen anew"),
    ],
)
def test_a_challenger_is_made(
    month: Callable[..., tuple[str, ActiveModel]],
    months: int,
    drift: float,
    segments: int,
    asked: str,
):
    found, kept = month(months, drift, segments)
    assert found == asked
    assert kept.decision["drift"] == drift
    # Only a champion that won against newly chosen segments is measured from now on anew.
    is_measured_anew = asked in ("divided", "chosen anew")
    assert kept.decision["of"] == ("champion of {1: 0.9}" if is_measured_anew else "champion")
    most = RULE.challenge.most_relabelled if asked == "moved" else 1
    assert kept.decision["most"] == ([] if asked == "None" else [most])


def test_a_challenger_that_wins_is_followed(month: Callable[..., tuple[str, ActiveModel]]):
    for months, name in ((3, "moved"), (12, "chosen anew")):
        _, found = month(months, wins=True)
        assert (found.model.name, found.decision["of"]) == (name, name)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("differing", "fault"),
    [
        ({}, None),
        ({"nature": "degrees"}, "by degree"),
        ({"bootstrap_agreement": STABLE}, None),
        ({"bootstrap_agreement": STABLE - 0.001}, "not taken: by degree, but bootstrap refits"),
        ({"largest": RULE.winning.dominant_share}, None),
        ({"largest": RULE.winning.dominant_share + 0.001}, "80.1% of the customers are in one"),
        ({"retest": RULE.challenge.retest_limit}, None),
        ({"retest": RULE.challenge.retest_limit - 0.001}, "agree at 0.799, below 0.8"),
    ],
)
def test_segments_that_lie_apart_are_taken_unless(
    monkeypatch: pytest.MonkeyPatch, differing: dict[str, Any], fault: str | None
):
    given = {"nature": "separate", "bootstrap_agreement": 0.95, "largest": 0.5, "retest": 0.9}
    given |= differing
    of: Any = SimpleNamespace(
        nature=given["nature"],
        reason="by degree",
        bootstrap_agreement=given["bootstrap_agreement"],
        segments=[SimpleNamespace(share=share) for share in (given["largest"], 0.1)],
    )
    monkeypatch.setattr(active, "retest_agreement", lambda *_, **__: given["retest"])
    found = active._fault(of, CUSTOMERS, CUSTOMERS.lazy())
    assert (found is None) if fault is None else (fault in str(found))
    if "retest" in differing:
        assert active._fault(of, CUSTOMERS, None) is None, "there was no month before"


@pytest.mark.parametrize("segments", [1, 2])
def test_one_segment_does_not_drift(segments: int):
    shares = [SimpleNamespace(segment_id=n, baseline_share=1 / segments) for n in range(segments)]
    of: Any = SimpleNamespace(segments=shares)
    drift = active._drift(of, {0: 0.9})
    assert (drift > 0) is (segments > 1)


def test_a_rule_can_be_asked_otherwise():
    strict = replace(RULE.challenge, least_share=0.01)
    assert mix_drift({1: 1.0}, {2: 1.0}, strict) < mix_drift({1: 1.0}, {2: 1.0})


@pytest.mark.parametrize(
    ("labels", "score"),
    [
        ([1, 1, 2, 2], 0.899749),
        ([1, 2, 3, 4], None),
        ([1, 1, 1, 1], None),
        ([1, 1, 2, 3], 0.447222),
    ],
)
def test_a_silhouette_is_of_fewer_segments_than_customers(labels: list[int], score: float | None):
    """On a line at 0, 1, 10 and 11; of a segment of one customer it is 0."""
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert _silhouette(points, np.array(labels)) == score
