"""Quasi-identifiers (准标识符): what others may know of a customer, and the tags that rest on it.

Which features and tags they are follows from what these are computed from:
`features/described/lineage.json` and the inputs of the tags' rules. Sweeney, k-anonymity: a model
for protecting privacy, 2002.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portrait_assets.core.errors import SourceError, suggestion
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.described.sensitivity import computed_from
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.definition import SourceDefinition
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.persons import CUSTOMERS, QUASI_IDENTIFIERS
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue

_SEGMENT = tuple(column.name for column in SEGMENT_COLUMNS)


@dataclass(frozen=True)
class QuasiIdentifiers:
    """What others may know of a customer: features, tags, and whether segments are named too.

    `reads` has, by code of a tag, what all its versions read.
    """

    features: frozenset[str]
    named: frozenset[str]
    reads: dict[str, frozenset[str]]

    def of_matrix(
        self,
        fitted_features: Iterable[str],
        listed: Mapping[str, Iterable[str]] | None = None,
        predicted_from: Mapping[str, Collection[str]] | None = None,
    ) -> frozenset[str]:
        """The columns of a portrait matrix that rest on quasi-identifiers.

        Args:
            fitted_features: those that the month's segments are decided by. Where one of them is
                a quasi-identifier, the segment rests on it, and so do tags that read it.
            listed: what tags read by the catalogue of the matrix's own file, by code.
            predicted_from: by column of predictions that tags read the features that models
                compute it from.
        """
        reads = dict(self.reads)
        for code, inputs in (listed or {}).items():
            reads[code] = reads.get(code, frozenset()) | set(inputs)
        found = set(self.named | self.features)
        if not self.features.isdisjoint(fitted_features) or not found.isdisjoint(_SEGMENT):
            found |= set(_SEGMENT)
        for name, inputs in (predicted_from or {}).items():
            if not self.features.isdisjoint(inputs):
                found.add(name)
        before: set[str] = set()
        while found != before:
            before = set(found)
            found |= {code for code, read in reads.items() if not read.isdisjoint(before)}
        return frozenset(found)


def quasi_identifiers(definition: SourceDefinition, catalogue: Catalogue) -> QuasiIdentifiers:
    """The quasi-identifiers of a source: those of every source, and those that it adds.

    Raises:
        SourceError: when it adds what is no column of a canonical table, feature or tag.
    """
    reads: dict[str, frozenset[str]] = {}
    for tag in catalogue.tags:
        reads[tag.code] = reads.get(tag.code, frozenset()) | set(tag.inputs)
    features = {feature.name for feature in FEATURES}
    columns = {f"{CUSTOMERS.name}.{name}" for name in QUASI_IDENTIFIERS}
    named: set[str] = set()
    for name in definition.quasi_identifiers:
        column = name if "." in name else f"{CUSTOMERS.name}.{name}"
        known = {*_columns(), *features, *reads, *_SEGMENT}
        if column in known:
            columns.add(column)
        if name in known - {column}:
            named.add(name)
        elif column not in known:
            spelt = {*known, *(each.name for each in CUSTOMERS.columns)}
            raise SourceError(
                f"{definition.place_of('quasi_identifiers')}: '{name}' is neither a column of a "
                f"canonical table, a feature nor a tag{suggestion(name, spelt)}; correct it."
            )
    cleaned = {each for column in columns for each in _cleaned(column)}
    rest = computed_from(FEATURES, cleaned, named & features)
    return QuasiIdentifiers(rest, frozenset(named), reads)


def source_quasi_identifiers(folder: Path, catalogue: Catalogue) -> QuasiIdentifiers:
    """The quasi-identifiers of the source whose folder this is.

    Raises:
        SourceError: as `load_source` and `quasi_identifiers`.
    """
    return quasi_identifiers(load_source(folder).definition, catalogue)


def _columns() -> set[str]:
    return {f"{t.name}.{column.name}" for t in CANONICAL_BY_NAME.values() for column in t.columns}


def _cleaned(column: str) -> tuple[str, ...]:
    """The columns of cleaned tables that hold a column of a canonical table."""
    table, _, name = column.partition(".")
    record = (f"cleaned.golden_record.{name}",) if table == CUSTOMERS.name else ()
    return (f"cleaned.{column}", *record)
