"""The reference pages of the site, made from contracts, catalogues, commands and docstrings.

A hook of mkdocs: nothing is written to the disk but the site itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import typer.main
from typer.cli import get_docs_for_click

import portrait_assets
from portrait_assets.app.cli import root as cli
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.sensitivity import OPERATIONS, operation_of
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.declared.feature import Element, Feature
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.packs.pack import CORE, Pack, packs
from portrait_assets.stages.tags.catalogue.tag import Tag

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PACKAGE = Path(portrait_assets.__file__).parent
LAYERS = (
    *("core", "schema", "methods", "storage", "privacy"),
    *("stages/raw", "stages/cleaned", "stages/features"),
    *("stages/clusters", "stages/tags", "stages/validation", "stages/mart"),
    *("synthetic", "orchestration", "app", "testing"),
)
ELEMENTS = {
    Element.ENTITY: "who the customer is",
    Element.SYMBOL: "what the customer does",
    Element.CONCEPT: "what the customer values",
    Element.PRINCIPLE: "how the customer reacts",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages to the site's files; called by mkdocs."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=page()))
    return files


def tables() -> str:
    """Every table with its columns, in the order of the flow."""
    every = context_of(Settings(source="corner_shop")).tables
    lines = [
        "# Tables",
        "",
        "Every table is partitioned by month. *Published* ones are in `portrait.duckdb`, where "
        "each carries these words as its COMMENT; the others are in `warehouse.duckdb` "
        "only. Sensitivity is C1 (low) to C3 (high), as in JR/T 0171-2020.",
        "",
    ]
    for schema in dict.fromkeys(table.schema for table in every):
        lines += [f"## {schema}", ""]
        for table in every:
            if table.schema == schema:
                lines += [*_table_section(table), ""]
    return "\n".join(lines)


def _table_section(table: Table) -> Iterator[str]:
    yield f"### {table.full_name}"
    yield ""
    published = "Published. " if table.published else ""
    key = f"A row is one {', '.join(table.key)}. " if table.key else ""
    yield f"{table.en}. {table.zh}。 {published}{key}".strip()
    yield ""
    yield from _grid(
        ("column", "type", "meaning", "含义", "may be null", "class", "lowered by"),
        (
            (
                f"`{c.name}`",
                str(c.type),
                _meaning(c),
                c.zh,
                _yes(c.nullable),
                c.sensitivity.name,
                _lowered_by(table, c),
            )
            for c in table.all_columns
        ),
    )


def _lowered_by(table: Table, column: Column) -> str:
    operation = operation_of(table, column)
    return operation.name if operation else ""


def operations() -> str:
    """Every operation that lowers a class."""
    lines = [
        "# Operations that lower a class",
        "",
        "A column has the highest sensitivity class of what it is computed from. Only these "
        "operations lower it, and only so far; a column or a tag names the one that gives it.",
        "",
        *_grid(
            ("operation", "lowers", "what is left", "保留内容", "condition"),
            (
                (
                    f"`{each.name}`",
                    ", ".join(f"{a.name} to {b.name}" for a, b in each.lowers.items()),
                    each.en,
                    each.zh,
                    each.condition,
                )
                for each in OPERATIONS.values()
            ),
        ),
    ]
    return "\n".join(lines)


def _meaning(column: Column) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    allowed = f": {', '.join(column.allowed)}" if column.allowed else ""
    return f"{column.en}{unit}{allowed}"


def features() -> str:
    """Every feature by element, with its window and formula."""
    lines = [
        "# Features",
        "",
        f"{len(FEATURES)} columns of `features.feature_matrix`, one row per customer and month. "
        "Each looks back from `as_of` over its window and uses nothing that happened later.",
    ]
    for element, what in ELEMENTS.items():
        found = [feature for feature in FEATURES if feature.element is element]
        lines += ["", f"## {element}: {what}", ""]
        lines += _grid(
            ("feature", "name", "名称", "window", "formula", "unit", "null means"),
            map(_feature_line, found),
        )
    return "\n".join(lines)


def _feature_line(feature: Feature) -> tuple[str, ...]:
    window = f"{feature.window_months} months" if feature.window_months else "all history"
    return (
        f"`{feature.name}`",
        feature.en,
        feature.zh,
        window,
        feature.formula,
        feature.unit or "",
        feature.null_means,
    )


def tags() -> str:
    """Every tag of the packs, pack by pack and by element, with the rule of each value."""
    catalogue = load_catalogue()
    lines = [
        "# Tags",
        "",
        "Tags come in packs. Every source has the core; `packs` in its source.yaml names the "
        "others, and its `tags.yaml` adds to them. The first value whose rule is true wins. "
        "`rank_share(x)` is the share of customers with a lower x, and `money(x)` is x with the "
        "digits that amounts of money have.",
    ]
    for name, pack in packs().items():
        own = sorted((t for t in catalogue.tags if t.code in pack.codes), key=lambda t: t.code)
        lines += ["", f"## {name}: {pack.title.en} / {pack.title.zh}", "", _fits(pack)]
        for element, what in ELEMENTS.items():
            if found := [tag for tag in own if tag.element is element]:
                lines += ["", f"### {element}: {what}", ""]
                for tag in found:
                    lines += [*_tag_section(tag), ""]
    return "\n".join(lines)


def _fits(pack: Pack) -> str:
    if pack.name == CORE:
        return "Every source has it."
    if not pack.default_with:
        return "A source has it that names it."
    without = f" and not {' or '.join(pack.default_without)}" if pack.default_without else ""
    provided = " or ".join(pack.default_with)
    return f"A source that names no packs has it if it provides {provided}{without}."


def _tag_section(tag: Tag) -> Iterator[str]:
    yield f"#### {tag.code}"
    yield ""
    yield (
        f"{tag.name_en} / {tag.name_zh}. A {tag.kind} tag, version {tag.version}, {tag.status}, "
        f"owned by {tag.owner}, class {tag.sensitivity.name}."
        + (f" It stands for {tag.target}." if tag.target else "")
        + (" Shares of its values are set by rank." if tag.is_by_rank else "")
    )
    yield ""
    if tag.values:
        yield from _grid(
            ("value", "name", "名称", "when"),
            ((f"`{v.value}`", v.en, v.zh, _code(v.when.text)) for v in tag.values),
        )
    elif tag.expression is not None:
        yield f"Value: {_code(tag.expression.text)}"
    if tag.confidence is not None:
        yield ""
        yield f"Confidence: {_code(tag.confidence.text)}"


def commands() -> str:
    """Every command as `--help` tells it."""
    command = typer.main.get_command(cli.app)
    context = typer.Context(command, info_name="portrait")
    text = get_docs_for_click(obj=command, ctx=context, name="portrait", title="Commands")
    return f"{text}\n{_settings_section()}"


def _settings_section() -> str:
    def default(value: object) -> str:
        return "" if value is None else f"`{value}`"

    rows = (
        (f"`PORTRAIT_{name.upper()}`", default(field.default))
        for name, field in Settings.model_fields.items()
        if name != "bounds"
    )
    bounds = (
        (f"`PORTRAIT_BOUNDS__{name.upper()}`", default(field.default))
        for name, field in type(Settings().bounds).model_fields.items()
    )
    grid = _grid(("environment variable", "default"), (*rows, *bounds))
    return "\n".join(["## Settings", "", *grid])


def code() -> str:
    """What every module is for, by layer; a layer imports only those above it."""
    lines = [
        "# Code",
        "",
        "What each module is for, and what it offers. A layer imports only the layers before it.",
    ]
    for layer in LAYERS:
        lines += ["", f"## {layer}"]
        for path in sorted((PACKAGE / layer).rglob("*.py")):
            if path.name != "__init__.py":
                lines += ["", *_module_section(path)]
    return "\n".join(lines)


def _module_section(path: Path) -> Iterator[str]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    yield f"### {path.relative_to(PACKAGE).with_suffix('').as_posix()}"
    yield ""
    yield _first(module)
    offered = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    if offered:
        yield ""
    for node in offered:
        yield f"- `{node.name}`: {_first(node)}"


def _first(node: ast.Module | ast.FunctionDef | ast.ClassDef) -> str:
    """The first paragraph of the docstring, in which < and > are text."""
    text = (ast.get_docstring(node) or "").split("\n\n")[0]
    return " ".join(text.split()).replace("<", "&lt;").replace("[", "\\[")


def _grid(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [heads, ("---",) * len(heads), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


PAGES: dict[str, Callable[[], str]] = {
    "tables": tables,
    "features": features,
    "tags": tags,
    "operations": operations,
    "commands": commands,
    "code": code,
}
