"""What customers allow by the newest consents known, asked of the published file at each use.

The tables are those of the consent stage. A refusal by a channel is of that channel; what is not
asked of a channel is allowed to who allows it by at least one, and `channels` says by which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.core.invocation import command
from portrait_assets.privacy.egress import Consent, Departure, Purpose, nothing_declared, purpose_of
from portrait_assets.storage.duckdb.connection import has_table, literal, open_published

CUSTOMER_CONSENT, CONSENT_DEFAULT = "consent.customer_consent", "consent.consent_default"
PROFILING, MARKETING = str(Purpose.PROFILING), str(Purpose.MARKETING)
PURPOSE_NAMES = {
    PROFILING: ("profiling", "画像"),
    MARKETING: ("marketing", "营销"),
    str(Purpose.CREDIT): ("credit", "信贷"),
    str(Purpose.SHARING): ("sharing with others", "对外提供"),
}
"""What personal information is processed for, in English and Chinese."""

REASONS: dict[str, tuple[str, str]] = {
    "consent": ("the customer agreed", "本人同意"),
    "guardian": ("a guardian agreed", "监护人同意"),
    "contract": ("needed for a contract", "履行合同所必需"),
    "law": ("needed by law", "法定职责或义务"),
    "withdrawn": ("consent withdrawn", "撤回同意"),
    "objection": ("objected", "提出反对"),
    "unsubscribed": ("unsubscribed", "退订"),
    "bounced": ("could not be reached", "退信（无法送达）"),
    "erasure_requested": ("asked for erasure", "请求删除"),
    "minor_without_guardian": ("a minor for whom no guardian agreed", "未成年人且监护人未同意"),
    "default": ("nothing recorded", "无记录（按默认）"),
}
"""Why something is allowed or refused, in English and Chinese, by code."""


class ConsentError(PortraitError):
    """A use that no customer was asked about, or that there is not."""


@dataclass(frozen=True)
class Use:
    """What customers are asked for: a purpose, by a channel or, as None, by any.

    `unless_refused`: whoever recorded nothing allows it, whatever silence means to the source; so
    it is asked where nobody is found in what leaves.
    """

    purpose: str
    channel: str | None = None
    unless_refused: bool = False


ANALYSIS = Use(PROFILING)


@dataclass(frozen=True)
class Permission:
    """One answer of a customer: the purpose, the channel (None: any other), since when and why."""

    purpose: str
    channel: str | None
    allowed: bool
    since: date | None
    because: str


def require_asked(con: duckdb.DuckDBPyConnection, use: Use) -> None:
    """Check that it is known what customers allow, by a consent or by a declaration.

    Args:
        con: the published file or the warehouse.
        use: what for.

    Raises:
        ConsentError: when there is no such purpose, the file is of a version without consents, or
            there is no consent to it and the source does not declare what silence means.
    """
    reason = not_asked(con, use)
    if reason is not None:
        raise ConsentError(f"{reason[0].upper()}{reason[1:]}.")


def not_asked(con: duckdb.DuckDBPyConnection, use: Use, as_of: date | None = None) -> str | None:
    """Why it is not known what customers allow, and the remedy, in words; None where it is.

    Args:
        con: the published file or the warehouse.
        use: what for.
        as_of: the month's end whose consents count; the newest by default.
    """
    silence = {row[0]: row[1:] for row in _silence(con, as_of)}
    if not silence:
        return f"the consents of customers are not there yet; run `{command('run')}`"
    if use.purpose not in silence:
        return (
            f"'{use.purpose}' is not a purpose{suggestion(use.purpose, silence)}; choose one of "
            f"{', '.join(silence)}"
        )
    allowed, is_declared, consents = silence[use.purpose]
    if allowed or is_declared or consents:
        return None
    return (
        f"no customer has agreed to {use.purpose} and the source does not say what silence means; "
        f"provide consents.sql, or write `consent_default: {{{use.purpose}: granted}}` into "
        "source.yaml if all have agreed"
    )


def consent_of(file: Path) -> Consent:
    """What the door asks of a published file: why a departure's purpose was never agreed to.

    Which customers have agreed is for the departure to see to, see `answers_sql`.
    """

    def refusal(departure: Departure) -> str | None:
        reason = nothing_declared(departure)
        purpose = purpose_of(departure.purpose)
        if reason is None or purpose is None or not file.exists():
            return reason
        con = open_published(file)
        try:
            return not_asked(con, Use(purpose))
        finally:
            con.close()

    return refusal


def _silence(
    con: duckdb.DuckDBPyConnection, as_of: date | None = None
) -> list[tuple[str, bool, bool, int]]:
    if not has_table(con, CONSENT_DEFAULT):
        return []
    return con.execute(
        f"SELECT purpose, allowed, is_declared, consents FROM {CONSENT_DEFAULT} "
        f"WHERE as_of = {_of_day(as_of)}"
    ).fetchall()


def _of_day(as_of: date | None) -> str:
    return f"DATE {literal(as_of)}" if as_of else f"(SELECT max(as_of) FROM {CONSENT_DEFAULT})"


def answers_sql(
    customers: str, use: Use, *, agreed: bool = False, as_of: date | None = None
) -> str:
    """The SELECT of the answer of each of these customers.

    Args:
        customers: a relation with `customer_id`, once each.
        use: what for.
        agreed: whether they agreed elsewhere, so that silence allows it, whatever is declared.
        as_of: the month's end whose consents count; the newest by default.

    Returns:
        SQL that gives `customer_id`, `allowed`, `because` and `channels`: `any`, `any but sms` or
        the channels themselves.
    """
    own, of_use = "any_value({}) FILTER (channel IS NULL)", ""
    whys = [f"max(because) FILTER ({each})" for each in ("allowed", "NOT allowed")]
    if use.channel is not None:
        channel = literal(use.channel.lower())
        # The channel's own answer counts where there is one.
        own, of_use = "arg_max({}, channel IS NOT NULL)", f"AND coalesce(channel = {channel}, true)"
        whys = [own.format("because")] * 2
    by_any = "coalesce(by_any, silence)"
    text = "array_to_string(list_sort({}), ', ')"
    allowed, channels = by_any, literal(use.channel)
    if use.channel is None:
        allowed = f"{by_any} OR coalesce(len(yes) > 0, false)"
        channels = (
            f"CASE WHEN NOT {by_any} THEN {text.format('yes')} "
            f"WHEN len(no) > 0 THEN 'any but ' || {text.format('no')} ELSE 'any' END"
        )
    newest = f"{_of_day(as_of)} AND purpose = {literal(use.purpose)}"
    because = f"coalesce(CASE WHEN {allowed} THEN why ELSE why_not END, 'default')"
    allows = f"{allowed} OR {because} = 'default'" if use.unless_refused else allowed
    return f"""
    SELECT customer_id, {allows} AS allowed,
        {because} AS because,
        {channels} AS channels
    FROM (SELECT customer_id FROM {customers})
    LEFT JOIN (
        SELECT customer_id, {own.format("allowed")} AS by_any,
            {whys[0]} AS why, {whys[1]} AS why_not,
            list(channel) FILTER (channel IS NOT NULL AND allowed) AS yes,
            list(channel) FILTER (channel IS NOT NULL AND NOT allowed) AS no
        FROM (SELECT * REPLACE (because::VARCHAR AS because) FROM {CUSTOMER_CONSENT}
            WHERE as_of = {newest} {of_use})
        GROUP BY customer_id
    ) USING (customer_id)
    CROSS JOIN (
        SELECT {agreed} OR any_value(allowed) AS silence
        FROM {CONSENT_DEFAULT} WHERE as_of = {newest}
    )
    """


def refusing_sql(con: duckdb.DuckDBPyConnection, purpose: str) -> str | None:
    """The SELECT of each `customer_id` that refused the purpose, where silence is no refusal.

    None for a file of a version without consents.
    """
    if not _silence(con):
        return None
    who_spoke = f"(SELECT DISTINCT customer_id FROM {CUSTOMER_CONSENT})"
    return (
        f"SELECT customer_id FROM ({answers_sql(who_spoke, Use(purpose, unless_refused=True))}) "
        "WHERE NOT allowed"
    )


def keep_answers(
    con: duckdb.DuckDBPyConnection, customers: str, uses: Sequence[Use]
) -> tuple[str, ...]:
    """Ask these customers for each use, once; the answers stand in temporary tables.

    Args:
        con: the published file or the warehouse.
        customers: a relation with `customer_id`, once each.
        uses: what for.

    Returns:
        The tables, with the columns of `answers_sql`.
    """
    tables = tuple(f"temp.asked_{number}" for number in range(len(uses)))
    for table, use in zip(tables, uses, strict=True):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {answers_sql(customers, use)}")
    return tables


def left_out(
    con: duckdb.DuckDBPyConnection, tables: Sequence[str], uses: Sequence[Use]
) -> dict[tuple[str, str], int]:
    """How many customers are left out, by purpose and reason; who refuses several counts once.

    Args:
        con: the connection.
        tables: what `keep_answers` gave.
        uses: what it was given; the first that a customer refuses counts.
    """
    if not uses:
        return {}
    places = range(len(uses))
    cases = "".join(f" WHEN NOT a{n}.allowed THEN ({n}, a{n}.because)" for n in places)
    joined = f"{tables[0]} AS a0" + "".join(
        f" JOIN {tables[n]} AS a{n} USING (customer_id)" for n in places[1:]
    )
    rows = con.execute(
        f"SELECT first[1], first[2], count(*) FROM (SELECT CASE{cases} END AS first FROM {joined}) "
        "WHERE first IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return {(uses[place].purpose, because): count for place, because, count in rows}


def permissions_of(con: duckdb.DuckDBPyConnection, customer_id: str) -> tuple[Permission, ...]:
    """What one customer allows by the newest consents; none in files of versions without them."""
    rows: dict[tuple[str, str | None], Permission] = {
        (purpose, None): Permission(purpose, None, allowed, None, "default")
        for purpose, allowed, _, _ in _silence(con)
    }
    if rows:
        found = con.execute(
            f"SELECT purpose, channel, allowed, since, because FROM {CUSTOMER_CONSENT} "
            f"WHERE as_of = (SELECT max(as_of) FROM {CONSENT_DEFAULT}) AND customer_id = ? "
            "ORDER BY purpose, channel",
            [customer_id],
        ).fetchall()
        rows |= {(row[0], row[1]): Permission(*row) for row in found}
    order = list(dict.fromkeys(purpose for purpose, _ in rows))
    return tuple(
        sorted(rows.values(), key=lambda each: (order.index(each.purpose), each.channel or ""))
    )
