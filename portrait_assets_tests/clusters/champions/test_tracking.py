from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.stages.clusters.champions.champion import (
    decide,
    mix_drift,
    retest_agreement,
    warm_refit,
)
from portrait_assets.stages.clusters.champions.tracking import (
    Overlap,
    match_segments,
    measure_overlap,
    migration_matrix,
    track,
    with_lasting_ids,
)
from portrait_assets.stages.clusters.rule import RULE
from portrait_assets_tests.clusters.conftest import Bank


def month(*segments: int) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": range(len(segments)), "segment_id": segments})


def matched(old: pl.DataFrame, new: pl.DataFrame) -> dict[int, tuple[int, str]]:
    lines = match_segments(measure_overlap(old, new))
    return {line["new_id"]: (line["segment_id"], line["status"]) for line in lines.to_dicts()}


def test_segments_keep_their_ids_when_a_refit_numbers_them_anew() -> None:
    old, new = month(1, 1, 1, 2, 2, 3), month(2, 2, 2, 3, 3, 1)
    assert matched(old, new) == {1: (3, "kept"), 2: (1, "kept"), 3: (2, "kept")}


def test_a_segment_cut_in_two_is_split_and_the_other_part_gets_a_new_id() -> None:
    old = month(*[1] * 10, *[2] * 10)
    new = month(*[1] * 5, *[2] * 5, *[3] * 10)
    found = matched(old, new)
    assert found[3] == (2, "kept")
    assert sorted(found[i][0] for i in (1, 2)) == [1, 3]
    assert "split" in {found[1][1], found[2][1]}


def test_what_is_left_of_a_segment_that_went_everywhere_is_no_part_of_a_split() -> None:
    """Four of ten stay together, the others go one each to six segments that are kept."""
    others = [segment for segment in range(2, 8) for _ in range(10)]
    old, new = month(*[1] * 10, *others), month(*[1] * 4, *range(2, 8), *others)
    assert matched(old, new) == {1: (8, "new"), **{n: (n, "kept") for n in range(2, 8)}}


def test_two_segments_that_became_one_are_merged() -> None:
    old = month(*[1] * 10, *[2] * 8, *[3] * 5)
    new = month(*[1] * 18, *[2] * 5)
    lines = match_segments(measure_overlap(old, new)).sort("new_id").to_dicts()
    assert lines[0]["status"] == "merged"
    assert lines[0]["segment_id"] == 1
    assert lines[0]["old_ids"] == [1, 2]
    assert (lines[1]["segment_id"], lines[1]["status"]) == (3, "kept")


@pytest.mark.parametrize(("few", "status", "old_ids"), [(2, "merged", [1, 2]), (1, "kept", [1])])
def test_what_gives_a_fifth_is_part_of_a_merger(few: int, status: str, old_ids: list[int]) -> None:
    old, new = month(*[1] * (10 - few), *[2] * few), month(*[1] * 10)
    (line,) = match_segments(measure_overlap(old, new)).to_dicts()
    assert (line["segment_id"], line["status"], line["old_ids"]) == (1, status, old_ids)


@pytest.mark.parametrize(("others", "status"), [(20, "kept"), (21, "split")])
def test_a_segment_with_half_of_both_together_is_the_same(others: int, status: str) -> None:
    """All twenty of segment 1 are in segment 7, with as many others, or one more."""
    counts = np.array([[20.0, 0.0], [others, 60.0]])
    found = match_segments(Overlap([1, 2], [7, 9], counts, np.zeros((2, 2))))
    assert found.select("new_id", "status").rows() == [(7, status), (9, "kept")]


def test_a_segment_from_everywhere_is_new() -> None:
    old = month(*[1] * 12, *[2] * 12, *[3] * 12)
    new = month(*([1] * 8 + [4] * 4), *([2] * 8 + [4] * 4), *([3] * 8 + [4] * 4))
    assert matched(old, new)[4] == (4, "new")


@pytest.mark.parametrize(("next_id", "takes"), [(None, 5), (12, 12)])
def test_where_all_of_one_left_and_all_of_another_came_it_is_new(
    next_id: int | None, takes: int
) -> None:
    """Segment 4 of before has nobody any more, and 9 nobody who was there: both share no one."""
    overlap = Overlap([1, 4], [7, 9], np.array([[5.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2)))
    found = match_segments(overlap, next_id)
    assert found.select("new_id", "segment_id", "status", "overlap").rows() == [
        *((7, 1, "kept", 1.0), (9, takes, "new", 0.0))
    ]


def test_an_id_once_used_is_not_used_again() -> None:
    old, new = month(1, 1, 1, 1), month(1, 1, 2, 2)
    lines = match_segments(measure_overlap(old, new), next_id=9)
    assert set(lines["segment_id"]) == {1, 9}


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=4, max_size=60), st.permutations([1, 2, 3, 4]))
def test_renumbering_alone_is_always_seen_through(old: list[int], names: list[int]) -> None:
    new = [names[s - 1] for s in old]
    lines = match_segments(measure_overlap(month(*old), month(*new)))
    back = dict(zip(lines["new_id"], lines["segment_id"], strict=True))
    assert [back[s] for s in new] == old


def test_a_refit_with_other_numbers_relabels_nobody(small_bank: Bank) -> None:
    model = small_bank.model
    ids = model.segment_ids
    turned = replace(
        model,
        prototypes=np.roll(model.prototypes, 1, axis=0),
        prototype_segments=np.sort(np.roll(model.prototype_segments, 0)),
    )
    turned = replace(
        turned,
        prototype_segments=np.array([ids[(ids.index(int(s)) + 1) % len(ids)] for s in ids])
        if len(model.prototypes) == len(ids)
        else turned.prototype_segments,
    )
    order = np.argsort(turned.prototype_segments, kind="stable")
    turned = replace(
        turned,
        prototypes=turned.prototypes[order],
        prototype_segments=turned.prototype_segments[order],
    )
    renumbered, _ = track(model, turned, small_bank.features)
    assert assign(renumbered, small_bank.features)["segment_id"].equals(
        small_bank.assignment["segment_id"]
    )


def test_lasting_ids_are_put_on_every_prototype(small_bank: Bank) -> None:
    ids = small_bank.model.segment_ids
    matches = pl.DataFrame({"new_id": ids, "segment_id": [i + 10 for i in ids]}).with_columns(
        status=pl.lit("kept"), old_ids=pl.concat_list(pl.col("segment_id"))
    )
    renamed = with_lasting_ids(small_bank.model, matches)
    assert renamed.segments[0].from_segments == (11,)
    assert renamed.next_id == ids[-1] + 11
    expected = small_bank.assignment["segment_id"] + 10
    assert assign(renamed, small_bank.features)["segment_id"].equals(expected)


@pytest.mark.parametrize(("next_id", "taken"), [(5, 14), (14, 14), (50, 50)])
def test_a_segment_without_customers_takes_the_next_id_that_was_never_used(
    small_bank: Bank, next_id: int, taken: int
) -> None:
    model = replace(small_bank.model, next_id=next_id)
    first, *others, last = model.segment_ids
    matches = pl.DataFrame({"new_id": [first, *others], "segment_id": [13, *others]})
    matches = matches.with_columns(status=pl.lit("kept"), old_ids=pl.lit([], pl.List(pl.Int64)))
    renamed = with_lasting_ids(model, matches)
    assert renamed.segment_ids == sorted([13, *others, taken])
    assert renamed.next_id == taken + 1
    (unmatched,) = (each for each in renamed.segments if each.segment_id == taken)
    assert (unmatched.status, unmatched.from_segments) == ("new", ())
    assert last not in renamed.segment_ids


def test_migration_counts_those_who_came_and_went() -> None:
    before = pl.DataFrame({"customer_id": [1, 2, 3], "segment_id": [1, 1, 2]})
    after = pl.DataFrame({"customer_id": [2, 3, 4], "segment_id": [1, 1, 2]})
    lines = {
        (line["from_segment"], line["to_segment"]): (line["customers"], line["share"])
        for line in migration_matrix(before, after).to_dicts()
    }
    assert lines == {
        (1, None): (1, 0.5),
        (1, 1): (1, 0.5),
        (2, 1): (1, 1.0),
        (None, 2): (1, 1.0),
    }


@pytest.mark.parametrize(
    ("before", "after", "pooled"),
    [
        ((1, 1, 2), (2, 1, 1), [(0, 0, 3, None)]),
        ((1, 1, 2), (2, 1), [(0, 0, 3, None)]),
        ((1, 2), (2, 1), []),
    ],
)
def test_moves_of_few_are_pooled_where_together_they_are_enough(
    before: tuple[int, ...], after: tuple[int, ...], pooled: list[tuple[int, int, int, None]]
) -> None:
    """Each move is of one customer; two of them are too few together."""
    assert migration_matrix(month(*before), month(*after), smallest=3).rows() == pooled


def test_the_champion_stays_against_its_equal(small_bank: Bank) -> None:
    model = small_bank.model
    decision = decide(model, model, small_bank.features)
    assert decision.winner == "champion"
    other = replace(model, reason="found again")
    assert "no gain" in decide(model, other, small_bank.features).reason


def test_a_challenger_that_is_clearly_better_wins(small_bank: Bank) -> None:
    good = small_bank.model
    middle = good.prototypes.mean(axis=0)
    poor = replace(good, prototypes=middle + (good.prototypes - middle)[::-1] * 0.3)
    decision = decide(poor, good, small_bank.features)
    assert decision.winner == "challenger"
    assert decision.champion_smallest_share is not None
    assert decision.champion_smallest_share > 0


def test_stable_segments_do_not_give_way_to_some_that_are_not(small_bank: Bank) -> None:
    good = replace(small_bank.model, bootstrap_agreement=0.89)
    middle = good.prototypes.mean(axis=0)
    poor = replace(good, prototypes=middle + (good.prototypes - middle)[::-1] * 0.3)
    stable = replace(poor, bootstrap_agreement=0.9)
    assert decide(stable, good, small_bank.features).reason.endswith("not stable")
    assert decide(poor, good, small_bank.features).winner == "challenger"


def test_supported_segments_beat_unsupported_ones(small_bank: Bank) -> None:
    guess = replace(small_bank.model, supported=False)
    assert decide(guess, small_bank.model, small_bank.features).winner == "challenger"
    assert decide(small_bank.model, guess, small_bank.features).winner == "champion"


def test_a_warm_refit_follows_a_drift_and_relabels_few(small_bank: Bank) -> None:
    drifted = small_bank.features.with_columns(pl.col("spend_amount") * 1.1, pl.col("age") + 0.3)
    warm = warm_refit(small_bank.model, drifted)
    assert warm.segment_ids == small_bank.model.segment_ids
    assert warm.version != small_bank.model.version
    now = assign(warm, drifted, small_bank.assignment)
    moved = (now["segment_id"] != small_bank.assignment["segment_id"]).sum()
    assert moved < 0.05 * len(now)
    points = warm.preparation.transform(drifted)

    def apart(model: ClusterModel) -> float:
        """Mean squared distance of the customers from their prototypes."""
        squares = ((points[:, None] - model.prototypes[None]) ** 2).sum(axis=2)
        return float(squares.min(axis=1).mean())

    assert apart(warm) < 0.999 * apart(small_bank.model)
    assert ClusterModel.from_rows(warm.to_rows()).version == warm.version


def test_a_refit_that_would_relabel_many_is_turned_down(small_bank: Bank) -> None:
    model = small_bank.model
    swapped = replace(model, prototypes=model.prototypes[::-1])
    most = RULE.challenge.most_relabelled
    refit = decide(model, swapped, small_bank.features, most_relabelled=most)
    assert refit.winner == "champion"
    assert "would relabel" in refit.reason
    assert "would relabel" not in decide(model, swapped, small_bank.features).reason


def test_two_months_agree_on_the_segments_of_those_who_are_in_both(small_bank: Bank) -> None:
    before, now = small_bank.features[:300], small_bank.features[100:]
    assert retest_agreement(small_bank.model, before.lazy(), now) == 1
    shuffled = before.with_columns(pl.col("customer_id").shuffle(seed=0))
    assert retest_agreement(small_bank.model, shuffled.lazy(), now) < 0.2
    newcomers = now.with_columns(pl.format("new {}", "customer_id").alias("customer_id"))
    assert retest_agreement(small_bank.model, before.lazy(), newcomers) == 1


def test_drift_of_the_mix_is_zero_for_the_same_and_grows() -> None:
    old = {1: 0.5, 2: 0.5}
    assert mix_drift(old, old) == 0.0
    assert 0 < mix_drift(old, {1: 0.55, 2: 0.45}) < 0.1 < 0.25 < mix_drift(old, {1: 0.9, 2: 0.1})
    assert mix_drift(old, {1: 1.0}) > 1.0
