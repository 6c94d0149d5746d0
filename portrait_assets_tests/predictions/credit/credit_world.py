"""Customers of whom the risk shows in a feature, and who mostly allow to be scored for credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.predictions.credit.assets import CreditRun
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
)
from portrait_assets.stages.predictions.credit.outcomes.closed import curves
from portrait_assets.stages.predictions.governance.approvals import Approvals
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

RISK = Targets((replace(outcome("silence"), is_credit=True),))


@dataclass
class CreditWorld(PredictionWorld):
    """The same customers, of whom it is a risk of credit that they buy nothing.

    Args:
        refuses: customers who refuse the use for credit, with the month from which on.
        is_asked: whether customers were asked for it at all.
    """

    targets: Targets = RISK
    refuses: dict[str, str] = field(default_factory=dict)
    is_asked: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for month in self.month_names:
            silence = pl.DataFrame(
                {"purpose": ["credit"], "allowed": [self.is_asked], "is_declared": [self.is_asked]}
            ).with_columns(consents=pl.lit(0), as_of=pl.lit(last_day(month)))
            self._write(CONSENT_DEFAULT, [month], silence)
            refused = [who for who, since in self.refuses.items() if since <= month]
            answers = pl.DataFrame(
                {"customer_id": refused}, schema={"customer_id": pl.String}
            ).with_columns(
                as_of=pl.lit(last_day(month)),
                purpose=pl.lit("credit"),
                allowed=pl.lit(False),
                because=pl.lit("withdrawn"),
            )
            self._write(CUSTOMER_CONSENT, [month], answers)

    def score(
        self,
        months: Sequence[str] | None = None,
        smallest: int = 1,
        approvals: Approvals = (),
    ) -> None:
        """Materialize the credit tables of these months, all by default, in one run."""
        months = list(months or self.month_names)
        run = CreditRun(self.warehouse, self.targets, approvals, months)
        self.warehouse.write(CREDIT_SCORE, months, run.scores())
        self.warehouse.write(SCORECARD, months, run.cards)
        self.warehouse.write(CREDIT_DECISION, months, run.decisions)
        rows = curves(self.warehouse, self.targets, months, smallest)
        self.warehouse.write(CREDIT_CURVE, months, rows)

    def credit_decision(self, month: str) -> dict[str, object]:
        """The decision on the card in a month."""
        return self.rows(CREDIT_DECISION, month).row(0, named=True)
