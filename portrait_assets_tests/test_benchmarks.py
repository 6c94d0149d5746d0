"""Benchmark results are kept and compared; what is held to be true of a bank is true."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.holdings import borrowing
from portrait_assets.testing.compared import compare, older, ratios
from portrait_assets.testing.measured import keep, results
from portrait_assets.testing.oracles.bank import (
    ORACLE,
    SEEN,
    Truth,
    default_within,
    expected_auc,
    overdue_within,
)


def test_a_result_is_kept_with_what_it_was_measured_on(tmp_path: Path):
    path = keep("whole_job", {"all months, seconds": 61.25}, tmp_path)
    (result,) = results(tmp_path)["whole_job"]
    assert path.name.startswith("whole_job-")
    assert result.command.startswith("python -m benchmarks.whole_job")
    assert result.figures == {"all months, seconds": 61.25}
    assert result.processors >= 1
    assert result.measured_at.endswith("Z")


def test_the_newest_is_compared_with_the_one_before(tmp_path: Path):
    for seconds in (99.0, 60.0, 30.0):
        keep("run", {"features, seconds": seconds, f"only {seconds}": 1.0}, tmp_path)
    kept = results(tmp_path)["run"]
    before = older(kept, None)
    assert before is not None
    assert ratios(before, kept[-1]) == {"features, seconds": (60.0, 30.0, 0.5)}
    printed = StringIO()
    assert compare(tmp_path, None, Console(file=printed, width=140))
    assert "features, seconds  60      30   0.50" in printed.getvalue()


def test_a_commit_is_compared_with_by_its_beginning(tmp_path: Path):
    keep("run", {"features, seconds": 60.0}, tmp_path)
    (kept,) = results(tmp_path)["run"]
    old, new = replace(kept, commit="abc123"), replace(kept, commit="def456")
    assert older([old, new, new], "abc") is old
    assert older([old, new], "fff") is None


def test_a_first_result_has_nothing_to_be_compared_with(tmp_path: Path):
    keep("run", {"features, seconds": 60.0}, tmp_path)
    printed = StringIO()
    assert not compare(tmp_path, None, Console(file=printed))
    assert printed.getvalue() == "run: nothing to compare with\n"


def test_the_oracle_of_who_is_on_time_is_what_the_bank_writes_as_the_truth():
    hazard = np.array([0.0, 0.01, 0.2])
    on_time = np.zeros(3, dtype=np.int64)
    found = default_within(hazard, on_time, 12)
    assert found == pytest.approx(borrowing.default_within(hazard, 12), abs=1e-15)


def test_the_oracle_knows_what_arrears_lead_to():
    hazard, behind = np.full(3, 0.01), np.array([1, 2, 3])
    # Who is three months behind defaults unless he pays up, of which the chance is 0.3; who is two
    # behind must fail to twice, who is one behind three times.
    assert default_within(hazard, behind, 1) == pytest.approx([0.0, 0.0, 0.7])
    assert default_within(hazard, behind, 3)[0] == pytest.approx(0.3 * 0.5 * 0.7)


def test_the_oracle_of_overdue_payments_is_that_of_all_ways_to_come_there():
    hazard, behind = np.array([0.1, 0.1]), np.array([0, 1])
    at_once, soon = 0.1 / 30, 0.1 * 29 / 30
    # In a month: of who is on time the one in thirty who falls behind by 30 days.
    assert overdue_within(hazard, behind, 1) == pytest.approx([at_once, 0.3])
    in_two = [at_once + soon * 0.3 + 0.9 * at_once, 0.3 + 0.7 * at_once]
    assert overdue_within(hazard, behind, 2) == pytest.approx(in_two)


def test_the_area_to_expect_is_that_of_rows_of_a_known_probability():
    order, probability = np.array([1.0, 2.0, 2.0]), np.array([0.1, 0.4, 0.5])
    # Pairs of a hit and a miss, each as often as both come true, ties counted half.
    pairs = [(a, b, probability[a] * (1 - probability[b])) for a in range(3) for b in range(3)]
    won = sum(
        often * ((order[a] > order[b]) + 0.5 * (order[a] == order[b])) for a, b, often in pairs
    )
    assert expected_auc(order, probability) == pytest.approx(won / sum(each[2] for each in pairs))


@pytest.mark.slow
def test_of_leavers_the_files_show_less_than_the_oracle_knows(tmp_path: Path):
    generate_bank(tmp_path / "bank", 3_000, 10, 5, "2023-01")
    truth = Truth(tmp_path / "bank")
    there = truth.lives.is_customer(8)
    known = truth.probabilities("churn", "2023-09", 3).filter(there)
    oracle, seen = (known[name].to_numpy() for name in (ORACLE, SEEN))
    assert ((seen > 0) & (seen < 1)).all()
    assert 0.7 < expected_auc(seen, oracle) < expected_auc(oracle, oracle) - 0.005
