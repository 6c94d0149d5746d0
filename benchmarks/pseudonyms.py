"""Pseudonyms of ten million identifiers, as a first publication computes them.

Run `python -m benchmarks.pseudonyms [identifiers]`. The target is 30 s for ten million on 2 cores.
"""

from __future__ import annotations

import sys
import time

import polars as pl

from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.pseudonyms import pseudonym, pseudonyms
from portrait_assets.testing.measured import keep

BOUND_SECONDS = 30.0


def main(count: int) -> None:
    key, most = Key(KeyName.PSEUDONYMS, bytes(range(32))), Bounds().frame_rows
    seconds = cpu = 0.0
    for first in range(0, count, most):
        numbers = pl.int_range(first, min(first + most, count), eager=True)
        ids = "C" + numbers.cast(pl.String).str.zfill(8)
        began, busy = time.perf_counter(), time.process_time()
        found = pseudonyms(key, ids)
        seconds += time.perf_counter() - began
        cpu += time.process_time() - busy
        assert found[-1] == pseudonym(key, ids[-1])
        assert found.n_unique() == len(ids)
    print(f"{count:,} pseudonyms | {seconds:.1f} s ({cpu:.1f} s of CPU) | {BOUND_SECONDS:.0f} s")
    name = f"{count:,} pseudonyms"
    keep("pseudonyms", {f"{name}, s": seconds, f"{name}, s of processor time": cpu})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
