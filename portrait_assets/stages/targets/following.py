"""Customers of past months beside the facts of windows that are over, which outcomes read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.targets.adding import had
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, STORED
from portrait_assets.stages.targets.declared.entries import MONTHLY
from portrait_assets.stages.targets.declared.outcome import Fact, Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import TAKEN, facts_of
from portrait_assets.stages.targets.declared.permitted import PROFILING, permitted
from portrait_assets.stages.targets.windows import Lag, base_months, closing_months, windows_sql
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Source, Span, Step, read

_KIND = {"customer_campaign_month": "campaign_type", TAKEN.of: "category"}
_OF_WINDOW = "base_month, horizon, customer_id"

_ALLOWING = """
            SEMI JOIN permitted AS then_ ON then_.customer_id = p.customer_id AND then_.as_of =
                least(last_day(strptime(base_month, '%Y-%m') + to_months(w.horizon)), {now})
            SEMI JOIN permitted AS now_ ON now_.customer_id = p.customer_id AND now_.as_of = {now}
"""
"""Keeps the customers who allow the outcome's purpose; a window that is not over ends now."""


def with_facts(customers: Step, outcomes: Sequence[Outcome], lags: Sequence[Lag]) -> Step:
    """The customers with all that the outcomes' SQL may name, a row for each of the windows.

    What somebody did after they objected to profiling is not held against what was predicted of
    them: they have no row of a window at whose end they had. Nor has who does not allow what the
    outcome is reported for, at the window's end and now.

    Args:
        customers: with `base_month` and `customer_id`.
        outcomes: any that are not by kind, or one of one kind alone.
        lags: the windows; all of them must be over.

    Returns:
        A step named `followed` with the columns of `customers`, `horizon` and the names.
    """
    in_window, before = facts_of(outcomes)
    of = outcomes[0].of if len(outcomes) == 1 else None
    closing = closing_months(lags)
    joined = [_of_window(name, facts, of, closing) for name, facts in _by_table(in_window).items()]
    joined += [_of_month_before(name, facts, of, lags) for name, facts in _by_table(before).items()]
    if of is not None:
        joined += _named_by_data(outcomes[0], of, lags)
    reads: list[Source] = [customers, *(each.read for each in joined), read(UNPROFILED, closing)]
    allowing = ""
    if of is not None and outcomes[0].purpose != PROFILING:
        reads.append(permitted(customers, (outcomes[0].purpose,), _until_now(lags)))
        allowing = _ALLOWING
    compared = {name: sql for outcome in outcomes for name, sql in outcome.compared.items()}
    ranked = "".join(f", {sql} AS {name}" for name, sql in compared.items())
    columns = "".join(f", {column}" for each in joined for column in each.columns)
    joins = " ".join(each.sql for each in joined)
    return Step(
        "followed",
        tuple(reads),
        lambda scope: (
            f"""
        SELECT *{ranked} FROM (
            SELECT p.*, w.horizon{columns}
            FROM {customers.name} AS p
            JOIN {windows_sql(lags, scope.month)} AS w USING (base_month) {joins}
            ANTI JOIN unprofiled AS u ON u.customer_id = p.customer_id
                AND u.as_of = last_day(strptime(base_month, '%Y-%m') + to_months(w.horizon))
            {allowing.format(now=scope.day)}
        )
        """
        ),
        grain=Grain.ALL,
    )


@dataclass(frozen=True)
class _Join:
    """A source, how it is joined, and the columns that it adds."""

    read: Source
    sql: str
    columns: Sequence[str]


def _until_now(lags: Sequence[Lag]) -> Span:
    """From the first month that closes one of the windows, or the step's own, to that one."""
    return Span(max(0, *(lag.ago for lag in lags)))


def _by_table(facts: Iterable[Fact]) -> Mapping[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.of, []).append(fact)
    return found


def _only(name: str, of: str | None) -> str:
    """The condition on rows of several kinds that they are of this one."""
    return f" WHERE {_KIND[name]} = {literal(of)}" if of is not None and name in _KIND else ""


def _of_window(name: str, facts: Sequence[Fact], of: str | None, closing: Span) -> _Join:
    """The facts of the window, of the months' table of that name."""
    table, row = STORED[name], f"of_{name}"
    rows = table.name
    if name == TAKEN.of:
        rows = (
            f"(SELECT {_OF_WINDOW}, count(*) AS {TAKEN.name} FROM {table.name}{_only(name, of)} "
            f"GROUP BY {_OF_WINDOW})"
        )
    elif _only(name, of):
        rows = f"(FROM {table.name}{_only(name, of)})"
    return _Join(
        read(table, closing),
        f"LEFT JOIN {rows} AS {row} USING ({_OF_WINDOW})",
        [fact.of_row(row, fact.name) for fact in facts],
    )


def _of_month_before(
    name: str, facts: Sequence[Fact], of: str | None, lags: Sequence[Lag]
) -> _Join:
    """The same of the month at whose end the window begins."""
    relation, row = f"{name}_before", f"before_{name}"
    selected = ", ".join(f"{fact.of_month} AS {fact.before}" for fact in facts)
    return _Join(
        read(MONTHLY[name], base_months(lags), relation),
        f"LEFT JOIN (SELECT month AS base_month, customer_id, {selected} "
        f"FROM {relation}{_only(name, of)}) AS {row} USING (base_month, customer_id)",
        [fact.of_row(row, fact.before) for fact in facts],
    )


def _named_by_data(outcome: Outcome, of: str, lags: Sequence[Lag]) -> Iterator[_Join]:
    """What the SQL may name of one category of product, or of one outcome of the source."""
    of_base = "USING (base_month, customer_id)"
    if outcome.by is Kind.PRODUCT:
        step = had(of, lags)
        has = "had.customer_id IS NOT NULL AS has_before"
        yield _Join(step, f"LEFT JOIN had {of_base}", [has])
    if outcome.is_of_source:
        answer = "coalesce(answered.value, 0)" if outcome.unreported_is_no else "answered.value"
        yield _Join(
            read(SOURCE_OUTCOME, closing_months(lags)),
            f"LEFT JOIN (FROM source_outcome WHERE outcome = {literal(of)}) AS answered "
            f"USING ({_OF_WINDOW})",
            [f"{answer} AS answer"],
        )
        yield _Join(
            _answered_before(of, lags),
            f"LEFT JOIN answered_before {of_base}",
            ["answered_before.value AS answer_before"],
        )


def _answered_before(of: str, lags: Sequence[Lag]) -> Step:
    """The greatest value that was reported of each customer up to each base month.

    Of months whose rows are no longer kept it is what windows had that they closed.
    """
    until = Span(None, base_months(lags).last)
    return Step(
        "answered_before",
        (
            read(CLEANED["outcomes"], until, "reported"),
            read(SOURCE_OUTCOME, until, "reported_in_windows"),
        ),
        lambda scope: (
            f"""
        SELECT w.base_month, r.customer_id, max(r.value) AS value
        FROM {windows_sql(lags, scope.month)} AS w JOIN (
            SELECT month, customer_id, outcome, value FROM reported
            UNION ALL SELECT month, customer_id, outcome, value FROM reported_in_windows
        ) AS r ON r.month <= w.base_month
        WHERE r.outcome = {literal(of)} GROUP BY w.base_month, r.customer_id
        """
        ),
    )
