"""A tag that decides by group is found, one that does not is not, and what is unknown is stated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.statistics.intervals import newcombe
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.classes.deciding import deciding
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Shape, Tag
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.buckets import OTHERS
from portrait_assets.stages.validation.backtests.claims import Claim, claims_of_catalogue
from portrait_assets.stages.validation.contract import FAIRNESS, Attribute
from portrait_assets.stages.validation.fairness.parity import (
    judged,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.stages.validation.fairness.tags import (
    Selection,
    _of_tag,
    fairness,
    groups_known,
    known_shares,
    of_segments,
    selections,
)
from portrait_assets.stages.validation.findings.fairness import fairness_findings
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

JAN, FEB = "2024-01", "2024-02"
OFFER = Column("offer", Type.BOOLEAN, "Offer", "优惠")
SCORE = Column("score", Type.NUMBER, "Score", "评分")
GETS = Selection("offer", "true", "offer", (outcome("purchase"),))
CUSTOMERS = 600
PLACE = np.arange(CUSTOMERS)
REGIONS = np.array(["east", "west", "north"])[PLACE % 3]
AGES = 20 + PLACE // 3 % 60


def world_of(folder: Path, offer: Any, **features: object) -> SmallWorld:
    """Two months of 600 customers, of whom the even ones buy in the second."""
    found = SmallWorld(folder, matrix_of(OFFER, SCORE), CUSTOMERS)
    tags = {"offer": offer, "score": PLACE / CUSTOMERS}
    for month in (JAN, FEB):
        found.add(month, tags, features, {"purchases": (PLACE + 1) % 2})
    return found


def verdicts(rows: pl.DataFrame, measure: str) -> dict[tuple[str, str], str]:
    own = rows.filter(measure=measure)
    return {
        (a, level): verdict
        for a, level, verdict in own.select("attribute", "level", "verdict").iter_rows()
    }


@pytest.fixture(scope="module")
def unfair(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The rows of a tag that is given to all of the east, and elsewhere to one in three."""
    offer = (REGIONS == "east") | (PLACE // 6 % 3 == 0)
    world = world_of(tmp_path_factory.mktemp("unfair"), offer, region=REGIONS, age=AGES)
    segments = of_segments([1])
    return fairness(world.close(), world.matrix, (GETS, *segments), FEB)


def test_a_tag_that_decides_by_region_differs_by_region_and_not_by_age(unfair: pl.DataFrame):
    found = verdicts(unfair.filter(tag_code="offer"), "selection rate")
    assert {level: v for (a, level), v in found.items() if a == "region"} == dict.fromkeys(
        ("east", "west", "north"), "differs"
    )
    ages = {level: v for (a, level), v in found.items() if a == "age"}
    assert set(ages) == {"under 25", "25-34", "35-44", "45-54", "55-64", "65 and over"}
    assert set(ages.values()) == {"parity"}
    assert not any(attribute == "gender" for attribute, _ in found)


def test_rates_are_those_counted_by_hand(unfair: pl.DataFrame):
    east, rest = REGIONS == "east", REGIONS != "east"
    offer = east | (PLACE // 6 % 3 == 0)
    buyers = (PLACE + 1) % 2 == 1
    for measure, of, day in (
        ("selection rate", np.full(CUSTOMERS, True), "2024-02-29"),
        ("true positive rate", buyers, "2024-01-31"),
    ):
        row = unfair.filter(
            measure=measure, level="east", tag_code="offer", attribute="region"
        ).row(0, named=True)
        assert row["customers"] == (east & of).sum()
        assert row["selected"] == (east & of & offer).sum()
        assert row["rate"] == pytest.approx(offer[east & of].mean(), abs=1e-6)
        assert row["rest_rate"] == pytest.approx(offer[rest & of].mean(), abs=1e-6)
        assert row["difference"] == pytest.approx(row["rate"] - row["rest_rate"], abs=2e-6)
        assert row["ratio"] == pytest.approx(row["rate"] / row["rest_rate"], abs=1e-5)
        assert row["low"] < row["difference"] < row["high"]
        assert str(row["said_as_of"]) == day
        assert row["outcome"] == (None if measure == "selection rate" else "purchase")
    assert unfair.schema == FAIRNESS.polars_schema


def test_where_nobody_s_group_is_known_nothing_is_compared(tmp_path: Path):
    world = world_of(tmp_path, PLACE % 2 == 0)
    warehouse = world.close()
    assert not groups_known(warehouse, FEB)
    assert fairness(warehouse, world.matrix, (GETS,), FEB).is_empty()


def test_who_is_known_by_one_attribute_alone_counts_there(tmp_path: Path):
    region = [region if at < 300 else None for at, region in enumerate(REGIONS.tolist())]
    age = [age if at >= 100 else None for at, age in enumerate(AGES.tolist())]
    world = world_of(tmp_path, PLACE % 2 == 0, region=region, age=age)
    found = fairness(world.close(), world.matrix, (GETS,), FEB).filter(measure="selection rate")
    counted = found.group_by("attribute").agg(pl.col("customers").sum()).rows()
    assert dict(counted) == {"region": 300, "age": 500}


def test_of_equally_small_groups_the_first_by_name_goes_with_the_small_ones():
    counted = pl.DataFrame(
        {
            "attribute": "age",
            "level": ["a", "b", "c", "d"],
            "customers": [3, 12, 12, 40],
            "selected": [1, 2, 3, 4],
        }
    )
    for rows in (counted, counted.reverse()):
        found = with_small_groups_together(rows, ["attribute"]).sort("level")
        assert set(found["level"]) == {OTHERS, "c", "d"}
        assert found.filter(level=OTHERS)["customers"].to_list() == [15]


def test_a_segment_describes_and_is_shown_without_a_verdict(unfair: pl.DataFrame):
    segments = unfair.filter(tag_code="segment_id")
    assert segments.height == 9
    assert set(segments["verdict"]) == {"not judged"}
    assert segments["rate"].to_list() == [1.0] * 9


def test_a_fair_tag_is_at_parity_in_every_group(tmp_path: Path):
    world = world_of(tmp_path, PLACE // 6 % 2 == 0, region=REGIONS)
    rows = fairness(world.close(), world.matrix, (GETS,), FEB)
    assert set(rows["verdict"]) == {"parity"}


def test_what_is_certain_and_small_is_no_difference():
    """1.5 % more of a hundred thousand: far beyond chance, and within four fifths."""
    rows = with_verdicts(judged(counted([(100_000, 51_000), (100_000, 49_500)])), FEB)
    assert (rows["q_value"] < 1e-6).all()
    assert set(rows["verdict"]) == {"parity"}


def counted(groups: Sequence[tuple[int, int]], value: str = "true") -> pl.DataFrame:
    """Customers and selected by group, as they are counted of one value."""
    return pl.DataFrame(
        [
            {
                "attribute": "region",
                "level": f"r{number:02d}",
                "customers": customers,
                "selected": selected,
                "tag_code": "offer",
                "tag_value": value,
                "measure": "selection rate",
                "outcome": None,
                "is_descriptive": False,
            }
            for number, (customers, selected) in enumerate(groups)
        ],
        schema_overrides={"outcome": pl.String},
    )


def test_of_worlds_without_a_difference_few_have_one_found():
    """20 regions of 150 with the same rate: by each alone most worlds would have one."""
    drawn = np.random.default_rng(7).binomial(150, 0.2, size=(120, 20))
    worlds = [
        with_verdicts(judged(counted([(150, int(k)) for k in world])), FEB) for world in drawn
    ]
    alone = np.mean([(rows["p_value"] < 0.05).any() for rows in worlds])
    found = np.mean([(rows["verdict"] == "differs").any() for rows in worlds])
    assert alone > 0.4
    assert found <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 120)


def test_a_small_group_is_not_what_is_left_beside_the_others(tmp_path: Path):
    """Of 600 customers 5 would be left by subtraction, and how many of these were selected."""
    towns = np.where(PLACE < 560, "east", np.where(PLACE < 595, "west", "north"))
    world = world_of(tmp_path, PLACE % 2 == 0, region=towns)
    rows = fairness(world.close(), world.matrix, (GETS,), FEB).filter(measure="selection rate")
    assert dict(rows.select("level", "customers").iter_rows()) == {"east": 560, OTHERS: 40}


def test_small_groups_are_counted_together_and_too_few_are_not_judged(tmp_path: Path):
    towns = np.where(PLACE < 560, "east", np.char.add("t", (PLACE // 5).astype(str)))
    towns = np.where((PLACE >= 560) & (PLACE < 580), "west", towns)
    world = world_of(tmp_path, PLACE % 2 == 0, region=towns)
    rows = fairness(world.close(), world.matrix, (GETS,), FEB).filter(measure="selection rate")
    by_level = {row["level"]: row for row in rows.iter_rows(named=True)}
    assert {level: row["customers"] for level, row in by_level.items()} == {
        "east": 560,
        "west": 20,
        OTHERS: 20,
    }
    assert by_level["west"]["verdict"] == by_level[OTHERS]["verdict"] == "too few"
    assert by_level["east"]["verdict"] == "parity"


def test_nothing_is_shown_of_a_few(tmp_path: Path):
    region = np.where(PLACE < 595, "east", "west")
    world = world_of(tmp_path, PLACE < 595, region=region)
    rows = fairness(world.close(), world.matrix, (GETS,), FEB).filter(measure="selection rate")
    for row in rows.iter_rows(named=True):
        assert row["verdict"] == "too few"
        assert row["customers"] is row["selected"] is row["rate"] is row["rest_rate"] is None


def test_customers_of_whom_the_group_or_the_value_is_unknown_are_not_counted(tmp_path: Path):
    region = [None if n % 4 == 0 else "east" if n % 4 == 1 else "west" for n in PLACE]
    offer = [None if n % 8 == 1 else bool(n % 2) for n in PLACE]
    world = world_of(tmp_path, offer, region=region)
    warehouse = world.close()
    rows = fairness(warehouse, world.matrix, (GETS,), FEB).filter(measure="selection rate")
    assert dict(rows.select("level", "customers").iter_rows()) == {"east": 75, "west": 300}
    shares = known_shares(warehouse, FEB)
    assert shares == {Attribute.GENDER: 0, Attribute.AGE: 0, Attribute.REGION: 0.75}
    findings = fairness_findings(rows, shares)
    found = {
        (subject, metric): (verdict, advice)
        for subject, metric, verdict, advice in findings.select(
            "subject", "metric", "verdict", "advice_en"
        ).iter_rows()
    }
    assert found["gender", "share of whom it is known"] == (
        "not judged",
        "The gender of no customer is known, so fairness by it is not judged.",
    )
    assert found["region", "share of whom it is known"][0] == "pass"
    verdict, advice = found["offer", "groups that differ"]
    assert verdict == "warn"
    assert advice.startswith("Differs for region")


def test_of_a_number_the_top_fifth_is_compared(tmp_path: Path):
    top = Selection(
        "score", "(top fifth)", "score >= (SELECT quantile_disc(score, 0.8) FROM given)"
    )
    world = world_of(tmp_path, PLACE % 2 == 0, region=np.where(PLACE < 300, "east", "west"))
    rows = fairness(world.close(), world.matrix, (top,), FEB)
    assert dict(rows.select("level", "selected").iter_rows()) == {"east": 0, "west": 121}
    assert set(rows["verdict"]) == {"differs"}


def test_an_outcome_that_the_source_names_is_one_too(tmp_path: Path):
    world = SmallWorld(tmp_path, matrix_of(OFFER), CUSTOMERS)
    repaid = (PLACE % 4 == 0).astype(float)
    for month in (JAN, FEB):
        world.add(
            month, {"offer": REGIONS == "east"}, {"region": REGIONS}, outcomes={"repaid": repaid}
        )
    gets = Selection("offer", "true", "offer", source_outcome="repaid")
    rows = fairness(world.close(), world.matrix, (gets,), FEB).filter(measure="true positive rate")
    assert dict(rows.select("level", "customers").iter_rows()) == dict.fromkeys(
        ("east", "west", "north"), 50
    )
    assert set(rows["outcome"]) == {"repaid"}
    assert set(rows["verdict"]) == {"differs"}


def test_the_interval_is_newcombes():
    """Example (a) of table II of the paper: 56 of 70 and 48 of 80."""
    low, high = newcombe(*(np.array([n]) for n in (56, 70, 48, 80)))
    assert (round(low[0], 4), round(high[0], 4)) == (0.0524, 0.3339)


def test_what_decides_is_what_programmes_predictions_and_audiences_read():
    catalogue = load_catalogue()
    decides = deciding(catalogue, FEB, {"calls": ["satisfaction", "gender_recorded"]})
    assert {"next_action", "lapse_risk", "suitable_offers", "contact_cap"} <= decides.keys()
    assert "next_action" in decides["value_tier"]
    assert decides["satisfaction"][-1] == "audience calls"
    assert not {"gender_recorded", "favourite_weekday"} & decides.keys()
    chosen = selections(catalogue, claims_of_catalogue(catalogue), FEB)
    values = {each.value for each in chosen if each.tag == "next_action"}
    assert values == {"save", "win_back", "welcome", "lift", "widen", "reward", "none"}
    risk = [each for each in chosen if each.tag == "lapse_risk"]
    assert [(each.value, each.outcomes) for each in risk] == [("high", (outcome("silence"),))]


PURCHASE = outcome("purchase")


@pytest.mark.parametrize(("falls", "compared"), [(False, [8, 9, 10]), (True, [1, 2])])
def test_the_fifth_of_a_number_is_that_of_the_likeliest(falls: bool, compared: list[int]):
    tag = SimpleNamespace(code="score", values=(), type=Type.INTEGER, shape=Shape.ONE, target=None)
    (fifth,) = _of_tag(cast(Tag, tag), [Claim("score", PURCHASE, falls=falls)], {"purchase"})
    with scratch_database() as con:
        con.register("given", pl.DataFrame({"score": [3, 1, 2, 10, 4, 5, 9, 8, 6, 7, None]}))
        found = con.sql(f"SELECT score FROM given WHERE {fifth.holds} ORDER BY score").pl()
    assert found["score"].to_list() == compared


LIKELIEST_LAST = Claim("tier", PURCHASE, order=("high", "mid", "low"))


@pytest.mark.parametrize(
    ("tag", "claims", "compared"),
    [
        ({"values": ("low", "mid", "high")}, [], ["low", "mid", "high"]),
        ({"values": ("low", "mid", "high")}, [LIKELIEST_LAST], ["high"]),
        ({"values": ("low", "mid", "high"), "target": "default"}, [], ["low"]),
        ({"values": ("low", "mid", "high"), "target": "purchase"}, [], ["low", "mid", "high"]),
        ({"values": ("yes", "no")}, [], ["yes"]),
        ({"values": ("tea", "jam"), "shape": Shape.MANY}, [LIKELIEST_LAST], ["tea", "jam"]),
        ({"type": Type.BOOLEAN}, [], ["true"]),
        ({"type": Type.MONEY}, [Claim("tier", PURCHASE)], ["(top fifth)"]),
        ({"type": Type.INTEGER}, [Claim("tier", PURCHASE, falls=True)], ["(bottom fifth)"]),
        ({"type": Type.TEXT}, [], []),
    ],
    ids=[
        *("all", "the likeliest", "of the source", "of what is derived", "one of two", "any"),
        *("true", "most", "least", "open text"),
    ],
)
def test_of_a_tag_those_values_are_compared_that_somebody_gets_by_it(
    tag: dict[str, Any], claims: list[Claim], compared: list[str]
):
    of = {"code": "tier", "values": (), "type": Type.TEXT, "shape": Shape.ONE, "target": None} | tag
    of["values"] = [SimpleNamespace(value=value) for value in of["values"]]
    found = [*_of_tag(cast(Tag, SimpleNamespace(**of)), claims, {"purchase"})]
    assert [each.value for each in found] == compared
    predicts = (PURCHASE,) if claims and of["shape"] is Shape.ONE else ()
    named = "default" if of["target"] == "default" else None
    assert all((each.outcomes, each.source_outcome) == (predicts, named) for each in found)
