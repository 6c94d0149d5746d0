"""The fuzz tests with many cases; run `python -m benchmarks.torture_fuzz [cases]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent / "portrait_assets_tests" / "faults" / "test_fuzz.py"


def main(cases: int) -> int:
    """Spread so many cases over the properties; the exit code of pytest."""
    properties = TESTS.read_text().count("\n@fuzz\n")
    os.environ["PORTRAIT_FUZZ"] = str(-(-cases // properties))
    print(f"{properties} properties, {os.environ['PORTRAIT_FUZZ']} cases each", flush=True)
    return pytest.main([str(TESTS), "-p", "no:cacheprovider", "--durations=0"])


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
