"""The engine: what stands in a table, what is computed again, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import (
    BEFORE,
    EVER,
    THE_MONTH,
    Grain,
    Scope,
    Span,
    Step,
    if_empty,
    read,
    spans_read,
    upstream,
    window,
)
from portrait_assets.testing.steps import run_step

SALE = Table(
    schema="shop",
    name="sale",
    en="Sales",
    zh="销售",
    columns=(
        Column("customer_id", Type.TEXT, "Customer", "客户"),
        Column("amount", Type.INTEGER, "Amount", "金额"),
    ),
)
ROWS = [
    ("2024-01", "ann", 10),
    ("2024-02", "ann", 20),
    ("2024-02", "bob", 5),
    ("2024-03", "cai", 65),
]
SALES = read(SALE, EVER)
SPENT = Step("spent", (SALES,), "SELECT customer_id, sum(amount) AS spent FROM sale GROUP BY ALL")
TOTAL = fit(
    "total",
    (SPENT,),
    "SELECT sum(spent) AS spent FROM spent",
    "SELECT sum(spent) AS spent FROM part",
)
SHARE = Step(
    "share",
    (SPENT, TOTAL),
    lambda scope: (
        f"SELECT {scope.day} AS as_of, s.customer_id, s.spent / t.spent AS share "
        f"FROM spent AS s CROSS JOIN total AS t WHERE {scope.population} ORDER BY customer_id"
    ),
)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = scratch_database()
    connection.execute("CREATE SCHEMA shop")
    connection.execute("CREATE TABLE shop.sale (month VARCHAR, customer_id VARCHAR, amount BIGINT)")
    connection.executemany("INSERT INTO shop.sale VALUES (?, ?, ?)", ROWS)
    return connection


def standing(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the temporary tables that are there."""
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary ORDER BY 1")
    return [name.split("_", 2)[2] for (name,) in found.fetchall()]


def shares(frame: pl.DataFrame) -> dict[str, float]:
    return dict(frame.select("customer_id", "share").iter_rows())


def test_a_step_is_computed_from_what_it_declares(con: duckdb.DuckDBPyConnection):
    assert shares(Engine(con).frame(SHARE, Scope("2024-03"))) == {
        "ann": 0.3,
        "bob": 0.05,
        "cai": 0.65,
    }


def test_nothing_later_than_the_month_is_read(con: duckdb.DuckDBPyConnection):
    assert shares(Engine(con).frame(SHARE, Scope("2024-01"))) == {"ann": 1.0}


@pytest.mark.parametrize(
    ("span", "amounts"),
    [
        (THE_MONTH, [20, 5]),
        (BEFORE, [10]),
        (EVER, [10, 20, 5]),
        (window(2), [10, 20, 5]),
        (window(1), [20, 5]),
        (window(2, ago=1), [10]),
        (Span(None, 2), []),
    ],
)
def test_a_span_is_the_months_that_are_read(
    con: duckdb.DuckDBPyConnection, span: Span, amounts: list[int]
):
    look = Step("look", (read(SALE, span, "sales"),), "SELECT amount FROM sales")
    assert Engine(con).frame(look, Scope("2024-02"))["amount"].to_list() == amounts
    months = span.months(["2024-01", "2024-02", "2024-03"], "2024-02")
    assert [amount for month, _, amount in ROWS if month in months] == amounts


def test_what_is_not_declared_cannot_be_read(con: duckdb.DuckDBPyConnection):
    undeclared = Step("undeclared", (SALES,), "SELECT * FROM sale, spent")
    with pytest.raises(duckdb.CatalogException, match="spent"):
        Engine(con).frame(undeclared, Scope("2024-03"))


def test_two_sources_of_one_name_are_refused(con: duckdb.DuckDBPyConnection):
    twice = Step("twice", (SALES, read(SALE, THE_MONTH)), "FROM sale")
    with pytest.raises(ValueError, match="two things under the name sale"):
        Engine(con).frame(twice, Scope("2024-03"))


def test_what_is_of_all_customers_stands_in_a_table_while_it_is_read(
    con: duckdb.DuckDBPyConnection,
):
    with Engine(con).rows(SHARE, Scope("2024-03")):
        # SPENT is read by the statement of TOTAL and by that of SHARE.
        assert standing(con) == ["spent", "total"]
    assert standing(con) == []


def test_what_one_statement_reads_stands_nowhere(con: duckdb.DuckDBPyConnection):
    twice = Step("twice", (SPENT,), "FROM spent UNION ALL FROM spent")
    with Engine(con).rows(twice, Scope("2024-03")):
        assert standing(con) == []


def test_a_table_is_dropped_as_soon_as_its_last_reader_is_there(con: duckdb.DuckDBPyConnection):
    doubled = Step("doubled", (TOTAL,), "SELECT 2 * spent AS twice FROM total", grain=Grain.ALL)
    last = Step("last", (doubled,), "FROM doubled")
    with Engine(con).rows(last, Scope("2024-03")):
        assert standing(con) == ["doubled"]


def test_tables_are_dropped_when_a_step_fails(con: duckdb.DuckDBPyConnection):
    failing = Step("failing", (TOTAL,), "SELECT no_such_column FROM total", grain=Grain.ALL)
    with pytest.raises(duckdb.BinderException):
        Engine(con).frame(Step("last", (failing,), "FROM failing"), Scope("2024-03"))
    assert standing(con) == []


def test_targets_share_the_table_of_what_they_all_read(con: duckdb.DuckDBPyConnection):
    doubled = Step("doubled", (SHARE,), "SELECT customer_id, 2 * share AS share FROM share")
    scope = Scope("2024-03")
    engine = Engine(con)
    with engine.shared([SHARE], scope):
        assert standing(con) == ["share"], "what it was computed from is gone"
        con.execute("DELETE FROM shop.sale")
        assert shares(engine.frame(doubled, scope)) == {"ann": 0.6, "bob": 0.1, "cai": 1.3}
    assert standing(con) == []
    assert engine.given == {}, "tables that are dropped stand for nothing"
    assert engine.frame(SHARE, scope).is_empty(), "outside of the context it is computed again"


def test_what_fails_within_a_transaction_is_what_is_raised(con: duckdb.DuckDBPyConnection):
    wrong = Step(
        "wrong", (TOTAL,), "SELECT CAST('x' || spent AS INT) AS n FROM total", in_table=True
    )
    con.execute("BEGIN")
    with pytest.raises(duckdb.ConversionException, match="x100"):
        Engine(con).frame(Step("last", (wrong,), "FROM wrong"), Scope("2024-03"))
    con.execute("ROLLBACK")
    assert standing(con) == []


def test_customers_in_parts_give_the_same_rows(con: duckdb.DuckDBPyConnection):
    everyone = Step("everyone", (SPENT,), "SELECT customer_id FROM spent")
    wide = Step(
        "wide",
        (everyone, SPENT),
        lambda scope: f"SELECT * FROM spent WHERE {scope.population}",
        in_parts_of=everyone,
    )
    target = Step("target", (wide,), "FROM wide ORDER BY customer_id")
    whole = Engine(con).frame(target, Scope("2024-03"))
    for customers in (1, 2, 3):
        assert Engine(con, part_customers=customers).frame(target, Scope("2024-03")).equals(whole)


def test_so_many_customers_are_computed_at_a_time(con: duckdb.DuckDBPyConnection):
    con.execute("INSERT INTO shop.sale VALUES ('2024-03', 'o''c', 1)")
    everyone = Step("everyone", (SPENT,), "SELECT customer_id FROM spent")
    counted = Step(
        "counted",
        (everyone, SPENT),
        lambda scope: f"SELECT count(*) AS customers FROM spent WHERE {scope.population}",
        in_parts_of=everyone,
    )
    target = Step("target", (counted,), "FROM counted")
    frame = Engine(con, part_customers=3).frame(target, Scope("2024-03"))
    assert frame["customers"].to_list() == [3, 1]


def test_a_step_is_computed_in_parts_of_what_it_reads():
    with pytest.raises(ValueError, match="does not read what it is computed in parts of"):
        Step("wide", (SALES,), "FROM sale", in_parts_of=SPENT)


def test_a_handful_of_customers_get_the_rows_of_the_full_run(con: duckdb.DuckDBPyConnection):
    everyone = Engine(con).frame(SHARE, Scope("2024-03"))
    few = Engine(con).frame(SHARE, Scope("2024-03", "customer_id IN ('ann', 'cai')"))
    assert few.equals(everyone.filter(pl.col("customer_id") != "bob"))


def test_what_is_of_all_customers_is_computed_for_all_whoever_asks(
    con: duckdb.DuckDBPyConnection,
):
    def spent_by(scope: Scope) -> str:
        return f"SELECT sum(spent)::BIGINT AS spent FROM spent WHERE {scope.population}"

    of_all = Step("of_all", (SPENT,), spent_by, grain=Grain.ALL)
    target = Step("target", (of_all,), "FROM of_all")
    few = Scope("2024-03", "customer_id = 'bob'")
    assert Engine(con).frame(target, few)["spent"].to_list() == [100]


def test_a_fit_adds_up_over_populations(con: duckdb.DuckDBPyConnection):
    (part,) = TOTAL.reads
    assert isinstance(part, Step)
    scope = Scope("2024-03")
    buckets = [
        run_step(
            part,
            scope,
            {SPENT: Engine(con).frame(SPENT, scope).filter(pl.col("customer_id").is_in(bucket))},
        )
        for bucket in (["ann"], ["bob", "cai"])
    ]
    apart = run_step(TOTAL, scope, {part: pl.concat(buckets)})
    assert apart.equals(Engine(con).frame(TOTAL, scope))


def test_a_frame_stands_in_for_a_table_or_a_step():
    given = pl.DataFrame({"customer_id": ["ann", "bob"], "spent": [3, 1]})
    assert shares(run_step(SHARE, Scope("2024-03"), {SPENT: given})) == {"ann": 0.75, "bob": 0.25}


def test_a_step_may_be_a_function_of_frames(con: duckdb.DuckDBPyConnection):
    def largest(scope: Scope, spent: pl.DataFrame) -> pl.DataFrame:
        return spent.top_k(1, by="spent").with_columns(as_of=scope.as_of)

    step = Step("largest", (SPENT,), compute=largest, grain=Grain.ALL)
    assert Engine(con).frame(step, Scope("2024-03")).rows() == [("cai", 65, Scope("2024-03").as_of)]


def test_a_function_may_give_its_rows_in_parts(con: duckdb.DuckDBPyConnection):
    def halves(scope: Scope, spent: pl.DataFrame) -> Iterator[pl.DataFrame]:
        yield spent.head(1)
        yield spent.tail(-1)

    step = Step("halves", (SPENT,), compute=halves, grain=Grain.ALL)
    engine = Engine(con)
    assert sorted(engine.frame(step, Scope("2024-03")).rows()) == [
        ("ann", 30),
        ("bob", 5),
        ("cai", 65),
    ]
    with engine.rows(step, Scope("2024-03")) as parts:
        assert isinstance(parts, Iterator)
        assert [part.height for part in parts] == [1, 2]


def test_simpler_sql_is_used_where_a_step_has_no_row(con: duckdb.DuckDBPyConnection):
    none = Step("none", (SALES,), "SELECT * FROM sale WHERE amount > 100", grain=Grain.ALL)
    some = Step("some", (SALES,), "SELECT * FROM sale WHERE amount > 60", grain=Grain.ALL)
    for step, expected in ((none, "simple"), (some, "full")):
        simpler = if_empty(step, "SELECT 'simple' AS of")
        chosen = Step("chosen", (step,), "SELECT 'full' AS of", simpler=simpler)
        assert Engine(con).frame(chosen, Scope("2024-03"))["of"].to_list() == [expected]


def test_a_step_in_parts_has_a_row_though_its_last_part_has_none(con: duckdb.DuckDBPyConnection):
    everyone = Step("everyone", (SPENT,), "SELECT customer_id FROM spent")
    small = Step(
        "small",
        (everyone, SPENT),
        lambda scope: f"SELECT * FROM spent WHERE spent < 60 AND {scope.population}",
        in_parts_of=everyone,
    )
    chosen = Step(
        "chosen", (small,), "SELECT 'full' AS of", simpler=if_empty(small, "SELECT 'simple' AS of")
    )
    assert Engine(con, part_customers=1).frame(chosen, Scope("2024-03"))["of"].to_list() == ["full"]


def test_sql_is_that_for_what_a_row_says(con: duckdb.DuckDBPyConnection):
    counted = Step("counted", (SALES,), "SELECT count(*) > 1 AS several FROM sale", grain=Grain.ALL)
    chosen = Step(
        "chosen",
        (counted,),
        "SELECT CASE WHEN several THEN 'several' END AS of FROM counted",
        simpler=(
            counted,
            lambda scope, row: (
                f"SELECT '{scope.month}, several: {row['several']}' AS of FROM counted"
                if row
                else None
            ),
        ),
    )
    (found,) = Engine(con).frame(chosen, Scope("2024-03"))["of"]
    assert found == "2024-03, several: True"


def test_what_depends_on_no_newer_rows_is_not_computed_again(con: duckdb.DuckDBPyConnection):
    known = Step("known", (SALES,), "SELECT DISTINCT customer_id FROM sale", grain=Grain.ALL)
    target = Step("target", (known,), "FROM known")
    engine = Engine(con, materialized=lambda table: {"2024-01": 1, "2024-02": 2, "2024-03": 0})
    engine.frame(target, Scope("2024-02"))
    con.execute("DELETE FROM shop.sale")
    assert engine.frame(target, Scope("2024-03")).height == 2, "no rows are newer than 2024-02"
    assert engine.frame(target, Scope("2024-01")).height == 0, "an earlier month knows less"
    engine.close()
    assert standing(con) == []


@pytest.mark.parametrize(
    ("months", "is_kept"),
    [
        (("2024-01", "2024-02"), False),
        (("2024-02", "2024-03"), False),
        (("2024-03", "2024-04"), True),
        (("2024-03", "2024-03"), True),
        (("2024-02", "2024-01"), False),
    ],
)
@pytest.mark.parametrize("span", [EVER, THE_MONTH, BEFORE, window(2)], ids=str)
def test_a_step_of_all_months_so_far_is_computed_again_where_there_are_newer_rows(
    con: duckdb.DuckDBPyConnection, months: tuple[str, str], is_kept: bool, span: Span
):
    """Sales are of January to March; a step of a span that ends or moves is always computed."""
    sums = "SELECT count(*) AS rows FROM sale"
    known = Step("known", (read(SALE, span),), sums, grain=Grain.ALL)
    target = Step("target", (known,), "FROM known")
    stored = {"2024-01": 1, "2024-02": 2, "2024-03": 1, "2024-04": 0}
    engine = Engine(con, materialized=lambda table: stored)
    first, then = months
    engine.frame(target, Scope(first))
    con.execute("DELETE FROM shop.sale")
    rows = engine.frame(target, Scope(then))["rows"][0]
    assert (rows > 0) == (is_kept and span == EVER)
    engine.close()
    assert standing(con) == []


def test_what_is_read_follows_from_the_steps():
    month = Step("month", (read(SALE, THE_MONTH, "sold"), SPENT), "FROM sold")
    assert spans_read(month, SHARE) == {SALE: [THE_MONTH, EVER]}
    assert [source.name for source in upstream(SHARE)] == [
        "sale",
        "spent",
        "part",
        "total",
        "share",
    ]
    assert [source.name for source in upstream(SHARE, given=[SPENT])] == ["part", "total", "share"]


def test_a_scope_of_everyone_has_the_same_month():
    few = Scope("2024-02", "customer_id = 'ann'")
    assert few.everyone == replace(few, population="true") == Scope("2024-02")
    assert few.day == "DATE '2024-02-29'"
