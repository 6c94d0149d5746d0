"""A feature, declared once; everything else about it is derived from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portrait_assets.schema.columns import SOURCE_CURRENCY
from portrait_assets.schema.sensitivity import Operation
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.features.declared.needs import TRANSACTIONS, Need, need_name


class Element(StrEnum):
    """The four elements of a portrait."""

    ENTITY = "entity"  # who the customer is
    SYMBOL = "symbol"  # what the customer does
    CONCEPT = "concept"  # what the customer values
    PRINCIPLE = "principle"  # how the customer reacts


SHARE = "share"
MONEY = SOURCE_CURRENCY
NEVER_NULL = "never null"
_DOMAINS: dict[str, tuple[float | None, float | None]] = {
    SHARE: (0, 1),
    "0 to 1": (0, 1),
    "-1 to 1": (-1, 1),
    "1 Monday to 7 Sunday": (1, 7),
    "hour": (0, 24),
    "years": (0, 120),
    "months": (0, 12),
    **dict.fromkeys(
        (
            *("days", "purchases", "categories", "contacts", "responses", "lines", "choices"),
            *("accounts", "complaints", "surveys", "visits", "products", "times", "attributes"),
        ),
        (0, None),
    ),
}


@dataclass(frozen=True)
class Feature:
    """A column of the feature matrix.

    `sql` computes it from the parts of `features.parts`, `formula` states the same in words;
    `window_months` is how far it looks back from `as_of`, None for all history; `needs` is
    what the source has to give, without which nobody has a value; `null_means` is the meaning of a
    missing value where it does. `evidence` names the feature that counts the observations behind an
    estimate; `ages` is whether it grows with time, whatever customers do. Its sensitivity class is
    the highest of its inputs, unless the `operation` lowers it.
    """

    name: str
    element: Element
    type: Type
    en: str
    zh: str
    formula: str
    null_means: str
    sql: str = ""
    needs: tuple[Need, ...] = (TRANSACTIONS,)
    window_months: int | None = None
    unit: str | None = None
    operation: Operation | None = None
    evidence: str | None = None
    ages: bool = False
    allowed: tuple[str, ...] | None = None

    @property
    def meaning_of_null(self) -> str | None:
        """What a missing value means; None where none is ever missing."""
        if self.null_means != NEVER_NULL:
            return self.null_means
        if not self.needs:
            return None
        return f"not known where the source lacks one of: {'; '.join(map(need_name, self.needs))}"

    @property
    def domain(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible value, as far as the unit implies them."""
        return _DOMAINS.get(self.unit or "", (None, None))

    @property
    def column(self) -> Column:
        """The contract of the column in the feature matrix, but for its sensitivity class."""
        return Column(
            name=self.name,
            type=self.type,
            en=f"{self.en}: {self.formula}",
            zh=self.zh,
            nullable=self.meaning_of_null is not None,
            unit=self.unit,
            allowed=self.allowed,
            minimum=self.domain[0],
            maximum=self.domain[1],
            operation=self.operation,
        )
