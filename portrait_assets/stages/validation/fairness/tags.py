"""Fairness: whether groups of customers get what tags decide as often as all others do.

How groups are compared: `parity`. Groups are by recorded gender, age and region. One query counts
all values in all groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.classes.deciding import deciding
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Shape, Tag
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.windows import Lag, base_months, closing_months
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets.stages.validation.backtests.predicted import with_targets
from portrait_assets.stages.validation.contract import Attribute, Measure
from portrait_assets.stages.validation.fairness.parity import (
    COUNTED,
    judged,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Source, Step, read

TOP_FIFTH = "(top fifth)"
BOTTOM_FIFTH = "(bottom fifth)"
SEGMENT = "segment_id"
_LAG = Lag(0, 1)
_AGES = (25, 35, 45, 55, 65)
_AGE_BAND = (
    "CASE "
    + " ".join(
        f"WHEN f.age < {end} THEN {literal(f'{start}-{end - 1}' if start else f'under {end}')}"
        for start, end in zip((0, *_AGES), _AGES, strict=False)
    )
    + f" WHEN f.age >= {_AGES[-1]} THEN {literal(f'{_AGES[-1]} and over')} ELSE f.age_band END"
)
GROUPS_SQL: Mapping[Attribute, str] = {
    Attribute.GENDER: "f.gender",
    Attribute.AGE: _AGE_BAND,
    Attribute.REGION: "f.region",
}
"""A customer's group by each attribute, over a row f of the feature matrix; null where unknown."""
GROUPS = ", ".join(f"{sql} AS {name}" for name, sql in GROUPS_SQL.items())
"""The same as columns."""
IS_KNOWN = f"coalesce({', '.join(GROUPS_SQL.values())}) IS NOT NULL"
"""Whether a customer's group is known by any attribute; others are compared with nobody."""


@dataclass(frozen=True)
class Selection:
    """A value of a tag, and how a customer is known to have it.

    Args:
        tag: the tag, or the segment.
        value: the value as the table names it.
        holds: SQL over the matrix's columns; null where the customer has no value of the tag.
        outcomes: what the value is to predict, of which equal opportunity is judged.
        source_outcome: the same, where the source names it.
        is_descriptive: it decides nothing, so that it is shown and not judged.
    """

    tag: str
    value: str
    holds: str
    outcomes: tuple[Outcome, ...] = ()
    source_outcome: str | None = None
    is_descriptive: bool = False


def selections(
    catalogue: Catalogue,
    claims: Sequence[Claim],
    month: str,
    read_by: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Selection, ...]:
    """What is compared in a month: the values of all tags that something is decided by.

    Of a tag that predicts an outcome it is the likeliest value, of a number the fifth of customers
    with most of it, of a yes or no the yes, and of others each value.

    Args:
        catalogue: the tags.
        claims: which tag predicts what.
        month: the month in which they are active.
        read_by: by the code of a saved audience the tags that it reads.
    """
    active = {tag.code: tag for tag in catalogue.active(month)}
    own = {code: [c for c in claims if c.tag == code and not c.learned] for code in active}
    return tuple(
        selection
        for code in deciding(catalogue, month, read_by)
        for selection in _of_tag(active[code], own[code], catalogue.targets.derived)
    )


def _of_tag(tag: Tag, claims: Sequence[Claim], derived: Collection[str]) -> Iterable[Selection]:
    column = quote(tag.code)
    predicted = tuple(c.outcome for c in claims if _LAG.horizon in c.outcome.horizons)
    of_source = tag.target if tag.target not in derived else None
    has_outcome = bool(predicted or of_source)
    if tag.shape is Shape.MANY:
        return tuple(
            Selection(tag.code, each.value, f"list_contains({column}, {literal(each.value)})")
            for each in tag.values
        )
    if tag.values:
        order = next((claim.order for claim in claims if claim.order), ())
        values = [each.value for each in tag.values]
        chosen = (order or values)[:1] if has_outcome or len(values) == 2 else values
        return tuple(
            Selection(tag.code, each, f"{column} = {literal(each)}", predicted, of_source)
            for each in chosen
        )
    if tag.type is Type.BOOLEAN:
        return (Selection(tag.code, "true", column, predicted, of_source),)
    if tag.type in (Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY):
        falls = any(claim.falls for claim in claims)
        limit = f"(SELECT quantile_disc({column}, {0.2 if falls else 0.8}) FROM given)"
        holds = f"{column} {'<=' if falls else '>='} {limit}"
        name = BOTTOM_FIFTH if falls else TOP_FIFTH
        return (Selection(tag.code, name, holds, predicted, of_source),)
    return ()  # Open text: each value is of few.


def of_segments(segments: Iterable[int]) -> tuple[Selection, ...]:
    """The segments, which describe: who is in them is shown, and no group is owed a share."""
    return tuple(
        Selection(SEGMENT, str(number), f"{SEGMENT} = {number}", is_descriptive=True)
        for number in segments
    )


def fairness(
    warehouse: Warehouse, matrix: Table, chosen: Sequence[Selection], month: str
) -> pl.DataFrame:
    """The rows of FAIRNESS of a month.

    Selection rates are of the month's own tags; true positive rates are of those of the month
    before, by what happened since. Nothing later than the month is read.

    Args:
        warehouse: with the tables upstream of the month.
        matrix: the contract of the portrait matrix.
        chosen: what is compared; what the matrix has no column for is left out.
        month: the month.
    """
    there = [each for each in chosen if each.tag in matrix.column_names]
    engine = Engine(warehouse.con)
    counted = []
    if not groups_known(warehouse, month):
        there = []
    if there:
        counted.append(_long(engine.frame(parity_step(matrix, there), Scope(month)), there, None))
    predicting = [each for each in there if each.outcomes or each.source_outcome]
    if predicting and next_month(month, -1) in warehouse.materialized(matrix):
        for number in range(max(len(_names(each)) for each in predicting)):
            own = [each for each in predicting if number < len(_names(each))]
            step = opportunity_step(matrix, own, number)
            counted.append(_long(engine.frame(step, Scope(month)), own, number))
    rows = [judged(frame) for frame in counted if frame.height]
    return with_verdicts(pl.concat([judged(pl.DataFrame(schema=COUNTED)), *rows]), month)


def groups_known(warehouse: Warehouse, month: str) -> bool:
    """Whether the group of any customer is known in the month or before it."""
    found = warehouse.con.execute(
        f"SELECT 1 FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of <= {literal(last_day(month))} AND {IS_KNOWN} LIMIT 1"
    )
    return bool(found.fetchall())


def _names(selection: Selection) -> tuple[str, ...]:
    of_source = (selection.source_outcome,) if selection.source_outcome else ()
    return (*(outcome.code for outcome in selection.outcomes), *of_source)


# -- counting --------------------------------------------------------------------------------


def parity_step(matrix: Table, chosen: Sequence[Selection]) -> Step:
    """Customers of the month by group: of each value those who could have it, and who do."""
    counts = ", ".join(
        f"count(s{n}) AS of{n}, count(*) FILTER (s{n}) AS had{n}" for n in range(len(chosen))
    )
    return Step(
        "parity",
        (read(matrix, THE_MONTH, "given"), read(FEATURE_MATRIX, THE_MONTH)),
        f"SELECT {GROUP}, {counts} FROM (SELECT g.*, {GROUPS} FROM "
        f"(SELECT customer_id, {_holds(chosen)} FROM given) AS g "
        f"JOIN feature_matrix AS f USING (customer_id) WHERE {IS_KNOWN}) {_SETS}",
        grain=Grain.ALL,
    )


def opportunity_step(matrix: Table, chosen: Sequence[Selection], number: int) -> Step:
    """The same of those to whom the outcome of this number happened in the month's window."""
    tags = [f"p.{quote(tag)}" for tag in sorted({each.tag for each in chosen})]
    outcomes = [each.outcomes[number] for each in chosen if number < len(each.outcomes)]
    own = sorted({_names(each)[number] for each in chosen if number >= len(each.outcomes)})
    followed = with_targets(matrix, tags, outcomes, (_LAG,))
    given = Step("given", (followed,), "FROM followed", grain=Grain.ALL)
    reads: list[Source] = [given, read(FEATURE_MATRIX, base_months((_LAG,)))]
    reads.append(read(SOURCE_OUTCOME, closing_months((_LAG,))))
    answers = "".join(
        f", max(value) FILTER (outcome = {literal(name)}) >= 0.5 AS {quote(f'answer {name}')}"
        for name in own
    )
    answered = (
        f"(SELECT customer_id{answers} FROM source_outcome WHERE horizon = {_LAG.horizon} "
        f"AND outcome IN ({literals(own or [''])}) GROUP BY customer_id)"
    )
    hits = ", ".join(
        f"({outcome.eligible}) AND ({outcome.hit}) AS h{n}"
        if (outcome := each.outcomes[number] if number < len(each.outcomes) else None)
        else f"coalesce({quote(f'answer {_names(each)[number]}')}, false) AS h{n}"
        for n, each in enumerate(chosen)
    )
    counts = ", ".join(
        f"count(s{n}) FILTER (h{n}) AS of{n}, count(*) FILTER (h{n} AND s{n}) AS had{n}"
        for n in range(len(chosen))
    )
    return Step(
        "opportunity",
        tuple(reads),
        f"SELECT {GROUP}, {counts} FROM "
        f"(SELECT g.*, {GROUPS} FROM (SELECT customer_id, {_holds(chosen)}, {hits} FROM given "
        f"LEFT JOIN {answered} USING (customer_id)) AS g "
        f"JOIN feature_matrix AS f USING (customer_id) WHERE {IS_KNOWN}) {_SETS}",
        grain=Grain.ALL,
    )


def _holds(chosen: Sequence[Selection]) -> str:
    """Whether a customer has each value, under the names s0, s1 and so on."""
    return ", ".join(f"({each.holds}) AS s{n}" for n, each in enumerate(chosen))


GROUP = (
    "CASE "
    + " ".join(f"WHEN grouping({name}) = 0 THEN {literal(str(name))}" for name in GROUPS_SQL)
    + f" END AS attribute, coalesce({', '.join(GROUPS_SQL)}) AS level, count(*) AS customers"
)
"""The attribute that a grouping set is of, the group, and its customers."""
_SETS = f"GROUP BY GROUPING SETS ({', '.join(f'({name})' for name in GROUPS_SQL)})"


def _long(counted: pl.DataFrame, chosen: Sequence[Selection], number: int | None) -> pl.DataFrame:
    """A row for each value and group, small groups together, columns as `parity.COUNTED`."""
    pooled = with_small_groups_together(counted, ["attribute"])
    measure = Measure.SELECTION if number is None else Measure.TRUE_POSITIVE
    parts = [
        pooled.select(
            "attribute",
            "level",
            pl.col(f"of{n}").alias("customers"),
            pl.col(f"had{n}").alias("selected"),
            pl.lit(each.tag).alias("tag_code"),
            pl.lit(each.value).alias("tag_value"),
            pl.lit(str(measure)).alias("measure"),
            pl.lit(None if number is None else _names(each)[number]).alias("outcome"),
            pl.lit(each.is_descriptive).alias("is_descriptive"),
        ).cast(COUNTED)
        for n, each in enumerate(chosen)
    ]
    return pl.concat([pl.DataFrame(schema=COUNTED), *parts])


def known_shares(warehouse: Warehouse, month: str) -> dict[Attribute, float | None]:
    """By attribute the share of the month's customers of whom it is known; None without any."""
    shares = ", ".join(f"count({sql}) / nullif(count(*), 0)" for sql in GROUPS_SQL.values())
    found = warehouse.con.execute(
        f"SELECT {shares} FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of = {literal(last_day(month))}"
    ).fetchall()
    return dict(zip(GROUPS_SQL, found[0], strict=True))
