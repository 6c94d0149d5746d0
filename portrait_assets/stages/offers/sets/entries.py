"""Files of product sets: what they may hold, and what is no part of a set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, RootModel

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.yaml.file import (
    Code,
    Entry,
    Formula,
    Head,
    Line,
    Words,
    merged_by_code,
    read_yaml,
    validated,
)
from portrait_assets.core.yaml.text import WrittenMapping

PRICES = frozenset(
    ("price", "prices", "rate", "interest_rate", "discount", "coupon", "fee", "premium", "markup")
)
"""Keys by which a set would give its audience a price of its own."""


class OfferError(PortraitError):
    """What cannot be offered, in one sentence with file, line and remedy."""


class RuleEntry(Entry):
    """How the products of a set are offered."""

    model_config = ConfigDict(title="rule")
    highest_grade: Literal["R1", "R2", "R3", "R4", "R5"] | None = None
    words: Literal["standard", "plain"] = "standard"
    service: Literal["any", "human"] = "any"


class SetEntry(Entry):
    """A product set: for whom, of which products, and how."""

    model_config = ConfigDict(title="product set")
    code: Code
    name: Words
    owner: Line
    audience: Formula
    products: Formula = "true"
    rule: RuleEntry = RuleEntry()


class _Sets(RootModel[tuple[SetEntry, ...]]):
    pass


class _Head(Head):
    model_config = ConfigDict(title="product set")


class SetsFile(Entry):
    """A file of product sets."""

    sets: tuple[_Head, ...] = ()


def merged_sets(packaged: Path, own: Path | None) -> Sequence[SetEntry]:
    """Every product set, those of the source's file over those of the package.

    Args:
        packaged: the package's own file.
        own: the source's, if there is one; a set of the package's that it names takes from there
            what it does not give.

    Raises:
        OfferError: for what the files may not hold, such as a price, naming the line.
    """
    first = read_yaml(packaged, SetsFile, OfferError)
    heads = () if own is None else read_yaml(own, SetsFile, OfferError).sets
    together = merged_by_code(first.sets, heads, "product set", first.place, OfferError)
    for head in heads:
        _refuse_prices(head)
    return validated(_Sets, together, OfferError, together.place).root


def _refuse_prices(head: _Head) -> None:
    """Refuse what would set a price by who a customer is.

    Personal Information Protection Law, article 24; Provisions on algorithmic recommendation,
    article 21.
    """
    rule = head.written.get("rule")
    keys = {*head.written, *(rule if isinstance(rule, WrittenMapping) else ())}
    for key in sorted(PRICES & keys):
        place = head.place_of(*(() if key in head.written else ("rule",)), key)
        raise OfferError(
            f"{place}: product set {head.code} has a '{key}' of its own, and no price may depend "
            "on who a customer is; leave it out and state one price for all with the product."
        )
