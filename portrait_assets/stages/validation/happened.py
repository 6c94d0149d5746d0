"""What was said at a month's end beside what happened in the months after, counted in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.bounds import in_batches
from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.validation.outcomes import Claim, Outcome
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.store import Warehouse

BINS = 20  # Of a number said; ties within one blur an area under the curve by about 0.002.

SUMS = ("customers", "hits", "amount", "said", "said_squared", "said_of_hits")
NEEDS = {
    Outcome.RESPONSE: "responses",
    Outcome.ANSWER: "outcomes",
    Outcome.SATISFACTION: "interactions",
}
"""The cleaned table without which an outcome is never known; all others need transactions."""

COUNTED = {
    "said_as_of": pl.Date(),
    "horizon": pl.Int64(),
    "test": pl.String(),
    "outcome": pl.String(),
    "side": pl.String(),  # 'tag', or 'baseline': the last month repeated
    "bucket": pl.String(),
    "grp": pl.Int64(),
    **{name: pl.Float64() for name in SUMS},
}


@dataclass(frozen=True)
class Watch:
    """What was said at the end of a month, and how many months are watched after it."""

    said: str
    horizon: int

    @property
    def until(self) -> str:
        """The last month watched."""
        return next_month(self.said, self.horizon)


@dataclass(frozen=True)
class _Test:
    """A claim in SQL: who counts, what is a hit, what was said, and the plain rule."""

    claim: Claim
    eligible: str
    hit: str
    baseline: str | None
    amount: str = "NULL"


def happened(
    warehouse: Warehouse, matrix: Table, claims: Sequence[Claim], watches: Sequence[Watch]
) -> pl.DataFrame:
    """Customers and hits by month said, horizon, test, bucket and group, columns as COUNTED.

    Args:
        warehouse: nothing later than each watch's last month is looked at.
        matrix: the contract of the portrait matrix; a claim of a tag it lacks has no row.
        claims: what is tested.
        watches: for which months.
    """
    tests = [
        _test(claim)
        for claim in claims
        if claim.tag in matrix.column_names and _has_rows(warehouse, claim.outcome)
    ]
    if not tests or not watches:
        return pl.DataFrame(schema=COUNTED)
    made = warehouse.made(matrix)
    sizes = {watch: made.get(watch.said, 0) for watch in watches}
    counted = [
        _counted(warehouse, matrix, tests, batch)
        for batch in in_batches(watches, sizes, warehouse.bounds.joined_rows)
    ]
    return pl.concat(counted)


def _counted(
    warehouse: Warehouse, matrix: Table, tests: Sequence[_Test], watches: Sequence[Watch]
) -> pl.DataFrame:
    con = warehouse.con
    with_base(warehouse, matrix, _said_columns(tests), watches)
    answers = any(test.claim.outcome is Outcome.ANSWER for test in tests)
    try:
        if answers:
            con.execute(f"CREATE OR REPLACE TEMP TABLE backtest_answers AS {_answers_sql(watches)}")
        frame: pl.DataFrame = con.sql(" UNION ALL ".join(map(_counts_sql, tests))).pl()
    finally:
        for name in ("said", "base", "answers"):
            con.execute(f"DROP TABLE IF EXISTS temp.backtest_{name}")
    return frame.select(pl.col(name).cast(kind) for name, kind in COUNTED.items())


def _test(claim: Claim) -> _Test:
    plain = {
        Outcome.SILENCE: ("true", "purchases = 0", "(purchases_before = 0)::INTEGER"),
        Outcome.RETURN: ("purchases_before = 0", "purchases > 0", None),
        Outcome.PURCHASE: ("true", "purchases > 0", "(purchases_before > 0)::INTEGER"),
        Outcome.SPEND: ("true", "spend_share >= 0.8 AND spend > 0", "spend_before_bin"),
        Outcome.RESPONSE: ("contacts > 0", "responses > 0", "(responses_before > 0)::INTEGER"),
        Outcome.ANSWER: ("true", "answer >= 0.5", None),
        Outcome.SATISFACTION: ("score IS NOT NULL", "score >= middle_score", None),
        Outcome.STICKINESS: ("true", "active_months = horizon", "(purchases_before > 0)::INTEGER"),
    }
    eligible, hit, baseline = plain[claim.outcome]
    amount = "spend" if claim.outcome is Outcome.SPEND else "NULL"
    return _Test(claim, eligible, hit, baseline, amount)


def _has_rows(warehouse: Warehouse, outcome: Outcome) -> bool:
    """Whether there is anything at all that the outcome is read from."""
    return sum(warehouse.made(CLEANED[NEEDS.get(outcome, "transactions")]).values()) > 0


def _is_number(claim: Claim) -> bool:
    return not claim.order and not claim.learned


def condition_of(outcome: Outcome) -> tuple[str, str]:
    """Who counts, and what is a hit, as SQL over the rows that `with_base` makes."""
    test = _test(Claim("", outcome))
    return test.eligible, test.hit


def with_base(
    warehouse: Warehouse,
    said: Table,
    columns: Sequence[str],
    watches: Sequence[Watch],
    one_in: int = 1,
) -> None:
    """Make the temporary tables backtest_said and backtest_base, to be dropped by the caller.

    Args:
        warehouse: nothing later than each watch's last month is looked at.
        said: the as-of table, called p in `columns`, that holds what was said.
        columns: what of it is wanted, as SQL.
        watches: for which months.
        one_in: look at one in so many customers, drawn by a hash.
    """
    con = warehouse.con
    for name, sql in (
        ("backtest_said", _said_sql(said, columns, watches, one_in)),
        ("backtest_base", _base_sql(watches)),
    ):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")


def _said_columns(tests: Sequence[_Test]) -> list[str]:
    columns = [f"p.{quote(name)}" for name in sorted({test.claim.tag for test in tests})]
    for claim in {test.claim.tag: test.claim for test in tests}.values():
        if _is_number(claim):
            columns.append(f"{_bin(f'p.{quote(claim.tag)}')} AS {quote(claim.tag + ':bin')}")
    return columns


def _said_sql(said: Table, columns: Sequence[str], watches: Sequence[Watch], one_in: int) -> str:
    days = literals(sorted({last_day(watch.said) for watch in watches}))
    # Not DuckDB's own hash, which may differ between versions.
    digest = "md5_number_lower(p.customer_id)"
    drawn = f" AND ({digest} // {GROUPS}) % {one_in} = 0" if one_in > 1 else ""
    return (
        f"SELECT p.as_of AS said_as_of, p.customer_id, ({digest} % {GROUPS})::INTEGER AS grp, "
        f"{', '.join(columns)}, "
        "coalesce(c.purchases, 0) AS purchases_before, "
        "coalesce(c.responses, 0) AS responses_before, "
        f"{_bin('coalesce(c.amount, 0)')} AS spend_before_bin "
        f"FROM {said.full_name} p LEFT JOIN {CUSTOMER_MONTH.full_name} c "
        "ON c.customer_id = p.customer_id AND c.month = strftime(p.as_of, '%Y-%m') "
        f"WHERE p.as_of IN ({days}){drawn}"
    )


def _bin(value: str) -> str:
    """One of BINS bins by the share of customers with a lower value; null stays null."""
    rank = f"percent_rank() OVER (PARTITION BY p.as_of ORDER BY {value} NULLS LAST)"
    return f"CASE WHEN {value} IS NOT NULL THEN least(floor({rank} * {BINS}), {BINS - 1}) END"


def _watched(watches: Sequence[Watch]) -> str:
    rows = ", ".join(
        f"(DATE {literal(last_day(w.said))}, {literal(w.said)}, {w.horizon}, {literal(w.until)}, "
        f"DATE {literal(last_day(w.until))})"
        for w in watches
    )
    return f"(VALUES {rows}) AS w(said_as_of, said, horizon, until, until_day)"


def _base_sql(watches: Sequence[Watch]) -> str:
    """One row per watch and customer: what was said, and what the customer did after."""
    watched = _watched(watches)
    did = (
        "SELECT said_as_of, horizon, customer_id, sum(purchases) AS purchases, "
        "sum(amount) AS spend, sum(contacts) AS contacts, sum(responses) AS responses, "
        "count(*) FILTER (purchases > 0) AS active_months "
        f"FROM {watched} JOIN {CUSTOMER_MONTH.full_name} c "
        "ON c.month > w.said AND c.month <= w.until GROUP BY ALL"
    )
    scored = (
        "SELECT said_as_of, horizon, customer_id, avg(score) AS score "
        f"FROM {watched} JOIN {CLEANED['interactions'].full_name} i "
        "ON i.month > w.said AND i.month <= w.until "
        "WHERE i.kind = 'survey' AND i.score IS NOT NULL GROUP BY ALL"
    )
    return (
        "SELECT *, percent_rank() OVER each_watch AS spend_share, "
        "median(score) OVER (PARTITION BY said_as_of, horizon) AS middle_score FROM ("
        "SELECT s.*, w.horizon, coalesce(d.purchases, 0) AS purchases, "
        "coalesce(d.spend, 0) AS spend, coalesce(d.contacts, 0) AS contacts, "
        "coalesce(d.responses, 0) AS responses, coalesce(d.active_months, 0) AS active_months, "
        f"i.score FROM backtest_said s JOIN {watched} USING (said_as_of) "
        f"LEFT JOIN ({did}) d USING (said_as_of, horizon, customer_id) "
        f"LEFT JOIN ({scored}) i USING (said_as_of, horizon, customer_id)) "
        "WINDOW each_watch AS (PARTITION BY said_as_of, horizon ORDER BY spend)"
    )


def _answers_sql(watches: Sequence[Watch]) -> str:
    return (
        "SELECT said_as_of, horizon, customer_id, o.outcome AS answer_of, max(o.value) AS answer "
        f"FROM {_watched(watches)} JOIN {CLEANED['outcomes'].full_name} o "
        "ON o.observed_on > w.said_as_of AND o.observed_on <= w.until_day "
        "WHERE o.value IS NOT NULL GROUP BY ALL"
    )


def _counts_sql(test: _Test) -> str:
    claim = test.claim
    bucket = quote(claim.tag + ":bin") if _is_number(claim) else quote(claim.tag)
    rows, outcome = "backtest_base", literal(claim.outcome)
    if claim.outcome is Outcome.ANSWER:
        rows = "backtest_base JOIN backtest_answers USING (said_as_of, horizon, customer_id)"
        outcome = "answer_of"
    said = "NULL"
    if claim.is_probability:
        # Months are taken as alike: once in h months is one less never in any of them.
        said = f"1 - power(1 - {quote(claim.tag)}::DOUBLE, horizon)"
    told = (
        f"SELECT said_as_of, horizon, {literal(claim.name)} AS test, {outcome} AS outcome, grp, "
        f"{bucket}::VARCHAR AS tag_bucket, ({test.baseline or '0'})::VARCHAR AS base_bucket, "
        f"({test.hit})::INTEGER AS hit, {test.amount}::DOUBLE AS amount, {said} AS said "
        f"FROM {rows} WHERE ({test.eligible}) AND {bucket} IS NOT NULL"
    )
    return (
        "SELECT said_as_of, horizon, test, outcome, "
        "CASE WHEN grouping(tag_bucket) = 0 THEN 'tag' ELSE 'baseline' END AS side, "
        "coalesce(tag_bucket, base_bucket) AS bucket, grp, count(*) AS customers, "
        "sum(hit) AS hits, coalesce(sum(amount), 0) AS amount, coalesce(sum(said), 0) AS said, "
        "coalesce(sum(said * said), 0) AS said_squared, "
        f"coalesce(sum(said * hit), 0) AS said_of_hits FROM ({told}) "
        "GROUP BY GROUPING SETS ((said_as_of, horizon, test, outcome, grp, tag_bucket), "
        "(said_as_of, horizon, test, outcome, grp, base_bucket))"
    )
