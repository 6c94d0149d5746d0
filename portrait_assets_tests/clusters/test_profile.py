from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency, false_discovery_control, norm

from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.preparation.prepared_columns import MAX_LEVELS
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.rules import segment_rules
from portrait_assets.stages.clusters.profile import (
    PROFILE_SCHEMA,
    profile_segments,
    segment_sizes,
    typical_customers,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.clusters import BANK_USES
from portrait_assets_tests.clusters.conftest import Bank

FEATURES = pl.DataFrame(
    {
        "customer_id": range(8),
        "spend_amount": [10.0, 10, 10, 10, 30, 30, 30, 30],
        "channel": ["app", "app", "app", "web", "web", "web", "web", None],
    }
)
ASSIGNMENT = pl.DataFrame({"customer_id": range(8), "segment_id": [1, 1, 1, 1, 2, 2, 2, 2]})
USES = [FeatureUse("spend_amount", "symbol"), FeatureUse("channel", "symbol")]


def line(
    profile: pl.DataFrame, segment: int, feature: str, level: str | None = None
) -> dict[str, Any]:
    found = profile.filter(
        (pl.col("segment_id") == segment)
        & (pl.col("feature") == feature)
        & pl.col("level").eq_missing(pl.lit(level, pl.String))
    )
    assert found.height == 1
    return found.row(0, named=True)


def test_sizes_and_value() -> None:
    sizes = segment_sizes(FEATURES, ASSIGNMENT, "spend_amount")
    assert sizes.rows() == [(1, 4, 0.5, 0.25), (2, 4, 0.5, 0.75)]
    assert segment_sizes(FEATURES, ASSIGNMENT)["value_share"].null_count() == 2


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        ([30.0, 10.0], [0.75, 0.25]),
        ([30.0, -10.0], [1.5, -0.5]),
        ([10.0, -10.0], [None, None]),
        ([10.0, -30.0], [None, None]),
    ],
)
def test_of_a_total_value_that_is_not_positive_nobody_has_a_share(
    values: list[float], shares: list[float | None]
) -> None:
    features = pl.DataFrame({"customer_id": ["a", "b"], "value": values})
    assigned = pl.DataFrame({"customer_id": ["a", "b"], "segment_id": [1, 2]})
    assert segment_sizes(features, assigned, "value")["value_share"].to_list() == shares


def test_a_number_is_described_by_means_tgi_and_standard_deviations() -> None:
    profile = profile_segments(FEATURES, ASSIGNMENT, USES, "spend_amount")
    assert dict(profile.schema) == PROFILE_SCHEMA
    spend = line(profile, 2, "spend_amount")
    assert (spend["segment_mean"], spend["base_mean"], spend["tgi"]) == (30.0, 20.0, 150.0)
    assert spend["std_difference"] == pytest.approx(10 / np.sqrt(8 * 100 / 7))
    assert spend["value_share"] == 0.75


def test_a_category_is_described_by_shares_per_level() -> None:
    profile = profile_segments(FEATURES, ASSIGNMENT, USES)
    app = line(profile, 1, "channel", "app")
    assert (app["segment_mean"], app["base_mean"], app["tgi"]) == (0.75, 0.375, 200.0)
    assert line(profile, 2, "channel", "(missing)")["segment_mean"] == 0.25


def test_the_most_frequent_levels_of_a_category_are_described() -> None:
    levels = [f"l{n:02d}" for n in range(MAX_LEVELS + 1)]
    towns = [level for level in levels for _ in range(1 if level == "l03" else 2)]
    features = pl.DataFrame({"customer_id": range(len(towns)), "town": towns})
    assignment = features.select("customer_id", segment_id=pl.col("customer_id") % 2)
    profile = profile_segments(features, assignment, [FeatureUse("town", "entity")])
    assert set(levels) - set(profile["level"]) == {"l03"}


def test_chance_is_not_significant_and_a_difference_is() -> None:
    rng = np.random.default_rng(0)
    segment = rng.integers(1, 3, 4000)
    features = pl.DataFrame(
        {
            "customer_id": range(4000),
            "chance": rng.normal(size=4000),
            "real": rng.normal(size=4000) + 0.3 * segment,
        }
    )
    assignment = pl.DataFrame({"customer_id": range(4000), "segment_id": segment})
    uses = [FeatureUse("chance", "symbol"), FeatureUse("real", "symbol")]
    profile = profile_segments(features, assignment, uses)
    assert line(profile, 1, "chance")["q_value"] > 0.01
    assert line(profile, 1, "real")["q_value"] < 1e-6


def test_every_number_of_a_line_is_that_of_the_books() -> None:
    rng = np.random.default_rng(3)
    segment = rng.choice([1, 1, 2, 3], 400)
    spend = rng.lognormal(3, 2, 400) * (1 + (segment == 2))
    spend[::40] = np.nan
    channel = rng.choice([*"aab"], 400)
    features = pl.DataFrame({"customer_id": range(400), "spend": spend, "channel": channel})
    assignment = pl.DataFrame({"customer_id": range(400), "segment_id": segment})
    uses = [FeatureUse("spend", "symbol"), FeatureUse("channel", "entity")]
    profile = profile_segments(features, assignment, uses)
    known = ~np.isnan(spend)
    low, high = np.quantile(spend[known], [0.01, 0.99], method="nearest")
    clipped = np.clip(spend, low, high)
    for wanted in (1, 2, 3):
        own, rest = (clipped[known & ((segment == wanted) == side)] for side in (True, False))
        z = (own.mean() - rest.mean()) / np.sqrt(
            own.var(ddof=1) / len(own) + rest.var() / len(rest)
        )
        found = line(profile, wanted, "spend")
        assert found["p_value"] == pytest.approx(2 * norm.sf(abs(z)), rel=1e-6)
        difference = (own.mean() - clipped[known].mean()) / clipped[known].std(ddof=1)
        assert found["std_difference"] == pytest.approx(difference, abs=1e-8)
        assert found["segment_mean"] == pytest.approx(spend[known & (segment == wanted)].mean())
        table = [[np.sum((segment == wanted) == s) for s in (True, False)] for _ in range(2)]
        table[0] = [np.sum(((segment == wanted) == s) & (channel == "b")) for s in (True, False)]
        table[1] = [whole - part for whole, part in zip(table[1], table[0], strict=True)]
        found = line(profile, wanted, "channel", "b")
        expected = chi2_contingency(table, correction=False).pvalue
        assert found["p_value"] == pytest.approx(expected, rel=1e-6)
        base = np.mean(channel == "b")
        share = np.mean(channel[segment == wanted] == "b")
        assert found["std_difference"] == pytest.approx(
            (share - base) / np.sqrt(base * (1 - base)), abs=1e-8
        )
    order = profile.select("segment_id", "feature", "level").rows()
    assert order[:3] == [(1, "spend", None), (1, "channel", "a"), (1, "channel", "b")]


def test_false_discoveries_are_counted_over_all_lines_of_the_profile() -> None:
    rng = np.random.default_rng(1)
    segment = rng.integers(1, 4, 300)
    features = pl.DataFrame(
        {"customer_id": range(300)}
        | {f"f{n}": rng.normal(size=300) + 0.1 * n * (segment == 2) for n in range(5)}
    )
    assignment = pl.DataFrame({"customer_id": range(300), "segment_id": segment})
    uses = [FeatureUse(f"f{n}", "symbol") for n in range(5)]
    profile = profile_segments(features, assignment, uses)
    assert profile.height == 15
    expected = false_discovery_control(profile["p_value"].to_numpy(), method="bh")
    assert profile["q_value"].to_numpy() == pytest.approx(expected, rel=1e-6)


def test_one_segment_has_a_profile_without_tests() -> None:
    profile = profile_segments(FEATURES, ASSIGNMENT.with_columns(segment_id=1), USES)
    assert profile["p_value"].null_count() == profile.height


def test_typical_customers_sit_in_the_middle(small_bank: Bank) -> None:
    typical = typical_customers(small_bank.model, small_bank.features, small_bank.assignment, 2)
    joined = typical.join(small_bank.assignment, on="customer_id")
    assert (joined["segment_id"] == joined["segment_id_right"]).all()
    assert typical.group_by("segment_id").len()["len"].to_list() == [2] * len(
        small_bank.model.segment_ids
    )
    usual = small_bank.assignment.group_by("segment_id").agg(pl.col("distance").median())
    distances = joined.join(usual, on="segment_id", suffix="_usual")
    assert (distances["distance"] <= distances["distance_usual"]).all()


def true_segments(bank: Bank) -> pl.DataFrame:
    """The three kinds of the bank as its segments."""
    return bank.features.select("customer_id", segment_id=pl.Series(bank.kind + 1))


def test_rules_describe_segments_and_have_quality_scores(small_bank: Bank) -> None:
    rules = segment_rules(small_bank.features, true_segments(small_bank), BANK_USES)
    assert rules["segment_id"].to_list() == [1, 2, 3]
    assert (rules["fidelity"] > 0.9).all()
    assert rules.select(pl.col("precision", "recall").is_between(0, 1).all()).row(0) == (True, True)


def test_a_rule_means_the_same_in_sql(small_bank: Bank) -> None:
    segments = true_segments(small_bank)
    rules = segment_rules(small_bank.features, segments, BANK_USES)
    customers = small_bank.features.join(segments, on="customer_id")
    for rule in rules.iter_rows(named=True):
        query = f"SELECT segment_id FROM customers WHERE {rule['sql']}"
        with scratch_database() as connection:
            connection.register("customers", customers.to_arrow())
            segment_ids = [row[0] for row in connection.execute(query).fetchall()]
        assert np.mean(np.array(segment_ids) == rule["segment_id"]) == pytest.approx(
            rule["precision"], abs=0.1
        )


def test_a_rule_is_judged_on_customers_that_it_was_not_learned_from() -> None:
    rng = np.random.default_rng(5)
    features = pl.DataFrame({"customer_id": range(400), "noise": rng.normal(size=400)})
    assignment = features.select("customer_id", segment_id=pl.Series(rng.integers(1, 3, 400)))
    rules = segment_rules(features, assignment, [FeatureUse("noise", "symbol")])
    others = canonical_sample(features.join(assignment, on="customer_id"), 400)[200:]
    for rule in rules.filter(pl.col("sql").is_not_null()).iter_rows(named=True):
        covered = others.select(pl.sql_expr(rule["sql"])).to_series()
        inside = others["segment_id"] == rule["segment_id"]
        assert rule["fidelity"] == pytest.approx((covered == inside).mean(), abs=1e-6)
        assert rule["precision"] == pytest.approx(inside.filter(covered).mean(), abs=1e-6)
        assert rule["recall"] == pytest.approx(covered.filter(inside).mean(), abs=1e-6)
    assert rules["sql"].null_count() == 0


def test_odd_names_and_values_are_quoted_in_sql() -> None:
    features = pl.DataFrame({"customer_id": range(40), 'the "it" column': ["O'Neil", "other"] * 20})
    assignment = features.select("customer_id", segment_id=pl.col("customer_id") % 2 + 1)
    rules = segment_rules(features, assignment, [FeatureUse('the "it" column', "entity")])
    sql = " ".join(rules["sql"])
    assert '"the ""it"" column"' in sql
    assert "'O''Neil'" in sql or "'other'" in sql


def test_the_bound_of_a_rule_is_written_in_full() -> None:
    """Halfway between two and three millions, and between as many millionths."""
    for unit, bound in ((1_000_000.0, "2500000"), (0.000_001, "0.0000025")):
        features = pl.DataFrame({"customer_id": range(40), "held": [2 * unit, 3 * unit] * 20})
        assignment = features.select("customer_id", segment_id=pl.col("customer_id") % 2 + 1)
        rules = segment_rules(features, assignment, [FeatureUse("held", "symbol")])
        assert rules["rule"].to_list() == [f"held <= {bound}", f"held > {bound}"]


def test_a_gap_can_be_what_sets_a_segment_apart() -> None:
    features = pl.DataFrame({"customer_id": range(40), "income": [None, 5.0, 6.0, 7.0] * 10})
    assignment = features.select(
        "customer_id", segment_id=pl.col("income").is_null().cast(pl.Int64) + 1
    )
    rules = segment_rules(features, assignment, [FeatureUse("income", "entity")])
    assert rules.filter(segment_id=2)["sql"].item() == '("income" IS NULL)'


def test_levels_of_few_customers_are_pooled_and_so_few_of_a_segment_have_no_line() -> None:
    """24 and 26 customers: two levels of the base have 6 and 5, and of segment 2 only 4 are web."""
    levels = ["app"] * 15 + ["web"] * 9 + ["app"] * 11 + ["web"] * 4 + ["fax"] * 6 + ["van"] * 5
    customers = pl.DataFrame({"customer_id": range(50), "channel": levels})
    assigned = pl.DataFrame({"customer_id": range(50), "segment_id": [1] * 24 + [2] * 26})
    uses = [FeatureUse("channel", "symbol")]
    every = profile_segments(customers, assigned, uses)
    assert every.height == 8
    assert line(every, 2, "channel", "fax")["segment_mean"] == pytest.approx(6 / 26)
    few = profile_segments(customers, assigned, uses, smallest=10)
    pooled = line(few, 2, "channel", "other (2 values)")
    assert pooled["base_mean"] == pytest.approx(11 / 50)
    assert set(few["level"]) <= {"app", "web", "other (2 values)"}
    counts = (few["segment_mean"] * few["segment_id"].replace_strict({1: 24, 2: 26})).round()
    assert all(n == 0 or n >= 10 for n in counts)
    hidden_of_2 = 26 - counts.filter(few["segment_id"] == 2).sum()
    assert hidden_of_2 == 0 or hidden_of_2 >= 10


def test_few_customers_of_a_segment_are_not_those_that_the_base_has_besides_the_others() -> None:
    """Of 33 on the web 30 are in segment 1, whose line would tell of the 3 in segment 2."""
    counts = {1: {"app": 60, "web": 30, "fax": 25}, 2: {"app": 40, "web": 3, "fax": 50}}
    rows = [
        (segment, level)
        for segment, levels in counts.items()
        for level, n in levels.items()
        for _ in range(n)
    ]
    people = pl.DataFrame(rows, schema=["segment_id", "channel"], orient="row").with_row_index(
        "customer_id"
    )
    shown = profile_segments(
        people.drop("segment_id"),
        people.drop("channel"),
        [FeatureUse("channel", "symbol")],
        smallest=10,
    )
    assert sorted(shown.select("segment_id", "level").rows()) == [(1, "fax"), (2, "fax")]


@pytest.mark.parametrize(("count", "fidelity"), [(19, 18 / 19), (20, 1.0)])
def test_of_twenty_customers_rules_are_judged_by_those_they_were_not_found_on(
    count: int, fidelity: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of all breaks the rule: of fewer it counts too."""
    monkeypatch.setattr(
        "portrait_assets.methods.clustering.rules.canonical_sample", lambda frame, rows: frame
    )
    spend = [10.0 if n % 2 else 30.0 for n in range(count)]
    features = pl.DataFrame({"customer_id": range(count), "spend_amount": spend})
    segment = [1 if n % 2 or n == 0 else 2 for n in range(count)]
    assignment = pl.DataFrame({"customer_id": range(count), "segment_id": segment})
    rules = segment_rules(features, assignment, USES[:1])
    assert rules["fidelity"].to_list() == pytest.approx([fidelity] * 2, abs=1e-6)


def test_the_rule_of_a_small_segment_is_of_most_of_it() -> None:
    """Four in ten of those from 40 to 49: where all count alike, they are the majority nowhere."""
    features = pl.DataFrame({"customer_id": range(2_000), "x": [i % 100 for i in range(2_000)]})
    is_within = pl.col("x").is_between(40, 49) & (pl.col("customer_id") // 100 % 5 < 2)
    assignment = features.select("customer_id", segment_id=pl.when(is_within).then(2).otherwise(1))
    small = segment_rules(features, assignment, [FeatureUse("x", "symbol")]).row(1, named=True)
    assert small["rule"] == "x <= 49.5 and x > 39.5"
    assert (small["recall"], round(small["precision"], 1)) == (1.0, 0.4)
