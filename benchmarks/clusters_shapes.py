"""The shapes in two dimensions that users of clustering try first, generated from formulas.

They follow the published descriptions of well-known sets (A. Gionis et al. 2007, C. Zahn 1971,
H. Chang and D. Yeung 2008, A. K. Jain and M. Law 2005, L. Fu and E. Medico 2007, the S, A and
Unbalance sets by P. Fränti and S. Sieranoja 2018, C. Veenman et al. 2002, L. Zelnik-Manor and
P. Perona 2004) and shapes of scikit-learn's examples, and among them are groups that
touch. Draws of seed 1 were chosen on, those of seed 2 only judge.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.clusters_clouds import (
    a_like,
    aniso,
    d31_like,
    r15_like,
    s_like,
    unbalance,
    varied,
)
from benchmarks.clusters_figures import (
    aggregation_like,
    circles,
    compound_like,
    flame_like,
    jain_like,
    moons,
    pathbased_like,
    spiral,
)
from portrait_assets.testing.shapes import touching
from portrait_assets.testing.shapes.blocks import Data, Generator, box, join, ring


def zelnik_rings(r: Generator) -> Data:
    """Three rings within each other, of few points."""
    return join(*[ring(r, n, radius, 0.05) for n, radius in ((50, 0.4), (100, 1.0), (150, 1.6))])


def zelnik_ring_of_blobs(r: Generator) -> Data:
    """Two small dense clouds and a flat one within a ring."""
    clouds = [r.normal(at, 0.12, (60, 2)) for at in ((-0.5, 0.4), (0.5, 0.4))]
    return join(ring(r, 200, 1.6, 0.06), *clouds, box(r, 60, -0.6, 0.6, -0.75, -0.5))


def zelnik_densities(r: Generator) -> Data:
    """Dense clouds beside thin ones."""
    dense = [r.normal(at, 0.12, (150, 2)) for at in ((0, 0), (0.8, 0.8))]
    return join(*dense, r.normal((3.0, 0.3), 0.6, (150, 2)), r.normal((0.2, 3.0), 0.5, (60, 2)))


SHAPES: dict[str, Callable[[Generator], Data]] = {
    "aggregation": aggregation_like,
    "compound": compound_like,
    "pathbased": pathbased_like,
    "spiral": spiral,
    "jain": jain_like,
    "flame": flame_like,
    "s1": lambda r: s_like(r, 0.16),
    "s2": lambda r: s_like(r, 0.21),
    "s3": lambda r: s_like(r, 0.26),
    "s4": lambda r: s_like(r, 0.3),
    "a1": lambda r: a_like(r, 20),
    "a2": lambda r: a_like(r, 35),
    "a3": lambda r: a_like(r, 50),
    "unbalance": unbalance,
    "d31": d31_like,
    "r15": r15_like,
    "zelnik_rings": zelnik_rings,
    "zelnik_blobs": zelnik_ring_of_blobs,
    "zelnik_densities": zelnik_densities,
    "moons": lambda r: moons(r, 600, 0.1),
    "circles": lambda r: circles(r, 500, 0.07),
    "varied": varied,
    "aniso": aniso,
    "pair": lambda r: touching.pair(r, (400, 400), (1.0, 1.0), 2.9),
    "pair_unequal": lambda r: touching.pair(r, (500, 150), (1.0, 0.6), 2.8),
    "arms": lambda r: touching.arms(r, 150, 2, 1.0, 0.28),
    "moons_bar": lambda r: touching.moons_around_bar(r, 200, 120, 0.09),
    "path_blobs": lambda r: touching.path_around(r, 110, 2, 95, 1.7, 0.6),
}


def make(name: str, seed: int = 0) -> Data:
    """A labelled set by name; the same for equal name and seed."""
    return SHAPES[name](np.random.default_rng([seed, *name.encode()]))
