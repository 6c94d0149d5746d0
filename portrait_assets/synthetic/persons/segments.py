"""The latent segments of the synthetic bank: what customers of each kind are like.

Weights are relative within a segment; amounts are CNY; rates are per month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CATEGORIES = (
    "dining",
    "grocery",
    "online_shopping",
    "transport",
    "travel",
    "utilities",
    "health",
    "education",
    "entertainment",
    "cash",
    "transfer",
    "wealth",
    "insurance",
)
CHANNELS = ("app", "web", "pos", "atm", "branch", "phone")
TICKET_MEDIAN = (58, 66, 110, 18, 820, 150, 160, 620, 75, 800, 900, 6000, 1300)
TICKET_SPREAD = (0.6, 0.65, 0.8, 0.6, 0.8, 0.5, 0.9, 0.8, 0.7, 0.6, 1.1, 0.9, 0.5)
HOLDINGS = ("term", "fund", "card", "loan", "insurance")
HOURS = ("office", "day", "evening", "night")


@dataclass(frozen=True)
class Segment:
    """One latent segment. Medians are those of a lognormal distribution over its customers."""

    code: str
    zh: str
    share: float
    near: str
    """The segment that its blended customers lean to."""
    age: tuple[float, float, int, int]
    """Mean, standard deviation, lowest and highest, in years."""
    rate: float
    """Mean number of transactions a month."""
    ticket: float
    """Factor on the median ticket of every category."""
    categories: Mapping[str, float]
    channels: Mapping[str, float]
    holds: Mapping[str, float]
    """Probability of holding each kind of product beside the current account."""
    deposit: float
    """Median current account balance."""
    wealth: float
    """Median amount in each of term deposit and funds, for those who hold them."""
    income: float
    """Median yearly income."""
    risk_appetite: float
    """Mean risk grade of the funds held, 1 to 5."""
    utilisation: float
    """Mean share of the credit limit in use."""
    delinquency: float
    """Monthly probability that a borrower falls behind."""
    churn: float
    """Monthly probability of leaving."""
    response: float
    """Logit added to the probability of answering a campaign."""
    discount: float
    """Share of purchases made with a discount."""
    weekend: float
    """Weight of a weekend day against a working day."""
    hours: str
    market: float
    """Relative change of activity per 100 % change of the stock index the month before."""
    satisfaction: float
    """Mean survey score, 0 to 10."""
    occupations: Mapping[str, float] = field(default_factory=dict)
    never: float = 0.0
    """Further share of customers who never transact."""


SEGMENTS: tuple[Segment, ...] = (
    Segment(
        code="young_digital",
        zh="年轻数字客群",
        share=0.17,
        near="family",
        age=(25, 3.5, 18, 35),
        rate=6.2,
        ticket=0.7,
        categories={
            "dining": 29,
            "grocery": 5,
            "online_shopping": 31,
            "transport": 17,
            "travel": 2,
            "utilities": 3,
            "health": 1,
            "education": 3,
            "entertainment": 6,
            "cash": 0.5,
            "transfer": 3,
            "wealth": 0.6,
            "insurance": 0.1,
        },
        channels={"app": 82, "web": 9, "pos": 8, "atm": 1, "branch": 0.2, "phone": 0.3},
        holds={"term": 0.03, "fund": 0.05, "card": 0.12, "loan": 0.03, "insurance": 0.03},
        deposit=6_000,
        wealth=8_000,
        income=78_000,
        risk_appetite=3.4,
        utilisation=0.35,
        delinquency=0.006,
        churn=0.0009,
        response=0.3,
        discount=0.38,
        weekend=1.6,
        hours="night",
        market=0.3,
        satisfaction=7.2,
        occupations={"student": 30, "employee": 60, "other": 10},
    ),
    Segment(
        code="family",
        zh="中年家庭客群",
        share=0.17,
        near="young_digital",
        age=(39, 5, 28, 54),
        rate=5.0,
        ticket=1.0,
        categories={
            "dining": 9,
            "grocery": 30,
            "online_shopping": 13,
            "transport": 7,
            "travel": 4,
            "utilities": 11,
            "health": 5,
            "education": 15,
            "entertainment": 4,
            "cash": 2,
            "transfer": 4,
            "wealth": 1,
            "insurance": 2,
        },
        channels={"app": 30, "web": 6, "pos": 59, "atm": 3, "branch": 1.5, "phone": 0.5},
        holds={"term": 0.08, "fund": 0.06, "card": 0.92, "loan": 0.92, "insurance": 0.3},
        deposit=28_000,
        wealth=40_000,
        income=150_000,
        risk_appetite=2.4,
        utilisation=0.3,
        delinquency=0.003,
        churn=0.00048,
        response=0.1,
        discount=0.30,
        weekend=1.8,
        hours="evening",
        market=0.0,
        satisfaction=7.6,
        occupations={"employee": 55, "civil_servant": 20, "manager": 10, "worker": 10, "other": 5},
    ),
    Segment(
        code="affluent",
        zh="财富管理客群",
        share=0.10,
        near="owner",
        age=(48, 8, 30, 72),
        rate=4.2,
        ticket=2.4,
        categories={
            "dining": 13,
            "grocery": 5,
            "online_shopping": 6,
            "transport": 3,
            "travel": 24,
            "utilities": 3,
            "health": 6,
            "education": 5,
            "entertainment": 5,
            "cash": 1,
            "transfer": 8,
            "wealth": 16,
            "insurance": 5,
        },
        channels={"app": 48, "web": 14, "pos": 24, "atm": 1, "branch": 9, "phone": 4},
        holds={"term": 0.92, "fund": 0.97, "card": 0.9, "loan": 0.05, "insurance": 0.5},
        deposit=120_000,
        wealth=350_000,
        income=420_000,
        risk_appetite=3.6,
        utilisation=0.14,
        delinquency=0.0006,
        churn=0.00036,
        response=0.0,
        discount=0.07,
        weekend=1.2,
        hours="day",
        market=0.9,
        satisfaction=7.9,
        occupations={"manager": 45, "self_employed": 20, "employee": 20, "retired": 10, "other": 5},
    ),
    Segment(
        code="senior",
        zh="银发客群",
        share=0.15,
        near="payroll",
        age=(68, 6, 58, 88),
        rate=3.2,
        ticket=0.8,
        categories={
            "dining": 2,
            "grocery": 28,
            "online_shopping": 1,
            "transport": 3,
            "travel": 2,
            "utilities": 20,
            "health": 22,
            "education": 0.3,
            "entertainment": 1,
            "cash": 18,
            "transfer": 3,
            "wealth": 1.5,
            "insurance": 1,
        },
        channels={"app": 7, "web": 1, "pos": 20, "atm": 22, "branch": 40, "phone": 10},
        holds={"term": 0.94, "fund": 0.04, "card": 0.04, "loan": 0.01, "insurance": 0.15},
        deposit=35_000,
        wealth=90_000,
        income=52_000,
        risk_appetite=1.3,
        utilisation=0.1,
        delinquency=0.001,
        churn=0.00042,
        response=0.1,
        discount=0.15,
        weekend=0.7,
        hours="office",
        market=0.0,
        satisfaction=8.1,
        occupations={"retired": 92, "other": 8},
    ),
    Segment(
        code="revolver",
        zh="信贷循环客群",
        share=0.11,
        near="family",
        age=(38, 6, 23, 56),
        rate=4.8,
        ticket=1.1,
        categories={
            "dining": 17,
            "grocery": 7,
            "online_shopping": 14,
            "transport": 7,
            "travel": 10,
            "utilities": 5,
            "health": 2,
            "education": 1,
            "entertainment": 27,
            "cash": 6,
            "transfer": 4,
            "wealth": 0.1,
            "insurance": 0.3,
        },
        channels={"app": 26, "web": 52, "pos": 15, "atm": 4, "branch": 0.7, "phone": 2.3},
        holds={"term": 0.01, "fund": 0.02, "card": 0.99, "loan": 0.08, "insurance": 0.05},
        deposit=3_000,
        wealth=6_000,
        income=95_000,
        risk_appetite=3.0,
        utilisation=0.82,
        delinquency=0.03,
        churn=0.00078,
        response=0.3,
        discount=0.34,
        weekend=1.4,
        hours="evening",
        market=0.0,
        satisfaction=6.4,
        occupations={"employee": 50, "worker": 30, "self_employed": 15, "other": 5},
    ),
    Segment(
        code="owner",
        zh="小微业主客群",
        share=0.09,
        near="affluent",
        age=(43, 7, 26, 62),
        rate=9.0,
        ticket=3.0,
        categories={
            "dining": 7,
            "grocery": 3,
            "online_shopping": 4,
            "transport": 9,
            "travel": 6,
            "utilities": 13,
            "health": 1,
            "education": 1,
            "entertainment": 1,
            "cash": 6,
            "transfer": 46,
            "wealth": 2,
            "insurance": 1,
        },
        channels={"app": 20, "web": 60, "pos": 8, "atm": 3, "branch": 7, "phone": 2},
        holds={"term": 0.08, "fund": 0.08, "card": 0.12, "loan": 0.93, "insurance": 0.2},
        deposit=75_000,
        wealth=90_000,
        income=260_000,
        risk_appetite=3.0,
        utilisation=0.4,
        delinquency=0.005,
        churn=0.00048,
        response=-0.1,
        discount=0.08,
        weekend=0.6,
        hours="office",
        market=0.5,
        satisfaction=7.1,
        occupations={"self_employed": 90, "manager": 10},
    ),
    Segment(
        code="payroll",
        zh="代发工资客群",
        share=0.12,
        near="dormant",
        age=(40, 9, 20, 60),
        rate=3.6,
        ticket=0.85,
        categories={
            "dining": 8,
            "grocery": 18,
            "online_shopping": 4,
            "transport": 10,
            "travel": 0.5,
            "utilities": 16,
            "health": 3,
            "education": 2,
            "entertainment": 2,
            "cash": 34,
            "transfer": 14,
            "wealth": 0.2,
            "insurance": 0.3,
        },
        channels={"app": 20, "web": 2, "pos": 26, "atm": 52, "branch": 2, "phone": 2},
        holds={"term": 0.06, "fund": 0.02, "card": 0.05, "loan": 0.03, "insurance": 0.04},
        deposit=14_000,
        wealth=20_000,
        income=70_000,
        risk_appetite=1.8,
        utilisation=0.25,
        delinquency=0.004,
        churn=0.00072,
        response=-0.1,
        discount=0.18,
        weekend=1.2,
        hours="day",
        market=0.0,
        satisfaction=7.3,
        occupations={"worker": 60, "employee": 30, "other": 10},
    ),
    Segment(
        code="dormant",
        zh="低频沉睡客群",
        share=0.09,
        near="payroll",
        age=(42, 13, 18, 80),
        rate=1.1,
        ticket=0.6,
        categories={
            "dining": 3,
            "grocery": 4,
            "online_shopping": 5,
            "transport": 2,
            "travel": 0.5,
            "utilities": 44,
            "health": 3,
            "education": 1,
            "entertainment": 2,
            "cash": 5,
            "transfer": 26,
            "wealth": 0.1,
            "insurance": 5,
        },
        channels={"app": 44, "web": 40, "pos": 6, "atm": 4, "branch": 2, "phone": 4},
        holds={"term": 0.02, "fund": 0.01, "card": 0.93, "loan": 0.005, "insurance": 0.01},
        deposit=400,
        wealth=6_000,
        income=62_000,
        risk_appetite=1.8,
        utilisation=0.04,
        delinquency=0.001,
        churn=0.00132,
        response=-1.0,
        discount=0.12,
        weekend=1.1,
        hours="day",
        market=0.0,
        satisfaction=6.8,
        occupations={"employee": 30, "worker": 35, "retired": 10, "student": 10, "other": 15},
        never=0.005,
    ),
)
SEGMENT_CODES = tuple(segment.code for segment in SEGMENTS)
