"""On what terms the synthetic bank sells its products: amounts, terms and suitability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import money


@dataclass(frozen=True)
class Terms:
    """Terms of one product.

    `minimum` is in CNY.
    """

    minimum: int
    days: int | None = None
    needs_assessment: bool = False
    is_personalisable: bool = True


TERMS: dict[str, Terms] = {
    # Everybody is offered a current account, and nobody derivatives by what is known of him.
    "P101": Terms(0, is_personalisable=False),
    "P102": Terms(50, days=91),
    "P103": Terms(50, days=365),
    "P104": Terms(50, days=1_095),
    "P201": Terms(0),
    "P202": Terms(0),
    "P203": Terms(0),
    "P204": Terms(0),
    "P301": Terms(5_000, days=1_095),
    "P302": Terms(100_000, days=7_300),
    "P303": Terms(10_000, days=1_825),
    "P304": Terms(500, days=365),
    "P401": Terms(1, needs_assessment=True),
    "P402": Terms(1_000, needs_assessment=True),
    "P403": Terms(1_000, needs_assessment=True),
    "P404": Terms(1_000, needs_assessment=True),
    "P405": Terms(10_000, needs_assessment=True, is_personalisable=False),
    "P406": Terms(1_000, needs_assessment=True),
    "P407": Terms(5_000, days=180, needs_assessment=True),
    "P408": Terms(1_000, needs_assessment=True),
    "P501": Terms(1_000, days=7_300, needs_assessment=True),
    "P502": Terms(500, days=365, needs_assessment=True),
    "P503": Terms(10_000, days=3_650, needs_assessment=True),
}
"""By product; what is not named here has no terms."""


def terms_columns(product_ids: Sequence[str], grades: Sequence[str | None]) -> dict[str, pa.Array]:
    """The columns of the canonical `products` that state terms.

    A fund is sold to a risk tolerance not below its grade; deposits ask for none.
    """
    terms = [TERMS.get(product) for product in product_ids]
    tolerances = [
        f"C{grade[1:]}" if each is not None and each.needs_assessment and grade else None
        for each, grade in zip(terms, grades, strict=True)
    ]
    cents = np.array([0 if each is None else each.minimum * 100 for each in terms])
    return {
        "minimum_amount": money(cents, missing=np.array([each is None for each in terms])),
        "term_days": pa.array([each and each.days for each in terms], pa.int64()),
        "sold_to_risk_tolerance": pa.array(tolerances, pa.string()),
        "needs_assessment": pa.array(
            [each and each.needs_assessment for each in terms], pa.bool_()
        ),
        "is_personalisable": pa.array(
            [each and each.is_personalisable for each in terms], pa.bool_()
        ),
    }
