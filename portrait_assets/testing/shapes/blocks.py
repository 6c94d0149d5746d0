"""Building blocks of the labelled sets: Gaussians, discs, rings, boxes and lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Data = tuple[Matrix, Labels]
Generator = np.random.Generator


def gaussians(r: Generator, centres: object, sizes: object, sds: object) -> Data:
    """Isotropic Gaussians."""
    c = np.asarray(centres, float)
    sizes_ = np.broadcast_to(np.asarray(sizes), len(c))
    sds_ = np.broadcast_to(np.asarray(sds, float), len(c))
    x = [r.normal(m, s, (n, c.shape[1])) for m, n, s in zip(c, sizes_, sds_, strict=True)]
    return np.vstack(x), np.repeat(np.arange(len(c)), sizes_)


def spread_centres(r: Generator, k: int, d: int, least: float, box: float) -> Matrix:
    """Centres in a box, no two nearer than ``least``; the box grows when it is too full."""
    centres: list[Matrix] = []
    tries = 0
    while len(centres) < k:
        c = r.uniform(0, box, d)
        if all(np.linalg.norm(c - f) >= least for f in centres):
            centres.append(c)
        tries += 1
        if tries % 500 == 0:
            box *= 1.05
    return np.array(centres)


def join(*parts: Matrix) -> Data:
    """Parts stacked, one label each."""
    return np.vstack(parts), np.repeat(np.arange(len(parts)), [len(p) for p in parts])


def disc(r: Generator, n: int, cx: float, cy: float, rx: float, ry: float | None = None) -> Matrix:
    """Uniform in an ellipse."""
    a, u = r.uniform(0, 2 * np.pi, n), np.sqrt(r.uniform(0, 1, n))
    return np.column_stack([cx + rx * u * np.cos(a), cy + (ry or rx) * u * np.sin(a)])


def ring(r: Generator, n: int, radius: float, width: float, cx: float = 0, cy: float = 0) -> Matrix:
    """Noisy ring."""
    a, q = r.uniform(0, 2 * np.pi, n), radius + r.normal(0, width, n)
    return np.column_stack([cx + q * np.cos(a), cy + q * np.sin(a)])


def box(r: Generator, n: int, x0: float, x1: float, y0: float, y1: float) -> Matrix:
    """Uniform in a rectangle."""
    return np.column_stack([r.uniform(x0, x1, n), r.uniform(y0, y1, n)])


def line(r: Generator, n: int, points: list[tuple[float, float]], width: float) -> Matrix:
    """Noisy polyline."""
    p = np.asarray(points, float)
    lengths = np.linalg.norm(np.diff(p, axis=0), axis=1)
    which = r.choice(len(lengths), n, p=lengths / lengths.sum())
    t = r.uniform(0, 1, n)[:, None]
    return p[which] * (1 - t) + p[which + 1] * t + r.normal(0, width, (n, 2))
