"""What was predicted at a month's end beside what happened in the months after, counted.

DuckDB reads each base month once and tells of each window what happened to whom; the columns are
encoded as small integers once, and each test counts these. A window's outcomes, its tags and the
baselines so cost one pass each, and not one for each pair of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, TARGET
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.declared.outcomes import OF_SOURCE, Targets, packaged_targets
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.labels import tables_read, with_own_conditions
from portrait_assets.stages.targets.windows import Lag, Window, base_months, closing_months
from portrait_assets.stages.validation.backtests.buckets import bucket_sql, encoded
from portrait_assets.stages.validation.backtests.cells import Customers, Key, Known, Sides, known_of
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim
from portrait_assets.stages.validation.backtests.predicted import predictions
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Read, Scope, Source, Step, read


def count_outcomes(
    warehouse: Warehouse,
    matrix: Table,
    claims: Sequence[Claim],
    windows: Sequence[Window],
    targets: Targets | None = None,
) -> Iterator[dict[Key, Sides]]:
    """Customers and hits of each window, test and outcome, by bucket and group.

    The windows of one base month come together, and the base months in their order.

    Args:
        warehouse: nothing later than each window's last month is read.
        matrix: the contract of the portrait matrix; a claim of a tag it lacks has no cells.
        claims: what is tested.
        windows: in which windows; each claim in those of its outcome's horizons.
        targets: those of the source; the package's when None.

    Raises:
        WarehouseError: when the targets of a window have not been materialized.
    """
    tested = [
        claim
        for claim in claims
        if claim.tag in matrix.column_names and _has_rows(warehouse, claim.outcome)
    ]
    if not tested or not windows:
        return
    closing = sorted({window.month for window in windows})
    read_from = [table for claim in tested for table in tables_read(claim.outcome)]
    for table in dict.fromkeys([TARGET, *read_from]):
        warehouse.require(table, closing)
    engine = Engine(warehouse.con)
    declared = with_own_conditions(warehouse, targets or packaged_targets(), closing)
    predicted = warehouse.materialized(PREDICTION)
    for base_month in sorted({window.base_month for window in windows}):
        own = sorted(window for window in windows if window.base_month == base_month)
        # Of a month of an older version nothing was predicted.
        is_scored = bool(predicted.get(base_month))
        of_month = [replace(each, is_scored=each.is_scored and is_scored) for each in tested]
        yield count_windows(engine, matrix, of_month, own, targets, warehouse.bounds, declared)


def _has_rows(warehouse: Warehouse, outcome: Outcome) -> bool:
    """Whether the table that the outcome is derived from has any row."""
    return sum(warehouse.materialized(CLEANED[outcome.needs]).values()) > 0


def count_windows(
    engine: Engine,
    matrix: Table,
    claims: Sequence[Claim],
    windows: Sequence[Window],
    targets: Targets | None = None,
    bounds: Bounds | None = None,
    declared: Sequence[Outcome] = (),
) -> dict[Key, Sides]:
    """The same of windows of one base month; see `count_outcomes`.

    `declared` are what `with_own_conditions` gives.
    """
    scope = Scope(max(window.month for window in windows))
    lags = [window.before(scope.month) for window in windows]
    steps = steps_of(matrix, claims, lags, targets, declared)
    found: dict[Key, Sides] = {}
    with engine.shared([steps.placed], scope):
        customers = _customers(_Columns(engine, scope, steps, bounds or Bounds()), matrix, claims)
        with engine.shared([steps.followed], scope):
            happened = engine.frame(steps.happened, scope)
            answered = {each: engine.frame(step, scope) for each, step in steps.answered.items()}
        own = {code: engine.frame(step, scope) for code, step in steps.declared.items()}
    for window in windows:
        for outcome, code, known in _known(window, steps, happened, answered, own):
            for claim in claims:
                if claim.outcome == outcome:
                    sides = customers.sides(claim, known, window.horizon)
                    if sides:
                        found[window, claim.name, code] = sides
    return found


def _known(
    window: Window,
    steps: Steps,
    happened: pl.DataFrame,
    answered: Mapping[Outcome, pl.DataFrame],
    declared: Mapping[str, pl.DataFrame],
) -> Iterator[tuple[Outcome, str, Known]]:
    """Of each outcome, and each that the source names, of whom it is known in the window.

    One that has a target of its own and no hit in the window is left out: it can judge nothing.
    """
    of_window = pl.col("horizon") == window.horizon
    own = happened.filter(of_window)
    for outcome, n in steps.number.items():
        if window.horizon in outcome.horizons:
            yield outcome, outcome.code, known_of(own, f"hit{n}", f"amount{n}")
    for outcome, rows in answered.items():
        if window.horizon in outcome.horizons:
            by_name = rows.filter(of_window).group_by("answer_of", maintain_order=True)
            for (name,), part in by_name:
                yield outcome, str(name), known_of(part)
            for code, whole in declared.items():
                if (part := whole.filter(of_window))["hit"].any():
                    yield outcome, code, known_of(part)


# -- what is read ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Steps:
    """What is read of the windows of one base month.

    `placed` has each customer's `place` and group, `predicted`, `features` and `scores` what they
    are counted by; `happened` by place and horizon whether the outcome of this `number` did and its
    amount, and `answered` the same of what the source names; `declared` has by code the same of
    those of them whose own conditions say who is counted.
    """

    predicted: Read
    features: Read
    scores: Read
    placed: Step
    followed: Step
    happened: Step
    number: Mapping[Outcome, int]
    answered: Mapping[Outcome, Step]
    declared: Mapping[str, Step]

    @property
    def targets(self) -> tuple[Step, ...]:
        """Those that are read in the end."""
        return (self.happened, *self.answered.values(), *self.declared.values())


def steps_of(
    matrix: Table,
    claims: Sequence[Claim],
    lags: Sequence[Lag],
    targets: Targets | None = None,
    declared: Sequence[Outcome] = (),
) -> Steps:
    """What is read to count the claims in these windows.

    Args:
        matrix: the contract of the portrait matrix.
        claims: what is tested.
        lags: the windows, of one base month.
        targets: those of the source; the package's when None.
        declared: as `count_windows` takes them.
    """
    # Whatever order they are read in, a customer's place stays the same.
    placed = predictions(matrix, ["row_number() OVER () - 1 AS place"], lags)
    outcomes = list(dict.fromkeys(claim.outcome for claim in claims))
    followed = with_facts(placed, outcomes, lags)
    number = {each: n for n, each in enumerate(outcomes) if not each.is_named_by_source}
    columns = "".join(
        f", CASE WHEN ({each.eligible}) THEN ({each.hit})::BOOLEAN END AS hit{n}, "
        f"coalesce({each.amount or 0}, 0)::DOUBLE AS amount{n}"
        for each, n in number.items()
    )
    happened = Step(
        "happened", (followed,), f"SELECT place, horizon{columns} FROM followed", grain=Grain.ALL
    )
    targets = targets or packaged_targets()
    answers = _answers(lags, targets, [each.of for each in declared if each.of])
    answered = {
        each: _answered(each, followed, answers) for each in outcomes if each.is_named_by_source
    }
    months = base_months(lags)
    predicted, features = read(matrix, months, "predicted"), read(FEATURE_MATRIX, months)
    scores = read(PREDICTION, months)
    own = {
        targets.code_of(each.of): _own(each, placed, lags)
        for each in declared
        if each.of and answered
    }
    return Steps(predicted, features, scores, placed, followed, happened, number, answered, own)


def _own(outcome: Outcome, placed: Step, lags: Sequence[Lag]) -> Step:
    """Whom an outcome of the source counts by its own conditions, and to whom it happened."""
    return Step(
        "own",
        (with_facts(placed, [outcome], lags),),
        f"SELECT place, horizon, ({outcome.hit})::BOOLEAN AS hit, "
        f"coalesce({outcome.amount or 0}, 0)::DOUBLE AS amount FROM followed "
        f"WHERE ({outcome.eligible}) AND ({outcome.hit}) IS NOT NULL",
        grain=Grain.ALL,
    )


def _answers(lags: Sequence[Lag], targets: Targets, apart: Sequence[str]) -> Step:
    # A source may name an outcome as the package names one of its own.
    name = (
        f"CASE WHEN outcome IN ({literals(targets.derived)}) "
        f"THEN outcome || {literal(OF_SOURCE)} ELSE outcome END"
    )
    return Step(
        "answers",
        (read(SOURCE_OUTCOME, closing_months(lags)),),
        f"SELECT base_month, horizon, customer_id, {name} AS answer_of, value AS answer "
        "FROM source_outcome" + (f" WHERE outcome NOT IN ({literals(apart)})" if apart else ""),
        in_table=False,
    )


def _answered(outcome: Outcome, followed: Step, answers: Step) -> Step:
    return Step(
        "answered",
        (followed, answers),
        f"SELECT place, horizon, answer_of, ({outcome.hit})::BOOLEAN AS hit, "
        f"coalesce({outcome.amount or 0}, 0)::DOUBLE AS amount FROM followed "
        f"JOIN answers USING (base_month, horizon, customer_id) WHERE ({outcome.eligible})",
        grain=Grain.ALL,
    )


# -- what they are counted by ---------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """Reads columns of the customers of a base month, in the order of their places."""

    engine: Engine
    scope: Scope
    steps: Steps
    bounds: Bounds

    def of_matrix(self, columns: Sequence[str]) -> Iterator[pl.Series]:
        """Columns of the portrait matrix, as SQL over its row p."""
        reads = (self.steps.placed, self.steps.predicted)
        joined = "predictions AS c JOIN predicted AS p USING (customer_id)"
        return self._values(reads, joined, columns)

    def of_features(self, columns: Sequence[str]) -> Iterator[pl.Series]:
        """Columns of the feature matrix, as SQL over its row p; null without a row."""
        reads = (self.steps.placed, self.steps.features)
        joined = "predictions AS c LEFT JOIN feature_matrix AS p USING (customer_id)"
        return self._values(reads, joined, columns)

    def of_scores(self, outcomes: Sequence[Outcome]) -> Iterator[pl.Series]:
        """The calibrated scores of targets, 0 of whom the target does not ask about."""
        reads = (self.steps.placed, self.steps.scores)
        for each in outcomes:
            own = f"target = {literal(each)} AND horizon = {each.prediction_horizon}"
            joined = (
                "predictions AS c LEFT JOIN "
                f"(SELECT customer_id, score FROM prediction WHERE {own}) AS p USING (customer_id)"
            )
            yield from self._values(reads, joined, ["p.score"])

    @cached_property
    def groups(self) -> npt.NDArray[np.int64]:
        """The group of each customer."""
        frame = self._frame((self.steps.placed,), "predictions AS c", ["c.grp::BIGINT"])
        return frame["c0"].to_numpy()

    def _values(
        self, reads: tuple[Source, ...], joined: str, columns: Sequence[str]
    ) -> Iterator[pl.Series]:
        at_once = self.bounds.columns_of(len(self.groups))
        for start in range(0, len(columns), at_once):
            yield from self._frame(reads, joined, columns[start : start + at_once])

    def _frame(
        self, reads: tuple[Source, ...], joined: str, columns: Sequence[str]
    ) -> pl.DataFrame:
        named = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(columns))
        step = Step("values", reads, f"SELECT c.place, {named} FROM {joined}")
        frame = self.engine.frame(step, self.scope)
        ordered = frame if frame["place"].is_sorted() else frame.sort("place")
        return ordered.drop("place")


def _customers(columns: _Columns, matrix: Table, claims: Sequence[Claim]) -> Customers:
    """The customers of the base month, encoded."""
    kinds = sorted({(claim.tag, claim.counted_by) for claim in claims})
    rules = list({rule.column: rule for claim in claims for rule in claim.baselines}.values())
    likely = sorted({claim.tag for claim in claims if claim.is_probability})
    tags = columns.of_matrix([bucket_sql(matrix.column(tag), kind) for tag, kind in kinds])
    baselines = columns.of_features([rule.sql("p") for rule in rules])
    numbers = columns.of_matrix([f"p.{quote(tag)}::DOUBLE" for tag in likely])
    scored = list(dict.fromkeys(claim.outcome for claim in claims if claim.is_scored))
    scores = zip(scored, columns.of_scores(scored), strict=True)
    return Customers(
        columns.groups,
        {key: encoded(each, key[1]) for key, each in zip(kinds, tags, strict=True)},
        {
            rule.column: encoded(each, Buckets.BINS)
            for rule, each in zip(rules, baselines, strict=True)
        },
        {tag: each.to_numpy() for tag, each in zip(likely, numbers, strict=True)},
        {
            outcome.code: encoded(each.fill_null(0.0), Buckets.BINS)
            for outcome, each in scores
            # While no rate is known, the tag has its values by rules of features.
            if each.is_not_null().any()
        },
    )
