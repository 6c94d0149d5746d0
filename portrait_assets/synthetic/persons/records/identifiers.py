"""Identity, telephone and card numbers that look right and can be nobody's.

* National id: 18 digits, birth date and check digit right, but a region code between 980000 and
  999999. Codes in use end at 91 in the first two digits (GB/T 2260 and the codes for residence
  permits), so no such number has been issued.
* Telephone: eleven digits from 154, a prefix that no carrier has been given.
* Bank card: 19 digits with a right Luhn digit from the issuer number 999999: national issuers
  start with 9 and a country code, and 999 is no country's.
* Postcodes start with 99, which no province has; mail goes to example.com (RFC 2606).
"""

from __future__ import annotations

import numpy as np

from portrait_assets.synthetic.common.columns import Bytes, digits
from portrait_assets.synthetic.common.randomness import Ints, Mask

FIRST_REGION = 980_000
REGION_COUNT = 20_000
PER_REGION = 499
PHONE_PREFIX = 154
CARD_ISSUER = 999_999
_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_ID_CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
_SCATTER = 48_271_337
"""Odd and no multiple of 5, so that multiplying by it permutes the numbers below 10^8."""


def national_ids(number: Ints, birth_yyyymmdd: Ints, is_female: Mask) -> Bytes:
    """One id per customer number, all different below 9,980,000 customers; shape (n, 18)."""
    region = FIRST_REGION + number // PER_REGION % REGION_COUNT
    # Order numbers are odd for men and even for women, from 001 on.
    order = number % PER_REGION * 2 + np.where(is_female, 2, 1)
    body = np.hstack([digits(region, 6), digits(birth_yyyymmdd, 8), digits(order, 3)])
    check = _ID_CHECK[((body.astype(np.int64) - 48) * _ID_WEIGHTS).sum(axis=1) % 11]
    return np.hstack([body, check[:, None]])


def phone_numbers(number: Ints) -> Bytes:
    """One telephone number per number below 10^8, all different; shape (n, 11)."""
    return digits(PHONE_PREFIX * 10**8 + scattered(number), 11)


def scattered(number: Ints) -> Ints:
    """Other numbers below 10^8 in no order, all different for numbers below 10^8."""
    return number * _SCATTER % 10**8


def bank_cards(number: Ints) -> Bytes:
    """One card number per customer number, with its Luhn digit; shape (n, 19)."""
    body = digits(CARD_ISSUER * 10**12 + number * _SCATTER % 10**12, 18)
    figures = body.astype(np.int64) - 48
    doubled = figures[:, ::-1].copy()
    doubled[:, ::2] *= 2
    total = np.where(doubled > 9, doubled - 9, doubled).sum(axis=1)
    return np.hstack([body, (48 + (10 - total % 10) % 10).astype(np.uint8)[:, None]])
