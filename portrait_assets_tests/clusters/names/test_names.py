"""Names of segments: true of their customers, distinct, and of words that fit the source."""

from collections.abc import Sequence

import polars as pl
import pytest

from portrait_assets.schema.table import Type
from portrait_assets.stages.clusters.contract import USED_FEATURES
from portrait_assets.stages.clusters.description import SCALES
from portrait_assets.stages.clusters.names.naming import distinct_names, name_of
from portrait_assets.stages.clusters.names.values import category_names
from portrait_assets.stages.clusters.names.vocabulary import (
    WORDS,
    Business,
    words_for,
)
from portrait_assets.stages.clusters.names.words import (
    Claim,
    Label,
    Word,
    true_shares,
    words_of_segments,
)

# Ten customers of segment 1 and ten of segment 2.
PEOPLE = pl.DataFrame({"customer_id": range(20)})
SEGMENTS = pl.DataFrame({"customer_id": range(20), "segment_id": [1] * 10 + [2] * 10})


def lines(*rows: tuple[int, str, str | None, float, float | None]) -> pl.DataFrame:
    columns = ["segment_id", "feature", "level", "std_difference", "q_value"]
    schema = dict(
        zip(columns, [pl.Int64, pl.String, pl.String, pl.Float64, pl.Float64], strict=True)
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


def words(features: pl.DataFrame, *rows: tuple[int, str, str | None, float, float | None]):
    found = words_of_segments(features, SEGMENTS, lines(*rows))
    return {segment: [word.en for word in own] for segment, own in found.items()}


def of(name: str, first: Sequence[float | None], second: Sequence[float | None]) -> pl.DataFrame:
    return PEOPLE.with_columns(pl.Series(name, [*first, *second], dtype=pl.Float64))


def test_lapsed_is_who_has_not_bought_for_two_months_and_not_who_is_merely_less_recent() -> None:
    """Of segment 1 half bought this month: its mean is high, and it has not lapsed."""
    half = of("recency_days", [10.0] * 4 + [40.0] * 6, [5.0] * 10)
    line = (1, "recency_days", None, 1.0, 0.0)
    assert words(half, line) == {1: ["less recent"]}
    gone = of("recency_days", [10.0] * 4 + [60.0] * 6, [5.0] * 10)
    assert words(gone, line) == {1: ["lapsed"]}


def test_a_mean_that_few_customers_make_high_gives_no_word() -> None:
    few = of("spend_3m", [1.0] * 5 + [900.0] * 5, [2.0] * 10)
    assert words(few, (1, "spend_3m", None, 0.8, 0.0)) == {1: []}
    most = of("spend_3m", [1.0] * 4 + [900.0] * 6, [2.0] * 10)
    assert words(most, (1, "spend_3m", None, 0.8, 0.0)) == {1: ["high-spend"]}


def test_where_most_owe_nothing_nobody_is_less_in_debt_than_the_others() -> None:
    half = of("owed_balance", [0.0] * 5 + [9.0] * 5, [9.0] * 10)
    line = (1, "owed_balance", None, -0.9, 0.0)
    assert words(half, line) == {1: []}
    assert words(of("owed_balance", [0.0] * 6 + [9.0] * 4, [9.0] * 10), line) == {1: ["debt-free"]}
    less = of("owed_balance", [1.0] * 10, [9.0] * 10)
    assert words(less, line) == {1: ["owing less"]}


def test_what_is_not_known_makes_no_word_true() -> None:
    unknown = of("owed_balance", [0.0] * 5 + [None] * 5, [9.0] * 10)
    assert words(unknown, (1, "owed_balance", None, -0.9, 0.0)) == {1: []}


def test_a_value_names_a_segment_that_most_of_its_customers_have() -> None:
    channel = PEOPLE.with_columns(channel=pl.Series(["app"] * 6 + ["web"] * 14))
    assert words(channel, (1, "channel", "app", 0.9, 0.0)) == {1: ["channel app"]}
    few = PEOPLE.with_columns(channel=pl.Series(["app"] * 5 + ["web"] * 15))
    assert words(few, (1, "channel", "app", 0.9, 0.0)) == {1: []}


@pytest.mark.parametrize(
    ("feature", "value", "en", "zh"),
    [
        ("top_category", "term_deposit", "mostly term deposit", "以定期存款为主"),
        ("distinct_category", "travel", "more travel than others", "“travel”明显偏多"),
        ("top_brand", "Private", "preferring Private", "偏好“Private”"),
        ("top_brand", "life", "preferring life", "偏好“life”"),
        ("best_campaign_type", "TypeA", "responding to TypeA", "响应“TypeA”"),
        ("occupation", "self_employed", "self employed", "occupationself_employed"),
        ("gender", "F", "gender F", "genderF"),
        ("occupation", "7", "occupation 7", "occupation7"),
        ("gender", "女", "gender 女", "gender女"),
    ],
)
def test_a_value_is_called_what_it_means(feature: str, value: str, en: str, zh: str) -> None:
    valued = PEOPLE.with_columns(pl.Series(feature, [value] * 10 + ["other"] * 10))
    found = words_of_segments(valued, SEGMENTS, lines((1, feature, value, 0.9, 0.0)))
    assert name_of(found[1]) == (en, zh)


def test_of_the_category_a_name_says_one_thing() -> None:
    cash = PEOPLE.with_columns(
        top_category=pl.Series(["cash"] * 10 + ["food"] * 10),
        distinct_category=pl.Series(["cash"] * 10 + ["food"] * 10),
    )
    most = (1, "distinct_category", "cash", 2.0, 0.0), (1, "top_category", "cash", 1.0, 0.0)
    assert words(cash, *most) == {1: ["more cash than others"]}


def test_a_value_that_is_lacking_or_not_known_names_nobody() -> None:
    channel = PEOPLE.with_columns(channel=pl.Series([None] * 10 + ["web"] * 10))
    lacking, missing = (1, "channel", "web", -1.0, 0.0), (1, "channel", "(missing)", 1.0, 0.0)
    assert words(channel, lacking, missing) == {1: []}


def test_a_difference_at_the_limits_earns_a_word() -> None:
    spend = of("spend_3m", [9.0] * 10, [1.0] * 10)
    for difference, q_value, is_named in [
        (0.30, 0.01, True),
        (0.2999, 0.0, False),
        (0.30, 0.0101, False),
        (0.30, None, False),
    ]:
        found = words(spend, (1, "spend_3m", None, difference, q_value))
        assert found == {1: ["high-spend"] if is_named else []}


def test_one_word_per_theme_and_the_greatest_difference_first() -> None:
    both = of("spend_3m", [9.0] * 10, [1.0] * 10).with_columns(
        spend_1m=pl.col("spend_3m"), purchases_3m=pl.col("spend_3m")
    )
    rows = [(1, "spend_1m", None, 0.5, 0.0), (1, "spend_3m", None, 0.4, 0.0)]
    assert words(both, *rows, (1, "purchases_3m", None, 0.9, 0.0)) == {
        1: ["frequent", "high-spend"]
    }


@pytest.mark.parametrize(
    ("balances", "word"), [(False, "in-store"), (True, "branch-going")], ids=["shop", "bank"]
)
def test_words_fit_the_source(balances: bool, word: str) -> None:
    """What has balances is a bank's source, and has branches; a shop has stores."""
    branch = of("branch_share_12m", [0.9] * 10, [0.1] * 10).with_columns(total_balance=1.0)
    other = [(2, "total_balance", None, 0.0, 1.0)] if balances else []
    assert words(branch, (1, "branch_share_12m", None, 0.9, 0.0), *other)[1] == [word]


def test_labels_give_the_words_for_other_features() -> None:
    features = of("xyz_7", [9.0] * 10, [1.0] * 10)
    profile = lines((1, "xyz_7", None, 1.0, 0.0))
    found = words_of_segments(features, SEGMENTS, profile, {"xyz_7": Label("zeal", "热情")})
    assert name_of(found[1]) == ("high zeal", "高热情")


@pytest.mark.parametrize(
    ("feature", "high"),
    [
        ("purchases_3m", "frequent"),
        ("days_between_purchases_12m", "infrequent"),
        ("spend_3m", "high-spend"),
        ("spend_trend_3m", "growing spend"),
        ("returned_amount_share_12m", "often returning"),
        ("total_balance", "high-balance"),
        ("balance_trend_3m", "growing balance"),
        ("owed_balance", "borrowing"),
        ("recency_days", "lapsed"),
        ("response_recency_days", "long without response"),
        ("response_lag_days_12m", "slow to respond"),
        ("response_rate_12m", "campaign-responsive"),
        ("max_days_past_due", "past due"),
        ("risk_appetite_12m", "risk-seeking"),
        ("channel_hhi_12m", "keeping to one channel"),
        ("typical_hour_12m", "later in the day"),
        ("hour_regularity_12m", "at regular hours"),
        ("night_line_share_12m", "night"),
        ("brand_hhi_12m", "focused on few brands"),
        ("brand_loyalty_12m", "brand-loyal"),
        ("novelty_share_3m", "novelty-seeking"),
        ("price_reaction_12m", "price-sensitive"),
        ("discount_depth_12m", "deal-seeking"),
        ("new_product_share_12m", "buying new products"),
        ("phone_share_12m", "telephone"),
        ("age", "older"),
    ],
)
def test_a_high_value_is_called_what_it_means(feature: str, high: str) -> None:
    assert feature in {used.name for used in USED_FEATURES}
    found = words_for(feature, Business.BANK)
    assert found is not None
    assert found.high is not None
    assert found.high.en == high


@pytest.mark.parametrize("business", Business)
def test_every_number_that_segments_are_made_of_has_words(business: Business) -> None:
    numbers = (used for used in USED_FEATURES if used.type not in (Type.TEXT, Type.TEXTS))
    assert [used.name for used in numbers if words_for(used.name, business) is None] == []


def test_a_weekday_has_no_low_and_no_high_to_tell_kinds_of_customers_by() -> None:
    assert not {"top_weekday_12m", "top_weekday_share_12m"} & {used.name for used in USED_FEATURES}


def test_no_word_says_two_things() -> None:
    """A word is of one theme, and one English word goes with one Chinese word."""
    meanings: dict[str, set[tuple[str, str]]] = {}
    for each in WORDS:
        terms = [term for term in (each.high, each.low) if term is not None]
        compared = [term.otherwise for term in terms if term.otherwise is not None]
        for en, zh in [*((term.en, term.zh) for term in terms), *compared]:
            meanings.setdefault(en, set()).add((each.theme, zh))
    assert {en: pairs for en, pairs in meanings.items() if len(pairs) > 1} == {}


@pytest.mark.parametrize(
    ("category", "en", "zh"),
    [
        ("term_deposit", "term deposit", "定期存款"),
        ("Fund", "Fund", "基金"),
        ("sparplan", "sparplan", "“sparplan”"),
        ("黄金", "黄金", "黄金"),
    ],
)
def test_usual_categories_have_chinese_names_and_codes_stand_in_quotation_marks(
    category: str, en: str, zh: str
) -> None:
    assert category_names(category) == (en, zh)


def test_a_label_leaves_out_what_stands_in_brackets() -> None:
    labels = {feature: scale.label for feature, scale in SCALES.items()}
    assert labels["return_share_12m"] == ("share of returns", "退货占比")
    assert labels["brand_hhi_12m"].zh == "品牌集中度"
    assert labels["spend_3m"].en == "spend in 3 months"
    assert not [label for label in labels.values() if set("()（）") & {*label.en, *label.zh}]


def test_shares_are_those_of_the_customers_of_whom_a_claim_is_true() -> None:
    spend = of("spend_3m", [1.0, 2, 3, 4, 5, 6, 7, 8, 9, None], [5.0] * 10)
    above, least = Claim("spend_3m", None, True, None), Claim("spend_3m", None, True, 8.0)
    nothing = Claim("no such feature", None, True, None)
    shares = true_shares(spend, SEGMENTS, [above, least, nothing])
    assert shares == {(1, above): 0.4, (1, least): 0.2, (2, above): 0.0, (2, least): 0.0}


def word(en: str) -> Word:
    return Word(en, en, f"{en}词", Claim(en, None, True, None), 1.0)


def named(candidates: dict[int, str], **more) -> dict[int, str]:
    found = distinct_names({s: [word(w) for w in own] for s, own in candidates.items()}, **more)
    return {segment: name_of(own).en for segment, own in found.items()}


def test_a_name_has_three_words_in_both_languages() -> None:
    found = distinct_names({1: [word(w) for w in "abcd"]})
    assert name_of(found[1]) == ("a, b, c", "a词、b词、c词")


OTHERS = {3: "m", 4: "n", 5: "o", 6: "p"}


def test_no_name_is_a_permutation_of_another() -> None:
    """Of six segments two have the same three words that say most, and so get a fourth."""
    found = named({1: "abcx", 2: "cbay", **OTHERS})
    assert (found[1], found[2]) == ("a, b, c, x", "c, b, a, y")


def test_a_word_that_many_segments_could_bear_is_left_out() -> None:
    """All four owe nothing, so that it distinguishes nobody."""
    assert named({n: f"d{n}" for n in (1, 2, 3, 4)}) == {n: str(n) for n in (1, 2, 3, 4)}
    assert named({1: "d", 2: "d2", 3: "d3"}) == {1: "d", 2: "2", 3: "3"}


def test_segments_that_nothing_tells_apart_are_numbered() -> None:
    assert named({1: "", 2: "", 3: "a"}) == {1: "average, number 1", 2: "average, number 2", 3: "a"}
    assert named({1: ""}) == {1: "average"}


def test_a_name_that_is_kept_or_taken_is_given_to_no_other() -> None:
    kept = {1: [word("a"), word("b")]}
    assert named({1: "a", 2: "b" + "a", **OTHERS}, kept=kept)[2] == "b, a, number 2"
    assert named({2: "abc"}, taken={1: Label("c, b, a", "")}) == {2: "a, b, c, number 2"}
    assert named({2: "abc"}, taken={2: Label("c, b, a", "")}) == {2: "a, b, c"}


def test_a_name_is_taken_also_where_a_word_has_a_comma() -> None:
    """A category of a source may be called "nuts, dried"."""
    found = distinct_names({2: [word("nuts, dried")]}, taken={1: Label("nuts, dried", "")})
    assert name_of(found[2]).en == "nuts, dried, number 2"


def bound(feature: str) -> Word:
    return Word(
        feature, f"{feature} from 2", f"{feature}2以上", Claim(feature, None, True, 2.0), 1.0
    )


def test_a_bound_tells_segments_apart_before_their_numbers_do() -> None:
    assert named({1: "", 2: "", 3: "a"}, bounds={1: [bound("x")]}) == {
        1: "x from 2",
        2: "average, number 2",
        3: "a",
    }
    both = {segment: [bound("a"), bound("x"), bound("y")] for segment in (1, 2)}
    assert named({1: "a", 2: "a", **OTHERS}, bounds=both) == {
        **{1: "a, x from 2", 2: "a, y from 2"},
        **OTHERS,
    }


def test_a_bound_whose_name_is_taken_is_passed_over() -> None:
    taken = {3: Label("a, x from 2", "")}
    bounds = {1: [bound("x"), bound("a")]}
    assert named({1: "a", 2: "a"}, taken=taken, bounds=bounds)[1] == "a, a from 2"
