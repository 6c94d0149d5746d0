"""Expressions that features share, as DuckDB SQL: ratios, shares and shrinkage towards the base.

Ratios are taken of exact sums and rounded once, so that equal inputs give equal contents. SQL's
least and greatest pass over null, so every expression first tests for a value.
"""

from __future__ import annotations

from portrait_assets.stages.raw.tables.trade import RETURN_KINDS
from portrait_assets.storage.duckdb.connection import literals

DIGITS = 6
WORTH = "coalesce(amount, amount_original)"
"""What a transaction is worth: where its currency has no rate, the stated amount shows its sign."""
GIVES_BACK = (
    f"coalesce({WORTH} < 0, false) OR cancels IS NOT NULL "
    f"OR coalesce(kind IN ({literals(RETURN_KINDS)}), false)"
)
"""Whether a transaction gives back what was bought."""
Z_95 = 1.959964
"""Standard errors to each side of a 95 % interval."""


def ratio(part: str, whole: str) -> str:
    """part / whole; null where the whole is not above zero."""
    return f"CASE WHEN {whole} > 0 THEN round({_number(part)} / {_number(whole)}, {DIGITS}) END"


def share(part: str, whole: str) -> str:
    """`ratio` held within 0 and 1, which returned goods can push it out of."""
    return f"CASE WHEN {whole} > 0 THEN round({_clipped(part, whole)}, {DIGITS}) END"


def share_low(part: str, count: str) -> str:
    """The lower limit of the 95 % interval of a share of so many observations.

    Null without an observation, or where the part is not known.

    E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    half = Z_95**2 / 2
    share = _clipped(part, count)
    spread = f"sqrt({count} * {share} * (1 - {share}) + {half / 2})"
    low = f"({count} * {share} + {half} - {Z_95} * {spread}) / ({count} + {2 * half})"
    return (
        f"CASE WHEN {count} > 0 AND {part} IS NOT NULL THEN round(greatest({low}, 0), {DIGITS}) END"
    )


def shrunk_share(
    part: str, whole: str, count: str, base_part: str, base_whole: str, weight: float
) -> str:
    """A share moved towards the base's as if it had that share in `weight` more observations.

    (count x share + weight x base share) / (count + weight), null without an observation.

    Args:
        part: what is measured of the customer.
        whole: what it is a part of.
        count: the observations behind it.
        base_part: the same as `part` of all customers.
        base_whole: the same as `whole` of all customers.
        weight: how many observations the base counts for.
    """
    base = _clipped(base_part, base_whole)
    return (
        f"CASE WHEN {count} > 0 AND {whole} > 0 AND {base_whole} > 0 THEN round("
        f"({count} * {_clipped(part, whole)} + {weight} * {base}) / ({count} + {weight}), "
        f"{DIGITS}) END"
    )


def shrunk_ratio(
    part: str, whole: str, count: str, base_part: str, base_whole: str, weight: float
) -> str:
    """`shrunk_share` for a ratio that has no upper bound; never below 0."""
    base = f"({_number(base_part)} / {_number(base_whole)})"
    return (
        f"CASE WHEN {count} > 0 AND {whole} > 0 AND {base_whole} > 0 THEN round(greatest("
        f"({count} * {_number(part)} / {_number(whole)} + {weight} * {base}) "
        f"/ ({count} + {weight}), 0), {DIGITS}) END"
    )


def spread(count: str, total: str, squares: str) -> str:
    """Coefficient of variation from a count, a sum and a sum of squares; null below two values."""
    variance = (
        f"greatest({_number(squares)} / {count} - pow({_number(total)} / {count}, 2), 0)"
        f" * {count} / ({count} - 1)"
    )
    return (
        f"CASE WHEN {count} > 1 AND {total} > 0 THEN "
        f"round(sqrt({variance}) / ({_number(total)} / {count}), {DIGITS}) END"
    )


def _number(expression: str) -> str:
    return f"CAST({expression} AS DOUBLE)"


def _clipped(part: str, whole: str) -> str:
    return f"least(greatest({_number(part)} / {_number(whole)}, 0), 1)"
