"""Parts of features by themselves, with frames in place of what they read."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.features.matrix import BASES, CUSTOMER_PARTS
from portrait_assets.stages.features.parts.balances import CONDUCT
from portrait_assets.stages.features.parts.campaigns import (
    BASE_CAMPAIGN_TYPE,
    CAMPAIGN,
    CAMPAIGN_RESPONSE,
    WINDOW,
)
from portrait_assets.stages.features.parts.choices import (
    BASE_CATEGORY,
    BY_CATEGORY,
    CATEGORY,
    CATEGORY_NAME,
    CHOICE,
    CHOSEN,
)
from portrait_assets.stages.features.parts.reactions import (
    BASE_MONTHS,
    FOLLOWED,
    INDICATOR,
    MONTHS,
    UPLIFT,
    WITHDRAWAL,
    WITHDRAWN,
    WITHDRAWN_USER,
)
from portrait_assets.storage.steps import Scope, Source, upstream
from portrait_assets.testing.steps import run_step
from portrait_assets.testing.worlds.features import World, day

JUNE = Scope("2024-06")


def test_what_was_not_bought_before_the_last_three_months_is_new() -> None:
    """Months are bits, the lowest for the month itself."""
    months = [0b001, 0b111, 0b1000, 0b1001, 0b100, 0b0]
    choices = pl.DataFrame({"customer_id": ["a"] * 4 + ["b"] * 2, "months": months})
    found = run_step(CHOSEN, JUNE, {CHOICE: choices}).sort("customer_id")
    names = ["customer_id", "choices", "repeated", "recent", "novel", "has_earlier"]
    assert found.select(names).rows() == [("a", 4, 2, 3, 2, True), ("b", 1, 0, 1, 1, False)]


def test_a_category_of_which_more_was_given_back_is_none_of_those_bought() -> None:
    """Of two on which as much was spent the first by number is preferred."""
    bought = [(1, 2, 40.0), (2, 3, 60.0), (3, 1, 60.0), (4, 1, -10.0)]
    by_category = pl.DataFrame(
        [("a", no, lines, amount, lines, 1) for no, lines, amount in bought],
        schema=[
            *("customer_id", "category_no", "lines", "amount", "branded_lines"),
            "first_brand_lines",
        ],
        orient="row",
    )
    numbers = {"category_no": [1, 2, 3, 4]}
    base = pl.DataFrame({**numbers, "line_share": [0.25] * 4, "buyers": [50] * 4})
    names = pl.DataFrame({**numbers, "category": ["jam", "tea", "oil", "nuts"]})
    given: dict[Source, pl.DataFrame] = {
        BY_CATEGORY: by_category,
        BASE_CATEGORY: base,
        CATEGORY_NAME: names,
    }
    (row,) = run_step(CATEGORY, JUNE, given).to_dicts()
    assert (row["categories"], row["spend"], row["lines"]) == (3, 160.0, 7)
    assert (row["first_category"], row["first_amount"], row["first_lines"]) == ("tea", 60.0, 3)
    assert float(row["squares"]) == 40**2 + 60**2 + 60**2
    # With a second line of a brand: two of jam and three of tea.
    assert (row["loyal_of_lines"], row["loyal_lines"]) == (5, 2)


RESPONSE = pl.Schema(
    {
        "customer_id": pl.String,
        "campaign_type": pl.String,
        "contacts": pl.Int64,
        "responses": pl.Int64,
        "responded": pl.Int64,
        "lag_days": pl.Int64,
        "last_response_on": pl.Date,
        "contacts_1m": pl.Int64,
        "contacts_3m": pl.Int64,
        "contacted_months": pl.Int64,
        "rate": pl.Float64,
    }
)


def test_the_best_kind_of_campaign_is_one_that_reached_the_customer() -> None:
    on = date(2024, 6, 3)
    rows = [
        ("a", "mail", 2, 0, 0, 0, None, 1, 2, 0b11, 0.2),
        ("a", "call", 1, 0, 0, 0, None, 0, 0, 0b1000, 0.3),
        ("a", "visit", 0, 1, 1, 4, on, 0, 0, 0, 0.9),
        ("b", "mail", 1, 1, 1, 2, on, 1, 1, 0b1, 0.3),
        ("b", "call", 5, 0, 0, 0, None, 0, 0, 0b1000, 0.3),
    ]
    frame = pl.DataFrame(rows, schema=RESPONSE, orient="row")
    found = run_step(CAMPAIGN, JUNE, {CAMPAIGN_RESPONSE: frame}).sort("customer_id")
    names = ["contacts", "responses", "best_type", "best_rate", "best_contacts", "contacted_months"]
    assert found.select(names).rows() == [
        (3, 1, "call", 0.3, 1, 0b1011),
        (6, 1, "mail", 0.3, 1, 0b1001),
    ]


def test_no_base_rate_is_above_one() -> None:
    """Of mail three responses are to contacts before the window, and nobody was called."""
    months = pl.DataFrame(
        [("a", "mail", 1, 2), ("b", "mail", 1, 3), ("a", "visit", 4, 1), ("b", "call", 0, 1)],
        schema=["customer_id", "campaign_type", "contacts", "responded_contacts"],
        orient="row",
    )
    found = run_step(BASE_CAMPAIGN_TYPE, JUNE, {WINDOW: months}).sort("campaign_type")
    assert found.rows() == [("mail", 1.0, 2), ("visit", 0.25, 1)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # From the month itself back: late twice, three months apart, for two months and one.
        ([0, 5, 5, 0, 0, 9], {"months": 6, "spells": 2, "on_time": 3, "worst": 9, "since": 1}),
        ([3, 0, None, 0], {"months": 3, "spells": 1, "on_time": 3, "worst": 3, "since": 0}),
        ([0, 0], {"months": 2, "spells": 0, "on_time": 2, "worst": 0, "since": None}),
        ([None, None], {"months": None, "spells": None, "on_time": None, "worst": None}),
    ],
)
def test_a_spell_past_due_begins_where_the_month_before_was_not(
    days: list[int | None], expected: dict[str, int | None]
) -> None:
    (months,) = [source for source in upstream(CONDUCT) if source.name == "credit_month"]
    frame = pl.DataFrame(
        {"customer_id": "a", "ago": range(len(days)), "days_past_due": days},
        schema_overrides={"days_past_due": pl.Int64},
    ).with_columns(
        owed=pl.lit(30.0),
        credit_limit=pl.lit(100.0),
        revolving_owed=pl.lit(25.0),
        revolving_limit=pl.lit(50.0),
    )
    (row,) = run_step(CONDUCT, JUNE, {months: frame}).to_dicts()
    assert {name: row[name] for name in expected} == expected
    assert (row["owed_12m"], row["limits_12m"]) == (30.0 * len(days), 100.0 * len(days))
    recent = min(len(days), 3)
    assert (row["owed_3m"], row["limits_3m"]) == (30.0 * recent, 100.0 * recent)
    assert row["use_band"] == 5


def test_how_late_a_payment_is_and_whether_it_was_late_a_month_on() -> None:
    """From the month itself back: nothing follows it, nor the one before the month not known."""
    days = [95, 61, 30, 0, 31, None, 5]
    (months,) = [source for source in upstream(CONDUCT) if source.name == "credit_month"]
    frame = pl.DataFrame({"customer_id": "a", "ago": range(len(days)), "days_past_due": days})
    nothing = pl.lit(None, pl.Float64)
    frame = frame.with_columns(
        owed=nothing, credit_limit=nothing, revolving_owed=nothing, revolving_limit=nothing
    )
    (row,) = run_step(CONDUCT, JUNE, {months: frame}).to_dicts()
    stages = [(row[f"followed_{at}"], row[f"stayed_{at}"]) for at in range(4)]
    assert stages == [(1, 1), (1, 0), (1, 1), (0, 0)]
    assert row["use_band"] == 10


def test_a_product_was_used_in_the_three_months_before_its_last_day() -> None:
    """The day of the withdrawal is none of them, that three months before is the first."""
    days = {
        "too early": date(2024, 1, 9),
        "first": date(2024, 1, 10),
        "last": date(2024, 4, 9),
        "too late": date(2024, 4, 10),
    }
    named = {source.name: source for source in upstream(WITHDRAWN_USER)}
    withdrawn = pl.DataFrame(
        {"product_id": ["P"], "withdrawn_on": [date(2024, 4, 10)], "ago": [2]},
    )
    rows = pl.DataFrame({"customer_id": [*days], "product_id": "P", "on": [*days.values()]})
    nothing = rows.filter(pl.col("customer_id") == "last").with_columns(customer_id=pl.lit("none"))
    bought = pl.concat(
        [rows.with_columns(amount=pl.lit(5)), nothing.with_columns(amount=pl.lit(0))]
    )
    holding = rows.with_columns(pl.col("customer_id") + " held", balance=pl.lit(5))
    given: dict[Source, pl.DataFrame] = {
        WITHDRAWN: withdrawn,
        named["transactions"]: bought.rename({"on": "occurred_at"}),
        named["balances"]: holding.rename({"on": "balance_on"}),
    }
    found = run_step(WITHDRAWN_USER, JUNE, given)
    assert sorted(found["customer_id"]) == ["first", "first held", "last", "last held"]


def arrays(**values: np.ndarray) -> pl.DataFrame:
    """A row with these numbers of the twelve months, the month itself first."""
    kind = pl.Array(pl.Float64, 12)
    return pl.DataFrame(
        {name: pl.Series([own.tolist()], dtype=kind) for name, own in values.items()}
    )


@pytest.mark.parametrize(("known", "is_found"), [(5, False), (6, True), (9, True)])
def test_an_indicator_is_followed_over_six_of_its_changes_or_more(
    known: int, is_found: bool
) -> None:
    """The share of the base's spend and the changes, mixed with twelve months without any."""
    rng = np.random.default_rng(3)
    spends, base = rng.uniform(1, 9, 12), rng.uniform(90, 110, 12)
    changes = np.where(np.arange(12) < known, rng.normal(0, 0.1, 12).round(3), 0.0)
    is_known = (np.arange(12) < known).astype(float)
    indicator = arrays(
        changes=changes,
        known=is_known,
        counts=is_known.cumsum(),
        sums=changes.cumsum(),
        squares=(changes**2).cumsum(),
    ).with_columns(indicator=pl.lit("rate"))
    months = arrays(spends=spends).with_columns(customer_id=pl.lit("a"), oldest=pl.lit(11))
    given: dict[Source, pl.DataFrame] = {
        MONTHS: months,
        BASE_MONTHS: arrays(spends=base),
        INDICATOR: indicator,
    }
    found = run_step(FOLLOWED, JUNE, given)
    alone = np.corrcoef(changes[:known], (spends / base)[:known])[0, 1]
    expected = ("a", known, pytest.approx(alone * known / (known + 12), abs=2e-6), "rate")
    assert found.rows() == ([expected] if is_found else [])


def test_a_change_of_an_indicator_is_that_of_its_newest_values_in_the_whole_market() -> None:
    def row(on: date, value: float, **of: str) -> dict[str, object]:
        found = {"month": f"{on:%Y-%m}", "observed_on": on, "value": value, "indicator": "rate"}
        return found | dict.fromkeys(("product_id", "store_id", "competitor", "product_class")) | of

    rows = [
        row(date(2024, 6, 20), 3.0),
        row(date(2024, 6, 21), 4.0),
        row(date(2024, 6, 1), 9.0),
        row(date(2024, 5, 31), 5.0),
        row(date(2024, 3, 31), 2.0),
        row(date(2024, 6, 30), 7.0, competitor="other"),
        row(date(2024, 6, 30), 7.0, product_class="fund"),
        row(date(2024, 6, 30), 7.0, product_id="P"),
        row(date(2024, 6, 30), 7.0, store_id="S"),
    ]
    (market,) = upstream(INDICATOR)[:1]
    (found,) = run_step(
        INDICATOR, JUNE, {market: pl.DataFrame(rows, infer_schema_length=None)}
    ).rows(named=True)
    assert found["changes"] == [pytest.approx(4 / 5 - 1), *[0] * 11], "of April nothing is known"
    assert (found["known"], found["counts"]) == ([1, *[0] * 11], [1] * 12)


@pytest.mark.parametrize(("lately", "reaction"), [(0.0, -1.0), (5.0, -1 / 3), (10.0, 0.0)])
def test_who_buys_nothing_after_a_withdrawal_reacts_most(lately: float, reaction: float) -> None:
    """Withdrawn two months ago: both are held against the two before that month."""
    spends = np.array([lately, lately, 77.0, 10.0, 10.0, *[50.0] * 7])
    user = pl.DataFrame({"customer_id": ["a"], "product_id": ["P"], "ago": [2]})
    months = arrays(spends=spends).with_columns(customer_id=pl.lit("a"), oldest=pl.lit(11))
    given: dict[Source, pl.DataFrame] = {
        WITHDRAWN_USER: user,
        MONTHS: months,
        BASE_MONTHS: arrays(spends=np.full(12, 100.0)),
    }
    found = run_step(WITHDRAWAL, JUNE, given)
    assert found.rows() == [("a", 1, pytest.approx(reaction, abs=1e-6))]


def test_uplift_is_of_contacts_since_the_first_purchase() -> None:
    """First bought three months ago; reached in that month, this month and once before."""
    spends = np.array([10.0, 20.0, 30.0, 40.0, *[0.0] * 8])
    base = np.array([200.0, 100.0, 100.0, 400.0, *[500.0] * 8])
    months = arrays(spends=spends).with_columns(customer_id=pl.lit("a"), oldest=pl.lit(3))
    campaign = pl.DataFrame({"customer_id": ["a"], "contacted_months": [0b101001]})
    of_all = arrays(spends=base, so_far=base.cumsum())
    found = run_step(UPLIFT, JUNE, {MONTHS: months, CAMPAIGN: campaign, BASE_MONTHS: of_all})
    # 50 in two months of which the base spent 600; 50 in those of which it spent 200.
    assert found.rows() == [("a", 2, 50.0, 50 / 200 * 600)]


def test_the_base_of_what_is_new_is_of_those_with_an_earlier_choice() -> None:
    chosen = [(4, 1, 3, 2, True), (5, 2, 5, 5, False), (2, 1, 1, 0, True)]
    names = ("choices", "repeated", "recent", "novel", "has_earlier")
    parts = pl.DataFrame({"x": [dict(zip(names, each, strict=True)) for each in chosen]})
    found = run_step(BASES["bx"], JUNE, {CUSTOMER_PARTS: parts})
    assert found.row(0, named=True) == {"choices": 11, "repeated": 4, "recent": 4, "novel": 2}


def test_who_emptied_their_accounts_has_the_lowest_trend_of_balances() -> None:
    """Of the balances of two quarters; who is overdrawn has none."""
    quarters = {"empties": (100, 0), "fills": (0, 50), "halves": (30, 10), "overdrawn": (9, -3)}
    balances = [
        {"customer_id": who, "account_id": who, "balance_on": day(f"2024-0{month}-28")}
        | {"balance": before if month < 4 else lately, "product_id": "P"}
        for who, (before, lately) in quarters.items()
        for month in range(1, 7)
    ]
    world = World("2024-06", first="2024-01", balances=balances)
    assert world.feature("balance_trend_3m", "2024-06") == {
        **{"empties": -1.0, "fills": 1.0, "halves": -0.5, "overdrawn": None}
    }
