"""Classes of tags: the highest of what each reads, and what is withheld for its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from portrait_assets.schema.sensitivity import derived, highest
from portrait_assets.schema.table import Sensitivity
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag


def classified(catalogue: Catalogue, clearance: Sensitivity) -> Catalogue:
    """The catalogue with each tag in the class of what it reads, without those above the clearance.

    A tag's declared class counts like another input, and what an operation of the tag lowers is the
    class of the inputs.

    Args:
        catalogue: tags that do not read each other in a circle, with their declared classes.
        clearance: the highest class that a tag may have.
    """
    known = {name: column.sensitivity for name, column in catalogue.columns.items()}
    tags, before = list(catalogue.tags), None
    # Classes only rise, so this ends; tags may read tags, in values and in confidences.
    while tags != before:
        before = tags
        of_code = {
            tag.code: highest(each.sensitivity for each in tags if each.code == tag.code)
            for tag in tags
        }
        tags = [_with_inputs(tag, {**known, **of_code}) for tag in tags]
    above = {tag.code for tag in tags if highest([tag.sensitivity, clearance]) is not clearance}
    return replace(
        catalogue,
        tags=tuple(tag for tag in tags if tag.code not in above),
        withheld=tuple(tag for tag in tags if tag.code in above),
    )


def _with_inputs(tag: Tag, known: Mapping[str, Sensitivity]) -> Tag:
    of_inputs = derived((known[name] for name in tag.inputs if name in known), tag.lowered_by)
    return replace(tag, sensitivity=highest([tag.sensitivity, of_inputs]))
