"""A change of takings is its volume, price and mix, to the cent, whatever was sold."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.market.decomposition import NO_CHANGE, Sold, Split, split_change

AMOUNT = st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False)
QUANTITY = st.decimals(-50, 10**6, places=3, allow_nan=False, allow_infinity=False)
SOLD = st.just(Sold()) | st.builds(Sold, AMOUNT, QUANTITY, st.integers(-3, 10**6))
ITEMS = st.lists(st.tuples(SOLD, SOLD), max_size=12)


def sold(amount: str, quantity: str, purchases: int) -> Sold:
    return Sold(Decimal(amount), Decimal(quantity), purchases)


def total(splits: list[Split]) -> Split:
    return sum(splits, NO_CHANGE)


def by_hand(items: list[tuple[Sold, Sold]]) -> list[tuple[Fraction, Fraction]]:
    """Volume and price of each item without any rounding, from the definition."""
    like = [pair for pair in items if all(s.quantity > 0 and s.purchases > 0 for s in pair)]
    before = sum(pair[0].purchases for pair in like)
    now = sum(pair[1].purchases for pair in like)
    parts = []
    for old, new in items:
        if (old, new) not in like:
            parts.append((Fraction(0), Fraction(0)))
            continue
        unit_price = Fraction(old.amount) / Fraction(old.quantity)
        parts.append(
            (
                Fraction(old.amount) * Fraction(now, before) - Fraction(old.amount),
                Fraction(new.amount) - Fraction(new.quantity) * unit_price,
            )
        )
    return parts


def test_two_products_of_a_shop() -> None:
    """Ten teas at 2 and five coffees at 4 become twelve at 2.50 and eight at 4."""
    tea = sold("20.00", "10", 10), sold("30.00", "12", 12)
    coffee = sold("20.00", "5", 5), sold("32.00", "8", 8)
    splits = split_change([tea, coffee])
    whole = total(splits)
    # Volume: 40 x (20 / 15 - 1); price: 12 x 0.50; mix: (12 - 13.33) x 2 + (8 - 6.67) x 4.
    assert (whole.volume, whole.price, whole.mix) == tuple(map(Decimal, ("13.33", "6.00", "2.67")))
    assert whole.change == Decimal("22.00")
    assert splits[1].price == 0, "coffee costs what it did"


def test_a_larger_pack_a_purchase_is_mix_and_not_price() -> None:
    (split,) = split_change([(sold("10.00", "10", 5), sold("20.00", "20", 5))])
    assert (split.volume, split.price, split.mix) == (Decimal(0), Decimal(0), Decimal(10))


def test_what_is_sold_in_one_of_the_spans_only_is_of_the_range() -> None:
    gone, launched = (sold("7.00", "7", 7), Sold()), (Sold(), sold("5.00", "1", 1))
    kept = sold("3.00", "3", 3), sold("3.00", "3", 3)
    splits = split_change([gone, launched, kept])
    assert [split.range for split in splits] == [Decimal(-7), Decimal(5), Decimal(0)]
    assert total(splits).mix == Decimal(-2)
    assert total(splits).volume == 0, "of what was sold in both, as much was bought"


def test_a_month_of_returns_has_no_price() -> None:
    (split,) = split_change([(sold("12.00", "4", 2), sold("-6.00", "-2", -1))])
    assert (split.change, split.mix, split.range) == (Decimal(-18), Decimal(-18), Decimal(-18))


def test_nothing_sold_is_no_change() -> None:
    assert split_change([]) == []
    assert split_change([(Sold(), Sold())]) == [NO_CHANGE]


def test_half_a_cent_is_refused_unless_amounts_have_three_digits() -> None:
    items = [(sold("0.005", "1", 1), Sold())]
    with pytest.raises(ValueError, match=r"0\.005 has more than 2 digits after the decimal point"):
        split_change(items, digits=2)
    (split,) = split_change(items, digits=3)
    assert split.change == Decimal("-0.005")


def test_hundredths_of_amounts_with_two_digits_more_are_split_alike() -> None:
    tea = sold("20.00", "7", 10), sold("30.01", "12", 12)
    small = sold("0.2000", "7", 10), sold("0.3001", "12", 12)
    for split, of_small in zip(split_change([tea] * 3), split_change([small] * 3, 4), strict=True):
        assert vars(of_small) == {name: part / 100 for name, part in vars(split).items()}


@given(ITEMS)
def test_parts_add_up_to_the_cent(items: list[tuple[Sold, Sold]]) -> None:
    splits = split_change(items)
    for (before, now), split in zip(items, splits, strict=True):
        assert split.change == now.amount - before.amount
        assert split.volume + split.price + split.mix == split.change
    whole = total(splits)
    assert whole.volume + whole.price + whole.mix == whole.change
    assert whole.change == sum((now.amount - old.amount for old, now in items), Decimal(0))


@given(ITEMS)
def test_no_part_is_further_from_the_exact_one_than_rounding_makes_it(
    items: list[tuple[Sold, Sold]],
) -> None:
    splits, exact = split_change(items), by_hand(items)
    cent = Fraction(1, 100)
    for split, (volume, price) in zip(splits, exact, strict=True):
        assert abs(Fraction(split.volume) - volume) <= cent
        assert abs(Fraction(split.price) - price) <= cent
    whole = total(splits)
    assert abs(Fraction(whole.volume) - sum(v for v, _ in exact)) <= cent / 2
    assert abs(Fraction(whole.price) - sum(p for _, p in exact)) <= cent / 2


@given(ITEMS)
def test_what_is_given_so_far_is_the_exact_sum_rounded_half_to_even(
    items: list[tuple[Sold, Sold]],
) -> None:
    exact_volume = exact_price = Fraction(0)
    given_volume = given_price = Decimal(0)
    for split, (volume, price) in zip(split_change(items), by_hand(items), strict=True):
        exact_volume, exact_price = exact_volume + volume, exact_price + price
        given_volume, given_price = given_volume + split.volume, given_price + split.price
        assert given_volume * 100 == round(exact_volume * 100)
        assert given_price * 100 == round(exact_price * 100)


def test_a_sum_that_is_half_a_cent_is_rounded_to_even() -> None:
    """Seven eighths of a tea for the cent of a whole one: an eighth of a cent more each."""
    tea = sold("0.01", "8", 1), sold("0.01", "7", 1)
    assert [split.price for split in split_change([tea] * 8)] == [
        Decimal(cents).scaleb(-2) for cents in (0, 0, 0, 0, 1, 0, 0, 0)
    ]


@given(st.lists(SOLD, max_size=8))
def test_equal_months_differ_by_nothing(items: list[Sold]) -> None:
    assert total(split_change([(each, each) for each in items])) == NO_CHANGE


@given(ITEMS, st.integers(2, 5))
def test_prices_that_all_rise_alike_are_price_alone(
    items: list[tuple[Sold, Sold]], factor: int
) -> None:
    dearer = [
        (old, Sold(old.amount * factor, old.quantity, old.purchases))
        for old, _ in items
        if old.is_sold
    ]
    whole = total(split_change(dearer))
    assert (whole.volume, whole.mix) == (Decimal(0), Decimal(0))
    assert whole.price == whole.change
