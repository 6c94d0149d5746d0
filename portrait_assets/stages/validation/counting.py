"""What was predicted at a month's end beside what happened in the months after, counted.

DuckDB reads each base month once and tells of each window what happened to whom; the columns are
encoded as small integers once, and each test counts these. A window's outcomes, its tags and the
baselines so cost one pass each, and not one for each pair of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.bounds import Bounds
from portrait_assets.methods.statistics.resampling import GROUPS, Floats
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, TARGET
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.labels import tables_read
from portrait_assets.stages.targets.outcome import Outcome
from portrait_assets.stages.targets.outcomes import OF_SOURCE, Targets, packaged_targets
from portrait_assets.stages.targets.windows import Lag, Window, base_months, closing_months
from portrait_assets.stages.validation.buckets import UNKNOWN, Encoded, bucket_sql, encoded
from portrait_assets.stages.validation.cells import SUMS, Cells, Key
from portrait_assets.stages.validation.claims import Buckets, Claim
from portrait_assets.stages.validation.predicted import predictions
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Read, Scope, Source, Step, read

TAG = "tag"

Sides = dict[str, Cells]
"""The cells of a test by side: TAG, or the name of a baseline."""


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
    for base_month in sorted({window.base_month for window in windows}):
        own = sorted(window for window in windows if window.base_month == base_month)
        yield count_windows(engine, matrix, tested, own, targets, warehouse.bounds)


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
) -> dict[Key, Sides]:
    """The same of windows of one base month; see `count_outcomes`."""
    scope = Scope(max(window.month for window in windows))
    lags = [window.before(scope.month) for window in windows]
    steps = steps_of(matrix, claims, lags, targets)
    found: dict[Key, Sides] = {}
    with engine.shared(steps.placed, scope):
        customers = _customers(_Columns(engine, scope, steps, bounds or Bounds()), matrix, claims)
        with engine.shared(steps.followed, scope):
            happened = engine.frame(steps.happened, scope)
            answered = {each: engine.frame(step, scope) for each, step in steps.answered.items()}
    for window in windows:
        own = happened.filter(pl.col("horizon") == window.horizon)
        for outcome in dict.fromkeys(claim.outcome for claim in claims):
            if window.horizon not in outcome.horizons:
                continue
            if outcome.is_named_by_source:
                rows = answered[outcome].filter(pl.col("horizon") == window.horizon)
                known = {str(name): _known(part) for (name,), part in rows.group_by("answer_of")}
            else:
                known = {outcome.code: _known(own.select(_of_outcome(steps.number[outcome])))}
            for claim in claims:
                if claim.outcome == outcome:
                    for code, each in known.items():
                        sides = customers.sides(claim, each, window.horizon)
                        if sides:
                            found[window, claim.name, code] = sides
    return found


# -- what is read ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Steps:
    """What is read of the windows of one base month.

    `placed` has each customer's `place` and group, `predicted` and `features` what they are counted
    by; `happened` by place and horizon whether the outcome of this `number` did and its amount, and
    `answered` the same of what the source names.
    """

    predicted: Read
    features: Read
    placed: Step
    followed: Step
    happened: Step
    number: Mapping[Outcome, int]
    answered: Mapping[Outcome, Step]

    @property
    def targets(self) -> tuple[Step, ...]:
        """Those that are read in the end."""
        return (self.happened, *self.answered.values())


def steps_of(
    matrix: Table, claims: Sequence[Claim], lags: Sequence[Lag], targets: Targets | None = None
) -> Steps:
    """What is read to count the claims in these windows.

    Args:
        matrix: the contract of the portrait matrix.
        claims: what is tested.
        lags: the windows, of one base month.
        targets: those of the source; the package's when None.
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
    answers = _answers(lags, targets or packaged_targets())
    answered = {
        each: _answered(each, followed, answers) for each in outcomes if each.is_named_by_source
    }
    months = base_months(lags)
    predicted, features = read(matrix, months, "predicted"), read(FEATURE_MATRIX, months)
    return Steps(predicted, features, placed, followed, happened, number, answered)


def _answers(lags: Sequence[Lag], targets: Targets) -> Step:
    # A source may name an outcome as the package names one of its own.
    name = (
        f"CASE WHEN outcome IN ({literals(targets.derived)}) "
        f"THEN outcome || {literal(OF_SOURCE)} ELSE outcome END"
    )
    return Step(
        "answers",
        (read(SOURCE_OUTCOME, closing_months(lags)),),
        f"SELECT base_month, horizon, customer_id, {name} AS answer_of, value AS answer "
        "FROM source_outcome",
        is_view=True,
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


def _of_outcome(number: int) -> list[pl.Expr]:
    return [
        pl.col("place"),
        pl.col(f"hit{number}").alias("hit"),
        pl.col(f"amount{number}").alias("amount"),
    ]


# -- what is counted -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Of whom it is known whether an outcome happened: their places, whether, and the amount."""

    places: npt.NDArray[np.int64]
    hit: npt.NDArray[np.bool_]
    amount: Floats


def _known(rows: pl.DataFrame) -> _Known:
    known = rows.drop_nulls("hit")
    return _Known(*(known[name].to_numpy() for name in ("place", "hit", "amount")))


@dataclass(frozen=True)
class _Customers:
    """Those of a base month: group, and the buckets by tag and kind and by baseline."""

    groups: npt.NDArray[np.int64]
    tags: Mapping[tuple[str, Buckets], Encoded]
    baselines: Mapping[str, Encoded]
    probabilities: Mapping[str, Floats]

    def sides(self, claim: Claim, known: _Known, horizon: int) -> Sides:
        """The cells of tag and baselines, of the customers with a value; none where nobody has."""
        own = self.tags[claim.tag, claim.counted_by]
        has_value = own.codes[known.places] != UNKNOWN
        if not has_value.any():
            return {}
        if not has_value.all():
            known = _Known(known.places[has_value], known.hit[has_value], known.amount[has_value])
        counted = {TAG: own}
        counted |= {rule.name: self.baselines[rule.column] for rule in claim.baselines}
        sums = list(self._sums(claim, known, horizon))
        groups = self.groups[known.places]
        return {side: _cells(bucket, known, groups, sums) for side, bucket in counted.items()}

    def _sums(self, claim: Claim, known: _Known, horizon: int) -> Iterator[tuple[str, Floats]]:
        """What is added up beside customers and hits."""
        if claim.outcome.amount is not None:
            yield "amount", known.amount
        if claim.is_probability:
            # Months are taken as alike: once in h months is 1 less the probability of never.
            predicted = 1 - (1 - self.probabilities[claim.tag][known.places]) ** horizon
            yield "predicted", predicted
            yield "predicted_squared", predicted * predicted
            yield "predicted_of_hits", predicted * known.hit


def _cells(
    bucket: Encoded,
    known: _Known,
    groups: npt.NDArray[np.int64],
    sums: Sequence[tuple[str, Floats]],
) -> Cells:
    size = len(bucket.labels)
    place = groups * size + bucket.codes[known.places]
    found = np.zeros((len(SUMS), GROUPS, size))
    of_both = np.bincount(place * 2 + known.hit, minlength=2 * GROUPS * size)
    missed, hits = of_both.reshape(GROUPS, size, 2).transpose(2, 0, 1)
    found[:2] = missed + hits, hits
    for name, values in sums:
        added = np.bincount(place, values, minlength=GROUPS * size)
        found[SUMS.index(name)] = added.reshape(GROUPS, size)
    present = np.flatnonzero(found[0].any(axis=0))
    return Cells(tuple(bucket.labels[at] for at in present), found[:, :, present])


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


def _customers(columns: _Columns, matrix: Table, claims: Sequence[Claim]) -> _Customers:
    """The customers of the base month, encoded."""
    kinds = sorted({(claim.tag, claim.counted_by) for claim in claims})
    rules = list({rule.column: rule for claim in claims for rule in claim.baselines}.values())
    likely = sorted({claim.tag for claim in claims if claim.is_probability})
    tags = columns.of_matrix([bucket_sql(matrix.column(tag), kind) for tag, kind in kinds])
    baselines = columns.of_features([rule.sql("p") for rule in rules])
    numbers = columns.of_matrix([f"p.{quote(tag)}::DOUBLE" for tag in likely])
    return _Customers(
        columns.groups,
        {key: encoded(each, key[1]) for key, each in zip(kinds, tags, strict=True)},
        {
            rule.column: encoded(each, Buckets.BINS)
            for rule, each in zip(rules, baselines, strict=True)
        },
        {tag: each.to_numpy() for tag, each in zip(likely, numbers, strict=True)},
    )
