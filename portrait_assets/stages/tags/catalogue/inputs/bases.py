"""What gave the predictions that tags rest on in a month: a model, or a baseline in its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.lifetime.candidates import REPEAT
from portrait_assets.stages.predictions.contract import BASES
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.lifecycle.staging import SILENCE, SPEND
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE
from portrait_assets.stages.tags.catalogue.inputs.predicted import PredictedColumn

MODEL, BASELINE_RULE = BASES
BOTH = "both"


@dataclass(frozen=True)
class Basis:
    """What predicts in a month: by target a basis and a version, and the method of values.

    Args:
        by_target: of `predictions.prediction_decision`, by target and horizon.
        method: of the month's values; None where there are none.
    """

    by_target: Mapping[tuple[str, int], tuple[str, str]]
    method: str | None = None

    @classmethod
    def of(cls, decisions: pl.DataFrame, methods: pl.DataFrame) -> Basis:
        """From the month's rows of `prediction_decision` and `value_model`."""
        rows = decisions.select("target", "horizon", "basis", "model_version").iter_rows()
        valued = methods.filter(pl.col("valued") > 0)["method"].to_list()
        return cls(
            {(target, horizon): (basis, version) for target, horizon, basis, version in rows},
            valued[0] if valued else None,
        )

    def of_columns(
        self, names: Collection[str], columns: Mapping[str, PredictedColumn]
    ) -> tuple[str | None, list[str]]:
        """What gave these columns of predictions: the basis, and the versions as text.

        Where nothing is predicted, the rule of a tag is a baseline too.

        Args:
            names: of columns of predictions; none have no basis.
            columns: as `predicted_columns` gives them.
        """
        found: dict[tuple[str, str], None] = {}
        for name in sorted(names):
            found |= dict.fromkeys(self._of_column(columns[name]))
        bases = {basis for basis, _ in found}
        versions = sorted({version for _, version in found if version})
        if len(bases) > 1:
            return BOTH, versions
        return next(iter(bases), None), versions

    def _of_column(self, column: PredictedColumn) -> list[tuple[str, str]]:
        if column.table is CUSTOMER_VALUE:
            if self.method is None:
                return [(BASELINE_RULE, "")]
            return [(BASELINE_RULE if self.method == REPEAT else MODEL, self.method)]
        if column.of is not None:
            found = self.by_target.get(column.of)
            return [(found[0], f"{column.of[0]} {found[1]}")] if found else [(BASELINE_RULE, "")]
        assert column.table is LIFECYCLE_STAGE
        of_stages = [
            (basis, f"{target} {version}")
            for (target, _), (basis, version) in sorted(self.by_target.items())
            if target in (SILENCE, SPEND)
        ]
        return of_stages or [(BASELINE_RULE, "")]


NOTHING = Basis({})
"""Nothing is predicted."""
