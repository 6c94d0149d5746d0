"""How a feature is declared: once, with everything that others say about it made from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portrait_assets.warehouse.contract import Column, Sensitivity, Type


class Element(StrEnum):
    """The four elements of a portrait."""

    ENTITY = "entity"  # who the customer is
    SYMBOL = "symbol"  # what the customer does
    CONCEPT = "concept"  # what the customer values
    PRINCIPLE = "principle"  # how the customer reacts


SHARE = "share"
_DOMAINS: dict[str, tuple[float | None, float | None]] = {
    SHARE: (0, 1),
    "0 to 1": (0, 1),
    "-1 to 1": (-1, 1),
    "days": (0, None),
    "purchases": (0, None),
    "categories": (0, None),
    "contacts": (0, None),
    "responses": (0, None),
    "years": (0, 120),
}


@dataclass(frozen=True)
class Feature:
    """A column of the feature matrix.

    `window_months` is how far the feature looks back from `as_of`, None for all history;
    `formula` says in words how it is computed; `needs` names the cleaned tables that it comes
    from; `null_means` says what a missing value tells.
    """

    name: str
    element: Element
    type: Type
    en: str
    zh: str
    formula: str
    null_means: str
    needs: tuple[str, ...] = ("transactions",)
    window_months: int | None = None
    unit: str | None = None
    sensitivity: Sensitivity = Sensitivity.C1

    @property
    def domain(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible value, as far as the unit implies them."""
        return _DOMAINS.get(self.unit or "", (None, None))

    @property
    def column(self) -> Column:
        """The contract of the column in the feature matrix."""
        return Column(
            name=self.name,
            type=self.type,
            en=f"{self.en}: {self.formula}",
            zh=self.zh,
            unit=self.unit,
            minimum=self.domain[0],
            maximum=self.domain[1],
            sensitivity=self.sensitivity,
        )
