"""The catalogue as the table that analysts read: every version of every tag, month by month."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from portrait_assets.stages.tags.catalogue.governance import version_change
from portrait_assets.stages.tags.catalogue.inputs.bases import NOTHING, Basis
from portrait_assets.stages.tags.catalogue.inputs.evidence import needs_of, without_evidence
from portrait_assets.stages.tags.catalogue.inputs.predicted import rests_on
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.contract import TAG_CATALOGUE


def catalogue_rows(
    catalogue: Catalogue,
    as_of: date,
    given: Collection[str] | None = None,
    basis: Basis = NOTHING,
) -> pl.DataFrame:
    """Every version of every tag in the month, with the columns of TAG_CATALOGUE.

    Args:
        catalogue: every version of every tag.
        as_of: the last day of the month.
        given: what the source has given by then, as `without_evidence` takes it.
        basis: what predicts in the month.

    Raises:
        TagError: when an active tag reads one that is not.
    """
    tags = catalogue.active(f"{as_of:%Y-%m}")
    active = {(tag.code, tag.version) for tag in tags}
    needs = needs_of(catalogue.tags, catalogue.predicted)
    lacking = without_evidence(tags, given, catalogue.predicted)
    rests = rests_on({tag.code: tag.inputs for tag in tags}, catalogue.predicted)
    before: dict[str, Tag] = {}
    rows = []
    numbers = catalogue.numbers
    for tag in sorted(catalogue.tags, key=lambda tag: (tag.code, tag.version)):
        in_force = (tag.code, tag.version) in active
        on = rests[tag.code] if in_force else frozenset()
        by, versions = basis.of_columns(on, catalogue.predicted)
        rows.append(
            _stated(tag, catalogue)
            | {
                "as_of": as_of,
                "tag_no": numbers[tag.code],
                "in_force": in_force,
                "needs": needs[tag.code],
                "lacks": lacking.get(tag.code) if in_force else None,
                "basis": by,
                "model_versions": versions or None,
                "change": version_change(before.get(tag.code), tag),
            }
        )
        before[tag.code] = tag
    return pl.DataFrame(rows, schema=TAG_CATALOGUE.polars_schema)


def _stated(tag: Tag, catalogue: Catalogue) -> dict[str, object]:
    """What the definition of a version says, whatever the month."""
    levels = [catalogue.categories[level][1] for level in tag.category]
    return {
        "tag_code": tag.code,
        "tag_version": tag.version,
        "status": str(tag.status),
        "effective_from": tag.effective_from,
        "retired_from": tag.retired_from,
        "name_en": tag.name_en,
        "name_zh": tag.name_zh,
        "description_en": tag.description_en,
        "description_zh": tag.description_zh,
        "element": str(tag.element),
        **{f"category_{place}": level for place, level in enumerate(tag.category, 1)},
        "category_zh": " / ".join(dict.fromkeys(levels)),
        "kind": str(tag.kind),
        "target": tag.target,
        "purpose": tag.purpose,
        "shape": str(tag.shape),
        "type": str(tag.column.type),
        "tag_values": [value.value for value in tag.values],
        "value_names_en": [value.en for value in tag.values],
        "value_names_zh": [value.zh for value in tag.values],
        "rules": tag.rules,
        "is_by_rank": tag.is_by_rank,
        "inputs": list(tag.inputs),
        "owner": tag.owner,
        "sensitivity": str(tag.sensitivity),
        "lowered_by": tag.lowered_by.name if tag.lowered_by else None,
        "valid_months": tag.valid_months,
        "on_missing": str(tag.on_missing),
        "definition_hash": tag.definition_hash,
        "approved_by": tag.approved_by,
        "approval_reason": tag.approval_reason,
    }
