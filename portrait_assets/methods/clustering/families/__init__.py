"""The families of clusterings that are compared: one module each, found by being in this package.

A new family is a new module here with an object ``FAMILY``; nothing else lists them::

    @dataclass(frozen=True, eq=False)
    class Spectral(Family):
        def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
            return spectral_labels(sample.points, k, seed=sample.seed)

    FAMILY = Spectral("spectral", order=6)

What else it may state, such as parameters, limits and a refit, is in `family.Family`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from portrait_assets.methods.clustering.families.family import Family


def find_families(folders: Iterable[str], package: str) -> tuple[Family, ...]:
    """The objects ``FAMILY`` of a package's modules, in the order that the families state.

    Args:
        folders: folders of the package, its ``__path__``.
        package: name of the package.

    Raises:
        ValueError: two families have the same name.
    """
    names = (f"{package}.{module.name}" for module in pkgutil.iter_modules(folders))
    modules = (importlib.import_module(name) for name in names)
    found = [m.FAMILY for m in modules if isinstance(getattr(m, "FAMILY", None), Family)]
    if len({family.name for family in found}) < len(found):
        raise ValueError(f"two families of {package} have the same name; rename one of them")
    return tuple(sorted(found, key=lambda family: (family.order, family.name)))


FAMILIES = find_families(__path__, __name__)
