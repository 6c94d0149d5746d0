"""Values on a grid, such as counts, spread over their cells.

Of whole numbers in few dimensions many customers are at the same place and nobody is between, so
that every line of the grid is a group with gaps around it. A value stands for what would be rounded
to it: within half a step of it anywhere, as counts are dithered, W. Stevens (1950), "Fiducial
limits of the parameter of a discontinuous distribution".
"""

from __future__ import annotations

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, FloatVector

FEWEST_LEVELS = 6
"""Fewer different values are categories, which may be what groups differ in."""
ROWS_PER_LEVEL = 5
"""A column with fewer rows per different value is no grid."""


def off_grid(
    points: FloatMatrix, unseen: FloatMatrix, seed: int
) -> tuple[FloatMatrix, FloatMatrix]:
    """Points and further ones where columns on a grid are spread evenly over their cells.

    A cell reaches as far to either side as half the way to the nearer of the two values beside it,
    so what is empty between far values stays empty. Other columns are as they were.

    Args:
        points: shape (rows, dims), which tell what is a grid.
        unseen: shape (further rows, dims).
        seed: of where in its cell a value is.
    """
    levels = [np.unique(column) for column in points.T]
    most = len(points) / ROWS_PER_LEVEL
    grids = [n for n, own in enumerate(levels) if FEWEST_LEVELS <= len(own) <= most]
    if not grids:
        return points, unseen
    everyone = np.vstack([points, unseen])
    rng = np.random.default_rng(seed)
    for n in grids:
        everyone[:, n] += _half_cells(everyone[:, n]) * rng.uniform(-1, 1, len(everyone))
    return everyone[: len(points)], everyone[len(points) :]


def _half_cells(values: FloatVector) -> FloatVector:
    """Half the way from each value to the nearest other one, shape (rows,)."""
    levels, at = np.unique(values, return_inverse=True)
    steps = np.diff(levels)
    nearest = np.minimum(np.r_[np.inf, steps], np.r_[steps, np.inf])
    found: FloatVector = nearest[at] / 2
    return found
