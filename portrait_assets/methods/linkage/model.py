"""Records of one person, found by probability: Fellegi and Sunter's model, trained by splink.

Fellegi, Sunter (1969), A Theory for Record Linkage; its weights are learnt without labels by
expectation maximisation, as Enamorado, Fifield, Imai (2019) do, through splink 5 on DuckDB.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.comparing import (
    blocking_keys,
    comparisons,
    key_codes,
    numbered,
    seldom,
)
from portrait_assets.methods.linkage.person_columns import Kind, person_columns, person_texts
from portrait_assets.methods.linkage.resolving import persons_of, within

if TYPE_CHECKING:
    from splink import Linker

MIN_PAIRS = 1_000_000
PAIRS_PER_RECORD = 1
ENOUGH_RULES = 2
"""Trained under two agreements, every column is learnt under one that is not its own."""
TAUGHT_PAIRS = 1_000_000
"""Most pairs that one agreement teaches from; its commonest values are left out."""
SURE_RECALL = 0.7
"""Share of the matches that agree in what few others share."""
LEAST_MATCHES = 0.5
"""Fewest matches, and fewest other pairs, that a table is expected to have."""
FAINT = 1e-4
"""Match probability below which a pair is not looked at again."""
SIGNIFICANT_DIGITS = 9
"""Digits that the probabilities of a model are rounded to."""
LINKS = {"record_1": pl.String, "record_2": pl.String, "match_probability": pl.Float64}
_UNIQUE_ID = "unique_id"


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


def link(
    records: pl.DataFrame, id_column: str, settings: LinkageSettings | None = None
) -> pl.DataFrame:
    """All pairs of records that are one person's, as far as their contents show.

    Args:
        records: one row per record, with an identifier and any of the usual columns about
            persons (`person_columns.NAMES`); other columns are not looked at.
        id_column: the column that identifies a record; no part of it is compared.
        settings: threshold and training; the defaults suit most tables.

    Returns:
        `record_1` and `record_2` (identifiers as text, record_1 < record_2) of every two
        records of one person, and `match_probability`, null where two records belong together
        only through others.

    Raises:
        PortraitError: when the table has too few known columns, or an identifier comes twice.
    """
    settings = settings or LinkageSettings()
    table = prepare(records, id_column)
    trained = train(table, settings)
    if trained is None:
        return pl.DataFrame(schema=LINKS)
    _, scored = trained
    persons = persons_of(scored, settings.threshold)
    probabilities = scored.select("record_1", "record_2", "match_probability")
    return within(persons).join(
        probabilities, on=["record_1", "record_2"], how="left", maintain_order="left"
    )


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
    ids = records[id_column].cast(pl.String).alias(_UNIQUE_ID)
    known = person_columns([name for name in records.columns if name != id_column])
    return pl.concat([ids.to_frame(), person_texts(records, known)], how="horizontal")


def without_empty_columns(table: pl.DataFrame) -> pl.DataFrame:
    """The table without the columns that are null in every record."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)


def train(
    table: pl.DataFrame, settings: LinkageSettings
) -> tuple[LinkageModel, pl.DataFrame] | None:
    """Learn from the records themselves how strong evidence each agreement and difference is.

    Returns:
        The model, and the pairs of these records as `score` gives them. None where no two
        records agree in what few others share: then there is nothing to learn from.
    """
    kinds = [name for name in table.columns if name != _UNIQUE_ID]
    prior = _sure_share(table, kinds, settings)
    if prior is None:
        return None
    rules = _training_rules(kinds)
    keys = pl.DataFrame([_taught(table, rule).alias(_key(rule)) for rule in rules])
    taught = pl.concat([table, keys], how="horizontal")
    with _linker(taught, kinds, settings, prior=prior) as (linker, _):
        _train(linker, kinds, settings)
        trained = _reproducible(linker.misc.save_model_to_json())
    draft = LinkageModel(trained, kinds, prior, prior * (table.height - 1) / 2)
    scored = score(draft, table, None, settings)
    calibrated = _expected_share(scored, _pairs(table.height))
    probabilities = pl.Series("match_probability", _under(scored, prior, calibrated)).round(6)
    model = LinkageModel(trained, kinds, prior, calibrated * (table.height - 1) / 2)
    return model, scored.with_columns(probabilities)


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
    table = pl.concat([table.select(_UNIQUE_ID, "is_new", *model.kinds), keys], how="horizontal")
    near = _near(table, keys.columns) if len(old) else table
    with _linker(near, model.kinds, settings, model, keys.columns, table) as (linker, con):
        predicted = linker.inference.predict(threshold_match_probability=FAINT)
        pairs: pl.DataFrame = con.sql(
            f"SELECT least(unique_id_l, unique_id_r) AS record_1, "
            f"greatest(unique_id_l, unique_id_r) AS record_2, match_probability "
            f"FROM {predicted.physical_name}"
        ).pl()
    prior = _share(model.matches_per_record * table.height, _pairs(table.height))
    return pairs.with_columns(
        pl.Series("match_probability", _under(pairs, model.prior, prior)).round(6)
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


def _under(pairs: pl.DataFrame, before: float, prior: float) -> Any:
    """The match probabilities under another prior than the one that they were computed with."""
    probabilities = pairs["match_probability"].to_numpy().clip(0, 1 - 1e-15)
    shift = prior / (1 - prior) * (1 - before) / before
    odds = probabilities / (1 - probabilities) * shift
    return odds / (1 + odds)


def _pairs(records: int) -> float:
    return records * (records - 1) / 2


def _share(matches: float, pairs: float) -> float:
    """So many matches as a share of the pairs: no data can rule out a match, or prove one."""
    return min(max(matches, LEAST_MATCHES), pairs - LEAST_MATCHES) / pairs


def _expected_share(scored: pl.DataFrame, pairs: float) -> float:
    """The share of matches: the one under which the probabilities add up to as many.

    The share of pairs that agree in everything underestimates them in dirty data.
    """
    first = prior = _share(max(float(scored["match_probability"].sum()), 1.0), pairs)
    for _ in range(100):
        expected = float(_under(scored, first, prior).sum())
        if abs(expected - prior * pairs) < 0.01 * expected:
            break
        prior = _share(expected, pairs)
    return prior


@contextmanager
def _linker(
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


def _sure_share(table: pl.DataFrame, kinds: list[str], settings: LinkageSettings) -> float | None:
    """The share of pairs that are one person's, by those that agree in what few others share.

    None where there is no such pair.
    """
    from splink import block_on

    pairs = _pairs(table.height)
    rules = _sure_rules(kinds)
    if not rules or not pairs:
        return None
    with _linker(table, kinds, settings) as (linker, _):
        try:
            linker.training.estimate_probability_two_random_records_match(
                [block_on(*rule) for rule in rules], SURE_RECALL
            )
        except ValueError:  # More of them agree than leaves room for those that do not.
            return _share(pairs, pairs)
        estimated = linker.misc.save_model_to_json()
    share = float(estimated["probability_two_random_records_match"])
    return _share(share * pairs, pairs) if share else None


def _train(linker: Linker, kinds: list[str], settings: LinkageSettings) -> None:
    from splink import block_on
    from splink.internals.exceptions import SplinkException

    linker.training.estimate_u_using_random_sampling(
        max_pairs=settings.max_pairs, seed=settings.seed, min_count_per_level=None
    )
    taught = 0
    trained = linker._settings_obj
    for rule in _training_rules(kinds):
        if taught == ENOUGH_RULES:
            break
        learnt = deepcopy(trained.core_model_settings)
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(_key(rule), *rule), record_sample_proportion=1.0
            )
        except (ValueError, SplinkException):
            # Where all pairs of a rule match, or none, it teaches nothing; the others do. Splink
            # then leaves the model without the rule's columns (test_upstream).
            trained.core_model_settings = learnt
            logging.getLogger(__name__).info("%s teaches nothing here", " and ".join(rule))
        else:
            taught += 1


def _reproducible(saved: dict[str, Any]) -> dict[str, Any]:
    """Splink's settings without what differs between two trainings on the same records.

    That is the linker's random identifier and, as the sums of several threads are added up in
    any order, the last digits of the probabilities.
    """
    settings = {key: value for key, value in saved.items() if key != "linker_uid"}
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            for name in ("m_probability", "u_probability"):
                if level.get(name) is not None:
                    level[name] = float(f"{level[name]:.{SIGNIFICANT_DIGITS}g}")
    return settings


def _key(rule: list[str]) -> str:
    return f"agree on {' and '.join(rule)}"


def _taught(table: pl.DataFrame, rule: list[str]) -> pl.Series:
    """The values that a rule agrees on, without the commonest."""
    values = table.select(numbered(pl.concat_str(rule, separator=" ")).alias("key"))
    return seldom(values["key"], TAUGHT_PAIRS)


def _sure_rules(kinds: list[str]) -> list[list[str]]:
    """Agreements that almost only records of one person have."""
    alone = [[str(k)] for k in (Kind.ID, Kind.CARD, Kind.EMAIL, Kind.PHONE) if k in kinds]
    name = _name(kinds)
    others = [str(k) for k in (Kind.BORN, Kind.POSTCODE, Kind.ADDRESS) if k in kinds]
    rules = [*alone, *([*name, other] for other in others if name)] or [name]
    return [rule for rule in rules if rule]


def _training_rules(kinds: list[str]) -> list[list[str]]:
    """Agreements among which about half the pairs are one person's, the best teachers first."""
    name = _name(kinds)
    singles = (Kind.POSTCODE, Kind.ADDRESS, Kind.EMAIL, Kind.PHONE, Kind.ID, Kind.PLACE)
    rules = [[str(Kind.BORN)] if Kind.BORN in kinds else [], name]
    return [rule for rule in (*rules, *([str(k)] for k in singles if k in kinds)) if rule]


def _name(kinds: list[str]) -> list[str]:
    if {Kind.GIVEN, Kind.FAMILY} <= set(kinds):
        return [str(Kind.GIVEN), str(Kind.FAMILY)]
    return [str(k) for k in (Kind.FULL, Kind.FAMILY, Kind.GIVEN) if k in kinds][:1]
