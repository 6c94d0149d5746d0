"""Linking a million records of which a fifth are second ones, and then a batch against them.

Prints: what | seconds, F1, peak memory | bound. `--quick` takes 50,000 records and 1,000 new.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import polars as pl

from portrait_assets.methods.linkage.model import LinkageSettings, prepare, score
from portrait_assets.methods.linkage.resolving import persons_of, within
from portrait_assets.methods.linkage.training import train
from portrait_assets.testing.measured import keep

SYLLABLES = np.array([a + b for a in "bdfglmnprstv" for b in "aeio"])


def people(count: int, seed: int) -> pl.DataFrame:
    """Invented people with the usual columns; `person` says who is who."""
    draw = np.random.default_rng(seed)

    def words(parts: int, of: int) -> np.ndarray:
        known = draw.integers(0, len(SYLLABLES), (of, parts))
        ranks = np.minimum(draw.zipf(1.2, count) - 1, of - 1)
        spread = np.where(ranks < of - 1, ranks, draw.integers(0, of, count))
        return np.array(["".join(SYLLABLES[row]) for row in known])[spread]

    born = draw.integers(-15_000, 13_000, count).astype("datetime64[D]").astype(str)
    phone = draw.integers(10**9, 10**10, count).astype(str)
    return pl.DataFrame(
        {
            "person": np.arange(count),
            "given_name": words(3, 3_000),
            "surname": words(3, 12_000),
            "birth_date": born,
            "phone": phone,
            "postcode": draw.integers(10_000, 20_000, count).astype(str),
            "city": words(4, 500),
        }
    )


def second_records(first: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same people as another system has them: letters dropped, values missing or changed."""
    draw = np.random.default_rng(seed)

    def chance(share: float) -> pl.Series:
        return pl.Series(draw.random(first.height) < share)

    nothing = pl.lit(None, dtype=pl.String)
    return first.with_columns(
        pl.when(chance(0.2))
        .then(pl.col("given_name").str.slice(1))
        .otherwise("given_name")
        .alias("given_name"),
        pl.when(chance(0.1))
        .then(pl.col("surname").str.slice(0, 3) + pl.col("surname").str.slice(4))
        .otherwise("surname")
        .alias("surname"),
        pl.when(chance(0.5)).then(nothing).otherwise("phone").alias("phone"),
        pl.when(chance(0.2)).then(nothing).otherwise("postcode").alias("postcode"),
        pl.when(chance(0.05)).then(nothing).otherwise("birth_date").alias("birth_date"),
    )


def f1(pairs: pl.DataFrame, person: pl.Series) -> float:
    left = person.gather(pairs["record_1"].cast(pl.Int64))
    right = person.gather(pairs["record_2"].cast(pl.Int64))
    counts = person.value_counts()["count"].cast(pl.Int64)
    true = int((counts * (counts - 1) // 2).sum())
    return 2 * int((left == right).sum()) / (pairs.height + true)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 records, 1,000 new ones")
    records, new = (50_000, 1_000) if parser.parse_args().quick else (1_000_000, 10_000)
    first = people(records * 8 // 10, seed=1)
    second = second_records(first.head(records - first.height), seed=2)
    table = pl.concat([first, second]).with_row_index("n")
    settings = LinkageSettings()
    began = time.perf_counter()
    known = prepare(table.drop("person"), "n")
    trained = train(known, settings)
    assert trained, "nothing to learn from"
    model, pairs = trained
    found = within(persons_of(pairs, settings.threshold))
    took = time.perf_counter() - began
    exactness = f1(found, table["person"])
    figures = {f"{table.height:,} records linked, s": took, "F1 score": exactness}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"linking {table.height:,} records | {took:.0f} s, F1 {exactness:.4f}, "
        f"peak {peak:.1f} GiB | 300 s, 8 GiB"
    )
    later = second_records(first.tail(new), seed=3).drop("person")
    batch = prepare(later.with_row_index("n", offset=table.height), "n")
    began = time.perf_counter()
    matches = score(model, batch, known, settings)
    took = time.perf_counter() - began
    share = matches.filter(pl.col("match_probability") > 0.5)["record_2"].n_unique() / new
    print(
        f"linking {new:,} new records to {table.height:,} | {took:.0f} s, "
        f"{share:.1%} found a match | 30 s"
    )
    figures[f"{new:,} new records linked, s"] = took
    figures["share of new records matched, score"] = share
    keep("cleaning_linkage", figures | {"peak GiB": peak})


if __name__ == "__main__":
    main()
