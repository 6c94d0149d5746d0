"""Training of a linkage model: what the records themselves show about agreement and difference.

Weights are learnt without labels by expectation maximisation, as Enamorado, Fifield, Imai (2019),
"Using a Probabilistic Model to Assist Merging of Large-scale Administrative Records", do.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import polars as pl

from portrait_assets.methods.linkage.comparing import numbered, seldom
from portrait_assets.methods.linkage.model import (
    UNIQUE_ID,
    LinkageModel,
    LinkageSettings,
    open_linker,
    pair_count,
    score,
    share_of_pairs,
    under_prior,
)
from portrait_assets.methods.linkage.person_columns import Kind

if TYPE_CHECKING:
    from splink import Linker

ENOUGH_RULES = 2
"""Trained under two agreements, every column is learnt under one that is not its own."""
TAUGHT_PAIRS = 1_000_000
"""Most pairs that one agreement teaches from; its commonest values are left out."""
SURE_RECALL = 0.7
"""Share of the matches that agree in what few others share."""
PARTED = 0.9
"""Share of full names with several words from which on they are compared word by word: a name of
one word, as Chinese ones are, would then be compared with none."""
SIGNIFICANT_DIGITS = 9
"""Digits that the probabilities of a model are rounded to."""


def train(
    table: pl.DataFrame, settings: LinkageSettings
) -> tuple[LinkageModel, pl.DataFrame] | None:
    """Learn from the records themselves how strong evidence each agreement and difference is.

    Returns:
        The model, and the pairs of these records as `score` gives them. None where no two
        records agree in what few others share: then there is nothing to learn from.
    """
    table = with_names_alike(table)
    kinds = [name for name in table.columns if name != UNIQUE_ID]
    prior = _sure_share(table, kinds, settings)
    if prior is None:
        return None
    rules = _training_rules(kinds)
    keys = pl.DataFrame([_taught(table, rule).alias(_key(rule)) for rule in rules])
    taught = pl.concat([table, keys], how="horizontal")
    with open_linker(taught, kinds, settings, prior=prior) as (linker, _):
        _train(linker, kinds, settings)
        trained = _reproducible(linker.misc.save_model_to_json())
    draft = LinkageModel(trained, kinds, prior, prior * (table.height - 1) / 2)
    scored = score(draft, table, None, settings)
    calibrated = _expected_share(scored, pair_count(table.height))
    probabilities = pl.Series("match_probability", under_prior(scored, prior, calibrated)).round(6)
    model = LinkageModel(trained, kinds, prior, calibrated * (table.height - 1) / 2)
    return model, scored.with_columns(probabilities)


def with_names_alike(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the parts of full names where nearly all have several, and else without."""
    parts = [str(Kind.GIVEN), str(Kind.FAMILY)]
    if not {Kind.FULL, *parts} <= set(table.columns):
        return table
    is_parted = table[Kind.GIVEN].count() >= PARTED * table[Kind.FULL].count()
    return table if is_parted else table.drop(parts)


def _expected_share(scored: pl.DataFrame, pairs: float) -> float:
    """The share of matches: the one under which the probabilities add up to as many.

    The share of pairs that agree in everything underestimates them in dirty data.
    """
    first = prior = share_of_pairs(max(float(scored["match_probability"].sum()), 1.0), pairs)
    for _ in range(100):
        expected = float(under_prior(scored, first, prior).sum())
        if abs(expected - prior * pairs) < 0.01 * expected:
            break
        prior = share_of_pairs(expected, pairs)
    return prior


def _sure_share(table: pl.DataFrame, kinds: list[str], settings: LinkageSettings) -> float | None:
    """The share of pairs that are one person's, by those that agree in what few others share.

    None where there is no such pair.
    """
    from splink import block_on

    pairs = pair_count(table.height)
    rules = _sure_rules(kinds)
    if not rules or not pairs:
        return None
    with open_linker(table, kinds, settings) as (linker, _):
        try:
            linker.training.estimate_probability_two_random_records_match(
                [block_on(*rule) for rule in rules], SURE_RECALL
            )
        except ValueError:  # More of them agree than leaves room for those that do not.
            return share_of_pairs(pairs, pairs)
        estimated = linker.misc.save_model_to_json()
    share = float(estimated["probability_two_random_records_match"])
    return share_of_pairs(share * pairs, pairs) if share else None


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
