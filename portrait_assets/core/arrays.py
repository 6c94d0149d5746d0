"""Types of numpy arrays; their shapes stand in the docstrings of what takes or gives them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FloatVector = Floats
FloatMatrix = Floats
IntVector = npt.NDArray[np.int64]
Indexes = IntVector
"""Places in another array."""
Bools = npt.NDArray[np.bool_]
BoolVector = Bools
