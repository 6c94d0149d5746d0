"""What a change of takings is made of: volume, price and mix, exact to the last digit.

With amounts a, quantities q and purchases n of each item before (0) and now (1), N the sum of n:

    volume = a0 (N1 / N0 - 1)       more or fewer purchases, at what was bought before
    price  = a1 - q1 (a0 / q0)      other prices, of what is bought now
    mix    = what is left           other items, and other quantities a purchase

This is the split of management accounting (C. Horngren, S. Datar, M. Rajan, "Cost Accounting",
chapter on sales variances), with the prices of before for volume and mix, and the quantities of now
for the price; where quantities are numbers of purchases it is the textbook's to the letter. Volume
is counted in purchases, for litres and pieces do not add up. An item that was not sold in one of
the two has no price to compare: its whole change is mix, and `range` of the totals tells how much
that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from portrait_assets.schema.table import MONEY_SCALE

_BITS = 96
"""Binary digits of a unit that are added up at first."""


@dataclass(frozen=True)
class Sold:
    """What was sold of one item in one span: takings net of returns.

    `quantity` is in the item's own unit and `purchases` are a number, both net of what was given
    back, and 0 or less where nothing was sold on balance.
    """

    amount: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)
    purchases: int = 0

    @property
    def is_sold(self) -> bool:
        """Whether its amount is a price times a quantity."""
        return self.quantity > 0 and self.purchases > 0


@dataclass(frozen=True)
class Split:
    """A change of takings and its parts, exactly: volume + price + mix = change.

    `range` is the part of the mix that comes from items sold in only one of the two spans.
    """

    change: Decimal
    volume: Decimal
    price: Decimal
    mix: Decimal
    range: Decimal

    def __add__(self, other: Split) -> Split:
        return Split(
            self.change + other.change,
            self.volume + other.volume,
            self.price + other.price,
            self.mix + other.mix,
            self.range + other.range,
        )


NO_CHANGE = Split(*[Decimal(0)] * 5)


def split_change(items: Sequence[tuple[Sold, Sold]], digits: int = MONEY_SCALE) -> list[Split]:
    """The parts of each item's change from before to now; they add up over the items, too.

    Parts are rounded to units of the last digit, so that the sum over any first items is off by no
    more than half a unit, and no part of an item by more than two.

    Args:
        items: before and now of each; what is missing in one of them is `Sold()`.
        digits: digits after the decimal point of amounts, and of their parts.

    Raises:
        ValueError: when an amount has more digits.
    """
    like = [before.is_sold and now.is_sold for before, now in items]
    pairs = [pair for pair, is_like in zip(items, like, strict=True) if is_like]
    purchases = [sum(pair[at].purchases for pair in pairs) for at in (0, 1)]
    growth = Fraction(purchases[1], purchases[0]) - 1 if pairs else Fraction(0)
    volume, price = _Rounding(), _Rounding()
    splits = []
    for (before, now), is_like in zip(items, like, strict=True):
        old, new = _units(before.amount, digits), _units(now.amount, digits)
        if is_like:
            at_old_prices = old * Fraction(now.quantity) / Fraction(before.quantity)
            parts = volume.units(old * growth), price.units(new - at_old_prices)
        else:
            parts = (0, 0)
        mix = new - old - sum(parts)
        numbers = (new - old, *parts, mix, 0 if is_like else mix)
        splits.append(Split(*(_money(each, digits) for each in numbers)))
    return splits


class _Rounding:
    """Whole units whose sum is never off by more than half a unit."""

    def __init__(self) -> None:
        self._parts: list[Fraction] = []
        self._cut = 0
        self._given = 0

    def units(self, exact: Fraction) -> int:
        """What is given of a part, in whole units."""
        self._parts.append(exact)
        self._cut += (exact.numerator << _BITS) // exact.denominator
        # Each part is cut off by less than one. Where that may decide, the fractions are summed,
        # which takes long as their common denominator grows.
        ends = (self._cut, self._cut + len(self._parts))
        least, most = (round(Fraction(end, 1 << _BITS)) for end in ends)
        rounded = least if least == most else round(sum(self._parts, Fraction(0)))
        units = rounded - self._given
        self._given = rounded
        return units


def _units(amount: Decimal, digits: int) -> int:
    units = Fraction(amount) / Fraction(1, 10**digits)
    if units.denominator != 1:
        raise ValueError(f"{amount} has more than {digits} digits after the decimal point.")
    return units.numerator


def _money(units: int, digits: int) -> Decimal:
    # From text, which is exact: arithmetic of decimals rounds to the context's digits.
    return Decimal(f"{units}e-{digits}")
