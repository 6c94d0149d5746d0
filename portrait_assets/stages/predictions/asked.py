"""What is predicted: the targets that stand for one each, as far as there is room for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.contract import CAMPAIGN_TARGET, PRODUCT_TARGET, SOURCE_OUTCOME
from portrait_assets.stages.targets.declared.outcome import Baseline, Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import Targets, facts_read
from portrait_assets.stages.targets.declared.permitted import PROFILING
from portrait_assets.stages.targets.labels import predicted
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

_NAMED_IN = {
    Kind.CAMPAIGN: (CAMPAIGN_TARGET, "campaign_type"),
    Kind.PRODUCT: (PRODUCT_TARGET, "category"),
    Kind.SOURCE: (SOURCE_OUTCOME, "outcome"),
}


@dataclass(frozen=True)
class Asked:
    """A target and the months after the base month in which it is to happen."""

    outcome: Outcome
    horizon: int

    @property
    def code(self) -> str:
        """The target's code."""
        return self.outcome.code

    @property
    def baselines(self) -> Sequence[Baseline]:
        """The rules of one line that a model has to beat, the one to begin with first."""
        return self.outcome.baselines

    @property
    def key(self) -> tuple[str, int]:
        """What it is stored under."""
        return self.code, self.horizon

    @property
    def is_known_beforehand(self) -> bool:
        """Whether it is known at the month's end whom it asks about.

        A condition on the window itself is not: everyone is then predicted for the case that it
        holds, such as a response if a campaign reaches them.
        """
        condition = replace(self.outcome, hit="true", amount=None, compared={})
        return not facts_read(condition) and "answer" not in condition.words

    @property
    def is_of_some(self) -> bool:
        """Whether it is known at the month's end that it does not ask about some customers."""
        is_conditional = self.outcome.eligible != "true" and self.is_known_beforehand
        return is_conditional or self.outcome.purpose != PROFILING


def asked_of(
    warehouse: Warehouse, targets: Targets, month: str, before: Collection[str] = ()
) -> tuple[Asked, ...]:
    """What models predict as of a month.

    Of a target by kind so many as `RULE.most_of_a_kind`: those that were predicted in the month
    before, and then those that happened most often; none of few customers.

    Args:
        warehouse: with the targets up to the month.
        targets: of the source.
        month: nothing later is looked at.
        before: the codes that were predicted in the month before.
    """
    customers = warehouse.materialized(FEATURE_MATRIX).get(month, 0)
    counts: dict[Kind, Mapping[str, int]] = {}
    by_kind: dict[tuple[Kind, str], list[Outcome]] = {}
    single: list[Outcome] = []
    for outcome in predicted(warehouse, targets, month):
        if outcome.by is None or outcome.of is None:
            single.append(outcome)
            continue
        if not outcome.is_of_source and customers < RULE.kinds_from:
            continue
        if outcome.by not in counts:
            counts[outcome.by] = _counted(warehouse, outcome.by, month)
        by_kind.setdefault((outcome.by, outcome.hit), []).append(outcome)
    found = [*single, *_most_frequent(by_kind, counts, before)]
    return tuple(Asked(each, each.prediction_horizon or 1) for each in found)


def _most_frequent(
    by_kind: Mapping[tuple[Kind, str], Sequence[Outcome]],
    counts: Mapping[Kind, Mapping[str, int]],
    before: Collection[str],
) -> Iterator[Outcome]:
    for (kind, _), several in by_kind.items():
        if kind is Kind.PRODUCT and len(several) > RULE.most_categories:
            continue
        ordered = sorted(
            several, key=lambda each: (each.code not in before, -counts[kind].get(each.of or "", 0))
        )
        yield from sorted(ordered[: RULE.most_of_a_kind], key=lambda each: each.code)


def _counted(warehouse: Warehouse, kind: Kind, month: str) -> Mapping[str, int]:
    table, column = _NAMED_IN[kind]
    rows = warehouse.con.execute(
        f"SELECT {column}, count(*) FROM {table.full_name} WHERE month <= {literal(month)} "
        "GROUP BY ALL"
    ).fetchall()
    return dict(rows)
