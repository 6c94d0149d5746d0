"""Whether a month is there as a whole, by comparing each table with its months before."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.columns import count, flag, integer, number, text
from portrait_assets.schema.sensitivity import ROWS
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.raw.contract import CANONICAL, FOUNDING
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.steps import Grain, Scope, Step, read, window

COMPARED_MONTHS = 12
LEAST_MONTHS = 3
"""With fewer months before it, a month is taken as complete."""
FEW_SHARE = 0.5
FEW_DEVIATIONS = 3 * 1.4826
"""Hampel's identifier: 1.4826 median absolute deviations are a standard deviation of a normal."""
DAILY_DAYS = 10
QUIET_DAYS = 2
NEEDED = FOUNDING
"""A portrait rests on these; a month in which one of them is incomplete is not the newest."""

NO_ROWS, FEW_ROWS, ENDS_EARLY = "no rows", "few rows", "ends early"

COMPLETENESS = Table(
    schema="cleaned",
    name="completeness",
    en="Whether each table's rows of the month have all arrived, by the months before",
    zh="各表当月数据是否到齐",
    operation=ROWS,
    columns=(
        text("table_name", "Table", "表", nullable=False),
        count("rows", "Rows of the month", "当月行数"),
        count(
            "months_compared",
            "Months before, at most 12, that it is compared with",
            "对比月数",
            unit="months",
        ),
        number("usual_rows", "Median of their rows", "历史行数中位数", minimum=0),
        number(
            "fewest_rows",
            "Below it rows are few: the lower of half of the median, and the median less 3 robust "
            "standard deviations (Hampel)",
            "行数下限",
            minimum=0,
        ),
        count("quiet_days", "Days without rows at the month's end", "月末无数据天数", unit="days"),
        integer(
            "most_quiet_days",
            "Above it the month ends early; null where rows are not of most days",
            "月末无数据天数上限",
            unit="days",
            minimum=0,
        ),
        text(
            "reason",
            "Why it is late or incomplete; null where it is not",
            "未到齐原因",
            allowed=(NO_ROWS, FEW_ROWS, ENDS_EARLY),
        ),
        flag(
            "is_complete",
            "Whether the month is complete, or declared so by the source",
            "是否到齐",
            nullable=False,
        ),
    ),
    key=("table_name",),
    published=True,
)


def _days_sql(canonical: Canonical) -> str:
    day = f"coalesce({', '.join(map(quote, canonical.dating))})"
    return (
        f"SELECT {literal(canonical.name)} AS table_name, month, "
        f"CAST({day} AS DATE) AS day, count(*) AS rows "
        f"FROM {quote(canonical.name)} GROUP BY ALL"
    )


DAYS = Step(
    "days",
    tuple(read(CLEANED[c.name], window(COMPARED_MONTHS + 1)) for c in CANONICAL),
    " UNION ALL ".join(map(_days_sql, CANONICAL)),
    grain=Grain.ALL,
)
"""Rows by table, month and day, of the month and those that it is compared with."""

GAPS = Step(
    "gaps",
    (DAYS,),
    # From the first of the month, between days with rows, and up to the month's end.
    "SELECT table_name, month, sum(rows) AS rows, count(day) AS days, max(gap) AS longest_gap, "
    "last_day(max(day)) - max(day) AS quiet_days FROM (SELECT *, day - coalesce("
    "lag(day) OVER (PARTITION BY table_name, month ORDER BY day), "
    "date_trunc('month', day)::DATE - 1) - 1 AS gap FROM days) GROUP BY ALL",
    grain=Grain.ALL,
)

MONTHS = Step(
    "months",
    (GAPS,),
    lambda scope: (
        "SELECT table_name, month, CAST(coalesce(rows, 0) AS BIGINT) AS rows, "
        "coalesce(days, 0) AS days, longest_gap, quiet_days FROM ("
        "SELECT table_name, strftime(unnest(generate_series(strptime(min(month), '%Y-%m'), "
        f"{scope.day}, INTERVAL 1 MONTH)), '%Y-%m') AS month FROM gaps GROUP BY table_name) "
        "LEFT JOIN gaps USING (table_name, month)"
    ),
    grain=Grain.ALL,
)
"""Every month of a table from its first one to the step's own; one without rows has 0."""


def completeness_step(complete_months: Iterable[str]) -> Step:
    """The step of `cleaned.completeness`.

    Args:
        complete_months: months that the source declares to be complete however few their rows.
    """
    declared = frozenset(complete_months)

    def judged(scope: Scope, months: pl.DataFrame) -> pl.DataFrame:
        return judge(months, scope.month).with_columns(
            is_complete=pl.col("reason").is_null() | (scope.month in declared)
        )

    return Step("completeness", (MONTHS,), compute=judged, grain=Grain.ALL, writes=COMPLETENESS)


def judge(months: pl.DataFrame, month: str) -> pl.DataFrame:
    """Each table's month beside those before it, with the reason why it is incomplete, if any.

    Rows are few below half of the median and below Hampel's limit (Hampel 1974, "The influence
    curve and its role in robust estimation"): the median less three robust standard deviations.

    Args:
        months: `table_name`, `month`, `rows`, `days` with rows, `longest_gap` and `quiet_days`
            at its end, of each table's months without a gap up to this one.
        month: the month to judge.
    """
    own, earlier = pl.col("month") == month, pl.col("month") < month
    before = pl.col("rows").filter(earlier)
    deviation = (before - before.median()).abs().median()
    few = pl.min_horizontal(
        FEW_SHARE * before.median(), before.median() - FEW_DEVIATIONS * deviation
    )
    gaps = pl.max_horizontal("longest_gap", "quiet_days").filter(earlier).max()
    is_daily = pl.col("days").filter(earlier).median() >= DAILY_DAYS
    compared = (
        months.group_by("table_name", maintain_order=True)
        .agg(
            rows=pl.col("rows").filter(own).sum(),
            months_compared=earlier.sum(),
            least=before.min(),
            usual_rows=before.median(),
            fewest_rows=pl.max_horizontal(few, 0.0),
            quiet_days=pl.col("quiet_days").filter(own).max().fill_null(last_day(month).day),
            most_quiet_days=pl.when(is_daily).then(pl.max_horizontal(2 * gaps + 1, QUIET_DAYS)),
        )
        .sort("table_name")
    )
    is_judged = pl.col("months_compared") >= LEAST_MONTHS
    reason = (
        pl.when(~is_judged)
        .then(None)
        .when((pl.col("rows") == 0) & (pl.col("least") > 0))
        .then(pl.lit(NO_ROWS))
        .when(pl.col("rows") < pl.col("fewest_rows"))
        .then(pl.lit(FEW_ROWS))
        .when(pl.col("quiet_days") > pl.col("most_quiet_days"))
        .then(pl.lit(ENDS_EARLY))
    )
    limits = ("usual_rows", "fewest_rows", "most_quiet_days")
    return compared.select(
        pl.lit(month).alias("month"),
        "table_name",
        pl.col("rows", "months_compared", "quiet_days").cast(pl.Int64),
        *(pl.when(is_judged).then(pl.col(name)).alias(name) for name in limits),
        reason.alias("reason"),
    )
