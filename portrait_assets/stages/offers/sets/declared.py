"""The product sets of a source: those of the package's file, with its own over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portrait_assets.core.source_folder import source_file
from portrait_assets.methods.expressions.expression import Expression, ExpressionError, parse
from portrait_assets.schema.table import Column
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.sets.entries import OfferError, SetEntry, merged_sets
from portrait_assets.stages.offers.suitability.terms import STATED
from portrait_assets.stages.tags.audiences.condition import parse_audience
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.storage.duckdb.connection import error_message, quote, scratch_database

SETS_FILE = "product_sets.yaml"
"""The source's own product sets, beside its source.yaml."""
PACKAGED = Path(__file__).with_name("packaged.yaml")
PRODUCT_COLUMNS = {name: CLEANED["products"].column(name) for name in STATED}


@dataclass(frozen=True)
class ProductSet:
    """A product set; `highest_grade` is 1 to 5, and None where the set has none."""

    code: str
    en: str
    zh: str
    owner: str
    audience: Expression
    products: Expression
    highest_grade: int | None
    words: str
    service: str


def customer_columns(catalogue: Catalogue) -> dict[str, Column]:
    """What an audience may read, by name: tags, and features that no tag is called as."""
    tags = portrait_matrix_table(catalogue).all_columns
    return {column.name: column for column in (*FEATURE_MATRIX.all_columns, *tags)}


def source_sets(folder: Path, catalogue: Catalogue) -> tuple[ProductSet, ...]:
    """The product sets for a source's folder: the package's with its product_sets.yaml over them.

    Raises:
        OfferError: for what cannot be selected, naming file, line and remedy.
    """
    own = source_file(folder, SETS_FILE)
    entries = merged_sets(PACKAGED, own if own.is_file() else None)
    return declared_sets(entries, customer_columns(catalogue), catalogue.elsewhere)


def declared_sets(
    entries: Iterable[SetEntry],
    customers: Mapping[str, Column],
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[ProductSet, ...]:
    """The sets of these entries, their expressions checked.

    Args:
        entries: as the files have them.
        customers: what an audience may read, by name.
        elsewhere: by the code of tags that the source does not have, the pack that has it.

    Raises:
        OfferError: as `source_sets`.
    """
    with scratch_database(is_sealed=True) as con:
        return tuple(_declared(each, customers, elsewhere or {}, con) for each in entries)


def _declared(
    entry: SetEntry,
    customers: Mapping[str, Column],
    elsewhere: Mapping[str, str],
    con: duckdb.DuckDBPyConnection,
) -> ProductSet:
    try:
        audience = parse_audience(entry.audience, customers, elsewhere=elsewhere)
    except TagError as error:
        raise OfferError(
            f"{entry.place_of('audience')}: product set {entry.code}: {error}"
        ) from None
    try:
        products = parse(entry.products, PRODUCT_COLUMNS, ranks=False)
    except ExpressionError as error:
        raise OfferError(
            f"{entry.place_of('products')}: product set {entry.code}: its products cannot be "
            f"selected: {error}."
        ) from None
    _check_type(entry, "audience", audience, customers, con)
    _check_type(entry, "products", products, PRODUCT_COLUMNS, con)
    grade = entry.rule.highest_grade
    return ProductSet(
        code=entry.code,
        en=entry.name.en,
        zh=entry.name.zh,
        owner=entry.owner,
        audience=audience,
        products=products,
        highest_grade=int(grade[1:]) if grade else None,
        words=entry.rule.words,
        service=entry.rule.service,
    )


def _check_type(
    entry: SetEntry,
    key: str,
    expression: Expression,
    columns: Mapping[str, Column],
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Have DuckDB bind the expression to columns of these types."""
    nulls = ", ".join(
        f"CAST(NULL AS {columns[name].type}) AS {quote(name)}" for name in expression.columns
    )
    at = f"{entry.place_of(key)}: product set {entry.code}: its {key}"
    try:
        row = con.execute(f"SELECT typeof({expression.sql}) FROM (SELECT {nulls or '1'})")
        ((kind,),) = row.fetchall()
    except duckdb.Error as error:
        raise OfferError(
            f"{at} cannot be selected: types clash ({error_message(error)})."
        ) from None
    if kind != "BOOLEAN":
        raise OfferError(
            f"{at} '{expression.text}' gives {kind}; write a condition that is true or false."
        )
