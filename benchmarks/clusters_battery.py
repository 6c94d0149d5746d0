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

from portrait_assets.testing.cluster_shapes import (
    Data,
    Generator,
    Labels,
    Matrix,
    box,
    disc,
    gaussians,
    join,
    line,
    ring,
    spread_centres,
)


def hepta(r: Generator) -> Data:
    c = np.vstack([np.zeros(3), 3 * np.eye(3), -3 * np.eye(3)])
    return gaussians(r, c, [32, 30, 30, 30, 30, 30, 30], [0.35] + [0.6] * 6)


def tetra(r: Generator) -> Data:
    c = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.75
    return gaussians(r, c, 100, 0.32)


def chainlink(r: Generator) -> Data:
    a = np.c_[ring(r, 500, 1, 0.06), r.normal(0, 0.06, 500)]
    b = ring(r, 500, 1, 0.06)
    return join(a, np.c_[b[:, 0] + 1, r.normal(0, 0.06, 500), b[:, 1]])


def atom(r: Generator) -> Data:
    def ball(n: int, lo: float, hi: float) -> Matrix:
        v = r.normal(size=(n, 3))
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        return v * r.uniform(lo**3, hi**3, n)[:, None] ** (1 / 3)

    return join(ball(400, 0, 10), ball(400, 47, 52))


def lsun(r: Generator) -> Data:
    # Two rectangles at a right angle and a round cloud.
    y = np.r_[np.zeros(100), np.ones(100), np.full(200, 2)].astype(int)
    x = np.vstack([box(r, 100, 0, 0.6, 0.75, 3.4), box(r, 100, 0, 3.4, 0, 0.5)])
    return np.vstack([x, r.normal([2.6, 2.4], 0.42, (200, 2))]), y


def target(r: Generator) -> Data:
    corners = [r.normal([a, b], 0.04, (3, 2)) for a in (-3.2, 3.2) for b in (-3.2, 3.2)]
    return join(disc(r, 365, 0, 0, 0.7), ring(r, 393, 2, 0.12), *corners)


def two_diamonds(r: Generator) -> Data:
    def diamond(cx: float) -> Matrix:
        u = r.uniform(-1, 1, (400, 2)) @ np.array([[0.5, 0.5], [-0.5, 0.5]])
        return np.asarray(u + np.array([cx, 0.0]))

    return join(diamond(-1.03), diamond(1.03))


def wingnut(r: Generator) -> Data:
    def wing() -> Matrix:
        x = r.triangular(0, 2.2, 2.2, 1000)[:500]
        return np.column_stack([x, r.uniform(0, 3, 500)])

    a, b = wing(), wing()
    a[:, 1] += 0.6
    b[:, 0] = 2.45 + (2.2 - b[:, 0])
    return join(a, b)


def engytime(r: Generator) -> Data:
    return gaussians(r, [[0, 0], [2.2, 2.2]], 2048, [0.65, 1.1])


def s_like(r: Generator, overlap: float) -> Data:
    c = spread_centres(r, 15, 2, 1.0, 4.6)
    x, y = [], []
    for i, m in enumerate(c):
        a = r.normal(size=(2, 2)) * 0.35 + np.eye(2)
        n = int(r.integers(300, 360))
        x.append(m + r.normal(size=(n, 2)) @ a * overlap)
        y += [i] * n
    return np.vstack(x), np.array(y)


def a_like(r: Generator, k: int) -> Data:
    return gaussians(r, spread_centres(r, k, 2, 1.0, 1.15 * np.sqrt(k)), 150, 0.16)


def unbalance(r: Generator) -> Data:
    dense = [[0, 0], [1.3, 1.0], [1.3, -1.0]]
    sparse = [[9, 0], [11, 1.5], [11, -1.5], [13, 0.3], [10, 3]]
    return gaussians(r, dense + sparse, [2000] * 3 + [100] * 5, [0.2] * 3 + [0.35] * 5)


def birch_grid(r: Generator) -> Data:
    c = np.array([[i, j] for i in range(10) for j in range(10)], float)
    return gaussians(r, c, 200, 0.22)


def birch_sine(r: Generator) -> Data:
    t = np.arange(40)
    return gaussians(r, np.c_[t * 1.0, 4 * np.sin(t / 6)], 150, 0.16)


def d31_like(r: Generator) -> Data:
    return gaussians(r, spread_centres(r, 31, 2, 1.0, 6.4), 100, 0.2)


def r15_like(r: Generator) -> Data:
    a = np.arange(7) * 2 * np.pi / 7
    c = np.vstack([[0, 0], np.c_[np.cos(a), np.sin(a)] * 1.6, np.c_[np.cos(a), np.sin(a)] * 4.5])
    return gaussians(r, c, 40, 0.26)


def aggregation_like(r: Generator) -> Data:
    return join(
        disc(r, 170, 5, 20, 4, 3),
        disc(r, 273, 20, 20, 6),
        disc(r, 130, 30, 8, 4.2),
        disc(r, 102, 8, 6, 4),
        disc(r, 34, 17.2, 8, 1.5),
        disc(r, 45, 33, 17, 2),
        disc(r, 34, 13.5, 12.2, 1.5),
    )


def compound_like(r: Generator) -> Data:
    return join(
        r.normal([0, 0], 0.45, (50, 2)),
        r.normal([2.6, 0.4], 0.5, (92, 2)),
        disc(r, 38, 0.5, -5, 0.9),
        ring(r, 158, 2.1, 0.12, 0.5, -5),
        disc(r, 16, 8, -1, 2.6) + r.normal(0, 1, (16, 2)),
        disc(r, 45, 8, -4.4, 0.8, 1.2),
    )


def spiral(r: Generator, arms: int = 3, n: int = 105, noise: float = 0.03) -> Data:
    parts = []
    for i in range(arms):
        t = np.sqrt(np.linspace(0.05, 1, n)) * 1.5 * np.pi
        a = t + 2 * np.pi * i / arms
        q = 0.25 + t / 3
        parts.append(np.c_[q * np.cos(a), q * np.sin(a)] + r.normal(0, noise, (n, 2)))
    return join(*parts)


def jain_like(r: Generator) -> Data:
    a = np.linspace(0.05 * np.pi, np.pi, 97)
    b = np.linspace(np.pi, 2 * np.pi, 276)
    up = np.c_[np.cos(a) * 10 + 10, np.sin(a) * 11 + 9] + r.normal(0, 0.8, (97, 2))
    low = np.c_[np.cos(b) * 12 + 22, np.sin(b) * 9 + 14] + r.normal(0, 1.1, (276, 2))
    return join(up, low)


def flame_like(r: Generator) -> Data:
    a = r.uniform(1.05 * np.pi, 1.95 * np.pi, 155)
    low = np.c_[np.cos(a) * 5.6, np.sin(a) * 5.2 + 4.4] + r.normal(0, 0.75, (155, 2))
    return join(disc(r, 85, 0, 6.2, 2.6, 1.9), low)


def pathbased_like(r: Generator) -> Data:
    a = r.uniform(-0.2 * np.pi, 1.2 * np.pi, 110)
    arc = np.c_[np.cos(a) * 12, np.sin(a) * 12] + r.normal(0, 0.8, (110, 2))
    return join(arc, r.normal([-5, 0], 1.7, (97, 2)), r.normal([5, 0], 1.7, (93, 2)))


def moons(r: Generator, n: int = 1000, noise: float = 0.07) -> Data:
    x, y = sk.make_moons(n, noise=noise, random_state=int(r.integers(10**9)))
    return x, y


def circles(r: Generator, n: int = 1000, noise: float = 0.05) -> Data:
    x, y = sk.make_circles(n, noise=noise, factor=0.5, random_state=int(r.integers(10**9)))
    return x, y


def three_rings(r: Generator) -> Data:
    return join(disc(r, 200, 0, 0, 0.6), ring(r, 400, 2, 0.12), ring(r, 700, 3.6, 0.14))


def aniso(r: Generator) -> Data:
    x, y = gaussians(r, [[-9, -3], [0, 6], [2, -6]], 500, 1.0)
    return x @ np.array([[0.6, -0.63], [-0.4, 0.85]]), y


def varied(r: Generator) -> Data:
    return gaussians(r, [[-6, 0], [0, 5], [4, -5]], 500, [0.8, 2.2, 0.5])


def blobs_with_noise(r: Generator) -> Data:
    x, y = gaussians(r, spread_centres(r, 6, 2, 2.2, 8), 180, 0.3)
    noise = r.uniform(x.min() - 0.5, x.max() + 0.5, (100, 2))
    return np.vstack([x, noise]), np.r_[y, np.full(100, 6)]


def high_dimensional(r: Generator, k: int, d: int, n: int = 1024, gap: float = 6.0) -> Data:
    c = r.normal(size=(k, d))
    c *= gap / np.sqrt(2 * d)
    return gaussians(r, c, n // k, 1.0)


def ellipses(r: Generator, k: int, d: int, n: int) -> Data:
    c = spread_centres(r, k, d, 5.0, 14)
    x, y = [], []
    for i, m in enumerate(c):
        size = max(30, int(r.exponential(n / k)))
        x.append(m + r.normal(size=(size, d)) @ (r.normal(size=(d, d)) * 0.6 / np.sqrt(d / 2)))
        y += [i] * size
    return np.vstack(x), np.array(y)


def smile(r: Generator) -> Data:
    a = r.uniform(1.15 * np.pi, 1.85 * np.pi, 250)
    mouth = np.c_[np.cos(a) * 2, np.sin(a) * 2] + r.normal(0, 0.06, (250, 2))
    eyes = [r.normal([-1, 1], 0.18, (150, 2)), r.normal([1, 1], 0.18, (150, 2))]
    return join(ring(r, 400, 3.4, 0.06), mouth, *eyes)


def cross_lines(r: Generator) -> Data:
    return join(
        line(r, 300, [(0, 0), (4, 4)], 0.08),
        line(r, 300, [(5, 0), (9, 4)], 0.08),
        line(r, 300, [(0, 6), (9, 6)], 0.08),
    )


def zigzag(r: Generator) -> Data:
    z = [line(r, 250, [(0, y), (1, y + 0.6), (2, y), (3, y + 0.6)], 0.05) for y in (0, 1, 2)]
    return join(*z)


def stripes(r: Generator) -> Data:
    return join(
        box(r, 800, 0, 10, 0, 1), box(r, 800, 0, 10, 1.6, 2.6), box(r, 800, 0, 10, 3.2, 4.2)
    )


def squares(r: Generator) -> Data:
    return join(*[box(r, 250, i, i + 0.9, j, j + 0.9) for i in (0, 1) for j in (0, 1)])


def windows(r: Generator) -> Data:
    frame = [box(r, 300, 0, 6, 0, 0.5), box(r, 300, 0, 6, 5.5, 6)]
    sides = [box(r, 300, 0, 0.5, 0, 6), box(r, 300, 5.5, 6, 0, 6)]
    panes = [box(r, 300, a, a + 1.3, b, b + 1.3) for a in (1.2, 3.5) for b in (1.2, 3.5)]
    return join(np.vstack(frame + sides), *panes)


def olympic(r: Generator) -> Data:
    c = [(0, 0), (2.4, 0), (4.8, 0), (1.2, -1.1), (3.6, -1.1)]
    return join(*[ring(r, 500, 1.0, 0.05, a, b) for a, b in c])


def worms(r: Generator, k: int = 12) -> Data:
    parts = []
    for c in spread_centres(r, k, 2, 3.2, 14):
        a = r.uniform(0, 2 * np.pi) + np.cumsum(r.normal(0, 0.18, 30))
        path = c + np.cumsum(np.c_[np.cos(a), np.sin(a)] * 0.09, axis=0)
        parts.append(path[r.integers(0, 30, 200)] + r.normal(0, 0.13, (200, 2)))
    return join(*parts)


def labyrinth(r: Generator) -> Data:
    a = line(r, 700, [(0, 0), (6, 0), (6, 5), (1, 5), (1, 2), (4, 2)], 0.12)
    b = line(r, 500, [(0, 6.2), (7.3, 6.2), (7.3, -1)], 0.12)
    c = line(r, 200, [(2.4, 3.5), (4.6, 3.5)], 0.12)
    return join(a, b, c)


def chameleon_like(r: Generator) -> Data:
    parts = [
        line(r, 1200, [(t, np.sin(t)) for t in np.linspace(0, 9, 60)], 0.12),
        line(r, 1200, [(t, np.sin(t) + 2.2) for t in np.linspace(0, 9, 60)], 0.12),
        box(r, 900, 1, 3.6, 4.4, 5.4),
        disc(r, 900, 7, 5, 1.1),
        box(r, 700, 4.4, 5.2, 3.9, 6.3),
    ]
    noise = box(r, 500, -0.5, 9.5, -1.6, 6.8)
    x, y = join(*parts, noise)
    return x, y


def dense_and_loose(r: Generator) -> Data:
    return gaussians(r, [[0, 0], [1.6, 0]], [400, 200], [0.15, 0.6])


def fuzzy_x(r: Generator) -> Data:
    a = r.normal(size=(500, 2)) * [2.2, 0.22] @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    b = r.normal(size=(500, 2)) * [2.2, 0.22] @ np.array([[0.7, -0.7], [0.7, 0.7]])
    return join(a - np.array([3.0, 0.0]), b + np.array([3.0, 0.0]))


def parabolic(r: Generator) -> Data:
    t, s = r.uniform(-2, 2, 500), r.uniform(-2, 2, 500)
    return join(
        np.c_[t, t**2 + r.normal(0, 0.35, 500)], np.c_[s + 2, 5 - s**2 + r.normal(0, 0.35, 500)]
    )


def overlapping_pair(r: Generator) -> Data:
    return gaussians(r, [[0, 0], [3.2, 0]], 800, 1.0)


def touching(r: Generator) -> Data:
    return gaussians(r, [[0, 0], [3.0, 0], [1.5, 2.8], [6.5, 1]], [400, 300, 200, 500], 0.75)


def student(r: Generator) -> Data:
    c = np.array([[0, 0], [12, 0], [6, 10]])
    return join(*[m + r.standard_t(4, (400, 2)) for m in c])


def trapped(r: Generator) -> Data:
    bow = line(r, 500, [(0, 3), (0, 0), (3, 0), (3, 3)], 0.07)
    return join(bow, r.normal([1.1, 1.6], 0.17, (200, 2)), r.normal([2.0, 1.6], 0.17, (200, 2)))


def latent_bank(r: Generator, k: int = 6, d: int = 12, n: int = 2000) -> Data:
    c = r.normal(0, 1.4, (k, d))
    p = r.dirichlet(np.full(k, 6.0))
    y = r.choice(k, n, p=p)
    return c[y] + r.normal(size=(n, d)), y


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
