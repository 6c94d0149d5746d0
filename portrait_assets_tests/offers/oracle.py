"""Whether a product may be offered to a customer, decided pair by pair from the raw records.

Written from the order's articles without a look at the rules of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

GRADES = {f"R{n}": n for n in range(1, 6)}
TOLERANCES = {f"C{n}": n for n in range(1, 6)}


def years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def tolerance_on(customer: Mapping[str, Any], on: date) -> int | None:
    """The assessed tolerance, where the assessment was made and has not expired."""
    level = TOLERANCES.get(customer.get("risk_tolerance") or "")
    assessed_on, until = customer.get("risk_assessed_on"), customer.get("risk_tolerance_expires_on")
    if level is None or (assessed_on is not None and assessed_on > on):
        return None
    if until is None:
        if assessed_on is None:
            return None
        until = assessed_on.replace(year=assessed_on.year + 1)
    return level if on < until else None


def may_be_offered(customer: Mapping[str, Any], product: Mapping[str, Any], on: date) -> bool:
    grade, written = GRADES.get(product.get("risk_grade") or ""), product.get("risk_grade")
    asks, lowest = (
        product.get("needs_assessment"),
        TOLERANCES.get(product.get("sold_to_risk_tolerance") or ""),
    )
    is_insurance = product["category"] == "insurance"
    born = customer.get("birth_date")
    age = None if born is None else years(born, on)
    since, until = product.get("introduced_on"), product.get("withdrawn_on")

    if (
        (since and since > on)
        or (until and until <= on)
        or product.get("is_personalisable") is False
    ):
        return False
    # A product whose risk nobody has graded is offered only where it is stated to carry none.
    if grade is None and (written is not None or (not is_insurance and asks is not False)):
        return False
    level = max(grade or 0, lowest or 0)
    asks_tolerance = level >= 2 or lowest is not None or (asks is True and not is_insurance)
    if age is not None and age < 18 and (level != 1 or asks_tolerance or is_insurance):
        return False
    if is_insurance:
        needs_on = customer.get("insurance_need_assessed_on")
        if needs_on is None or needs_on > on:
            return False
    if level >= 4 and (age is None or age >= 65):
        care = customer.get("extra_care_recorded_on")
        if care is None or care > on:
            return False
    if asks_tolerance and customer.get("is_professional_investor") is not True:
        tolerance = tolerance_on(customer, on)
        if tolerance is None or tolerance < level:
            return False
    minimum = product.get("minimum_amount") or 0
    is_paid_for = is_insurance or grade is not None
    means = customer.get("means")
    return not (is_paid_for and minimum > 0 and (means is None or means < minimum))
