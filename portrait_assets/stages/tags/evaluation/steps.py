"""The steps from features and segments of months to their tags.

A rule that is unknown (SQL's NULL) leaves the tag unknown, unless a value before it matched: a
missing input is never read as 'no'. The tag's `on_missing` decides what happens then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from portrait_assets.core.months import month_range
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX, PROFILING_ALLOWED
from portrait_assets.stages.tags.catalogue.inputs.evidence import without_evidence
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.inputs import (
    base_step,
    marketing_allowed,
    named_segment,
    predicted_steps,
    ranked_step,
)
from portrait_assets.stages.tags.evaluation.kept import is_kept, kept_steps, with_kept_sql
from portrait_assets.stages.tags.evaluation.rules import evaluated_sql
from portrait_assets.stages.tags.evaluation.tag_table import (
    evaluated_details_sql,
    evaluated_rows_sql,
    tag_table,
)
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.steps import Read, Scope, Step, read, window


@dataclass(frozen=True)
class EvaluationSteps:
    """The steps of the tags of `months`, to be run for `scope`.

    The targets all read `evaluated`, which an engine shares between them (`Engine.shared`).

    Attributes:
        months: months without a gap, in order (YYYY-MM).
        features: the feature matrix of the months, of which a column per input of a tag is read.
        segment: each customer's segment in the months, as SEGMENT_COLUMNS.
        permission: who may be contacted for marketing in the months.
        predicted: what tags read of predictions, of each table that they read.
        previous: the tag table of the month before, from which values are kept; None for none.
        evaluated: all values and what decided them, a row per month and customer.
        matrix: the rows of the portrait matrix, of all customers in their order.
        details: the rows of `tags.tag_details`, of all customers in their order.
        rows: the rows of the tag table.
    """

    months: tuple[str, ...]
    features: Read
    segment: Step
    permission: Step
    predicted: Mapping[Table, Step]
    previous: Read | None
    evaluated: Step
    matrix: Step
    details: Step
    rows: Step

    @property
    def scope(self) -> Scope:
        """All customers of the months."""
        return Scope(self.months[-1])

    @property
    def targets(self) -> tuple[Step, ...]:
        """The steps whose rows are the results."""
        return self.matrix, self.details, self.rows


def evaluation_steps(
    catalogue: Catalogue,
    months: Sequence[str],
    before: str | None = None,
    given: Collection[str] | None = None,
) -> EvaluationSteps:
    """The steps that evaluate these months, which are one of `batches`, together.

    Args:
        catalogue: every version of every tag; those active in the months are evaluated.
        months: months without a gap, in order (YYYY-MM).
        before: the last month before them that has tags; None for none.
        given: what the source has given by these months, as `without_evidence` takes it; tags
            without their evidence are null.

    Raises:
        TagError: when an active tag reads one that is not.
    """
    tags = catalogue.active(months[-1])
    batch = window(len(months))
    features, segment = read(FEATURE_MATRIX, batch), named_segment(batch)
    permission = marketing_allowed(batch)
    predicted = predicted_steps(catalogue, tags, batch)
    previous = None
    if before is not None:
        since = len(month_range(before, months[-1])) - 1
        previous = read(tag_table(catalogue), window(1, ago=since))
    looks_back = before is not None or len(months) > 1
    empty = without_evidence(tags, given, catalogue.predicted)
    kept = [t for t in tags if is_kept(t) and t.code not in empty] if looks_back else []
    base = base_step(catalogue, tags, features, segment, permission, [*predicted.values()])
    ranked = ranked_step(tags, base)
    last = kept_steps(catalogue, kept, ranked, previous, len(months) > 1)
    inputs = with_kept_sql(kept, last)
    evaluated = Step("evaluated", (ranked, *last), evaluated_sql(inputs, tags, kept, empty))
    name = evaluated.name
    return EvaluationSteps(
        tuple(months),
        features,
        segment,
        permission,
        predicted,
        previous,
        evaluated,
        Step(
            "matrix",
            (evaluated,),
            _matrix_sql(catalogue, tags, name),
            writes=portrait_matrix_table(catalogue),
        ),
        Step(
            "details",
            (evaluated,),
            evaluated_details_sql(catalogue, tags, kept, name),
            writes=tag_table(catalogue),
        ),
        Step("rows", (evaluated,), evaluated_rows_sql(tags, kept, name)),
    )


def _matrix_sql(catalogue: Catalogue, tags: Sequence[Tag], evaluated: str) -> str:
    """The matrix has a column for every tag of the catalogue, null where it is not active."""
    present = {tag.code for tag in tags} | {column.name for column in SEGMENT_COLUMNS}
    present |= {"customer_id", "customer_no"}
    columns = ["as_of"]
    for column in portrait_matrix_table(catalogue).columns:
        name = quote(column.name)
        value = name if column.name in present else f"NULL::{column.type}"
        if column == PROFILING_ALLOWED:
            value = "true"
        columns.append(f"CAST({value} AS {column.type or Type.TEXT}) AS {name}")
    return f"SELECT {', '.join(columns)} FROM {evaluated}"


def batches(
    catalogue: Catalogue,
    months: Sequence[str],
    rows: Mapping[str, int],
    most: int,
    given: Mapping[str, Collection[str]] | None = None,
) -> Iterator[list[str]]:
    """The months (YYYY-MM) in groups that can be evaluated together.

    Args:
        catalogue: every version of every tag.
        months: months without a gap, in order.
        rows: how many customers each of them has.
        most: the most customers of a group of several months; a month is never divided.
        given: what the source has given by each month, which is the same for those of a group.

    Raises:
        TagError: when an active tag reads one that is not.
    """
    batch: list[str] = []
    known = given or {}
    for month in months:
        tags = catalogue.active(month)
        customers = sum(rows.get(each, 0) for each in (*batch, month))
        alone = any(not _is_of_features(tag, catalogue) for tag in tags if is_kept(tag))
        other = batch and (
            tags != catalogue.active(batch[0]) or known.get(month) != known.get(batch[0])
        )
        if batch and (alone or customers > most or other):
            yield batch
            batch = []
        batch.append(month)
    yield batch


def _is_of_features(tag: Tag, catalogue: Catalogue) -> bool:
    """Whether value and confidence depend on no other tag."""
    return all(name in catalogue.columns for name in tag.inputs)
