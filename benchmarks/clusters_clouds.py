"""Labelled sets of clouds of points, as the clusters' battery generates them."""

from __future__ import annotations

import numpy as np

from portrait_assets.testing.shapes.blocks import (
    Data,
    Generator,
    gaussians,
    join,
    line,
    spread_centres,
)


def hepta(r: Generator) -> Data:
    c = np.vstack([np.zeros(3), 3 * np.eye(3), -3 * np.eye(3)])
    return gaussians(r, c, [32, 30, 30, 30, 30, 30, 30], [0.35] + [0.6] * 6)


def tetra(r: Generator) -> Data:
    c = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.75
    return gaussians(r, c, 100, 0.32)


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


def dense_and_loose(r: Generator) -> Data:
    return gaussians(r, [[0, 0], [1.6, 0]], [400, 200], [0.15, 0.6])


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
