"""What rests on few customers follows from how many have it, however many rows are theirs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.disclosure.holders import Holders, holders_of, names_in, together
from portrait_assets.methods.prediction.families.encoding import LevelEncoding, fit_encoding
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.rows import Row, part
from portrait_assets.methods.scorecard.fitting.fit import fit_known
from portrait_assets.methods.scorecard.fitting.looking import CardRules


def test_few_are_found_by_holders_and_not_by_rows():
    """At place 0 one customer has 30 rows, at place 1 ten have one each, at place 2 nine."""
    places = np.repeat([0, 1, 2], [30, 10, 9])
    names = np.array(["a"] * 30 + list("abcdefghij") + list("abcdefghi"))
    assert holders_of(names).are_few(places, 4).tolist() == [True, False, True, False]
    assert Holders().are_few(places, 4).tolist() == [False, False, True, False], "rows of their own"
    assert Holders().enough == 10
    assert Holders().are_few_of(0), "of nobody nothing is said"
    assert (Holders().are_few_of(9), Holders().are_few_of(10)) == (True, False)
    assert holders_of(names).enough == 9 * 32 + 1, "one has 32 rows, and nine cannot have more"


def test_groups_of_few_go_with_the_one_before_them_and_the_first_with_the_next():
    at = np.repeat(np.arange(5), [4, 12, 3, 20, 1])
    groups = together(at, [(place,) for place in range(5)], 5, Holders())
    assert groups == ((0, 1, 2), (3, 4))
    assert together(at[:4], [(0,), (1,)], 2, Holders()) == ((0, 1),), "all together may be few"


def test_a_frame_without_names_has_a_row_for_each():
    assert names_in(pl.DataFrame({"x": [1]})) is None


def months_of(customers: int, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Customer and month of each row."""
    return np.repeat(np.arange(customers), months), np.tile(np.arange(months), customers)


def test_no_leaf_is_of_few_customers():
    """Five customers of 200 are apart from all others in each of 20 months: 100 rows of theirs."""
    customer, month = months_of(200, 20)
    rng = np.random.default_rng(0)
    apart = customer < 5
    frame = pl.DataFrame({"apart": apart.astype(float) * 9, "month": month.astype(float)})
    frame = frame.with_columns(x=pl.Series(rng.normal(size=len(customer))))
    chance = np.where(apart, 0.9, np.where(frame["x"].to_numpy() > 0, 0.4, 0.1))
    outcome = (rng.random(len(customer)) < chance).astype(float)
    own = fit(frame, outcome, "trees")
    assert any(row.feature == "apart" for row in part(own.rows(), "node"))
    shared = fit(frame, outcome, "trees", groups=customer)
    nodes = part(shared.rows(), "node")
    assert nodes, "trees by what many share remain"
    assert not any(row.feature == "apart" for row in nodes)
    for tree in {row.tree for row in nodes}:
        counted = _leaves(frame, [row for row in nodes if row.tree == tree])
        assert all(len(np.unique(customer[rows])) >= 10 for rows in counted)
    # All rows count in one leaf of each tree, by the numbers that are stored.
    leaves = [row for row in nodes if row.key is None]
    assert sum(row.rows or 0 for row in leaves) == len(frame) * len({row.tree for row in nodes})
    assert np.isfinite(shared.margin(frame)).all()


def _leaves(frame: pl.DataFrame, nodes: list[Row]) -> list[np.ndarray]:
    """The rows of each leaf of a tree, by walking it as its rows say."""
    by_number = {row.position: row for row in nodes}
    found, waiting = [], [(by_number[0], np.arange(frame.height))]
    while waiting:
        node, rows = waiting.pop()
        if node.key is None or node.threshold is None:
            found.append(rows)
            continue
        goes_left = frame[str(node.feature)].to_numpy()[rows] <= node.threshold
        waiting += [
            (by_number[int(node.left or 0)], rows[goes_left]),
            (by_number[int(node.right or 0)], rows[~goes_left]),
        ]
    return found


@pytest.mark.parametrize(("customers", "is_kept"), [(9, False), (10, True)])
def test_no_level_of_a_model_is_of_few_customers(customers: int, is_kept: bool):
    customer, _ = months_of(100, 6)
    job = np.where(customer < customers, "glazier", np.where(customer % 2 == 0, "cook", "smith"))
    frame = pl.DataFrame({"job": job})
    enough = holders_of(customer).enough
    (feature,) = fit_encoding(frame, enough=enough).features
    assert isinstance(feature, LevelEncoding)
    assert ("glazier" in feature.levels) == is_kept
    assert not feature.has_other, "of so few there is no column either"


def test_a_number_or_a_gap_of_few_says_nothing():
    few = [1.0] * 4 + [2.0] * 5 + [None] * 91
    frame = pl.DataFrame({"few": few, "mark": [1.0] * 91 + [None] * 9, "x": range(100)})
    found = fit_encoding(frame)
    assert [each.feature for each in found.features] == ["x"]
    assert dict(found.dropped) == {
        "few": "has a value in fewer than 10 rows",
        "mark": "has one value only",
    }


def test_no_bin_band_or_level_of_a_card_is_of_few_customers():
    """Late were nine customers in each of twelve months, and a trade has three in each."""
    customer, _ = months_of(300, 12)
    rng = np.random.default_rng(1)
    late = np.where(customer < 9, 40.0, np.where(customer % 3 == 0, 5.0, 0.0))
    trade = np.where(customer % 100 == 1, "glazier", np.where(customer % 2 == 0, "cook", "smith"))
    chance = np.where(late == 40, 0.9, np.where(late == 5, 0.3, 0.05))
    bads = rng.random(len(customer)) < np.where(trade == "cook", chance, chance / 2)
    known = pl.DataFrame({"late": late, "trade": trade})
    alone = fit_known(known, bads, CardRules()).card
    assert any((each.low, each.rows) == (10.0, 108) for each in alone.characteristics[0].bins)
    card = fit_known(known, bads, CardRules(), pl.Series(customer)).card
    named = {level for each in card.characteristics for bin in each.bins for level in bin.levels}
    assert "cook" in named
    assert "glazier" not in named
    score = card.points(known)
    for band, above in zip(card.bands, [None, *card.bands[:-1]], strict=True):
        low = -np.inf if band.least is None else band.least
        high = np.inf if above is None or above.least is None else above.least
        assert len(np.unique(customer[(score >= low) & (score < high)])) >= 10
    for part_ in card.characteristics:
        for each in part_.bins:
            assert each.rows == 0 or each.rows > 9 * 12
