"""From frames of one month's features and segments to its tags, in a DuckDB of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.evaluation.inputs import (
    NO_PERMISSIONS,
    NO_SEGMENTS,
    nothing_predicted,
)
from portrait_assets.stages.tags.evaluation.steps import evaluation_steps
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Source


@dataclass(frozen=True)
class Evaluation:
    """Tags of one month, with the columns of `tag_table` and of `portrait_matrix_table`."""

    tag_table: pl.DataFrame
    portrait_matrix: pl.DataFrame


def evaluate(
    catalogue: Catalogue,
    features: pl.DataFrame,
    segments: pl.DataFrame | None,
    previous: pl.DataFrame | None,
    as_of: date,
    given: Collection[str] | None = None,
    permissions: pl.DataFrame | None = None,
    predicted: Mapping[Table, pl.DataFrame] | None = None,
) -> Evaluation:
    """The tags of each customer of the feature matrix in the month of `as_of`.

    Args:
        catalogue: every version of every tag; those active in the month are evaluated.
        features: the feature matrix of the month, one row per customer.
        segments: customer_id with SEGMENT_COLUMNS; None without a cluster model.
        previous: the tag table of the month before, from which values are kept; None for none.
        as_of: the last day of the month.
        given: what the source has given by then, as `without_evidence` takes it.
        permissions: rows of `marketing_allowed`; None where nothing is known of it.
        predicted: rows of tables of predictions; a table that is not there has none.

    Raises:
        TagError: when an active tag reads one that is not.
    """
    month = f"{as_of:%Y-%m}"
    before = None if previous is None else next_month(month, -1)
    steps = evaluation_steps(catalogue, [month], before, given)
    frames: dict[Source, pl.DataFrame] = {steps.features: _of_month(features, as_of)}
    if segments is not None:
        frames[steps.segment] = _of_month(segments, as_of)
    if permissions is not None:
        frames[steps.permission] = permissions
    if steps.previous is not None and previous is not None:
        frames[steps.previous] = previous
    with scratch_database() as con:
        relations: dict[Source, str] = {
            steps.segment: NO_SEGMENTS,
            steps.permission: NO_PERMISSIONS,
        }
        for table, step in steps.predicted.items():
            if predicted and table in predicted:
                frames[step.reads[0]] = predicted[table]
            else:
                relations[step] = nothing_predicted(catalogue, table)
        for number, (source, frame) in enumerate(frames.items()):
            relations[source] = f"given_{number}"
            con.register(relations[source], frame)
        engine = Engine(con, relations)
        with engine.shared([steps.evaluated], steps.scope):
            rows, matrix = (engine.frame(each, steps.scope) for each in (steps.rows, steps.matrix))
        return Evaluation(rows, matrix)


def _of_month(frame: pl.DataFrame, as_of: date) -> pl.DataFrame:
    return frame.with_columns(as_of=pl.lit(as_of))
