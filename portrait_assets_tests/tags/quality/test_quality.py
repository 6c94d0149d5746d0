from datetime import date
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.contract import TAG_QUALITY
from portrait_assets.stages.tags.quality.cards import _distribution, tag_quality
from portrait_assets.stages.tags.quality.distributions import (
    SAMPLE,
    TagDistributions,
    tag_distributions,
)
from portrait_assets.stages.tags.quality.lift import (
    _most_significant_lift,
    most_significant_lifts,
    outcomes_sql,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import (
    COLUMNS,
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    TIER,
    catalogue_of,
    features,
    tagged,
    write_catalogue,
)

NUMBER = "  - {code: amount, expression: spend, type: money}\n"


def distributions_of(
    catalogue: Catalogue, months: dict[date, pl.DataFrame], sample: int = SAMPLE
) -> list[TagDistributions]:
    with scratch_database() as con:
        tagged(con, catalogue, months)
        return [tag_distributions(con, catalogue, as_of, sample) for as_of in months]


def test_changes_tell_who_gained_lost_and_changed(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, INTERESTS, NUMBER)
    may = features(MAY, spend=[150, 150, None, 5], visits=[20, 1, 1, 1], member=[True] * 4)
    june = features(JUNE, spend=[150, 50, 50, None], visits=[1, 1, 1, 1], member=[True] * 4)

    with scratch_database() as con:
        tagged(con, catalogue, {MAY: may, JUNE: june})
        changes = con.sql("FROM tags.tag_changes ORDER BY customer_id, tag_code").pl()

    # Amounts move every month by nature and are no change of a tag.
    assert changes.rows() == [
        (JUNE, "a", "interests", "lost", "often", None),
        (JUNE, "b", "tier", "changed", "high", "low"),
        (JUNE, "c", "tier", "gained", None, "low"),
        (JUNE, "d", "tier", "lost", "low", None),
    ]
    assert changes.columns == [
        "as_of",
        "customer_id",
        "tag_code",
        "change",
        "value_before",
        "value_after",
    ]


def test_changes_of_a_text_and_of_yes_and_no_are_recorded(tmp_path: Path):
    vip = "  - {code: vip, expression: spend > 100, type: boolean}\n"
    catalogue = catalogue_of(tmp_path, HOME, vip, NUMBER)
    may = features(MAY, region=["north", "north", "west"], spend=[150, 150, 5])
    june = features(JUNE, region=["south", "north", "west"], spend=[150, 50, 9])

    with scratch_database() as con:
        tagged(con, catalogue, {MAY: may, JUNE: june})
        changes = con.execute("FROM tags.tag_changes ORDER BY customer_id").fetchall()

    assert changes == [
        (JUNE, "a", "home", "changed", "north", "south"),
        (JUNE, "b", "vip", "changed", "true", "false"),
    ]


def test_a_customer_who_is_new_has_gained_every_tag(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, INTERESTS)
    may = features(MAY, spend=[150], visits=[1])
    june = features(JUNE, spend=[150, 5], visits=[1, 12], member=[None, True])

    with scratch_database() as con:
        tagged(con, catalogue, {MAY: may, JUNE: june})
        rows = con.execute(
            "SELECT * EXCLUDE as_of FROM tags.tag_changes ORDER BY customer_id, tag_code"
        ).fetchall()

    assert rows == [
        ("b", "interests", "gained", None, "member, often"),
        ("b", "tier", "gained", None, "low"),
    ]


def test_a_customer_who_left_has_lost_every_tag_and_only_once(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, INTERESTS)
    july = date(2017, 7, 31)
    may = features(MAY, spend=[150, 150], visits=[1, 20])
    without_b = {"spend": [150], "visits": [1]}

    with scratch_database() as con:
        tagged(
            con,
            catalogue,
            {MAY: may, JUNE: features(JUNE, **without_b), july: features(july, **without_b)},
        )
        rows = con.execute("FROM tags.tag_changes ORDER BY ALL").fetchall()

    assert rows == [
        (JUNE, "b", "interests", "lost", "often", None),
        (JUNE, "b", "tier", "lost", "high", None),
    ]


def test_changes_are_read_of_the_month_and_customer_that_are_asked_for(tmp_path: Path):
    """What is not asked for must not be joined: of a bank that is all customers of all months."""
    catalogue = catalogue_of(tmp_path, TIER, INTERESTS)
    may = features(MAY, spend=[150, 150], visits=[1, 20])

    with scratch_database() as con:
        tagged(con, catalogue, {MAY: may, JUNE: features(JUNE, spend=[1], visits=[1])})
        for condition in ("customer_id = 'a'", f"as_of = DATE '{JUNE}'"):
            plan = con.sql(f"EXPLAIN FROM tags.tag_changes WHERE {condition}").fetchall()[0][1]
            # All but the two that look for the first and the last month.
            assert plan.count("Filters:") == plan.count("Sequential Scan") - 2, plan


def test_who_has_none_of_several_values_holds_no_tag(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, INTERESTS, TIER)
    world = features(
        JUNE, visits=[12, 12, 1, None], member=[True, False, False, None], spend=[1, None, 9, None]
    )
    (june,) = distributions_of(catalogue, {JUNE: world})
    assert june.holders == {"interests": 2, "tier": 2}
    assert june.counts["interests"] == {"often + member": 1, "often": 1}


def test_the_share_of_the_most_frequent_value_is_of_those_who_hold_one(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER)
    (june,) = distributions_of(catalogue, {JUNE: features(JUNE, spend=[150, 150, 5, None])})
    card = tag_quality(catalogue, june, None, JUNE).row(0, named=True)
    assert (card["coverage"], card["top_value"]) == (0.75, "high")
    assert card["top_share"] == round(2 / 3, 6)


@pytest.mark.parametrize(("smallest", "shown"), [(3, "1.5"), (4, None)])
def test_the_most_frequent_number_is_shown_where_enough_customers_have_it(
    smallest: int, shown: str | None
):
    numbers = np.array([1.5, 1.5, 1.5, 2.0, 4.0, np.nan])
    found = _distribution(cast(Tag, None), cast(TagDistributions, None), numbers, smallest)
    assert found[:3] == (3, shown, 0.6)


@pytest.mark.parametrize(("smallest", "summary"), [(5, "p10 1.5; p50 1.5; p90 3.2"), (6, None)])
def test_numbers_are_summed_up_where_enough_customers_have_one(smallest: int, summary: str | None):
    numbers = np.array([1.5, 1.5, 1.5, 2.0, 4.0, np.nan])
    found = _distribution(cast(Tag, None), cast(TagDistributions, None), numbers, smallest)
    assert (found[0], found[3]) == (3, summary)


def test_of_several_values_each_has_its_share_of_those_who_hold_any():
    tag = cast(Tag, SimpleNamespace(code="likes"))
    month = SimpleNamespace(counts={"likes": {"tea": 3, "jam": 2}}, holders={"likes": 4})
    found = _distribution(tag, cast(TagDistributions, month), None, 1)
    assert found == (2, "tea", 0.75, "tea 75.0%; jam 50.0%")


def test_a_lift_is_of_a_value_that_enough_customers_hold():
    codes = np.array([0] * 10 + [1] * 30 + [2] * 60)
    happened = np.array([True] * 10 + [True] * 30 + [False] * 30 + [True] * 30)
    lift = _most_significant_lift("purchased", codes, ["a", "b", "c"], codes >= 0, happened)
    assert lift is not None
    assert (lift.value, round(lift.lift, 6)) == ("b", round(1 / 0.7, 6))


@pytest.mark.parametrize(
    ("hits", "most_significant", "lift"),
    [((16, 30, 150), "b", 0.1), ((16, 90, 90), "a", 16 / 30), ((1, 90, 90), "a", 1 / 30)],
)
def test_the_lift_that_is_most_surely_off_1_may_be_below_it(
    hits: tuple[int, int, int], most_significant: str, lift: float
):
    """Rates of 30, 300 and 300 customers."""
    sizes = (30, 300, 300)
    codes = np.repeat(np.arange(3), sizes)
    happened = np.concatenate([np.arange(n) < hit for n, hit in zip(sizes, hits, strict=True)])
    found = _most_significant_lift("purchased", codes, ["a", "b", "c"], codes >= 0, happened)
    assert found is not None
    assert found.value == most_significant
    assert found.lift == pytest.approx(lift * sum(sizes) / sum(hits))


def test_whether_customers_responded_is_known_of_those_who_were_contacted():
    with scratch_database() as con:
        con.execute("CREATE SCHEMA features")
        con.execute(
            "CREATE TABLE features.customer_month AS SELECT * FROM (VALUES "
            "('2017-06', 'a', 1, 2, 1), ('2017-06', 'b', 0, 1, 0), ('2017-06', 'c', 2, 0, 1), "
            "('2017-05', 'd', 1, 1, 1), ('2017-06', 'e', 1, 1, 1)) "
            "AS t(month, customer_id, purchases, contacts, responses)"
        )
        con.execute(
            "CREATE TABLE features.unprofiled AS SELECT * FROM (VALUES "
            "(DATE '2017-05-31', 'a', 'objection'), (DATE '2017-06-30', 'e', 'objection'), "
            "(DATE '2017-06-30', 'f', 'withdrawn')) AS t(as_of, customer_id, because)"
        )
        found = con.execute(f"{outcomes_sql('2017-06')} ORDER BY customer_id").fetchall()
    known = [("a", True, True), ("b", False, False), ("c", True, None)]
    assert found == [*known, ("e", None, None), ("f", None, None)]


def test_what_somebody_did_after_they_objected_is_not_held_against_a_tag(tmp_path: Path):
    """Of 40 customers with a high tier 30 bought, of 80 with a low one 10, and 40 objected."""
    catalogue = catalogue_of(tmp_path, TIER)
    ten = pl.DataFrame({"number": [str(number) for number in range(10)]})
    world = features(MAY, spend=[150] * 4 + [5] * 6).filter(pl.col("customer_id") <= "h")
    more = features(MAY, spend=[5] * 8).filter(pl.col("customer_id") > "d")
    more = more.with_columns(pl.col("customer_id").str.to_uppercase())
    world = pl.concat([world, more]).join(ten, how="cross")
    named = world.with_columns(pl.concat_str("customer_id", "number").alias("customer_id"))
    may = distributions_of(catalogue, {MAY: named.drop("number")})[0]
    bought = pl.col("customer_id").str.contains("^[a-ce]")
    objected = pl.col("customer_id").str.contains("^[A-Z]")
    followed = may.sample.select("customer_id", pl.when(~objected).then(bought).alias("purchased"))
    followed = followed.with_columns(responded=pl.lit(None, pl.Boolean))
    lift = most_significant_lifts(catalogue.active("2017-05"), may, followed)["tier"]
    assert (lift.value, round(lift.lift, 6)) == ("high", 1.5)


def test_a_quality_card_per_tag_conforms_and_says_why(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, HOME, INTERESTS, NUMBER)
    spread = [10.0 * step for step in range(10)]
    may, june = distributions_of(
        catalogue,
        {
            MAY: features(MAY, spend=spread, visits=[12] * 10),
            JUNE: features(JUNE, spend=[s + 60 for s in spread], visits=[12] * 10),
        },
    )

    cards = tag_quality(catalogue, june, may, JUNE)

    assert cards.schema == TAG_QUALITY.polars_schema
    by_code = {row["tag_code"]: row for row in cards.iter_rows(named=True)}
    assert by_code["tier"]["coverage"] == 1.0
    assert by_code["tier"]["share_changed"] == 0.6
    assert by_code["tier"]["distribution"] == "high 60.0%; low 40.0%"
    assert by_code["tier"]["recommendation"] == "review"
    assert "shifted" in by_code["tier"]["reason_en"]
    assert "60% of customers changed" in by_code["tier"]["reason_en"]
    assert by_code["amount"]["ks"] == pytest.approx(0.6)
    assert by_code["amount"]["distribution"] == "p10 69; p50 105; p90 141"
    assert by_code["home"]["recommendation"] == "retire"
    assert by_code["interests"]["recommendation"] == "retire"
    assert "tells nobody apart" in by_code["interests"]["reason_en"]


def test_the_first_month_has_cards_without_drift(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, NUMBER)
    (june,) = distributions_of(catalogue, {JUNE: features(spend=[150, 5, 7])})

    cards = tag_quality(catalogue, june, None, JUNE)

    assert cards.select("psi", "ks", "share_changed", "lift").null_count().row(0) == (2, 2, 2, 2)


@pytest.mark.parametrize(("smallest", "cards"), [(3, 2), (4, 0)])
def test_no_tag_is_described_of_a_month_of_too_few(tmp_path: Path, smallest: int, cards: int):
    catalogue = catalogue_of(tmp_path, TIER, NUMBER)
    (june,) = distributions_of(catalogue, {JUNE: features(spend=[150, 5, 7])})
    assert tag_quality(catalogue, june, None, JUNE, smallest=smallest).height == cards


def test_the_age_of_kept_values_is_counted(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, HOME)
    _, june = distributions_of(
        catalogue,
        {MAY: features(MAY, region=["n", "n"]), JUNE: features(JUNE, region=["n", None])},
    )
    assert june.age_months == {"home": 0.5}


def test_tags_with_the_same_values_overlap(tmp_path: Path):
    twin = TIER.replace("code: tier", "code: twin").replace("spend", "visits")
    catalogue = catalogue_of(tmp_path, TIER, twin, HOME)
    amounts = [5, 150, 5, 150, 5, 150]
    (june,) = distributions_of(
        catalogue,
        {JUNE: features(spend=amounts, visits=amounts, region=["n", "n", "s", "s", "w", "w"])},
    )

    cards = tag_quality(catalogue, june, None, JUNE)

    overlaps = cards.select("tag_code", "overlap_tag", "overlap").rows()
    assert ("tier", "twin", 1.0) in overlaps
    assert ("twin", "tier", 1.0) in overlaps


def many(size: int, as_of: date = JUNE) -> pl.DataFrame:
    """So many customers '0', '1', ..., of whom every fourth spends a lot."""
    return pl.concat([features(as_of, spend=[1])] * size).with_columns(
        customer_id=pl.int_range(size).cast(pl.String),
        spend=pl.when(pl.int_range(size) % 4 == 0).then(500).otherwise(5).cast(pl.Decimal(18, 2)),
    )


def test_lift_follows_the_outcome_and_has_an_interval(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER)
    may, june = distributions_of(catalogue, {MAY: many(400, MAY), JUNE: many(400)})
    # All big spenders came back, and 50 of the 300 others; who is not listed did not.
    back = [c for c in range(400) if c % 4 == 0] + list(range(1, 200, 4))
    outcomes = pl.DataFrame(
        {"customer_id": [str(c) for c in back], "purchased": True, "responded": None},
        schema_overrides={"responded": pl.Boolean},
    )

    card = tag_quality(catalogue, june, may, JUNE, outcomes).row(0, named=True)

    assert (card["lift_outcome"], card["lift_value"]) == ("purchased", "high")
    assert card["lift"] == pytest.approx(1 / (150 / 400))
    assert 1 < card["lift_low"] < card["lift"] <= card["lift_high"]
    assert card["recommendation"] == "keep"


def test_of_many_values_without_meaning_hardly_any_lift_differs_from_1():
    """The most extreme of 30 values is picked: its interval allows for the other 29."""
    rng, values, size = np.random.default_rng(8), 30, 3_000
    names = [f"v{number}" for number in range(values)]
    differs = []
    for _ in range(300):
        codes, happened = rng.integers(0, values, size), rng.random(size) < 0.3
        found = _most_significant_lift("purchased", codes, names, np.full(size, True), happened)
        assert found is not None
        differs.append(not found.low <= 1 <= found.high)
    assert np.mean(differs) <= 0.05


def test_a_campaign_tag_is_judged_by_responses_of_those_contacted(tmp_path: Path):
    head = "response: {en: Response, zh: 响应}"
    path = write_catalogue(tmp_path, TIER)
    text = path.read_text("utf-8").replace("categories:\n", f"categories:\n  {head}\n")
    path.write_text(text.replace("[value, value, value]", "[response, response, value]"), "utf-8")
    catalogue = load_catalogue(path, columns=COLUMNS)
    may, june = distributions_of(catalogue, {MAY: many(400, MAY), JUNE: many(400)})
    contacted = pl.DataFrame(
        {
            "customer_id": [str(c) for c in range(200)],
            "purchased": True,
            "responded": [c % 4 == 0 for c in range(200)],
        }
    )

    card = tag_quality(catalogue, june, may, JUNE, contacted).row(0, named=True)

    assert (card["lift_outcome"], card["lift"]) == ("responded", 4.0)


def lot(customer: str) -> int:
    """The number that a customer is drawn by, the same in every version of a database."""
    return int.from_bytes(md5(customer.encode()).digest()[8:], "little")


def test_what_is_counted_is_counted_over_all_and_the_rest_over_a_sample(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, TIER, NUMBER)
    may, june = distributions_of(catalogue, {MAY: many(900, MAY), JUNE: many(900)}, sample=300)

    assert june.counts["tier"] == {"low": 675, "high": 225}
    drawn = [who for who in map(str, range(900)) if lot(who) % 3 == 0]
    assert june.sample["customer_id"].to_list() == sorted(drawn)
    assert june.sample["customer_id"].equals(may.sample["customer_id"])
