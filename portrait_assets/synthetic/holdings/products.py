"""What the synthetic bank sells, and when it introduced and withdrew what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.product_terms import terms_columns

OWN = "示例银行"
HOUSES = ("甲基金(虚构)", "乙基金(虚构)", "丙保险(虚构)")
LONG_AGO = date(2012, 3, 1)


@dataclass(frozen=True)
class Product:
    """One product. Positions are shares of the bank's months: 0.5 is the middle one."""

    id: str
    department: str
    category: str
    kind: str
    brand: str
    risk_grade: str | None = None
    introduced_at: float | None = None
    withdrawn_at: float | None = None


PRODUCTS: tuple[Product, ...] = (
    Product("P101", "deposit", "current_account", "活期存款", OWN, "R1"),
    Product("P102", "deposit", "term_deposit", "三个月定期", OWN, "R1"),
    Product("P103", "deposit", "term_deposit", "一年定期", OWN, "R1"),
    Product("P104", "deposit", "term_deposit", "三年定期", OWN, "R1"),
    Product("P201", "card", "credit_card", "青年卡", OWN),
    Product("P202", "card", "credit_card", "标准卡", OWN),
    Product("P203", "card", "credit_card", "金卡", OWN),
    Product("P204", "card", "credit_card", "白金卡", OWN),
    Product("P301", "loan", "consumer_loan", "消费贷款", OWN),
    Product("P302", "loan", "mortgage", "住房贷款", OWN),
    Product("P303", "loan", "business_loan", "经营贷款", OWN),
    Product("P401", "wealth", "fund", "现金管理类", OWN, "R1"),
    Product("P402", "wealth", "fund", "固定收益类", OWN, "R2"),
    Product("P403", "wealth", "fund", "混合类", OWN, "R3", withdrawn_at=0.5),
    Product("P404", "wealth", "fund", "股票指数类", HOUSES[0], "R4"),
    Product("P405", "wealth", "fund", "商品及衍生品类", HOUSES[1], "R5"),
    Product("P406", "wealth", "fund", "混合类", HOUSES[0], "R3"),
    Product("P407", "wealth", "fund", "稳健固定收益类", HOUSES[1], "R2", introduced_at=0.4),
    Product("P408", "wealth", "fund", "科技主题类", HOUSES[0], "R4", introduced_at=0.6),
    Product("P501", "insurance", "life", "定期寿险", HOUSES[2]),
    Product("P502", "insurance", "health", "医疗保险", HOUSES[2]),
    Product("P503", "insurance", "annuity", "年金保险", OWN),
    Product("P304", "loan", "instalment", "账单分期", OWN),
)
MARGINS = {
    "current_account": 0.017,
    "term_deposit": 0.006,
    "credit_card": 0.055,
    "consumer_loan": 0.035,
    "mortgage": 0.011,
    "business_loan": 0.025,
    "instalment": 0.07,
    "fund": 0.009,
    "life": 0.12,
    "health": 0.1,
    "annuity": 0.06,
}
"""Margin on the balance, or on the premium paid of insurance, as a share a year, by category."""
PRODUCT_IDS = tuple(product.id for product in PRODUCTS)
POSITION = {product.id: position for position, product in enumerate(PRODUCTS)}
CURRENT = POSITION["P101"]
TERM = (POSITION["P102"], POSITION["P103"], POSITION["P104"])
CARDS = tuple(POSITION[f"P20{n}"] for n in (1, 2, 3, 4))
LOANS = tuple(POSITION[f"P30{n}"] for n in (1, 2, 3))
FUND_OF_GRADE = tuple(POSITION[f"P40{n}"] for n in (1, 2, 3, 4, 5))
INSURANCE = tuple(POSITION[f"P50{n}"] for n in (1, 2, 3))
FUNDS = tuple(p for p, product in enumerate(PRODUCTS) if product.category == "fund")
GRADE = np.array([int(product.risk_grade[1]) if product.risk_grade else 0 for product in PRODUCTS])

WITHDRAWN, SUCCESSOR = POSITION["P403"], POSITION["P406"]
NEWCOMERS = ((POSITION["P402"], POSITION["P407"]), (POSITION["P404"], POSITION["P408"]))
"""Old product and the new one that some of its holders change to."""


def margin_rate(position: int) -> float | None:
    """Margin on the balance of a product, or on the premium paid, as a share a year."""
    return MARGINS.get(PRODUCTS[position].category)


def introduced_month(position: int, calendar: Calendar) -> int:
    """Month in which the product was introduced; -1 for before the first."""
    at = PRODUCTS[position].introduced_at
    return -1 if at is None else int(at * calendar.horizon)


def withdrawn_month(position: int, calendar: Calendar) -> int:
    """Month at whose start the product was withdrawn; the number of months for never."""
    at = PRODUCTS[position].withdrawn_at
    return calendar.count if at is None or calendar.horizon < 3 else int(at * calendar.horizon)


def _introduced(position: int, calendar: Calendar) -> date:
    month = introduced_month(position, calendar)
    return LONG_AGO if month < 0 else calendar.month_start(month)


def _withdrawn(position: int, calendar: Calendar) -> date | None:
    month = withdrawn_month(position, calendar)
    return None if month >= calendar.count else calendar.month_start(month)


def products_table(calendar: Calendar) -> pa.Table:
    """The canonical `products`."""

    def text(values: Sequence[str | None]) -> pa.Array:
        return pa.array(values, pa.string())

    positions = range(len(PRODUCTS))
    return canonical(
        "products",
        {
            "product_id": text(PRODUCT_IDS),
            "introduced_on": pa.array([_introduced(p, calendar) for p in positions], pa.date32()),
            "withdrawn_on": pa.array([_withdrawn(p, calendar) for p in positions], pa.date32()),
            "department": text([product.department for product in PRODUCTS]),
            "category": text([product.category for product in PRODUCTS]),
            "product_type": text([product.kind for product in PRODUCTS]),
            "brand": text([product.brand for product in PRODUCTS]),
            "is_own_label": pa.array([product.brand == OWN for product in PRODUCTS]),
            "risk_grade": text([product.risk_grade for product in PRODUCTS]),
            **terms_columns(PRODUCT_IDS, [product.risk_grade for product in PRODUCTS]),
            "margin_rate": pa.array([margin_rate(p) for p in positions], pa.float64()),
        },
        len(PRODUCTS),
    )
