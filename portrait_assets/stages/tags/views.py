"""Views that the published file offers beside its tables."""

from __future__ import annotations

from portrait_assets.privacy.consent import Use, answers_sql
from portrait_assets.stages.cleaned.accounting.completeness import COMPLETENESS, NEEDED
from portrait_assets.stages.raw.tables.persons import PURPOSES
from portrait_assets.stages.tags.catalogue.inputs.permissions import MARKETING_ALLOWED
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.evaluation.tag_table import stored_rows_sql
from portrait_assets.stages.tags.predicted_evidence import PredictedEvidence
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.publishing.file import View

_IN_MATRIX = frozenset(c.name for c in SEGMENT_COLUMNS if c.name != "segment_confidence")
_NOWHERE = frozenset({"as_of", "segment_confidence", MARKETING_ALLOWED.name})
"""Inputs of tags that stand in neither matrix."""

_LATE = (
    f"SELECT last_day(strptime(month, '%Y-%m')) FROM {COMPLETENESS.full_name} "
    f"WHERE NOT is_complete AND table_name IN ({literals(NEEDED)})"
)
NEWEST_MONTH_VIEW = View(
    "newest_month",
    "SELECT coalesce(max(as_of) FILTER (as_of NOT IN "
    f"({_LATE})), max(as_of)) AS as_of, max(as_of) AS materialized_as_of "
    "FROM tags.portrait_matrix",
    "The newest month that is complete, and the newest that was materialized",
    "最新的完整月份及最新的已生成月份",
    shows="tags.portrait_matrix",
    columns={
        "as_of": "Last day of the newest complete month / 最新完整月份的最后一天",
        "materialized_as_of": "Last day of the newest month / 最新月份的最后一天",
    },
)

PORTRAIT_VIEW = View(
    "portrait",
    "SELECT * EXCLUDE (customer_no) FROM tags.portrait_matrix "
    "WHERE as_of = (SELECT as_of FROM newest_month)",
    "The portrait matrix of the newest month that is complete",
    "最新完整月份的客户画像矩阵",
    shows="tags.portrait_matrix",
)

PORTRAIT_HISTORY_VIEW = View(
    "portrait_history",
    """
    SELECT
        coalesce(current_customer.customer_id, matrix.customer_id) AS customer_id,
        matrix.customer_id AS customer_id_then,
        matrix.* EXCLUDE (customer_id)
    FROM tags.portrait_matrix AS matrix
    LEFT JOIN current_customer ON current_customer.alias_id = matrix.customer_id
    """,
    "The portrait matrix of all months under the identities known today",
    "按当前客户编号的历史画像矩阵",
    shows="tags.portrait_matrix",
    columns={
        "customer_id": "The customer as known today / 当前客户编号",
        "customer_id_then": "The customer as known in that month / 当月客户编号",
    },
)


_CUSTOMERS = (
    "(SELECT customer_id FROM tags.portrait_matrix WHERE as_of = (SELECT as_of FROM newest_month))"
)
CUSTOMER_CONSENT_VIEW = View(
    "customer_consent",
    "SELECT customer_id, profiling, marketing, marketing_channels, credit, sharing FROM "
    + " JOIN ".join(
        f"(SELECT customer_id, allowed AS {purpose}"
        f"{', channels AS marketing_channels' if purpose == 'marketing' else ''} "
        f"FROM ({answers_sql(_CUSTOMERS, Use(purpose))})) AS of_{purpose}"
        f"{'' if purpose == PURPOSES[0] else ' USING (customer_id)'}"
        for purpose in PURPOSES
    ),
    "What each customer of the newest month allows, by the newest consents known",
    "最新月份每位客户的授权状态（按最新授权）",
    shows="tags.portrait_matrix",
    columns={
        "profiling": "Whether profiling is allowed / 是否允许画像",
        "marketing": "Whether marketing is allowed by at least one channel / 是否允许营销",
        "marketing_channels": "By which channels marketing is allowed / 允许的营销渠道",
        "credit": "Whether use for credit is allowed / 是否允许用于信贷",
        "sharing": "Whether sharing with others is allowed / 是否允许对外提供",
    },
)


def evidence_view(catalogue: Catalogue) -> View:
    """tags.tag_evidence: the tag table with `rule` and `evidence`, as a view and not as a copy.

    `rule` is the condition that the value stands for; `evidence` a MAP from input to its value
    as text, read from the feature matrix and the portrait matrix of the month that decided. Of a
    prediction it has besides what gave it, with its version and reasons.
    """
    published = {tag.code for tag in catalogue.published}
    selects = [_version_sql(tag, catalogue) for tag in catalogue.tags if tag.code in published]
    return View(
        "tags.tag_evidence",
        " UNION ALL ".join(selects),
        "Tag table with the rule and the inputs that decided each value",
        "标签依据",
        shows="tags.tag_table",
        columns={
            "rule": "The condition that the value stands for / 标签值的判定条件",
            "evidence": "Inputs that decided it, by name / 判定依据（输入名与取值）",
        },
    )


def _version_sql(tag: Tag, catalogue: Catalogue) -> str:
    entries = []
    published = {each.code for each in catalogue.published}
    for name in tag.inputs:
        if name in published or name in _IN_MATRIX:
            entries.append((name, f"m.{quote(name)}"))
        elif name in catalogue.columns and name not in _NOWHERE | catalogue.predicted.keys():
            entries.append((name, f"f.{quote(name)}"))
    predicted = PredictedEvidence(tag.inputs, catalogue.predicted)
    entries += predicted.entries
    keys = ", ".join(literal(name) for name, _ in entries)
    values = ", ".join(f"CAST({sql} AS VARCHAR)" for _, sql in entries)
    evidence = f"map([{keys}], [{values}])" if entries else "map([]::VARCHAR[], []::VARCHAR[])"
    rules = " ".join(
        f"WHEN {literal(each.value)} THEN {literal(each.when.text)}" for each in tag.values
    )
    rule = f"CASE t.tag_value {rules} END" if rules else literal(tag.rules)
    return (
        f"SELECT t.*, {rule} AS rule, {evidence} AS evidence "
        f"FROM ({stored_rows_sql(tag.code, catalogue)}) AS t "
        "LEFT JOIN features.feature_matrix AS f "
        "ON f.as_of = t.decided_as_of AND f.customer_id = t.customer_id "
        "LEFT JOIN tags.portrait_matrix AS m "
        "ON m.as_of = t.decided_as_of AND m.customer_id = t.customer_id "
        f"{predicted.joins}WHERE t.tag_version = {tag.version}"
    )
