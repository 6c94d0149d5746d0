"""Labelled sets whose groups touch, overlap, wind around each other or differ much in size.

Shapes follow what is published of the collections of P. Fränti and S. Sieranoja (2018), "K-means
properties on six clustering benchmark datasets", of A. Ultsch's Fundamental Clustering Problems
Suite (2005), and of M. Gagolewski (2022), "A framework for benchmarking clustering algorithms";
every point is drawn here. Points labelled ``NOISE`` belong to no group.
"""

from __future__ import annotations

import numpy as np

from portrait_assets.testing.shapes.blocks import (
    Data,
    Generator,
    Matrix,
    box,
    disc,
    gaussians,
    join,
    line,
    ring,
)

NOISE = -1


def pair(
    r: Generator, sizes: tuple[int, int], sds: tuple[float, float], gap: float, d: int = 2
) -> Data:
    """Two Gaussians whose means lie ``gap`` mean standard deviations apart."""
    away = gap * (sds[0] + sds[1]) / 2
    direction = r.normal(size=d)
    direction /= np.linalg.norm(direction)
    return gaussians(r, np.vstack([np.zeros(d), away * direction]), sizes, sds)


def cigars(r: Generator, sizes: tuple[int, ...], length: float, gap: float) -> Data:
    """Stretched Gaussians side by side, ``gap`` widths (standard deviations) apart, turned."""
    x, y = gaussians(r, [[0.0, gap * i] for i in range(len(sizes))], sizes, 1.0)
    angle = r.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (x * [length, 1.0]) @ turn, y


def corner(r: Generator, each: int, width: float) -> Data:
    """Two stretched Gaussians at a right angle that touch where an end meets the other's middle."""
    flat = r.normal(size=(each, 2)) * [2.0, width]
    tall = r.normal(size=(each, 2)) * [width, 1.2] + [0.0, 3.2]
    return join(flat, tall)


def triangle(r: Generator, sizes: tuple[int, int, int], gap: float, d: int = 2) -> Data:
    """Three Gaussians, each ``gap`` standard deviations from the others."""
    centres = np.zeros((3, d))
    centres[:, :2] = [[0.0, 0.0], [gap, 0.0], [gap / 2, gap * np.sqrt(0.75)]]
    return gaussians(r, centres, sizes, 1.0)


def arms(r: Generator, n: int, count: int, turns: float, noise: float, around: int = 0) -> Data:
    """Spiral arms with ``n`` points each, evenly along their length; ``around`` points of noise."""
    parts = []
    for arm in range(count):
        t = np.sqrt(r.uniform(0.04, 1, n)) * turns * 2 * np.pi
        angle = t + 2 * np.pi * arm / count
        radius = 0.4 + t
        at = np.c_[radius * np.cos(angle), radius * np.sin(angle)]
        parts.append(at + r.normal(0, noise, (n, 2)))
    return with_noise(r, join(*parts), around)


def moons_around_bar(r: Generator, n: int, bar: int, noise: float, gap: float = 0.5) -> Data:
    """Two half moons that open towards a straight bar between them."""
    angle = r.uniform(-0.5 * np.pi, 0.5 * np.pi, (2, n))
    right = np.c_[gap + np.cos(angle[0]), np.sin(angle[0])]
    left = np.c_[-gap - np.cos(angle[1]), np.sin(angle[1])]
    moved = [moon + r.normal(0, noise, (n, 2)) for moon in (left, right)]
    return join(*moved, line(r, bar, [(0.0, -1.2), (0.0, 1.2)], noise))


def path_around(r: Generator, n: int, blobs: int, each: int, sd: float, noise: float) -> Data:
    """An open ring around Gaussian blobs that nearly touch it and each other."""
    angle = r.uniform(-0.25 * np.pi, 1.25 * np.pi, n)
    path = np.c_[np.cos(angle), np.sin(angle)] * 10 + r.normal(0, noise, (n, 2))
    at = np.pi / 2 + 2 * np.pi * (np.arange(blobs) + 0.5) / blobs
    centres = 4.4 * np.c_[np.cos(at), np.sin(at)] if blobs > 1 else np.zeros((1, 2))
    return join(path, *[r.normal(c, sd, (each, 2)) for c in centres])


def ring_around(r: Generator, core: int, n: int, sd: float, noise: float, around: int = 0) -> Data:
    """A Gaussian in a ring whose inner edge it nearly reaches."""
    return with_noise(r, join(r.normal(0, sd, (core, 2)), ring(r, n, 3.0, noise)), around)


def ball_in_shell(r: Generator, core: int, n: int, sd: float, d: int = 3) -> Data:
    """A Gaussian within a thin shell of any dimension."""
    v = r.normal(size=(n, d))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    return join(r.normal(0, sd, (core, d)), v * (3.0 + r.normal(0, 0.15, (n, 1))))


def links(r: Generator, n: int, count: int, noise: float) -> Data:
    """Rings in space, each through the next, as a chain."""
    parts = []
    for i in range(count):
        flat = ring(r, n, 1.0, noise)
        third = r.normal(0, noise, n)
        columns = (flat[:, 0], flat[:, 1], third) if i % 2 else (flat[:, 0], third, flat[:, 1])
        parts.append(np.column_stack(columns) + np.array([1.2 * i, 0.0, 0.0]))
    return join(*parts)


def necked(r: Generator, scale: int, neck: int) -> Data:
    """Discs of unequal size, two pairs of which are joined by thin necks of points."""
    parts = [
        disc(r, 10 * scale, 0, 0, 3.2),
        disc(r, 5 * scale, 7.2, 0.5, 2.2),
        disc(r, 4 * scale, 1, 9, 2.2, 3),
        disc(r, 2 * scale, 6.6, 9.4, 1.4),
        disc(r, 2 * scale, 13, 6, 1.2),
    ]
    parts[0] = np.vstack([parts[0], box(r, neck, 3.1, 4.1, -0.2, 0.2)])
    parts[2] = np.vstack([parts[2], box(r, neck, 3.1, 4.2, 9.0, 9.4)])
    return join(*parts)


def cap_and_bowl(r: Generator, bowl: int, cap: int, noise: float) -> Data:
    """A disc that rests in a bowl, as a flame does."""
    angle = r.uniform(1.0 * np.pi, 2.0 * np.pi, bowl)
    low = np.c_[np.cos(angle) * 5.2, np.sin(angle) * 4.8] + r.normal(0, noise, (bowl, 2))
    return join(low, disc(r, cap, 0, -0.3, 3.0, 2.6))


def crescents(r: Generator, sizes: tuple[int, int], noise: float, gap: float) -> Data:
    """Two crescents that hold each other, of unequal density."""
    a, b = r.uniform(0, np.pi, sizes[0]), r.uniform(np.pi, 2 * np.pi, sizes[1])
    up = np.c_[np.cos(a), np.sin(a)] + r.normal(0, noise, (sizes[0], 2))
    low = np.c_[np.cos(b) + 1, np.sin(b) + gap] + r.normal(0, noise, (sizes[1], 2))
    return join(up, low)


def unequal(r: Generator, sizes: tuple[int, ...], sds: tuple[float, ...], gap: float) -> Data:
    """Gaussians around a circle, neighbours ``gap`` sums of their standard deviations apart."""
    k = len(sizes)
    at = 2 * np.pi * np.arange(k) / k
    radius = gap * 2 * max(sds) / (2 * np.sin(np.pi / k))
    return gaussians(r, radius * np.c_[np.cos(at), np.sin(at)], sizes, sds)


def lines_and_blob(r: Generator, n: int, blob: int, noise: float) -> Data:
    """A long line beside a blob that nearly touches it."""
    return join(line(r, n, [(-3, 0), (3, 0)], noise), r.normal([0.0, 0.9], 0.25, (blob, 2)))


def waves(r: Generator, n: int, count: int, noise: float, gap: float, around: int = 0) -> Data:
    """Wavy bands above each other."""
    t = r.uniform(0, 3 * np.pi, (count, n))
    bands = [np.c_[t[i], np.sin(t[i]) + gap * i] + r.normal(0, noise, (n, 2)) for i in range(count)]
    return with_noise(r, join(*bands), around)


def plates(r: Generator, n: int, gap: float) -> Data:
    """Two boxes whose density grows towards each other, as two wings."""
    x = 1.0 - np.sqrt(r.uniform(0, 1, (2, n)))
    y = r.uniform(0, 2.0, (2, n))
    return join(np.c_[-gap / 2 - x[0], y[0]], np.c_[gap / 2 + x[1], y[1] + 0.5])


def with_noise(r: Generator, data: Data, around: int) -> Data:
    """The set with so many uniform points over its box, which belong to no group."""
    points, labels = data
    low, high = points.min(axis=0), points.max(axis=0)
    noise: Matrix = r.uniform(low, high, (around, points.shape[1]))
    return np.vstack([points, noise]), np.r_[labels, np.full(around, NOISE)]
