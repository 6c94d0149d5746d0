"""Why a customer holds a tag: the inputs that decided it, as a view and not as a copy."""

from __future__ import annotations

from portrait_assets.tags.segments import SEGMENT_COLUMNS
from portrait_assets.tags.tag import Catalogue, Tag
from portrait_assets.warehouse.connection import literal, quote

EVIDENCE_VIEW = "tags.tag_evidence"
_IN_MATRIX = frozenset(c.name for c in SEGMENT_COLUMNS if c.name != "segment_confidence")


def evidence_view_sql(catalogue: Catalogue) -> str:
    """CREATE VIEW of tags.tag_evidence: the tag table with `rule` and `evidence`.

    `rule` is the condition that the value stands for; `evidence` a MAP from input to its value
    as text, read from the feature matrix and the portrait matrix of the month that decided. The
    view needs tags.tag_table, tags.portrait_matrix and features.feature_matrix beside it.
    """
    versions = [tag for tag in catalogue.tags if tag.code in {t.code for t in catalogue.published}]
    selects = [_version_sql(tag, catalogue) for tag in versions]
    return f"CREATE OR REPLACE VIEW {EVIDENCE_VIEW} AS {' UNION ALL '.join(selects)}"


def _version_sql(tag: Tag, catalogue: Catalogue) -> str:
    entries = []
    published = {each.code for each in catalogue.published}
    for name in tag.inputs:
        if name in published or name in _IN_MATRIX:
            entries.append((name, f"m.{quote(name)}"))
        elif name in catalogue.columns and name not in ("as_of", "segment_confidence"):
            entries.append((name, f"f.{quote(name)}"))
    keys = ", ".join(literal(name) for name, _ in entries)
    values = ", ".join(f"CAST({sql} AS VARCHAR)" for _, sql in entries)
    evidence = f"map([{keys}], [{values}])" if entries else "map([]::VARCHAR[], []::VARCHAR[])"
    rules = " ".join(
        f"WHEN {literal(each.value)} THEN {literal(each.when.text)}" for each in tag.values
    )
    rule = f"CASE t.tag_value {rules} END" if rules else literal(tag.rules)
    return (
        f"SELECT t.*, {rule} AS rule, {evidence} AS evidence FROM tags.tag_table AS t "
        "LEFT JOIN features.feature_matrix AS f "
        "ON f.as_of = t.decided_as_of AND f.customer_id = t.customer_id "
        "LEFT JOIN tags.portrait_matrix AS m "
        "ON m.as_of = t.decided_as_of AND m.customer_id = t.customer_id "
        f"WHERE t.tag_code = {literal(tag.code)} AND t.tag_version = {tag.version}"
    )
