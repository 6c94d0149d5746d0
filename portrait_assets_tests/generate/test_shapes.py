"""The bank's figures have the shapes of a real one's."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import polars as pl

from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.persons.segments import SEGMENTS
from portrait_assets_tests.generate.conftest import CUSTOMERS, Query

CLEAN = "amount > 0 AND amount < 9e7 AND year(occurred_at) < 2100"


def test_latent_segments_have_their_shares(query: Query) -> None:
    found = dict(query("SELECT segment, count(*) / 4000 FROM truth_segments GROUP BY 1").rows())
    for segment in SEGMENTS:
        assert abs(found[segment.code] - segment.share) < 0.03


def test_segments_differ_in_how_often_they_transact(query: Query) -> None:
    rate = dict(
        query(
            "SELECT segment, count(t.customer_id) / count(DISTINCT s.customer_id) "
            "FROM truth_segments s LEFT JOIN transactions t USING (customer_id) GROUP BY 1"
        ).rows()
    )
    assert rate["owner"] > 2 * rate["senior"] > 4 * rate["dormant"]


def test_amounts_are_heavy_tailed(query: Query) -> None:
    median, mean, far = query(
        f"SELECT median(amount), avg(amount), quantile_cont(amount, 0.999) "
        f"FROM transactions WHERE {CLEAN}"
    ).row(0)
    assert float(mean) > 3 * float(median)
    assert float(far) > 100 * float(median)


def test_people_buy_after_their_salary_day_and_at_weekends(query: Query) -> None:
    by_day = query(
        f"SELECT day(occurred_at) AS day, count(*) AS n FROM transactions "
        f"WHERE {CLEAN} AND day(occurred_at) <= 28 GROUP BY 1 ORDER BY 1"
    )["n"].to_list()
    assert sum(by_day[9:13]) > 1.1 * sum(by_day[20:24])
    weekend, working = query(
        "SELECT count(*) FILTER (isodow(occurred_at) > 5) / 2, "
        "count(*) FILTER (isodow(occurred_at) <= 5) / 5 "
        "FROM transactions JOIN truth_segments USING (customer_id) WHERE segment = 'family'"
    ).row(0)
    assert weekend > 1.3 * working


def test_spring_festival_is_quiet_after_a_rush(query: Query) -> None:
    before, during = query(
        "SELECT count(*) FILTER (occurred_at BETWEEN '2023-01-10' AND '2023-01-20') / 10, "
        "count(*) FILTER (occurred_at BETWEEN '2023-01-22' AND '2023-01-29') / 7 FROM transactions"
    ).row(0)
    assert before > 1.6 * during


def test_elders_use_other_channels(query: Query) -> None:
    share = query(
        "SELECT birth_date < '1963' AS elder, avg((channel IN ('branch', 'phone', 'atm'))::INT) AS "
        "staffed, avg((channel = 'app')::INT) AS app FROM transactions "
        "JOIN (SELECT DISTINCT ON (customer_id) * FROM customers) USING (customer_id) "
        "WHERE regexp_matches(birth_date, '^(19|20)\\d\\d-') GROUP BY 1 ORDER BY 1"
    )
    assert share["staffed"][1] > 3 * share["staffed"][0]
    assert share["app"][1] < 0.5 * share["app"][0]


def test_some_customers_never_transact_and_prospects_hold_nothing(query: Query) -> None:
    never = query(
        "SELECT count(*) FROM truth_segments WHERE customer_id NOT IN "
        "(SELECT customer_id FROM transactions)"
    ).item()
    assert 0.005 * CUSTOMERS < never < 0.12 * CUSTOMERS
    prospects = query(
        "SELECT count(*) FROM truth_lifecycle l JOIN balances b ON l.customer_id = b.customer_id "
        "AND l.as_of = b.balance_on WHERE stage IN ('prospect', 'churned')"
    ).item()
    assert prospects == 0
    looking = query(
        "SELECT count(*) FROM interactions i JOIN truth_lifecycle l ON l.customer_id = "
        "i.customer_id AND last_day(i.occurred_at) = l.as_of WHERE stage = 'prospect'"
    ).item()
    assert looking > 0


def test_nobody_acts_before_joining_or_after_leaving(query: Query) -> None:
    outside = query(
        "SELECT count(*) FROM transactions t JOIN truth_segments s USING (customer_id) LEFT JOIN "
        "(SELECT customer_id, min(joined_on) AS joined_on FROM customers GROUP BY 1) USING "
        "(customer_id) WHERE t.occurred_at::DATE > s.left_on AND year(t.occurred_at) < 2100 "
        "OR t.occurred_at::DATE < joined_on OR joined_on IS NULL"
    ).item()
    assert outside == 0


def test_activity_declines_before_leaving(query: Query) -> None:
    assert (
        query(
            "SELECT count(*) FROM truth_segments s JOIN truth_lifecycle l USING (customer_id) "
            "WHERE left_on IS NOT NULL AND stage = 'declining' AND as_of < left_on + 32"
        ).item()
        > 0
    )


def test_balances_follow_the_segment_and_cards_have_limits(query: Query) -> None:
    aum = dict(
        query(
            "SELECT segment, median(balance::DOUBLE) FROM balances JOIN truth_segments USING "
            "(customer_id) WHERE credit_limit IS NULL GROUP BY 1"
        ).rows()
    )
    assert aum["affluent"] > 10 * aum["young_digital"]
    over, cards = query(
        "SELECT count(*) FILTER (balance > 1.06 * credit_limit), count(*) FROM balances "
        "WHERE product_id LIKE 'P2%'"
    ).row(0)
    assert over == 0
    assert cards > 0
    used = dict(
        query(
            "SELECT segment, avg(balance / credit_limit) FROM balances JOIN truth_segments USING "
            "(customer_id) WHERE product_id LIKE 'P2%' GROUP BY 1"
        ).rows()
    )
    assert used["revolver"] > 2 * used["affluent"]


def test_holders_react_to_the_withdrawal_of_their_fund(query: Query) -> None:
    after = query(
        "SELECT count(*) FROM balances JOIN products USING (product_id) "
        "WHERE balance_on >= withdrawn_on"
    ).item()
    switched = query(
        "WITH old AS (SELECT DISTINCT customer_id FROM balances WHERE product_id = 'P403') "
        "SELECT count(DISTINCT b.customer_id) / count(DISTINCT old.customer_id) FROM old "
        "LEFT JOIN balances b ON b.customer_id = old.customer_id AND b.product_id = 'P406'"
    ).item()
    assert after == 0
    assert 0.3 < switched < 0.9


def test_days_past_due_and_defaults_agree(query: Query) -> None:
    reached = query(
        "SELECT count(DISTINCT customer_id) FROM balances WHERE days_past_due > 90"
    ).item()
    in_truth = query("SELECT count(*) FROM truth_defaults WHERE defaulted_on IS NOT NULL").item()
    in_outcomes = query(
        "SELECT count(*) FROM outcomes WHERE outcome = 'default' AND value = 1"
    ).item()
    assert in_truth == in_outcomes
    assert 0 < reached <= in_truth


def test_texts_are_chinese_and_scores_on_their_scale(query: Query) -> None:
    texts: pl.DataFrame = query(
        "SELECT kind, count(content) AS written, "
        "avg(regexp_matches(content, '\\p{Han}')::INT) AS chinese, min(score) AS low, "
        "max(score) FILTER (score < 99) AS high FROM interactions GROUP BY 1"
    )
    kinds = {row["kind"]: row for row in texts.iter_rows(named=True)}
    assert set(kinds) == {"survey", "complaint", "note", "post", "visit"}
    for kind in ("survey", "complaint", "note", "post"):
        assert kinds[kind]["written"] > 0
        assert kinds[kind]["chinese"] == 1.0
    assert 0 <= kinds["survey"]["low"] < kinds["survey"]["high"] <= 10
    assert query("SELECT count(DISTINCT step) FROM interactions WHERE kind = 'visit'").item() >= 10


def test_who_leaves_is_a_customer_until_that_day_and_the_others_until_the_last(
    query: Query,
) -> None:
    days = query(
        "SELECT value = 1 AS left_us, min(observed_on - last_on) AS least, "
        "count(DISTINCT observed_on) AS days, max(observed_on) AS latest "
        "FROM outcomes JOIN (SELECT customer_id, max(occurred_at)::DATE AS last_on "
        "FROM transactions WHERE year(occurred_at) < 2100 GROUP BY 1) USING (customer_id) "
        "WHERE outcome = 'churn' GROUP BY 1 ORDER BY 1"
    )
    stayed, left = days.rows(named=True)
    last = query("SELECT max(balance_on) FROM balances").item()
    assert (stayed["least"], stayed["days"], stayed["latest"]) == (0, 1, last)
    assert left["least"] == 0, "some buy on the day itself, nobody after it"
    assert left["days"] > 5


def test_a_fund_has_a_net_value_from_the_month_of_its_introduction_on(query: Query) -> None:
    funds = query(
        "SELECT product_id, any_value(introduced_on) AS since, min(observed_on) AS first, "
        "count(*) AS months FROM market JOIN products USING (product_id) GROUP BY 1"
    )
    begin = query("SELECT min(observed_on) FROM market").item()
    for fund in funds.iter_rows(named=True):
        since = max(fund["since"], begin.replace(day=1))
        assert (fund["first"].year, fund["first"].month) == (since.year, since.month), fund
    assert len(set(funds["months"])) > 2


def test_cash_wealth_and_insurance_are_never_refunded(query: Query) -> None:
    refunded = query("SELECT DISTINCT category FROM transactions WHERE amount < 0")["category"]
    assert refunded.drop_nulls().n_unique() > 5
    assert not {"cash", "wealth", "insurance"} & set(refunded)


def test_prospects_come_to_no_branch(query: Query) -> None:
    visits = query(
        "SELECT stage = 'prospect' AS is_prospect, count(*) AS visits, "
        "count(*) FILTER (channel = 'branch') AS to_branches "
        "FROM interactions JOIN truth_lifecycle USING (customer_id) "
        "WHERE kind = 'visit' AND last_day(occurred_at::DATE) = as_of GROUP BY 1 ORDER BY 1"
    )
    customers, prospects = visits.rows(named=True)
    assert customers["to_branches"] > 0
    assert prospects["visits"] > 0
    assert prospects["to_branches"] == 0


def test_new_funds_are_held_from_the_month_after_their_introduction_on(query: Query) -> None:
    months = query(
        "SELECT date_diff('month', any_value(introduced_on), min(balance_on)) AS after "
        "FROM balances JOIN products USING (product_id) "
        "WHERE product_id IN ('P407', 'P408') GROUP BY product_id"
    )
    assert months["after"].to_list() == [1, 1]


def test_a_default_is_on_the_first_month_s_end_more_than_90_days_past_due(query: Query) -> None:
    defaults = query(
        "SELECT o.observed_on, min(balance_on) FILTER (days_past_due > 90) AS first "
        "FROM outcomes o JOIN balances USING (customer_id) WHERE outcome = 'default' AND value = 1 "
        "GROUP BY customer_id, o.observed_on HAVING min(days_past_due) >= 0"
    )
    assert len(defaults) > 3
    # Of an account that is opened later there is no balance on that day.
    assert (defaults["observed_on"] <= defaults["first"]).all()
    assert 2 * (defaults["observed_on"] == defaults["first"]).sum() > len(defaults)


def test_who_leaves_declines_in_the_three_months_before(query: Query) -> None:
    declining = query(
        "SELECT count(*) FILTER (stage = 'declining') AS months FROM truth_lifecycle "
        "GROUP BY customer_id HAVING bool_or(stage = 'churned')"
    )["months"]
    assert declining.max() == 4, "these and the month itself"


def test_the_return_before_is_that_of_the_month_before() -> None:
    returns = np.array([0.01, -0.02, 0.03])
    months = {each.name: returns for each in fields(Market)}
    assert Market(**months).return_before.tolist() == [0, 0.01, -0.02]  # type: ignore[arg-type]
