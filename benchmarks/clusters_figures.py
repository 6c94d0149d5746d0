"""Labelled sets of figures, rings, lines and spirals, as the clusters' battery generates them."""

from __future__ import annotations

import numpy as np
from sklearn import datasets as sk

from portrait_assets.testing.shapes.blocks import (
    Data,
    Generator,
    Matrix,
    box,
    disc,
    join,
    line,
    ring,
    spread_centres,
)


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


def fuzzy_x(r: Generator) -> Data:
    a = r.normal(size=(500, 2)) * [2.2, 0.22] @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    b = r.normal(size=(500, 2)) * [2.2, 0.22] @ np.array([[0.7, -0.7], [0.7, 0.7]])
    return join(a - np.array([3.0, 0.0]), b + np.array([3.0, 0.0]))


def parabolic(r: Generator) -> Data:
    t, s = r.uniform(-2, 2, 500), r.uniform(-2, 2, 500)
    return join(
        np.c_[t, t**2 + r.normal(0, 0.35, 500)], np.c_[s + 2, 5 - s**2 + r.normal(0, 0.35, 500)]
    )
