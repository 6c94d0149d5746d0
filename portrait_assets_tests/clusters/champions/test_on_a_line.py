"""Models of one feature, worked out by hand: who belongs where, what moves, and who wins."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import silhouette_samples, silhouette_score

from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.final_fit import condense
from portrait_assets.methods.clustering.fitting import new_segments
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import Preparation
from portrait_assets.methods.clustering.preparation.prepared_columns import NumericParameters
from portrait_assets.methods.clustering.quality import segment_quality
from portrait_assets.methods.clustering.selection.partition import divide
from portrait_assets.methods.clustering.selection.scoring import CANDIDATES_SCHEMA
from portrait_assets.stages.clusters.champions.active import _fault
from portrait_assets.stages.clusters.champions.champion import (
    _moved,
    decide,
    mix_drift,
    retest_agreement,
    warm_refit,
)
from portrait_assets.stages.clusters.champions.tracking import (
    Overlap,
    match_segments,
    migration_matrix,
    track,
)
from portrait_assets.stages.clusters.contract import UNSAID_OF_FEW, VALUE_FEATURE
from portrait_assets.stages.clusters.description import Description, _origins, describe
from portrait_assets.stages.clusters.names.history.lasting import Named
from portrait_assets.stages.clusters.names.history.stored import name_rows, names_from
from portrait_assets.stages.clusters.rule import RULE
from portrait_assets.testing.worlds.clusters import two_rings

MARCH, APRIL = date(2024, 3, 31), date(2024, 4, 30)
AS_IT_IS = NumericParameters("x", "symbol", 0, fill=0, centre=0, scale=1, bound=0, missing_share=0)


def on_a_line(*centres: float, **more: object) -> ClusterModel:
    """Segments 1, 2, ... with a prototype each."""
    ids = np.arange(1, len(centres) + 1)
    model = ClusterModel(
        preparation=Preparation((AS_IT_IS,), (), np.ones(1), np.zeros((0, 0))),
        algorithm="by hand",
        prototypes=np.array(centres, dtype=float)[:, None],
        prototype_segments=ids,
        candidates=pl.DataFrame(schema=CANDIDATES_SCHEMA),
        reason="by hand",
        supported=True,
        nature="division",
        seed=0,
        fitted_rows=0,
        segments=new_segments(ids),
        bootstrap_agreement=1.0,
    )
    return replace(model, **more)  # type: ignore[arg-type]


def at(*places: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(len(places))],
            "x": [float(place) for place in places],
        }
    )


def segments(*ids: int) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": [f"c{n}" for n in range(len(ids))], "segment_id": [*ids]})


def test_a_customer_is_where_the_nearest_prototype_is_as_surely_as_the_others_are_far():
    found = assign(on_a_line(0, 10, 100), at(2, 5, 10, -1))
    assert found.select("segment_id", "distance", "confidence").rows() == [
        (1, 2, round(64 / (4 + 64), 6)),
        (1, 5, 0.5),
        (2, 0, 1),
        (1, 1, round(121 / 122, 6)),
    ]


def test_a_customer_moves_when_another_prototype_is_nearer_by_the_margin():
    """At 5.25 the other is nearer by 4.75 to 5.25, that is 9.5 %."""
    model, before = on_a_line(0, 10), segments(1, 1, 2, 2)
    found = assign(model, at(5.25, 5.3, 4.75, 4.7), before, margin=0.1)
    assert found["segment_id"].to_list() == [1, 2, 2, 1]
    assert found["confidence"][0] < 0.5
    newcomer = assign(model, at(5.25), before.clear(), margin=0.1)
    assert newcomer["segment_id"].to_list() == [2]


def test_prototypes_move_to_the_means_of_who_is_near_and_those_of_a_segment_of_few_stay():
    near = [*[-1, 1, 3] * 4, *[9, 13] * 5, *[510] * 9]
    moved = warm_refit(on_a_line(0, 10, 500, 900), at(*near))
    assert moved.prototypes[:, 0].tolist() == [1, 11, 500, 900]
    shares = [(s.segment_id, s.share) for s in moved.segments]
    assert shares == [(1, 0.387097), (2, 0.322581), (3, 0.290323)]
    assert (moved.fitted_rows, moved.reason) == (31, "warm refit of the champion: by hand")
    assert warm_refit(moved, at(-1, 1, 3, 9, 13)).reason == moved.reason


def test_prototypes_with_few_near_are_joined_as_they_move() -> None:
    """Of rings of two hundred, of which a quarter is there later, elsewhere."""
    points, truth = two_rings(each=200)
    found = condense(points, truth, RULE.final_fit)
    later, labels = points[::4] + 0.5, truth[::4]
    moved, segments = _moved(later, found.centres, found.segments, RULE.challenge.refit_rounds)
    assert 2 < len(moved) <= len(later) / 10 < len(found.centres)
    assert segments.tolist() == sorted(segments)
    assert (segments[nearest_rows(later, moved)] == labels).mean() > 0.9
    assert not {*map(tuple, moved)} & {*map(tuple, later)}


def verdict(
    champion: ClusterModel, challenger: ClusterModel, most_relabelled: float = 1
) -> tuple[str, str]:
    found = decide(champion, challenger, at(*PLACES), most_relabelled=most_relabelled)
    return found.winner, found.reason.split(" ")[-1]


PLACES = (0, 1, 2, 3, 20, 21, 22, 23, 24, 25)


def test_the_challenger_wins_by_silhouette_and_the_numbers_are_given():
    places = np.array(PLACES, dtype=float)[:, None]
    found = decide(on_a_line(1, 3), on_a_line(1, 22), at(*PLACES))
    old = silhouette_score(places, places[:, 0] > 2)
    new = silhouette_score(places, places[:, 0] > 3)
    assert found[0] == "challenger"
    assert found[2:] == pytest.approx((old, new, 0.3, 0.4), abs=1e-6)
    assert decide(on_a_line(1, 22), on_a_line(2, 22), at(*PLACES)).winner == "champion"


def test_what_else_decides_between_two_models():
    better, worse = on_a_line(1, 22), on_a_line(1, 3)
    assert verdict(worse, worse) == ("champion", "model")
    # One of ten would be relabelled.
    assert verdict(worse, better, most_relabelled=0.1)[0] == "challenger"
    assert verdict(worse, better, most_relabelled=0.09) == ("champion", "moved")
    apart = replace(worse, nature="separate")
    assert verdict(better, apart) == ("challenger", "apart")
    assert verdict(apart, better) == ("champion", "apart")
    guessed = replace(better, supported=False)
    assert verdict(worse, guessed) == ("champion", "data")
    assert verdict(guessed, worse) == ("challenger", "data")
    shaky = replace(better, bootstrap_agreement=0.1)
    assert verdict(worse, shaky) == ("champion", "stable")
    assert verdict(replace(worse, bootstrap_agreement=0.1), shaky)[0] == "challenger"
    assert verdict(better, on_a_line(1)) == ("champion", "segments")
    assert verdict(on_a_line(1), shaky)[0] == "challenger"


def test_the_same_customers_are_compared_in_two_months():
    model = on_a_line(0, 10)
    before = pl.concat([at(0, 1, 9, 10), pl.DataFrame({"customer_id": ["gone"], "x": [0.0]})])
    assert retest_agreement(model, before.lazy(), at(1, 0, 10, 9, 9)) == 1
    assert retest_agreement(model, before.lazy(), at(9, 0, 0, 9, 9)) < 0.1
    assert retest_agreement(model, before.clear().lazy(), at(1, 9)) == 1


def test_drift_is_that_of_the_shares_of_segments():
    expected = 0.2 * np.log(0.7 / 0.5) + -0.2 * np.log(0.3 / 0.5)
    assert mix_drift({1: 0.5, 2: 0.5}, {1: 0.7, 2: 0.3}) == pytest.approx(expected, abs=1e-8)
    gone = 0.5 * np.log(2) + (0.0005 - 0.5) * np.log(0.0005 / 0.5)
    assert mix_drift({1: 0.5, 2: 0.5}, {1: 1}) == pytest.approx(gone, abs=1e-8)


def test_segments_of_a_model_that_stays_are_kept():
    segment = new_segments(np.array([1]))[0]._replace(status="split", from_segments=(7,))
    model = on_a_line(0, segments=(segment,))
    assert _origins(model, is_new=True).rows() == [(1, "split", ["7"])]
    assert _origins(model, is_new=False).rows() == [(1, "kept", ["1"])]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Half of both together is shared.
        ([[10, 0], [10, 12]], [(1, "kept", [1]), (2, "kept", [2])]),
        # Of the second more than half, which is a fifth of the new one; then half, and less.
        ([[16, 0], [4, 3]], [(1, "merged", [1, 2]), (2, "split", [2])]),
        ([[8, 0], [2, 2]], [(1, "kept", [1]), (2, "kept", [2])]),
        ([[21, 0], [4, 3]], [(1, "kept", [1]), (2, "split", [2])]),
        # From two in equal parts.
        ([[12, 0, 5], [0, 12, 5]], [(1, "kept", [1]), (2, "kept", [2]), (3, "new", [])]),
        # A fifth of an old one is a part of it, less is not.
        ([[4, 16, 0], [0, 0, 9]], [(3, "split", [1]), (1, "kept", [1]), (2, "kept", [2])]),
        ([[3, 17, 0], [0, 0, 9]], [(3, "new", []), (1, "kept", [1]), (2, "kept", [2])]),
    ],
)
def test_what_became_of_segments_at_the_limits(
    counts: list[list[int]], expected: list[tuple[int, str, list[int]]]
):
    table = np.array(counts, dtype=float)
    old, new = ([*range(1, n + 1)] for n in table.shape)
    found = match_segments(Overlap(old, new, table, np.zeros_like(table)))
    assert found.select("segment_id", "status", "old_ids").rows() == expected


def test_who_moved_who_came_and_who_left():
    moved = migration_matrix(segments(1, 1, 1, 2, 2), segments(1, 1, 2, 2))
    extra = pl.DataFrame({"customer_id": ["new"], "segment_id": [2]})
    assert moved.rows() == [
        (1, 1, 2, 0.666667),
        (1, 2, 1, 0.333333),
        (2, 2, 1, 0.5),
        (2, None, 1, 0.5),
    ]
    assert migration_matrix(segments(1), extra).rows() == [(1, None, 1, 1), (None, 2, 1, 1)]


def test_an_id_that_was_used_before_is_not_given_to_a_new_segment():
    champion = on_a_line(0, 10, next_id=9)
    found, matches = track(champion, on_a_line(0, 10, 50), at(0, 0, 0, 10, 10, 10, 50, 50))
    assert found.segment_ids == [1, 2, 9]
    assert found.next_id == 10
    assert matches.select("segment_id", "status").rows() == [(1, "kept"), (2, "kept"), (9, "split")]


def test_the_quality_of_a_segment_is_that_of_its_customers():
    model, features = on_a_line(1, 3), at(*PLACES)
    assigned = assign(model, features)
    ids = assigned["segment_id"].to_numpy()
    silhouettes = silhouette_samples(np.array(PLACES, dtype=float)[:, None], ids)
    found = segment_quality(model, features, assigned)
    assert found["share"].to_list() == [0.3, 0.7]
    assert found["silhouette"].to_list() == pytest.approx(
        [silhouettes[ids == segment].mean() for segment in (1, 2)], abs=1e-6
    )


def test_segments_that_lie_apart_are_taken_when_they_are_those_of_the_month_before():
    def fault(*before: float, **more: object) -> str:
        model = on_a_line(0, 10, nature="separate", **more)
        found = _fault(model, at(0, 1, 9, 10), at(*before).lazy())
        return (found or "none").rsplit(" ", 1)[-1]

    assert fault(1, 0, 10, 9) == "none"
    assert fault(1, 0, 1, 9) == str(RULE.challenge.retest_limit)
    shaky = RULE.stability.stable - 0.001
    assert fault(1, 0, 10, 9, bootstrap_agreement=shaky) == str(RULE.stability.stable)
    assert fault(1, 0, 10, 9, bootstrap_agreement=RULE.stability.stable) == "none"
    uneven = tuple(
        s._replace(share=share)
        for s, share in zip(new_segments(np.array([1, 2])), (0.99, 0.01), strict=True)
    )
    assert fault(1, 0, 10, 9, segments=uneven) == "segment"


def test_a_name_that_people_gave_is_marked():
    of_spend = replace(AS_IT_IS, name=VALUE_FEATURE)
    model = on_a_line(1, 22)
    model = replace(model, preparation=replace(model.preparation, numerics=(of_spend,)))
    matrix = at(*PLACES).rename({"x": VALUE_FEATURE})
    given, day = {2: {"en": "Rich"}}, date(2024, 3, 31)
    found = describe(matrix, assign(model, matrix), model, True, given, day, {}).segments
    assert found.select("segment_id", "name_is_given", "customers").rows() == [
        (1, False, 4),
        (2, True, 6),
    ]
    assert found["name_en"][1] == "Rich"


def of_spend(*spend: float) -> tuple[ClusterModel, pl.DataFrame]:
    """Customers who spend so much, and a model of those who spend little and of those who do."""
    model = on_a_line(0, 100)
    by_spend = replace(model.preparation, numerics=(replace(AS_IT_IS, name="spend_3m"),))
    matrix = at(*spend).rename({"x": "spend_3m"})
    matrix = matrix.with_columns(pl.col("spend_3m").alias(VALUE_FEATURE))
    return replace(model, preparation=by_spend), matrix


@pytest.mark.parametrize("left", [9, 10])
def test_of_a_segment_of_nine_no_more_is_stated_than_its_size_and_the_name_that_it_had(left: int):
    """Of twenty who spend much some stay, and spend more: with ten it is named anew, not with nine.

    So it is whether the month before was described in the same run, or is read from its rows.
    """

    def described(spend: list[float], day: date, before: Mapping[int, Named]) -> Description:
        model, matrix = of_spend(*spend)
        return describe(matrix, assign(model, matrix), model, False, {}, day, before, 10)

    few = [float(n % 3) for n in range(40)]
    march = described([*few, *[90.0] * 20], MARCH, {})
    stored = names_from(
        name_rows(march.naming.names), march.profile.with_columns(pl.lit(MARCH).alias("as_of"))
    )
    april = [described([*few, *[900.0] * left], APRIL, of) for of in (march.naming.names, stored)]
    for found in april:
        own = found.segments.row(1, named=True)
        assert own["customers"] == left
        stated = [name for name in UNSAID_OF_FEW if own[name] is not None]
        assert stated == ([] if left < 10 else [*UNSAID_OF_FEW])
        # A bound between them and the others would tell how much the nine spend.
        rule = None if left < 10 else "spend_3m <= 451"
        assert found.segments.row(0, named=True)["rule"] == rule
        assert found.profile["segment_id"].unique().sort().to_list() == [1, 2][: left - 8]
        of_spend_alone = found.profile.filter(segment_id=1).row(0, named=True)
        seen = sum(few) if left < 10 else sum(few) + 900.0 * left
        assert found.segments["value_share"][0] == round(sum(few) / seen, 6)
        base = seen / (40 if left < 10 else 40 + left)
        assert of_spend_alone["base_mean"] == pytest.approx(base)
        assert found.naming.names[2].named_on == (MARCH if left < 10 else APRIL)
        assert (2 in found.naming.moved) == (left == 10)
    rows = [name_rows(found.naming.names) for found in april]
    assert rows[0].equals(rows[1])
    was, is_now = (name_rows(each).filter(segment_id=2) for each in (stored, april[0].naming.names))
    assert is_now.equals(was) == (left < 10)


def test_a_segment_of_few_that_had_no_name_gets_none_of_what_they_are_like():
    """The words of its customers alone would tell of these few."""
    model, matrix = of_spend(*[float(n % 3) for n in range(40)], *[90.0] * 9)
    first, then = (
        describe(matrix, assign(model, matrix), model, True, {}, APRIL, {}, smallest).segments.row(
            1, named=True
        )["name_en"]
        for smallest in (9, 10)
    )
    assert not first.startswith("average")
    assert then == "average, number 2"


@pytest.mark.parametrize(("rows", "nature"), [(20, "division"), (19, "one")])
def test_a_division_needs_so_many_customers_a_segment(rows: int, nature: str):
    few = replace(RULE, division=replace(RULE.division, numbers=range(2, 3), rows_per_segment=10))
    points = np.arange(rows, dtype=float)[:, None] + 100 * (np.arange(rows) % 2)[:, None]
    assert divide(points, rule=few).nature == nature


def test_a_division_with_a_segment_that_is_too_small_is_none():
    two = replace(RULE, division=replace(RULE.division, numbers=range(2, 3), rows_per_segment=10))
    points = np.zeros((1_000, 1))
    points[0] = 1_000
    assert divide(points + np.arange(1_000)[:, None] / 1e6, rule=two).nature == "one"
