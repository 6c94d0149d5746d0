"""Months of records to customers: keys and linkage applied month by month, each as of its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from portrait_assets.methods.linkage.model import (
    LinkageModel,
    LinkageSettings,
    compared,
    keys_of,
    score,
    without_empty_columns,
)
from portrait_assets.methods.linkage.training import train
from portrait_assets.methods.personal_data.forms import forms_of
from portrait_assets.methods.personal_data.rules import person_rules
from portrait_assets.methods.typing.rows import type_rows
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.resolving.corrections import carried_forward
from portrait_assets.stages.identity.resolving.records import oldest_first
from portrait_assets.stages.identity.resolving.resolve import (
    Resolved,
    first_seen,
    key_pairs,
    new_identities,
    resolve,
)
from portrait_assets.stages.identity.resolving.review import active_decisions, read_review
from portrait_assets.stages.raw.definition import Identity
from portrait_assets.stages.raw.tables.persons import CUSTOMERS

FEWEST_RECORDS = 100
"""So many records are needed to learn how records of one person differ."""
_GROWN = 2
_NOTHING = pl.DataFrame()


@dataclass(frozen=True)
class Identified:
    """The rows of the three tables of identity for the requested months."""

    identity_map: pl.DataFrame
    aliases: pl.DataFrame
    models: pl.DataFrame


def identify(
    tables: Iterable[pl.LazyFrame],
    customers: pl.DataFrame,
    known: pl.DataFrame,
    models: pl.DataFrame,
    months: list[str],
    identity: Identity | None,
    conventions: Conventions,
    folder: Path,
) -> Identified:
    """Who the records of these months are.

    Args:
        tables: raw tables with `month` and `customer_id`, of the requested months.
        customers: raw.customers of all months up to the last requested one.
        known: the identity map of the months before the first.
        models: the linkage models of the months before the first.
        months: the requested months, in order.
        identity: how the source finds records of one person; None for by identifier alone.
        conventions: the conventions of the source (time zone, country, own rules).
        folder: the source's folder, where reviewers' decisions are.

    Raises:
        SourceError: when the reviewers' file cannot be used.
    """
    review = read_review(folder)
    if identity is None and review.is_empty():
        alone = new_identities(tables, known)
        return Identified(alone, CUSTOMER_ALIAS.empty(), LINKAGE_MODEL.empty())
    seen = first_seen(tables, known)
    records = _records(customers, conventions)
    texts = _Texts(records) if identity and identity.probabilistic else None
    maps, aliases, trained = [IDENTITY_MAP.empty()], [CUSTOMER_ALIAS.empty()], [models]
    for month in months:
        resolved = _month(
            month,
            seen.filter(pl.col("month") == month),
            pl.concat([known, *maps]),
            records,
            texts,
            trained,
            active_decisions(review, month),
            identity or Identity(keys=(), probabilistic=False),
        )
        maps.append(resolved.identity_map)
        aliases.append(resolved.aliases)
    own = pl.concat([LINKAGE_MODEL.empty(), *trained[1:]])
    return Identified(pl.concat(maps), pl.concat(aliases), own)


def _month(
    month: str,
    seen: pl.DataFrame,
    known: pl.DataFrame,
    records: pl.DataFrame,
    texts: _Texts | None,
    trained: list[pl.DataFrame],
    review: pl.DataFrame,
    identity: Identity,
) -> Resolved:
    # In the order of identifiers, for what a model learns of a sample depends on the order.
    present = (
        records.filter(pl.col("month") <= month)
        .unique("record_id", keep="last", maintain_order=True)
        .sort("record_id")
    )
    by_key = key_pairs(present, identity.keys)
    probable = _NOTHING
    if texts and present.height >= FEWEST_RECORDS:
        probable = _probable(month, present, texts, trained, identity)
    return resolve(month, seen, known, by_key, probable, review, identity.threshold)


def _records(customers: pl.DataFrame, conventions: Conventions) -> pl.DataFrame:
    """Every record of a customer, typed and checked, oldest first."""
    typed = type_rows(customers, CUSTOMERS, conventions, forms_of(conventions.country))
    checked = typed.against(person_rules(conventions.country)).without_duplicates()
    records = checked.kept.rename({"customer_id": "record_id"})
    ordered = carried_forward(oldest_first(records, "record_id"), "record_id")
    return ordered.with_row_index("place")


class _Texts:
    """What linkage compares of records, computed once for all months; `place` is the row."""

    def __init__(self, records: pl.DataFrame) -> None:
        about = records.drop(
            *("place", "month", "source_file", "source_row", "recorded_on", "joined_on"),
        )
        self._table = compared(about, "record_id")
        self._keys: dict[tuple[str, ...], pl.DataFrame] = {}

    def of(self, places: pl.Series) -> pl.DataFrame:
        """The texts of these records, without columns that are null in all of them."""
        return without_empty_columns(self._table[places])

    def keys(self, model: LinkageModel, places: pl.Series) -> pl.DataFrame:
        """The keys of these records."""
        kinds = tuple(model.kinds)
        if kinds not in self._keys:
            self._keys[kinds] = keys_of(self._table, model)
        return self._keys[kinds][places]


def _probable(
    month: str,
    present: pl.DataFrame,
    texts: _Texts,
    trained: list[pl.DataFrame],
    identity: Identity,
) -> pl.DataFrame:
    """Pairs of the month's records with each other and with those before.

    The model is the last one trained, or a new one where records have doubled since.
    """
    settings = LinkageSettings(identity.threshold, identity.seed, identity.max_pairs)
    table = texts.of(present["place"])
    is_new = present["month"] == month
    models = pl.concat(trained).filter(pl.col("month") <= month).sort("month")
    if models.is_empty() or table.height >= _GROWN * models["records"][-1]:
        result = train(table, settings)
        if result is None:
            return _NOTHING
        model, pairs = result
        row = {"month": month, "records": table.height, "model": model.to_json()}
        trained.append(pl.DataFrame([row], schema=LINKAGE_MODEL.polars_schema))
        ids = table.filter(is_new)["unique_id"].implode()
        return pairs.filter(pl.col("record_1").is_in(ids) | pl.col("record_2").is_in(ids))
    if not is_new.any():
        return _NOTHING
    model = LinkageModel.from_json(models["model"][-1])
    new, known = table.filter(is_new), table.filter(~is_new)
    places = pl.concat([present["place"].filter(is_new), present["place"].filter(~is_new)])
    return score(model, new, known, settings, texts.keys(model, places))
