import numpy as np

from portrait_assets.clusters.families import Candidate, fit_candidates
from portrait_assets.clusters.scoring import MANY_DIMENSIONS, add_stability, scored

FOUR = Candidate("k-means", 0, 4)


def overlapping(customers: int, dims: int) -> np.ndarray:
    """Four kinds of customers whose clouds touch."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (4, dims))
    return centres[rng.integers(0, 4, customers)] + rng.normal(0, 1, (customers, dims))


def stability_of_four(dims: int, unseen: int) -> float:
    everyone = overlapping(5_000, dims)
    points, others = everyone[:120], everyone[120 : 120 + unseen]
    lines = scored(fit_candidates(points, [FOUR]))
    add_stability(lines, points, 4, seed=0, unseen=others)
    return lines[0].number("stability")


def test_in_many_dimensions_the_stability_of_centres_is_that_over_more_customers() -> None:
    assert stability_of_four(MANY_DIMENSIONS, unseen=4_000) > 0.95
    assert stability_of_four(MANY_DIMENSIONS, unseen=0) < 0.95


def test_in_few_dimensions_it_is_that_of_the_points() -> None:
    few = MANY_DIMENSIONS - 1
    assert stability_of_four(few, unseen=4_000) == stability_of_four(few, unseen=0)
