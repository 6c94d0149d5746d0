"""Records of one person, found by probability: Fellegi and Sunter's model, by splink.

Fellegi, Sunter (1969), A Theory for Record Linkage; its weights are learnt without labels by
expectation maximisation, as Enamorado, Fifield, Imai (2019) do, through splink 5 on DuckDB.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.comparing import blocking_keys, comparisons, key_codes
from portrait_assets.methods.linkage.person_columns import person_columns, person_texts

if TYPE_CHECKING:
    from splink import Linker

MIN_PAIRS = 1_000_000
PAIRS_PER_RECORD = 1
LEAST_MATCHES = 0.5
"""Fewest matches, and fewest other pairs, that a table is expected to have."""
FAINT = 1e-4
"""Match probability below which a pair is not looked at again."""
UNIQUE_ID = "unique_id"


@dataclass(frozen=True)
class LinkageSettings:
    """How linkage is trained and when two records are one person's.

    `threshold` is the least match probability of a pair that joins two persons; `max_pairs` is
    how many random pairs teach how often different persons agree, and `seed` chooses them.
    """

    threshold: float = 0.2
    seed: int = 1
    max_pairs: float = 5e5
    memory_gib: float = 4.0


@dataclass(frozen=True)
class LinkageModel:
    """A trained model as plain data: splink's settings, and matches to expect per record.

    The same kinds of columns are compared when it is used again.
    """

    settings: dict[str, Any]
    kinds: list[str]
    prior: float
    matches_per_record: float

    def to_json(self) -> str:
        """The model as text."""
        return json.dumps(self.__dict__, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> LinkageModel:
        """The model that `to_json` wrote."""
        return cls(**json.loads(text))


def prepare(records: pl.DataFrame, id_column: str) -> pl.DataFrame:
    """The records as they are compared: `unique_id` and one plain text per kind of column.

    Raises:
        PortraitError: when the table has too few known columns, or an identifier comes twice.
    """
    ids = records[id_column]
    if ids.null_count() or ids.is_duplicated().any():
        raise PortraitError(
            f"The column {id_column} must identify every record and has empty or repeated "
            "values; name another one, or number the rows."
        )
    return without_empty_columns(compared(records, id_column))


def compared(records: pl.DataFrame, id_column: str) -> pl.DataFrame:
    """`unique_id` and the plain texts of records, of which several may have one identifier.

    Raises:
        PortraitError: when the table has too few known columns.
    """
    ids = records[id_column].cast(pl.String).alias(UNIQUE_ID)
    known = person_columns([name for name in records.columns if name != id_column])
    return pl.concat([ids.to_frame(), person_texts(records, known)], how="horizontal")


def without_empty_columns(table: pl.DataFrame) -> pl.DataFrame:
    """The table without the columns that are null in every record."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)


def score(
    model: LinkageModel,
    new: pl.DataFrame,
    known: pl.DataFrame | None,
    settings: LinkageSettings,
    keys: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Pairs of new records, and of a new with a known one, that may be one person's.

    Args:
        model: what `train` gave.
        new: records as `prepare` gives them.
        known: further ones, not to be compared among themselves.
        settings: as in training.
        keys: `keys_of` the new and then the known records, where they are there already.

    Returns:
        `record_1` < `record_2` and `match_probability` of at least FAINT, best first.
    """
    old = pl.DataFrame() if known is None else known
    table = pl.concat(
        [new.with_columns(is_new=True), *([old.with_columns(is_new=False)] if len(old) else [])],
        how="diagonal",
    )
    table = _with_kinds(table, model.kinds)
    most = max(MIN_PAIRS, PAIRS_PER_RECORD * table.height)
    keys = blocking_keys(keys_of(table, model) if keys is None else keys, most)
    table = pl.concat([table.select(UNIQUE_ID, "is_new", *model.kinds), keys], how="horizontal")
    near = _near(table, keys.columns) if len(old) else table
    with open_linker(near, model.kinds, settings, model, keys.columns, table) as (linker, con):
        predicted = linker.inference.predict(threshold_match_probability=FAINT)
        pairs: pl.DataFrame = con.sql(
            f"SELECT least(unique_id_l, unique_id_r) AS record_1, "
            f"greatest(unique_id_l, unique_id_r) AS record_2, match_probability "
            f"FROM {predicted.physical_name}"
        ).pl()
    prior = share_of_pairs(model.matches_per_record * table.height, pair_count(table.height))
    return pairs.with_columns(
        pl.Series("match_probability", under_prior(pairs, model.prior, prior)).round(6)
    ).sort("match_probability", "record_1", "record_2", descending=[True, False, False])


def keys_of(table: pl.DataFrame, model: LinkageModel) -> pl.DataFrame:
    """`comparing.key_codes` of records, from the columns that the model compares."""
    return key_codes(_with_kinds(table, model.kinds).select(model.kinds))


def _with_kinds(table: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    missing = [kind for kind in kinds if kind not in table.columns]
    return table.with_columns(pl.lit(None, dtype=pl.String).alias(kind) for kind in missing)


def _near(table: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The new records, and of the others those that share a key with one of them."""
    new = table.filter("is_new")
    shared = [pl.col(key).is_in(new[key].drop_nulls().unique().implode()) for key in keys]
    return table.filter(pl.col("is_new") | pl.any_horizontal(shared).fill_null(False))


def _frequencies(table: pl.DataFrame, model: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """By column that is weighed by it, how frequent each of its values is among all records."""
    levels = [level for each in model["comparisons"] for level in each["comparison_levels"]]
    names = {level.get("tf_adjustment_column") for level in levels} - {None}
    counted = {
        name: table.lazy()
        .drop_nulls(name)
        .group_by(name)
        .agg((pl.len().cast(pl.Float64) / float(table[name].count())).alias(f"tf_{name}"))
        for name in sorted(names)
    }
    return dict(zip(counted, pl.collect_all(counted.values(), engine="streaming"), strict=True))


def under_prior(pairs: pl.DataFrame, before: float, prior: float) -> Any:
    """The match probabilities under another prior than the one that they were computed with."""
    probabilities = pairs["match_probability"].to_numpy().clip(0, 1 - 1e-15)
    shift = prior / (1 - prior) * (1 - before) / before
    odds = probabilities / (1 - probabilities) * shift
    return odds / (1 + odds)


def pair_count(records: int) -> float:
    """The pairs of so many records."""
    return records * (records - 1) / 2


def share_of_pairs(matches: float, pairs: float) -> float:
    """So many matches as a share of the pairs: no data can rule out a match, or prove one."""
    return min(max(matches, LEAST_MATCHES), pairs - LEAST_MATCHES) / pairs


@contextmanager
def open_linker(
    table: pl.DataFrame,
    kinds: list[str],
    settings: LinkageSettings,
    model: LinkageModel | None = None,
    keys: list[str] | None = None,
    everyone: pl.DataFrame | None = None,
    prior: float | None = None,
) -> Iterator[tuple[Linker, duckdb.DuckDBPyConnection]]:
    """Splink over these records; term frequencies are those of `everyone`, if given."""
    # Splink brings its charts with it, so it is imported only when something is linked.
    from splink import Linker, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    config = (
        dict(model.settings)
        if model
        else {
            "link_type": "dedupe_only",
            "comparisons": comparisons(kinds),
            "retain_matching_columns": False,
        }
    )
    if prior is not None:
        config["probability_two_random_records_match"] = prior
    config["blocking_rules_to_generate_predictions"] = [
        {
            "blocking_rule": f'l."{key}" = r."{key}" AND (l.is_new OR r.is_new)',
            "sql_dialect": "duckdb",
        }
        for key in keys or []
    ] or [block_on(kinds[0])]
    with duckdb.connect(config={"memory_limit": f"{settings.memory_gib}GiB"}) as con:
        engine = DuckDBAPI(con)
        registered = engine.register(table.to_arrow(), table_name="records")
        linker = Linker(
            registered, config, validate_settings=model is None, log_level=logging.ERROR
        )
        if everyone is not None:
            for name, frequencies in _frequencies(everyone, config).items():
                lookup = engine.register(frequencies.to_arrow(), table_name=f"frequency_{name}")
                linker.table_management.register_term_frequency_lookup(lookup, name)
        yield linker, con
