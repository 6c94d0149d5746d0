"""Labelled sets with groups that touch, overlap or wind, and further sets without structure.

``TRAIN``, ``FEW`` and ``NULL_TRAIN`` are what thresholds were chosen on; ``JUDGE`` and
``NULL_JUDGE`` differ from them in shapes, sizes, noise and dimensions and only judge. ``FEW`` are
shapes of few customers, half of which no test on unseen customers can spare, and pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.clusters_figures import spiral
from portrait_assets.testing.shapes import touching as s
from portrait_assets.testing.shapes.blocks import (
    Data,
    Generator,
    Matrix,
    box,
    disc,
    gaussians,
    join,
)

Make = Callable[[Generator], Data]

TRAIN: dict[str, Make] = {
    "pair_equal": lambda r: s.pair(r, (300, 300), (1.0, 1.0), 3.0),
    "pair_few": lambda r: s.pair(r, (80, 80), (1.0, 1.0), 3.4),
    "pair_sizes": lambda r: s.pair(r, (900, 200), (1.0, 1.0), 3.0),
    "pair_spreads": lambda r: s.pair(r, (300, 300), (0.4, 1.2), 2.6),
    "pair_d4": lambda r: s.pair(r, (250, 250), (1.0, 1.0), 3.4, 4),
    "pair_near": lambda r: s.pair(r, (1500, 1500), (1.0, 1.0), 2.5),
    "cigars": lambda r: s.cigars(r, (250, 250), 4.0, 3.6),
    "corner": lambda r: s.corner(r, 300, 0.5),
    "triangle": lambda r: s.triangle(r, (150, 150, 150), 3.4),
    "triangle_d3": lambda r: s.triangle(r, (400, 250, 100), 3.4, 3),
    "arms_2": lambda r: s.arms(r, 150, 2, 1.0, 0.25),
    "arms_3": lambda r: s.arms(r, 104, 3, 0.75, 0.15),
    "arms_3_noise": lambda r: s.arms(r, 300, 3, 0.75, 0.2, 40),
    "moons_bar": lambda r: s.moons_around_bar(r, 200, 150, 0.07),
    "moons_bar_loose": lambda r: s.moons_around_bar(r, 600, 300, 0.13),
    "path_2": lambda r: s.path_around(r, 110, 2, 95, 1.5, 0.5),
    "path_3": lambda r: s.path_around(r, 300, 3, 150, 1.2, 0.5),
    "ring_core": lambda r: s.ring_around(r, 150, 300, 0.7, 0.25),
    "ring_core_noise": lambda r: s.ring_around(r, 300, 600, 0.5, 0.15, 60),
    "links_3": lambda r: s.links(r, 300, 3, 0.07),
    "necked": lambda r: s.necked(r, 30, 8),
    "cap_bowl": lambda r: s.cap_and_bowl(r, 150, 90, 0.6),
    "crescents": lambda r: s.crescents(r, (100, 280), 0.11, 0.35),
    "unequal_4": lambda r: s.unequal(r, (400, 200, 100, 60), (1.0, 0.8, 0.6, 0.4), 1.6),
    "line_blob": lambda r: s.lines_and_blob(r, 250, 120, 0.1),
    "waves": lambda r: s.waves(r, 400, 2, 0.2, 1.2),
    "plates": lambda r: s.plates(r, 400, 0.12),
    "three_few": lambda r: s.triangle(r, (40, 40, 40), 4.5),
}
JUDGE: dict[str, Make] = {
    "pair_equal_2": lambda r: s.pair(r, (500, 500), (1.0, 1.0), 2.8),
    "pair_few_2": lambda r: s.pair(r, (120, 60), (1.0, 1.0), 3.5),
    "pair_sizes_2": lambda r: s.pair(r, (1200, 150), (1.0, 0.7), 3.0),
    "pair_spreads_2": lambda r: s.pair(r, (200, 400), (0.3, 1.0), 2.4),
    "pair_d3": lambda r: s.pair(r, (300, 200), (1.0, 0.8), 3.2, 3),
    "pair_d6": lambda r: s.pair(r, (400, 400), (1.0, 1.0), 3.6, 6),
    "cigars_3": lambda r: s.cigars(r, (300, 200, 300), 5.0, 3.8),
    "corner_thick": lambda r: s.corner(r, 200, 0.7),
    "square": lambda r: gaussians(r, [[0, 0], [3.3, 0], [0, 3.3], [3.3, 3.3]], 200, 1.0),
    "triangle_2": lambda r: s.triangle(r, (300, 150, 80), 3.6),
    "arms_2_long": lambda r: s.arms(r, 300, 2, 1.5, 0.3),
    "arms_3_few": lambda r: s.arms(r, 90, 3, 0.7, 0.1),
    "arms_4": lambda r: s.arms(r, 160, 4, 0.6, 0.12),
    "arms_2_noise": lambda r: s.arms(r, 400, 2, 1.0, 0.2, 50),
    "moons_bar_2": lambda r: s.moons_around_bar(r, 300, 300, 0.1),
    "moons_bar_tight": lambda r: s.moons_around_bar(r, 150, 80, 0.06, 0.35),
    "path_2_loose": lambda r: s.path_around(r, 160, 2, 120, 1.7, 0.7),
    "path_1": lambda r: s.path_around(r, 200, 1, 150, 2.2, 0.6),
    "shell_d3": lambda r: s.ball_in_shell(r, 200, 500, 0.7),
    "ring_core_2": lambda r: s.ring_around(r, 100, 200, 0.6, 0.2),
    "links_2_loose": lambda r: s.links(r, 400, 2, 0.12),
    "necked_2": lambda r: s.necked(r, 15, 6),
    "cap_bowl_2": lambda r: s.cap_and_bowl(r, 250, 120, 0.5),
    "crescents_2": lambda r: s.crescents(r, (300, 300), 0.15, 0.4),
    "unequal_5": lambda r: s.unequal(r, (600, 300, 150, 80, 80), (0.9, 0.9, 0.6, 0.5, 0.4), 1.5),
    "line_blob_2": lambda r: s.lines_and_blob(r, 400, 100, 0.15),
    "waves_3": lambda r: s.waves(r, 300, 3, 0.18, 1.3, 60),
    "plates_2": lambda r: s.plates(r, 250, 0.2),
}
FEW: dict[str, Make] = {
    "spiral_3_few": lambda r: spiral(r, 3, 60, 0.06),
    "spiral_2_few": lambda r: spiral(r, 2, 90, 0.08),
    "arms_2_loose": lambda r: s.arms(r, 120, 2, 1.0, 0.35),
    "arms_2_longer": lambda r: s.arms(r, 180, 2, 1.4, 0.35),
    "arms_3_tiny": lambda r: s.arms(r, 60, 3, 0.7, 0.15),
    "arms_2_dense": lambda r: s.arms(r, 500, 2, 1.2, 0.45),
    "moons_bar_few": lambda r: s.moons_around_bar(r, 60, 40, 0.08),
    "moons_bar_mid": lambda r: s.moons_around_bar(r, 100, 60, 0.1, 0.4),
    "moons_bar_thick": lambda r: s.moons_around_bar(r, 300, 150, 0.16, 0.45),
    "path_2_few": lambda r: s.path_around(r, 80, 2, 60, 1.4, 0.5),
    "path_2_touching": lambda r: s.path_around(r, 110, 2, 95, 1.8, 0.7),
    "path_1_touching": lambda r: s.path_around(r, 110, 1, 90, 2.6, 0.8),
    "crescents_few": lambda r: s.crescents(r, (50, 140), 0.1, 0.35),
    "pair_many": lambda r: s.pair(r, (1024, 1024), (1.0, 1.0), 2.8),
    "pair_d8": lambda r: s.pair(r, (1024, 1024), (1.0, 1.0), 3.5, 8),
    "pair_d16": lambda r: s.pair(r, (1024, 1024), (1.0, 1.0), 3.5, 16),
    "discs": lambda r: join(disc(r, 300, 0, 0, 1), disc(r, 300, 2.05, 0, 1)),
    "boxes": lambda r: join(box(r, 200, 0, 1, 0, 1), box(r, 200, 1.08, 2, 0, 1)),
    "bars": lambda r: join(*[box(r, 120, i, i + 0.8, 0, 4) for i in range(4)]),
    "four": lambda r: gaussians(
        r, [[0, 0], [3, 0], [0, 3], [3, 3.2]], [300, 200, 150, 250], [1.0, 0.8, 0.9, 0.8]
    ),
    "ring_touching": lambda r: s.ring_around(r, 120, 260, 0.8, 0.35),
    "pair_both": lambda r: s.pair(r, (700, 300), (1.0, 0.5), 2.9),
    "pair_d6_few": lambda r: s.pair(r, (250, 250), (1.0, 1.0), 3.2, 6),
    "unequal_6": lambda r: s.unequal(
        r, (300, 250, 200, 150, 100, 80), (1.0, 0.9, 0.7, 0.7, 0.5, 0.5), 1.5
    ),
}


def structureless(r: Generator, kind: str, n: int, d: int) -> Matrix:
    """Data without clusters of a kind by name, a bent cloud for any other, shape (n, d)."""
    if kind == "gaussian":
        return r.normal(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "uniform":
        return r.uniform(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "box":
        return r.uniform(size=(n, d)) * r.uniform(1, 4, d)
    if kind == "ball":
        v = r.normal(size=(n, d))
        length = r.uniform(size=(n, 1)) ** (1 / d)
        return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True) * length)
    if kind == "simplex":
        return r.dirichlet(np.ones(d + 1), n)[:, :d]
    if kind == "exponential":
        return r.exponential(size=(n, d))
    if kind == "student":
        return r.normal(size=(n, d)) / np.sqrt(r.chisquare(3, (n, 1)) / 3)
    if kind == "laplace":
        return r.laplace(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "lognormal":
        return np.exp(0.7 * r.normal(size=(n, d)))
    if kind == "correlated_lognormal":
        common = r.normal(size=(n, 1))
        return np.exp(0.6 * (0.8 * common + 0.6 * r.normal(size=(n, d))))
    if kind == "gamma":
        return r.gamma(2.0, size=(n, d))
    if kind == "counts":
        return r.poisson(r.uniform(2, 12, d), (n, d)).astype(float)
    if kind == "arc":
        angle = r.uniform(0.2 * np.pi, 0.9 * np.pi, n)
        flat = np.c_[np.cos(angle), np.sin(angle)] * r.uniform(2.6, 3.4, (n, 1))
        return np.column_stack([flat, *(r.normal(0, 0.3, n) for _ in range(d - 2))])
    x = r.normal(size=(n, d))
    x[:, 1] += 0.4 * x[:, 0] ** 2
    return x


NULL_TRAIN = [
    (kind, n, d)
    for kind in ("gaussian", "uniform", "ball", "student", "lognormal", "arc", "exponential")
    for n in (150, 600, 3_000)
    for d in (2, 5)
]
NULL_JUDGE = [
    (kind, n, d)
    for kind in (
        "box",
        "simplex",
        "laplace",
        "correlated_lognormal",
        "gamma",
        "counts",
        "banana",
        "gaussian",
        "student",
        "lognormal",
    )
    for n in (200, 1_000, 5_000)
    for d in (2, 3, 8)
][::2]


def make(name: str, seed: int = 0) -> Data:
    """A labelled set by name; the same for equal name and seed."""
    return {**TRAIN, **JUDGE, **FEW}[name](np.random.default_rng([seed, *name.encode()]))


def make_null(kind: str, n: int, d: int, seed: int = 0) -> Matrix:
    """A structureless set; the same for equal arguments."""
    return structureless(np.random.default_rng([seed, n, d, *kind.encode()]), kind, n, d)
