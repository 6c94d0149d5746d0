"""How two records are compared, column by column, and which pairs are compared at all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from portrait_assets.methods.linkage.person_columns import Kind

ALL_PAIRS = 1_200_000
NAME_CHARACTERS = 4
"""Of a Chinese name, of which one may be another; what comes after them is to be the same."""
_SINGLE = (
    *(Kind.ID, Kind.CARD, Kind.PHONE, Kind.EMAIL, Kind.BORN, Kind.FULL, Kind.FAMILY, Kind.GIVEN),
    *(Kind.ADDRESS, Kind.POSTCODE, Kind.PLACE),
)
Level = dict[str, object]
Comparison = dict[str, object]


def comparisons(columns: Iterable[str]) -> list[Comparison]:
    """A comparison for each text, as splink takes them, from the same down to anything else."""
    has_parts = {Kind.GIVEN, Kind.FAMILY} <= set(columns)
    result: list[Comparison] = []
    for name in columns:
        kind = Kind(name)
        if kind is Kind.FULL and has_parts:
            continue
        levels = [*_special(kind, has_parts), *_fuzzy(kind)]
        result.append(
            {
                "output_column_name": name,
                "comparison_levels": [
                    {
                        "sql_condition": f'"{name}_l" IS NULL OR "{name}_r" IS NULL',
                        "label_for_charts": "null",
                        "is_null_level": True,
                    },
                    {
                        "sql_condition": f'"{name}_l" = "{name}_r"',
                        "label_for_charts": "same",
                        **_by_frequency(name, kind),
                    },
                    *levels,
                    {"sql_condition": "ELSE", "label_for_charts": "other"},
                ],
            }
        )
    return result


_FREQUENCY = {
    *(Kind.GIVEN, Kind.FAMILY, Kind.FULL, Kind.PLACE, Kind.REGION, Kind.OCCUPATION),
    *(Kind.POSTCODE, Kind.ADDRESS, Kind.EMAIL),
}


def _by_frequency(name: str, kind: Kind) -> Level:
    """Agreement in a rare value is stronger evidence than in a common one."""
    if kind not in _FREQUENCY:
        return {}
    return {"tf_adjustment_column": name, "tf_adjustment_weight": 1.0}


def _level(label: str, sql: str) -> Level:
    return {"sql_condition": sql, "label_for_charts": label}


def _special(kind: Kind, has_parts: bool) -> list[Level]:
    """Levels for the mistakes that are typical of a kind."""
    match kind:
        case Kind.GIVEN | Kind.FAMILY if has_parts:
            return [
                _level(
                    "exchanged",
                    "given_name_l = surname_r AND surname_l = given_name_r",
                )
            ]
        case Kind.BORN:
            day_first = "substr({0}, 1, 4) || substr({0}, 7, 2) || substr({0}, 5, 2)"
            return [_level("day for month", f"birth_date_l = {day_first.format('birth_date_r')}")]
        case Kind.EMAIL:
            return [
                _level("same mailbox", "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)")
            ]
        case _:
            return []


def _fuzzy(kind: Kind) -> list[Level]:
    left, right = f'"{kind}_l"', f'"{kind}_r"'

    # DuckDB counts bytes, of which a Chinese character has three, and refuses texts of as many
    # characters and other bytes.
    same_length = f"strlen({left}) = strlen({right})"
    nearly = f"abs(length({left}) - length({right})) <= 2"
    edited = f"damerau_levenshtein({left}, {right})"

    def edits(most: int) -> Level:
        # Characters at the same places are counted much faster than edits are. Of CASE, DuckDB
        # computes for each pair only what decides, and splink, which brings ANDs and ORs into a
        # normal form each time that it trains, finds little to do.
        replaced = f"{same_length} AND hamming({left}, {right})"
        return _level(
            f"{most} edits",
            f"CASE WHEN {replaced} <= {most} THEN true WHEN {replaced} = 2 THEN {edited} = 1 "
            f"WHEN NOT {same_length} AND {nearly} THEN {edited} <= {most} ELSE false END",
        )

    def alike(least: float) -> Level:
        return _level(f"alike {least}", f"jaro_winkler_similarity({left}, {right}) >= {least}")

    begins = _level(
        "short form",
        f"length({left}) >= 2 AND length({right}) >= 2 AND "
        f"(starts_with({left}, {right}) OR starts_with({right}, {left}))",
    )
    match kind:
        case Kind.GIVEN | Kind.FAMILY:
            return [alike(0.92), begins, alike(0.8)]
        case Kind.FULL:
            return [_level("one other", _one_other(left, right)), alike(0.85)]
        case Kind.BORN:
            return [edits(1), edits(2)]
        case Kind.ID | Kind.CARD | Kind.PHONE:
            return [edits(1), edits(2)]
        case Kind.POSTCODE:
            return [edits(1), edits(2)]
        case Kind.EMAIL:
            return [alike(0.9)]
        case Kind.ADDRESS:
            return [alike(0.92), alike(0.8)]
        case Kind.PLACE | Kind.REGION | Kind.OCCUPATION:
            return [alike(0.88)]
        case _:
            return []


def _one_other(left: str, right: str) -> str:
    """SQL of whether one character is another; of a Chinese name's two or three one may be."""
    differing = " + ".join(
        f"CAST(substr({left}, {at}, 1) <> substr({right}, {at}, 1) AS INTEGER)"
        for at in range(1, NAME_CHARACTERS + 1)
    )
    after = NAME_CHARACTERS + 1
    return (
        f"CASE WHEN length({left}) <> length({right}) OR length({left}) = 0 THEN false "
        f"WHEN strlen({left}) = length({left}) AND strlen({right}) = length({right}) "
        f"THEN hamming({left}, {right}) = 1 "
        f"ELSE {differing} = 1 AND substr({left}, {after}) = substr({right}, {after}) END"
    )


def key_codes(texts: pl.DataFrame) -> pl.DataFrame:
    """The keys that pairs may share, numbered: what a person is known by, or two things joined."""
    return texts.select(
        numbered(key).alias(f"key_{number}") for number, key in enumerate(_keys(texts), 1)
    )


def numbered(texts: pl.Expr) -> pl.Expr:
    """A number from 1 for each text, which is counted and compared faster; null for null.

    Which number a text has means nothing. Two texts with one hash would share theirs: a pair more
    to compare, and none missed.
    """
    return pl.when(texts.is_not_null()).then(texts.hash()).rank("dense")


def blocking_keys(codes: pl.DataFrame, most_pairs: int) -> pl.DataFrame:
    """The keys of which a pair must share one to be compared, as columns key_1, key_2 and so on.

    In a small table all pairs are compared. In others the values of `key_codes` that would make a
    key give more than `most_pairs` pairs are left out, the commonest first: a value that many
    share is weak evidence, and joined to another column it still counts.
    """
    if codes.height * (codes.height - 1) // 2 <= ALL_PAIRS:
        return codes.select(pl.repeat("all", pl.len()).alias("key_1"))
    return codes.select(seldom(codes[name], most_pairs) for name in codes.columns)


def _keys(texts: pl.DataFrame) -> list[pl.Expr]:
    have = set(texts.columns)
    alone = [pl.col(k) for k in _SINGLE if k in have]
    if Kind.EMAIL in have:
        alone.append(pl.col(Kind.EMAIL).str.split("@").list.first())
    joined: list[pl.Expr] = []
    names = [pl.col(k) for k in (Kind.GIVEN, Kind.FAMILY) if k in have]
    if len(names) == 2:
        # In either order, for names that were exchanged, and by their beginnings.
        for parts in (names, [name.str.slice(0, 3) for name in names]):
            joined.append(pl.concat_str(pl.min_horizontal(parts), pl.max_horizontal(parts)))
    elif Kind.FULL in have:
        names = [pl.col(Kind.FULL)]
    if Kind.BORN in have:
        year, day = pl.col(Kind.BORN).str.slice(0, 4), pl.col(Kind.BORN).str.slice(4, 4)
        joined += [
            pl.concat_str(name.str.slice(0, 3), part) for name in names for part in (year, day)
        ]
    for place in (k for k in (Kind.POSTCODE, Kind.PLACE, Kind.REGION) if k in have):
        joined += [pl.concat_str(name.str.slice(0, 3), place) for name in names]
        if Kind.BORN in have:
            joined.append(pl.concat_str(year, pl.col(place)))
    return [*alone, *joined]


def seldom(codes: pl.Series, most_pairs: int) -> pl.Series:
    """The codes without the commonest, so that they give no more than `most_pairs` pairs.

    Of codes that are as common as each other those that come first are kept.
    """
    known = codes.drop_nulls().to_numpy()
    if not len(known):
        return codes
    times = np.bincount(known)
    codes_by_times = np.bincount(times).astype(np.int64)
    pairs = np.arange(len(codes_by_times)) * (np.arange(len(codes_by_times)) - 1) // 2
    limit = int(np.searchsorted(np.cumsum(codes_by_times * pairs), most_pairs, side="right"))
    is_kept = (times > 1) & (times < limit)
    if limit < len(pairs):
        left = most_pairs - int((codes_by_times * pairs)[:limit].sum())
        tied = known[times[known] == limit]
        first = np.sort(np.unique(tied, return_index=True)[1])
        is_kept[tied[first[: left // int(pairs[limit])]]] = True
    kept = pl.Series(is_kept).gather(codes)
    return pl.select(pl.when(kept).then(codes).alias(codes.name)).to_series()
