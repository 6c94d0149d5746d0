import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portrait_assets.methods.expressions.expression import ExpressionError, parse
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.checking import bound_types, empty_world
from portrait_assets.testing.worlds.tags import COLUMNS


def test_an_expression_comes_out_with_quoted_names_and_the_columns_it_reads():
    expression = parse("Spend >= 100 and region in ('north', 'south')", COLUMNS)

    assert expression.sql == "\"spend\" >= 100 AND \"region\" IN ('north', 'south')"
    assert expression.columns == ("region", "spend")


def test_a_rank_becomes_a_column_that_the_evaluation_fills():
    expression = parse("rank_share(spend) >= 0.8", COLUMNS)

    assert expression.sql == '"rank_share:spend" >= 0.8'
    assert expression.ranks == ("spend",)
    assert expression.columns == ("spend",)


def test_money_has_the_digits_of_amounts(monkeypatch: pytest.MonkeyPatch):
    assert parse("money(spend / 3)", COLUMNS).sql == 'ROUND("spend" / 3, 2)'
    assert parse("coalesce(money(spend), 0)", COLUMNS).columns == ("spend",)
    monkeypatch.setattr("portrait_assets.methods.expressions.expression.MONEY_SCALE", 4)
    assert parse("money(spend / 3)", COLUMNS).sql == 'ROUND("spend" / 3, 4)'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spent > 1", "no column spent (did you mean spend?)"),
        ("other.spend > 1", "another table"),
        ("spend > (SELECT 1)", "subquery"),
        ("region IN (SELECT 'x')", "subquery"),
        ("EXISTS (SELECT 1)", "subquery"),
        ("spend > 1; DROP TABLE x", "one expression"),
        ("SELECT 1", "subquery"),
        ("DELETE FROM x", "not allowed"),
        ("read_csv('/etc/passwd')", "not allowed"),
        ("getenv('HOME') = 'x'", "getenv is not allowed"),
        ("region = $1", "not allowed"),
        ("region = ?", "not allowed"),
        ("* IS NULL", "not allowed"),
        ("COLUMNS('.*') IS NULL", "not allowed"),
        ("CAST(region AS BLOB) IS NULL", "cast to BLOB"),
        ("CAST(region AS STRUCT(a INT)) IS NULL", "cast to STRUCT"),
        ("sum(spend) > 1", "other customers"),
        ("rank() OVER (ORDER BY spend) > 1", "other customers"),
        ("lead(spend) OVER (ORDER BY visits) > 1", "other customers"),
        ("spend > random()", "clock or chance"),
        ("visits > date_diff('day', today(), today())", "the future"),
        ("now() IS NULL", "the future"),
        ("date_diff('microsecond', spend, spend) > 1", "counts in day, month, week, year"),
        ("spend > 'much'", "compared with 'much'"),
        ("'much' < spend", "compared with 'much'"),
        ("spend BETWEEN 'few' AND 2", "compared with 'few'"),
        ("spend BETWEEN 1 AND 'many'", "compared with 'many'"),
        ("region = 5", "compared with the number 5"),
        ("region IN ('north', 6)", "compared with the number 6"),
        ("member = 'yes'", "compared with 'yes'"),
        ("rank_share(region) > 0.5", "needs a number"),
        ("rank_share(spend + 1) > 0.5", "takes one column"),
        ("money(spend, 3) > 0.5", "takes one number"),
        ("money(nowhere) > 0.5", "nowhere"),
        ("spend >", "not an SQL expression"),
        ("", "one expression"),
        ("(" * 5000 + "spend" + ")" * 5000, "longer than"),
    ],
)
def test_anything_not_on_the_allow_list_is_refused_and_named(text: str, message: str):
    with pytest.raises(ExpressionError) as caught:
        parse(text, COLUMNS)
    assert message in str(caught.value)


def test_an_audience_may_not_rank():
    with pytest.raises(ExpressionError, match="make a tag of it"):
        parse("rank_share(spend) > 0.5", COLUMNS, ranks=False)


def test_a_value_outside_the_domain_is_a_typo():
    tier = {"tier": Column("tier", Type.TEXT, "Tier", "等级", allowed=("high", "low"))}
    with pytest.raises(ExpressionError, match=r"never 'hihg' \(did you mean high\?\)"):
        parse("tier = 'hihg'", tier)


_WORDS = st.sampled_from(
    [
        "spend",
        "visits",
        "region",
        "1",
        "'x'",
        "=",
        ">",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "IN",
        "NULL",
        "IS",
        "SELECT",
        "FROM",
        ";",
        "--",
        "/*",
        "read_csv",
        "||",
        ",",
        "CASE",
        "WHEN",
        "END",
        "*",
    ]
)


@given(st.lists(_WORDS, max_size=9).map(" ".join) | st.text(max_size=40))
@example("spend -- 1")
@example("'a''; DROP TABLE world; --' = region")
def test_whatever_is_written_either_is_refused_or_only_reads_the_row(text: str):
    try:
        expression = parse(text, COLUMNS)
    except ExpressionError:
        return
    con = empty_world(COLUMNS)
    try:
        # Types may still clash, but what passed is one expression that reads one table.
        assert len(bound_types([expression], con)) == 1
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.InvalidInputException):
        pass
    finally:
        con.close()
