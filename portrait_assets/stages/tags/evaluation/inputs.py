"""The inputs of tags: features, the segment, and ranks among all customers of a month.

Steps over all customers are separate from those applied to each of them: customers are numbered,
and ranks are fitted, over all; `ranked` then has the rows of the scope's population only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portrait_assets.methods.expressions.expression import RANK_PREFIX
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.tags.catalogue.inputs.permissions import MARKETING_ALLOWED
from portrait_assets.stages.tags.catalogue.inputs.predicted import PredictedColumn
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import Grain, Read, Scope, Span, Step, read

NO_SEGMENTS = (
    "(SELECT NULL::DATE AS as_of, NULL::VARCHAR AS customer_id, "
    + ", ".join(f"NULL::{column.type} AS {quote(column.name)}" for column in SEGMENT_COLUMNS)
    + " WHERE false)"
)
"""The relation that replaces `named_segment` in months without a cluster model."""


def named_segment(months: Span) -> Step:
    """Each customer's segment with its name, as SEGMENT_COLUMNS, by month."""
    return Step(
        "named_segment",
        (read(CLUSTER_ASSIGNMENT, months), read(CLUSTER_SEGMENT, months)),
        "SELECT as_of, customer_id, segment_id, name_en AS segment_name_en, "
        "name_zh AS segment_name_zh, confidence AS segment_confidence "
        "FROM cluster_assignment LEFT JOIN cluster_segment USING (as_of, segment_id)",
    )


def marketing_allowed(months: Span) -> Step:
    """Who may be contacted for marketing by month; without a customer, who has no row."""
    return Step(
        "marketing_allowed",
        (read(CUSTOMER_CONSENT, months), read(CONSENT_DEFAULT, months)),
        "SELECT as_of, customer_id, bool_or(c.allowed) "
        "OR bool_and(channel IS NOT NULL) AND any_value(d.allowed) AS allowed "
        "FROM customer_consent AS c JOIN consent_default AS d USING (as_of, purpose) "
        "WHERE purpose = 'marketing' GROUP BY as_of, customer_id "
        "UNION ALL SELECT as_of, NULL, allowed FROM consent_default "
        "WHERE purpose = 'marketing' AND (is_declared OR consents > 0)",
    )


NO_PERMISSIONS = (
    "(SELECT NULL::DATE AS as_of, NULL::VARCHAR AS customer_id, NULL::BOOLEAN AS allowed "
    "WHERE false)"
)
"""The relation that replaces `marketing_allowed` where nothing is known of it."""


def predicted_steps(
    catalogue: Catalogue, tags: Sequence[Tag], months: Span
) -> Mapping[Table, Step]:
    """What tags read of predictions: of each of their tables a row per month and customer.

    Args:
        catalogue: the catalogue of the tags.
        tags: the tags; of a table that none of them reads there is no step.
        months: which months.
    """
    read_by = {name for tag in tags for name in tag.inputs}
    of_table: dict[Table, list[PredictedColumn]] = {}
    for name, each in catalogue.predicted.items():
        if name in read_by:
            of_table.setdefault(each.table, []).append(each)
    return {table: _predicted(table, own, months) for table, own in of_table.items()}


def _predicted(table: Table, columns: Sequence[PredictedColumn], months: Span) -> Step:
    selected = "".join(f", {_of_row(each)} AS {quote(each.column.name)}" for each in columns)
    targets = sorted({each.of[0] for each in columns if each.of})
    only = f"target IN ({literals(targets)})" if targets else columns[0].where
    grouped = " GROUP BY as_of, customer_id" if targets else ""
    return Step(
        _of(table),
        (read(table, months),),
        f"SELECT as_of, customer_id{selected} FROM {quote(table.name)} WHERE {only}{grouped}",
    )


def _of(table: Table) -> str:
    return f"of_{table.name}"


def _of_row(each: PredictedColumn) -> str:
    """The column over a row, or over the rows of a customer's targets, of which one is its own."""
    if each.of is None:
        return quote(each.field)
    target, horizon = each.of
    own = f"target = {literal(target)} AND horizon = {horizon}"
    return f"any_value({quote(each.field)}) FILTER ({own})"


def nothing_predicted(catalogue: Catalogue, table: Table) -> str:
    """The relation that replaces a step of `predicted_steps` where nothing is predicted."""
    columns = "".join(
        f", NULL::{each.column.type} AS {quote(name)}"
        for name, each in catalogue.predicted.items()
        if each.table is table
    )
    return f"(SELECT NULL::DATE AS as_of, NULL::VARCHAR AS customer_id{columns} WHERE false)"


def base_step(
    catalogue: Catalogue,
    tags: Sequence[Tag],
    features: Read,
    segment: Step,
    permission: Step,
    predicted: Sequence[Step] = (),
) -> Step:
    """A row per month and customer, in their order: all that tags read and is no tag.

    Args:
        catalogue: the catalogue of the tags.
        tags: the tags.
        features: the feature matrix of the months.
        segment: as `named_segment` gives it.
        permission: as `marketing_allowed` gives it.
        predicted: as `predicted_steps` gives them.
    """
    names = {name for tag in tags for name in tag.inputs if name in catalogue.columns}
    asks = MARKETING_ALLOWED.name in names
    names -= {"as_of", MARKETING_ALLOWED.name, *(column.name for column in SEGMENT_COLUMNS)}
    columns = ["f.as_of", "f.customer_id"]
    columns += [f"f.{quote(name)}" for name in sorted(names - catalogue.predicted.keys())]
    columns += [
        f"{_of(each.table)}.{quote(name)}"
        for name, each in catalogue.predicted.items()
        if name in names
    ]
    columns += [f"s.{quote(column.name)}" for column in SEGMENT_COLUMNS]
    joined = "".join(
        f" LEFT JOIN {step.name} ON {step.name}.as_of = f.as_of "
        f"AND {step.name}.customer_id = f.customer_id"
        for step in predicted
    )
    if asks:
        columns.append(f"coalesce(p.allowed, d.allowed) AS {MARKETING_ALLOWED.name}")
        allowed = quote(permission.name)
        joined += (
            f" LEFT JOIN {allowed} AS p ON p.as_of = f.as_of AND p.customer_id = f.customer_id "
            f"LEFT JOIN {allowed} AS d ON d.as_of = f.as_of AND d.customer_id IS NULL"
        )
    return Step(
        "base",
        (features, segment, *predicted, *([permission] if asks else [])),
        "SELECT CAST(row_number() OVER () AS UINTEGER) AS row_no, * FROM "
        f"(SELECT {', '.join(columns)} FROM {quote(features.name)} AS f "
        f"LEFT JOIN {quote(segment.name)} AS s USING (as_of, customer_id){joined} "
        "ORDER BY f.as_of, f.customer_id)",
        grain=Grain.ALL,
    )


def ranked_step(tags: Sequence[Tag], base: Step) -> Step:
    """The base with each customer's number, from 1 in each month, and the ranks that tags read."""
    names = sorted({name for tag in tags for each in tag.expressions for name in each.ranks})
    ranks = {name: _rank(name, base) for name in names}
    columns, joins = "", ""
    for position, (name, rank) in enumerate(ranks.items()):
        columns += f", r{position}.share AS {quote(RANK_PREFIX + name)}"
        joins += (
            f" LEFT JOIN {quote(rank.name)} AS r{position} "
            f"ON r{position}.value = b.{quote(name)} AND r{position}.as_of = b.as_of"
        )

    def rows(scope: Scope) -> str:
        return (
            f"SELECT b.*, CAST(b.row_no - m.before AS UINTEGER) AS customer_no{columns} "
            f"FROM base AS b{joins} JOIN (SELECT as_of, min(row_no) - 1 AS before FROM base "
            f"GROUP BY as_of) AS m ON m.as_of = b.as_of WHERE {scope.population}"
        )

    return Step("ranked", (base, *ranks.values()), rows)


def _rank(name: str, base: Step) -> Step:
    """For each value of the column the share of customers with a lower one (percent_rank).

    Null where all have the same value: nobody is then lower or higher than others.
    """
    column = quote(name)
    return fit(
        f"rank_{name}",
        (base,),
        f"SELECT as_of, {column} AS value, count(*) AS customers FROM base "
        f"WHERE {column} IS NOT NULL GROUP BY as_of, {column}",
        "SELECT as_of, value, CASE WHEN count(*) OVER (PARTITION BY as_of) > 1 THEN "
        "(sum(customers) OVER (PARTITION BY as_of ORDER BY value "
        "ROWS UNBOUNDED PRECEDING) - customers)::DOUBLE "
        "/ (sum(customers) OVER (PARTITION BY as_of) - 1) END AS share "
        "FROM (SELECT as_of, value, CAST(sum(customers) AS BIGINT) AS customers FROM part "
        "GROUP BY as_of, value)",
    )
