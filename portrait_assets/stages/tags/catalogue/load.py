"""The tag catalogue: read from YAML, overridden by the source, and checked before use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import parse_month
from portrait_assets.core.source_folder import source_file
from portrait_assets.methods.expressions.expression import (
    Expression,
    ExpressionError,
    parse,
    suggestion,
)
from portrait_assets.schema.table import (
    AS_OF,
    Column,
    Sensitivity,
    Type,
)
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.stages.tags.catalogue.checking import check_catalogue
from portrait_assets.stages.tags.catalogue.governance import (
    APPROVALS_FILE,
    read_approvals,
    with_approvals,
)
from portrait_assets.stages.tags.catalogue.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import (
    Catalogue,
    Kind,
    OnMissing,
    Shape,
    Status,
    Tag,
    TagError,
    TagValue,
)
from portrait_assets.stages.tags.catalogue.yaml_lines import Entry, read_yaml

DEFAULT_CATALOGUE = Path(__file__).with_name("catalogue.yaml")
_CODE = re.compile(r"[a-z][a-z0-9_]{1,62}")
_TYPES = {
    "text": Type.TEXT,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "money": Type.MONEY,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
}
_REQUIRED = (
    "code",
    "name",
    "description",
    "element",
    "category",
    "kind",
    "owner",
    "sensitivity",
    "valid_months",
    "on_missing",
    "status",
    "version",
)
_OPTIONAL = (
    "values",
    "many",
    "expression",
    "type",
    "confidence",
    "effective_from",
    "retired_from",
)
_PARTS = ("categories", "defaults", "tags")
_DEFINING = frozenset({"values", "many", "expression", "type", "confidence", "valid_months"})

_Chosen = TypeVar("_Chosen", bound=StrEnum)


@dataclass(frozen=True)
class _Draft:
    """One version of a tag as written, before its expressions can be read."""

    code: str
    version: int
    fields: Mapping[str, Entry]
    shape: Shape
    type: Type
    values: tuple[str, ...]
    entry: Entry


def load_catalogue(
    default: Path | None = None,
    overrides: Path | None = None,
    columns: Mapping[str, Column] | None = None,
    clearance: Sensitivity = Sensitivity.C2,
    approvals: Path | None = None,
) -> Catalogue:
    """The tags of the default catalogue with those of the source's file over them.

    An override of a version that is there may change its words, owner, status or months; a new
    definition needs a new version, which takes over the fields that it does not give.

    Args:
        default: the catalogue to start from; the package's own when None.
        overrides: the source's tags.yaml; a file that does not exist counts as none.
        columns: what expressions may read, by name; the feature matrix when None. Columns of
            the segment (segment_id, segment_name_en, ...) are added.
        clearance: the highest class of columns that tags may read.
        approvals: the source's tag_approvals.yaml, which puts drafts into force and retires
            tags; a file that does not exist counts as none.

    Raises:
        TagError: naming the tag and the line, for anything that could not be evaluated.
    """
    known = columns if columns is not None else {c.name: c for c in FEATURE_MATRIX.columns}
    readable = {name: column for name, column in known.items() if name != "customer_id"}
    readable |= {AS_OF.name: AS_OF} | {column.name: column for column in SEGMENT_COLUMNS}
    root = read_yaml(default or DEFAULT_CATALOGUE)
    categories = _categories(root)
    entries = _versions(root)
    if overrides is not None and overrides.exists():
        source = read_yaml(overrides)
        categories |= _categories(source)
        entries = _overridden(entries, source)
    drafts = [_draft(entry, set(readable)) for entry in entries.values()]
    context = readable | _tag_columns(drafts)
    tags = sorted(
        (_tag(draft, context, categories) for draft in drafts),
        key=lambda tag: (tag.code, tag.version),
    )
    catalogue = Catalogue(tuple(tags), categories, readable)
    check_catalogue(catalogue, context, clearance)
    return with_approvals(catalogue, read_approvals(approvals)) if approvals else catalogue


# -- files ---------------------------------------------------------------------------------


def source_catalogue(folder: Path) -> Catalogue:
    """The catalogue for a source's folder: the default one with its `tags.yaml` and approvals.

    Raises:
        TagError: as `load_catalogue`.
    """
    overrides, approvals = source_file(folder, "tags.yaml"), source_file(folder, APPROVALS_FILE)
    return load_catalogue(
        overrides=overrides if overrides.is_file() else None,
        approvals=approvals if approvals.is_file() else None,
    )


def _categories(root: Entry) -> dict[str, tuple[str, str]]:
    named = root.fields("the catalogue").get("categories")
    if named is None:
        return {}
    return {
        code: _bilingual(entry, f"the category {code}")
        for code, entry in named.fields("categories").items()
    }


def _tag_entries(root: Entry) -> list[Entry]:
    fields = root.fields("the catalogue")
    for name, entry in fields.items():
        if name not in _PARTS:
            raise TagError(
                f"{entry.place}: the catalogue has no part '{name}'{suggestion(name, _PARTS)}."
            )
    return fields["tags"].items("tags") if "tags" in fields else []


def _defaults(root: Entry) -> dict[str, Entry]:
    fields = root.fields("the catalogue")
    return fields["defaults"].fields("defaults") if "defaults" in fields else {}


def _identity(entry: Entry) -> tuple[str, int | None]:
    fields = entry.fields("a tag")
    if "code" not in fields:
        raise TagError(f"{entry.place}: a tag has no code; give it one.")
    version = fields.get("version")
    return fields["code"].text("code"), version.number("version") if version else None


def _versions(root: Entry) -> dict[tuple[str, int], Entry]:
    found: dict[tuple[str, int], Entry] = {}
    for given in _tag_entries(root):
        entry = Entry({**_defaults(root), **given.fields("a tag")}, given.place)
        code, version = _identity(entry)
        if version is None:
            raise TagError(f"{entry.place}: tag {code} has no version; give it one.")
        if (code, version) in found:
            raise TagError(
                f"{entry.place}: tag {code} version {version} stands twice, first on line "
                f"{found[code, version].place.line}; rename or remove one."
            )
        found[code, version] = entry
    return found


def _overridden(
    standing: dict[tuple[str, int], Entry], root: Entry
) -> dict[tuple[str, int], Entry]:
    merged = dict(standing)
    seen: set[tuple[str, int]] = set()
    for entry in _tag_entries(root):
        code, version = _identity(entry)
        known = [v for (c, v) in merged if c == code]
        version = version if version is not None else max(known, default=1)
        if (code, version) in seen:
            raise TagError(f"{entry.place}: tag {code} version {version} stands twice; remove one.")
        seen.add((code, version))
        given = entry.fields("a tag")
        base = merged[code, version if version in known else max(known)] if known else None
        changed = sorted(_DEFINING & given.keys())
        if base is not None and version in known and changed:
            raise TagError(
                f"{entry.place}: tag {code} version {version} is in use and {changed[0]} would "
                f"change it; write it as version {max(known) + 1}."
            )
        inherited = dict(base.fields("a tag")) if base is not None else _defaults(root)
        if version not in known:
            inherited = {k: v for k, v in inherited.items() if not k.endswith("_from")}
            if "expression" in given:
                inherited.pop("values", None)
            elif "values" in given:
                inherited.pop("expression", None)
        fields = {**inherited, **given, "version": Entry(version, entry.place)}
        merged[code, version] = Entry(fields, entry.place)
    return merged


# -- one tag -------------------------------------------------------------------------------


def _bilingual(entry: Entry, what: str) -> tuple[str, str]:
    fields = entry.fields(what)
    for language in ("en", "zh"):
        if language not in fields:
            raise TagError(f"{entry.place}: {what} has no '{language}'; give both en and zh.")
    return fields["en"].text(what), fields["zh"].text(what)


def _chosen(kinds: type[_Chosen], entry: Entry, code: str, field: str) -> _Chosen:
    text = entry.text(field)
    try:
        return kinds(text)
    except ValueError:
        options = [str(kind) for kind in kinds]
        raise TagError(
            f"{entry.place}: tag {code} has {field} '{text}'{suggestion(text, options)}; "
            f"it is one of {', '.join(options)}."
        ) from None


def _draft(entry: Entry, reserved: set[str]) -> _Draft:
    code, version = _identity(entry)
    fields = entry.fields("a tag")
    if not _CODE.fullmatch(code):
        raise TagError(
            f"{entry.place}: '{code}' is no code for a tag; use small letters, digits and _."
        )
    if code in reserved or code == "customer_id":
        raise TagError(f"{entry.place}: {code} is already the name of a column; rename the tag.")
    for name, field in fields.items():
        if name not in (*_REQUIRED, *_OPTIONAL):
            raise TagError(
                f"{field.place}: tag {code} has a field '{name}' that means nothing"
                f"{suggestion(name, (*_REQUIRED, *_OPTIONAL))}."
            )
    for name in _REQUIRED:
        if name not in fields:
            raise TagError(f"{entry.place}: tag {code} has no {name}; give it one.")
    assert version is not None
    if ("values" in fields) == ("expression" in fields):
        raise TagError(
            f"{entry.place}: tag {code} needs either values, each with its rule, or one expression."
        )
    if "expression" in fields:
        return _Draft(code, version, fields, Shape.OPEN, _open_type(entry, code), (), entry)
    many = fields["many"].value if "many" in fields else False
    if not isinstance(many, bool):
        raise TagError(f"{fields['many'].place}: many of tag {code} is either true or false.")
    values = tuple(_value_code(each, code) for each in fields["values"].items("values"))
    if not values:
        raise TagError(f"{fields['values'].place}: tag {code} has no value; give it one at least.")
    for position, value in enumerate(values):
        if value in values[:position]:
            place = fields["values"].items("values")[position].place
            raise TagError(f"{place}: tag {code} has the value '{value}' twice; remove one.")
    shape = Shape.MANY if many else Shape.ONE
    return _Draft(code, version, fields, shape, Type.TEXT, values, entry)


def _open_type(entry: Entry, code: str) -> Type:
    fields = entry.fields("a tag")
    if "type" not in fields:
        raise TagError(f"{entry.place}: tag {code} has an expression and no type; give its type.")
    text = fields["type"].text("type")
    if text not in _TYPES:
        raise TagError(
            f"{fields['type'].place}: tag {code} has type '{text}'{suggestion(text, _TYPES)}; "
            f"it is one of {', '.join(_TYPES)}."
        )
    return _TYPES[text]


def _value_code(entry: Entry, code: str) -> str:
    fields = entry.fields(f"a value of tag {code}")
    for name in ("value", "en", "zh", "when"):
        if name not in fields:
            shown = fields["value"].text("value") if "value" in fields else "a value"
            missing = "rule (when)" if name == "when" else name
            raise TagError(f"{entry.place}: {shown} of tag {code} has no {missing}; give it one.")
    for name, field in fields.items():
        if name not in ("value", "en", "zh", "when"):
            raise TagError(f"{field.place}: a value of tag {code} has no field '{name}'.")
    return fields["value"].text("value")


def _tag_columns(drafts: list[_Draft]) -> dict[str, Column]:
    """What other tags see of each tag: its type, and every value that a version may give."""
    columns: dict[str, Column] = {}
    for draft in drafts:
        kind = Type.TEXTS if draft.shape is Shape.MANY else draft.type
        before = columns.get(draft.code)
        if before is not None and before.type is not kind:
            raise TagError(
                f"{draft.entry.place}: tag {draft.code} version {draft.version} changes its type "
                f"from {before.type} to {kind}; give it another code."
            )
        known = before.allowed or () if before is not None else ()
        allowed = tuple(dict.fromkeys((*known, *draft.values))) or None
        columns[draft.code] = Column(draft.code, kind, draft.code, draft.code, allowed=allowed)
    return columns


def _tag(
    draft: _Draft, context: Mapping[str, Column], categories: Mapping[str, tuple[str, str]]
) -> Tag:
    fields, code = draft.fields, draft.code
    name_en, name_zh = _bilingual(fields["name"], f"the name of tag {code}")
    text_en, text_zh = _bilingual(fields["description"], f"the description of tag {code}")
    values = tuple(
        TagValue(
            value=draft.values[position],
            en=entry.fields("a value")["en"].text("en"),
            zh=entry.fields("a value")["zh"].text("zh"),
            when=_expression(entry.fields("a value")["when"], code, context),
            place=entry.fields("a value")["when"].place,
        )
        for position, entry in enumerate(fields["values"].items("values") if draft.values else [])
    )
    return Tag(
        code=code,
        version=draft.version,
        name_en=name_en,
        name_zh=name_zh,
        description_en=text_en,
        description_zh=text_zh,
        element=_chosen(Element, fields["element"], code, "element"),
        category=_category(fields["category"], code, categories),
        kind=_chosen(Kind, fields["kind"], code, "kind"),
        shape=draft.shape,
        type=draft.type,
        values=values,
        expression=_optional(fields.get("expression"), code, context),
        confidence=_optional(fields.get("confidence"), code, context),
        owner=fields["owner"].text("owner"),
        sensitivity=_chosen(Sensitivity, fields["sensitivity"], code, "sensitivity"),
        valid_months=fields["valid_months"].number(f"valid_months of tag {code}"),
        on_missing=_chosen(OnMissing, fields["on_missing"], code, "on_missing"),
        status=_chosen(Status, fields["status"], code, "status"),
        effective_from=_month(fields.get("effective_from"), code),
        retired_from=_month(fields.get("retired_from"), code),
        place=draft.entry.place,
    )


def _month(entry: Entry | None, code: str) -> str | None:
    if entry is None:
        return None
    try:
        return parse_month(str(entry.value))
    except PortraitError as error:
        raise TagError(f"{entry.place}: tag {code}: {error}") from None


def _category(
    entry: Entry, code: str, categories: Mapping[str, tuple[str, str]]
) -> tuple[str, str, str]:
    levels = [each.text("category") for each in entry.items(f"the category of tag {code}")]
    for level in levels:
        if level not in categories:
            raise TagError(
                f"{entry.place}: tag {code} has the category '{level}', which categories does not "
                f"name{suggestion(level, categories)}."
            )
    if len(levels) != 3:
        raise TagError(f"{entry.place}: tag {code} needs three levels of category.")
    return levels[0], levels[1], levels[2]


def _optional(entry: Entry | None, code: str, context: Mapping[str, Column]) -> Expression | None:
    return _expression(entry, code, context) if entry is not None else None


def _expression(entry: Entry, code: str, context: Mapping[str, Column]) -> Expression:
    try:
        return parse(entry.text(f"a rule of tag {code}"), context)
    except ExpressionError as error:
        raise TagError(f"{entry.place}: tag {code}: {error}.") from None
