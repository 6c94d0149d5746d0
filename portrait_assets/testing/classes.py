"""What each column of each table is computed from, and which have a class below that.

The finest that is known counts: for cleaned tables the raw columns of the same name, for features
and tags the columns that their SQL and rules read, and for all others every column of every table
that their step reads, identifiers left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from portrait_assets.orchestration.definitions import upstream_tables
from portrait_assets.schema.sensitivity import too_low
from portrait_assets.schema.table import Column, Sensitivity, Table
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.clusters.wealth.contract import WEALTH_SEGMENT
from portrait_assets.stages.clusters.wealth.inputs import OF_PERSONS
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.described.sensitivity import lineage, read_by
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.targets.contract import PRODUCT_TARGET, SOURCE_OUTCOME, STORED
from portrait_assets.stages.targets.declared.outcomes import FACTS
from portrait_assets.storage.dagster.room import Context

_OF_RAW = re.compile("_original$")
_CLEANED = {table.full_name for table in CLEANED.values()}
_TAKEN = {(WEALTH_SEGMENT.schema, GOLDEN_RECORD.full_name): OF_PERSONS}
"""By room and table the columns that are read of it, where those are few of many."""
_FEATURES = {feature.name for feature in FEATURES}


@dataclass(frozen=True)
class Inputs:
    """What columns are computed from, by the tables of a context."""

    tables: Mapping[str, Table]
    upstream: Mapping[str, Iterable[str]]
    catalogue: Catalogue

    def of(self, table: Table, column: Column) -> list[Column]:
        """The columns that a column of the table is computed from."""
        if table.schema == "raw":
            return []
        known = list(self._known(table, column))
        return known if known or self._has_no_inputs(table, column) else list(self._of_step(table))

    def _has_no_inputs(self, table: Table, column: Column) -> bool:
        """Whether it is known that nothing of a customer is read for it."""
        own = f"{table.name}.{column.name}"
        is_of_cleaned = table.schema == "cleaned" and table.name in CLEANED
        is_feature = table.name == FEATURE_MATRIX.name and column.name in _FEATURES
        is_tag = any(tag.code == column.name for tag in self.catalogue.tags)
        return own in lineage() or is_of_cleaned or is_feature or is_tag

    def _known(self, table: Table, column: Column) -> Iterator[Column]:
        if table.full_name in (*_CLEANED, GOLDEN_RECORD.full_name):
            return self._named([self._received(table, column)])
        if table.full_name == FEATURE_MATRIX.full_name:
            return self._of_feature(column)
        if table.full_name == self._matrix.full_name:
            return self._of_tags(column)
        if table in STORED.values():
            return self._named(self._of_facts(table, column))
        if table.full_name == SOURCE_OUTCOME.full_name:
            return self._named([f"cleaned.outcomes.{column.name}"])
        return self._named(lineage().get(f"{table.name}.{column.name}", ()))

    def _of_facts(self, table: Table, column: Column) -> Iterator[str]:
        """The columns of months that a column of a table of targets is added up from."""
        (months,) = (of for of, stored in STORED.items() if stored is table)
        if table is PRODUCT_TARGET:
            yield from ("cleaned.balances.product_id", "cleaned.products.category")
            months = "customer_category_month"
        facts = [fact for fact in FACTS if fact.of == months and fact.name == column.name]
        words = {word for fact in facts for word in fact.words} or {column.name}
        yield from (f"features.{months}.{word}" for word in words)

    @cached_property
    def _matrix(self) -> Table:
        return portrait_matrix_table(self.catalogue)

    @cached_property
    def _viewed(self) -> dict[str, str]:
        """What shows a stored table, by its name."""
        return {each.stored.full_name: each.full_name for each in self.tables.values()}

    def _of_step(self, table: Table) -> Iterator[Column]:
        is_of_tags = table.schema == self._matrix.schema
        read = self.upstream[self._viewed.get(table.full_name, table.full_name)]
        for name in (*read, *((self._matrix.full_name,) if is_of_tags else ())):
            if name in self.tables:
                taken = _TAKEN.get((table.schema, name), _inputs_among(self.tables[name]))
                yield from (
                    c for c in self.tables[name].columns if c.name in taken and not c.identifies
                )

    def _of_feature(self, column: Column) -> Iterator[Column]:
        for feature in FEATURES:
            if feature.name == column.name:
                yield from self._named(read_by(feature))
                words = re.findall(r"[a-z_0-9]+", feature.sql)
                yield from (FEATURE_MATRIX.column(f.name) for f in FEATURES if f.name in words)

    def _of_tags(self, column: Column) -> Iterator[Column]:
        versions = [tag for tag in self.catalogue.tags if tag.code == column.name]
        codes = {each.name: each for each in self.catalogue.matrix_columns}
        for tag in versions:
            for name in tag.inputs:
                yield self.catalogue.columns.get(name) or codes[name]

    def _received(self, table: Table, column: Column) -> str:
        name = _OF_RAW.sub("", column.name)
        if table.full_name == GOLDEN_RECORD.full_name:
            return f"cleaned.customers.{name}"
        return f"raw.{table.name}.{name}"

    def _named(self, names: Iterable[str]) -> Iterator[Column]:
        """The columns of these names, as schema.table.column, that there are."""
        for name in names:
            table, _, column = name.rpartition(".")
            if table in self.tables and column in self.tables[table].column_names:
                yield self.tables[table].column(column)


def _inputs_among(table: Table) -> Collection[str]:
    """The columns that steps read; private features are inputs of no segment, model or offer."""
    private = table.private if table.full_name == FEATURE_MATRIX.full_name else ()
    return set(table.column_names).difference(private)


def inputs_of(context: Context) -> Inputs:
    """What all columns of the context's tables are computed from."""
    tables = {table.full_name: table for table in context.tables}
    return Inputs(tables, upstream_tables(context), context.folder.read(source_catalogue))


def columns_too_low(inputs: Inputs) -> list[str]:
    """Each column of a class below that of its inputs with no operation between, in a sentence."""

    def classes_of(table: Table) -> Iterator[str]:
        def of(column: Column) -> list[Sensitivity]:
            return [each.sensitivity for each in inputs.of(table, column)]

        for column, least in too_low(table, of):
            yield (
                f"{table.full_name}.{column.name} is {column.sensitivity}, and what it is computed "
                f"from is {least}"
            )

    tables = {each.full_name: each for of in inputs.tables.values() for each in (of, of.stored)}
    return [line for table in tables.values() for line in classes_of(table)]
