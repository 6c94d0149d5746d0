"""Benchmark results are kept, and compared with earlier ones."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from portrait_assets.testing.compared import compare, older, ratios
from portrait_assets.testing.measured import keep, results


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
