"""Labelled and structureless data sets that the clusters' benchmarks generate for themselves.

Shapes follow the published descriptions of well-known collections (FCPS by A. Ultsch, the SIPU
sets by P. Fränti and S. Sieranoja, shapes by A. K. Jain and by H. Chang and D. Yeung), plus the
small real tables that come with scikit-learn. ``TRAIN`` is for choosing thresholds, ``JUDGE`` for
reporting; no set is in both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn import datasets as sk

from benchmarks.clusters_clouds import (
    a_like,
    aniso,
    birch_grid,
    birch_sine,
    blobs_with_noise,
    d31_like,
    dense_and_loose,
    ellipses,
    engytime,
    hepta,
    high_dimensional,
    latent_bank,
    overlapping_pair,
    r15_like,
    s_like,
    student,
    tetra,
    touching,
    trapped,
    unbalance,
    varied,
)
from benchmarks.clusters_figures import (
    aggregation_like,
    atom,
    chainlink,
    chameleon_like,
    circles,
    compound_like,
    cross_lines,
    flame_like,
    fuzzy_x,
    jain_like,
    labyrinth,
    lsun,
    moons,
    olympic,
    parabolic,
    pathbased_like,
    smile,
    spiral,
    squares,
    stripes,
    target,
    three_rings,
    two_diamonds,
    windows,
    wingnut,
    worms,
    zigzag,
)
from portrait_assets.testing.shapes.blocks import (
    Data,
    Generator,
    Labels,
    Matrix,
)


def _toy(
    load: Callable[..., tuple[Matrix, Labels]], rows: int | None = None
) -> Callable[[Generator], Data]:
    def make(r: Generator) -> Data:
        x, y = load(return_X_y=True)
        return np.asarray(x, float)[:rows], np.asarray(y)[:rows]

    return make


TRAIN: dict[str, Callable[[Generator], Data]] = {
    "hepta": hepta,
    "chainlink": chainlink,
    "lsun": lsun,
    "two_diamonds": two_diamonds,
    "s1": lambda r: s_like(r, 0.16),
    "s3": lambda r: s_like(r, 0.26),
    "a20": lambda r: a_like(r, 20),
    "unbalance": unbalance,
    "birch_sine": birch_sine,
    "r15": r15_like,
    "aggregation": aggregation_like,
    "spiral": spiral,
    "flame": flame_like,
    "moons": moons,
    "circles": circles,
    "aniso": aniso,
    "blobs_noise": blobs_with_noise,
    "hd_k5_d8": lambda r: high_dimensional(r, 5, 8),
    "hd_k16_d32": lambda r: high_dimensional(r, 16, 32, gap=14),
    "ellipses_k8": lambda r: ellipses(r, 8, 2, 2400),
    "smile": smile,
    "stripes": stripes,
    "squares": squares,
    "worms": worms,
    "dense_loose": dense_and_loose,
    "parabolic": parabolic,
    "overlap2": overlapping_pair,
    "latent": latent_bank,
    "iris": _toy(sk.load_iris),
    "zigzag": zigzag,
}
JUDGE: dict[str, Callable[[Generator], Data]] = {
    "tetra": tetra,
    "atom": atom,
    "target": target,
    "wingnut": wingnut,
    "engytime": engytime,
    "s2": lambda r: s_like(r, 0.21),
    "s4": lambda r: s_like(r, 0.3),
    "a35": lambda r: a_like(r, 35),
    "a50": lambda r: a_like(r, 50),
    "birch_grid": birch_grid,
    "d31": d31_like,
    "compound": compound_like,
    "jain": jain_like,
    "pathbased": pathbased_like,
    "noisy_moons": lambda r: moons(r, 600, 0.12),
    "two_spirals": lambda r: spiral(r, 2, 400, 0.05),
    "three_rings": three_rings,
    "varied": varied,
    "hd_k2_d20": lambda r: high_dimensional(r, 2, 20, gap=8),
    "hd_k10_d10": lambda r: high_dimensional(r, 10, 10, 3000, gap=9),
    "ellipses_k5_d4": lambda r: ellipses(r, 5, 4, 1500),
    "cross_lines": cross_lines,
    "windows": windows,
    "olympic": olympic,
    "labyrinth": labyrinth,
    "chameleon": chameleon_like,
    "fuzzy_x": fuzzy_x,
    "touching": touching,
    "student": student,
    "trapped": trapped,
    "latent9": lambda r: latent_bank(r, 9, 20, 5000),
    "wine": _toy(sk.load_wine),
    "cancer": _toy(sk.load_breast_cancer),
    "digits": _toy(sk.load_digits),
}


def structureless(r: Generator, kind: str, n: int, d: int) -> Matrix:
    """Data without clusters of a kind that ``NULLS`` names."""
    if kind == "gaussian":
        return r.normal(size=(n, d))
    if kind == "correlated":
        return r.normal(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "uniform":
        return r.uniform(size=(n, d))
    if kind == "turned_uniform":
        return r.uniform(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "turned_exponential":
        return r.exponential(size=(n, d)) @ r.normal(size=(d, d))
    if kind == "ball":
        v = r.normal(size=(n, d))
        length = r.uniform(size=(n, 1)) ** (1 / d)
        return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True) * length)
    return r.exponential(size=(n, d))


NULL_KINDS = (
    "gaussian",
    "correlated",
    "uniform",
    "turned_uniform",
    "ball",
    "exponential",
    "turned_exponential",
)
NULLS = [(kind, n, d) for kind in NULL_KINDS for n in (2_000, 20_000) for d in (2, 3, 5, 10)]
"""Structureless sets: kind, rows, dimensions."""


def make(name: str, seed: int = 0) -> Data:
    """A labelled set by name; the same for equal name and seed."""
    r = np.random.default_rng([seed, *name.encode()])
    return {**TRAIN, **JUDGE}[name](r)


def make_null(kind: str, n: int, d: int, seed: int = 0) -> Matrix:
    """A structureless set; the same for equal arguments."""
    return structureless(np.random.default_rng([seed, n, d, *kind.encode()]), kind, n, d)
