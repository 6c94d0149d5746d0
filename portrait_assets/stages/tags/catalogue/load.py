"""The tag catalogue: read from YAML, overridden by the source, and checked before use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.errors import suggestion
from portrait_assets.core.source_folder import source_file
from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.expressions.expression import (
    Expression,
    ExpressionError,
    UnknownColumnError,
    parse,
)
from portrait_assets.schema.table import AS_OF, Column, Sensitivity, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.tags.catalogue.checking import check_catalogue
from portrait_assets.stages.tags.catalogue.classes.sensitivity import classified
from portrait_assets.stages.tags.catalogue.entries import (
    CatalogueFile,
    TagEntry,
    merged_entries,
    read_catalogue_file,
)
from portrait_assets.stages.tags.catalogue.governance import read_approvals, with_approvals
from portrait_assets.stages.tags.catalogue.inputs.permissions import MARKETING_ALLOWED
from portrait_assets.stages.tags.catalogue.inputs.predicted import predicted_columns
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.packs.pack import (
    Pack,
    chosen,
    default_packs,
    elsewhere,
    packs,
)
from portrait_assets.stages.tags.catalogue.tag import (
    Catalogue,
    Shape,
    Tag,
    TagError,
    TagValue,
    of_other_pack,
)
from portrait_assets.stages.targets.declared.outcomes import (
    Targets,
    packaged_targets,
    source_targets,
)


def load_catalogue(
    default: Path | None = None,
    overrides: Path | None = None,
    columns: Mapping[str, Column] | None = None,
    clearance: Sensitivity = Sensitivity.C2,
    approvals: Path | None = None,
    start: Sequence[Pack] | None = None,
    targets: Targets | None = None,
) -> Catalogue:
    """The tags of the packs with those of the source's file over them.

    An override of an existing version may change its names, owner, status or months; a new
    definition needs a new version, which inherits the fields that it does not give.

    Args:
        default: a file to start from instead of packs.
        overrides: the source's tags.yaml; a file that does not exist counts as none.
        columns: what expressions may read, by name; the feature matrix when None. Columns of
            the segment (segment_id, segment_name_en, ...), `marketing_allowed` and what is
            predicted are added.
        clearance: the highest class of tags; those that read what is above it are withheld.
        approvals: the source's tag_approvals.yaml, which activates drafts and retires tags; a file
            that does not exist counts as none.
        start: the packs to start from; all of them when None.
        targets: what a tag may stand for; the package's when None.

    Raises:
        TagError: naming the tag and the line, for anything that could not be evaluated.
    """
    start = tuple(packs().values()) if start is None else tuple(start)
    targets = targets or packaged_targets()
    own = read_catalogue_file(overrides) if overrides and overrides.exists() else None
    is_packaged = all(packs().get(pack.name) is pack for pack in start)
    is_packaged &= targets is packaged_targets()
    if is_packaged and default is None and own is None and columns is None:
        catalogue = _of_packs(tuple(pack.name for pack in start), clearance)
    else:
        known = columns if columns is not None else _feature_columns()
        given = read_catalogue_file(default) if default else None
        catalogue = _checked(start, given, own, known, clearance, targets)
    return with_approvals(catalogue, read_approvals(approvals)) if approvals else catalogue


@cache
def _of_packs(names: tuple[str, ...], clearance: Sensitivity) -> Catalogue:
    """The tags of these packs as they are, which a process need not check twice."""
    start = tuple(packs()[name] for name in names)
    return _checked(start, None, None, _feature_columns(), clearance, packaged_targets())


def _feature_columns() -> dict[str, Column]:
    return {column.name: column for column in FEATURE_MATRIX.columns}


def _checked(
    start: tuple[Pack, ...],
    default: CatalogueFile | None,
    own: CatalogueFile | None,
    known: Mapping[str, Column],
    clearance: Sensitivity,
    targets: Targets,
) -> Catalogue:
    """The tags of the packs, or of a file in their place, with the source's own over them."""
    readable = {name: column for name, column in known.items() if name != "customer_id"}
    readable |= {each.name: each for each in (AS_OF, *SEGMENT_COLUMNS, MARKETING_ALLOWED)}
    predicted = predicted_columns(targets)
    readable |= {name: each.column for name, each in predicted.items()}
    left_out = {} if default else elsewhere(start)
    entries, categories = merged_entries([default] if default else start, own, left_out)
    left_out = {
        code: pack for code, pack in left_out.items() if code not in {e.code for e in entries}
    }
    context = readable | _tag_columns(entries, {*readable, "customer_id"})
    tags = sorted(
        (_tag(entry, context, categories, left_out) for entry in entries),
        key=lambda tag: (tag.code, tag.version),
    )
    catalogue = Catalogue(
        tuple(tags),
        categories,
        readable,
        elsewhere=left_out,
        targets=targets,
        predicted=predicted,
    )
    check_catalogue(catalogue, context)
    return classified(catalogue, clearance)


def source_catalogue(folder: Path) -> Catalogue:
    """The catalogue for a source's folder: its packs with its `tags.yaml` and approvals.

    Raises:
        SourceError: as `load_source`.
        TagError: as `load_catalogue`, and for a pack that there is not.
        TargetError: as `source_targets`.
    """
    overrides, approvals = source_file(folder, "tags.yaml"), source_file(folder, APPROVALS_FILE)
    return load_catalogue(
        overrides=overrides if overrides.is_file() else None,
        approvals=approvals if approvals.is_file() else None,
        start=source_packs(load_source(folder)),
        targets=source_targets(folder),
    )


def source_packs(source: Source) -> tuple[Pack, ...]:
    """The packs that the source names, else those that fit the tables it provides.

    Raises:
        TagError: when it names one that there is not.
    """
    names = source.definition.packs
    if names is None:
        names = default_packs(source.provided)
    return chosen(names, source.definition.place_of("packs"))


def _tag_columns(entries: Sequence[TagEntry], reserved: set[str]) -> dict[str, Column]:
    """A column for each tag that others read: its type, and the values of all its versions."""
    columns: dict[str, Column] = {}
    for entry in entries:
        code = entry.code
        if code in reserved:
            raise TagError(
                f"{entry.place}: {code} is already the name of a column; rename the tag."
            )
        kind = Type.TEXTS if entry.shape is Shape.MANY else entry.value_type
        before = columns.get(code)
        if before is not None and before.type is not kind:
            raise TagError(
                f"{entry.place}: tag {code} version {entry.version} changes its type from "
                f"{before.type} to {kind}; give it another code."
            )
        known = before.allowed or () if before is not None else ()
        values = (each.value for each in entry.values)
        allowed = tuple(dict.fromkeys((*known, *values))) or None
        columns[code] = Column(code, kind, code, code, allowed=allowed)
    return columns


def _tag(
    entry: TagEntry,
    context: Mapping[str, Column],
    categories: Mapping[str, tuple[str, str]],
    left_out: Mapping[str, str],
) -> Tag:
    def expression(text: str, place: Place) -> Expression:
        try:
            return parse(text, context)
        except UnknownColumnError as error:
            remedy = of_other_pack(error.column, left_out) or error
            raise TagError(f"{place}: tag {entry.code}: {remedy}.") from None
        except ExpressionError as error:
            raise TagError(f"{place}: tag {entry.code}: {error}.") from None

    def optional(field: str, text: str | None) -> Expression | None:
        return None if text is None else expression(text, entry.place_of(field))

    values = (
        TagValue(
            value=each.value,
            en=each.en,
            zh=each.zh,
            when=expression(each.when, each.place_of("when")),
            place=each.place_of("when"),
        )
        for each in entry.values
    )
    return Tag(
        code=entry.code,
        version=entry.version,
        name_en=entry.name.en,
        name_zh=entry.name.zh,
        description_en=entry.description.en,
        description_zh=entry.description.zh,
        element=entry.element,
        category=_category(entry, categories),
        kind=entry.kind,
        target=entry.target,
        decides=entry.decides,
        purpose=entry.purpose,
        shape=entry.shape,
        type=entry.value_type,
        values=tuple(values),
        expression=optional("expression", entry.expression),
        confidence=optional("confidence", entry.confidence),
        owner=entry.owner,
        sensitivity=entry.sensitivity,
        lowered_by=entry.lowered_by.operation if entry.lowered_by else None,
        valid_months=entry.valid_months,
        on_missing=entry.on_missing,
        status=entry.status,
        effective_from=entry.effective_from,
        retired_from=entry.retired_from,
        place=entry.place,
    )


def _category(entry: TagEntry, categories: Mapping[str, tuple[str, str]]) -> tuple[str, str, str]:
    for level in entry.category:
        if level not in categories:
            raise TagError(
                f"{entry.place_of('category')}: tag {entry.code} has the category '{level}', "
                f"which categories does not name{suggestion(level, categories)}."
            )
    first, second, third = entry.category
    return first, second, third
