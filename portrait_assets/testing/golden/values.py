"""The golden files of values: a figure for each column or subject of the tables of small worlds.

    python -m portrait_assets.testing.golden.values [FOLDER]

runs the corner shop and a small bank and writes the files that this repository's tests compare
with: what is published of the shop, what is stored beside it, and what is stored of the bank. They
show that values have changed, not that they are right: for that the tests have oracles.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import polars.selectors as cs

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.table import Table
from portrait_assets.testing.golden.file import FOLDER, write
from portrait_assets.testing.golden.schema import shop_schema
from portrait_assets.testing.worlds.shop import run, shop
from portrait_assets.testing.worlds.small_bank import BANK_MONTHS, small_bank

PUBLISHED, STORED, BANK = (
    FOLDER / f"{name}_values.json" for name in ("published", "stored", "bank")
)
COMMAND = "python -m portrait_assets.testing.golden.values"
TOLERANCE = 5e-4
"""Relative to the sum of magnitudes: above what rounding does, below what one customer does."""

SUBJECTS = ("table_name", "check_name", "evidence", "feature", "tag_code", "test", "kind",
            "dimension", "area", "subject")  # fmt: skip
"""Columns of keys that name what a row is about: a subject that is new changes no other."""
DECLARED = ("features.feature_catalogue", "tags.tag_catalogue", "mart.publication",
            "mart.table_rows")  # fmt: skip
"""Tables without values of the data."""
OF_A_RUN = ("run_id", "made_at", "changed_at", "published_at")
OF_ALL = ("q_value", "overlap", "overlap_tag", "recommendation", "reason_en", "reason_zh", "detail")
"""Columns that depend on which other subjects there are."""

Figures = dict[str, list[object]]
"""By table and column, or table and subject: rows, digest of texts, sum and size of numbers."""


def figures(path: Path, keys: Mapping[str, list[str]]) -> Figures:
    """The figures of a DuckDB file, of whose tables `keys` names the columns of the key."""
    with duckdb.connect(str(path), read_only=True) as con:
        return {
            f"{table} {part}": figure(frame)
            for table, key in sorted(keys.items())
            if table not in DECLARED
            for part, frame in _parts(con.sql(f"FROM {table} ORDER BY ALL").pl(), key)
        }


def _parts(frame: pl.DataFrame, key: list[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """By subject where rows have one, else by column."""
    frame = frame.drop(OF_A_RUN, OF_ALL, strict=False).sort(key, nulls_last=True)
    subjects = [column for column in SUBJECTS if column in key]
    if not subjects:
        return ((column, frame.select(column)) for column in frame.columns)
    if "subject" in subjects:
        frame = frame.filter(~pl.col("subject").str.starts_with("every "))
    groups = frame.partition_by(subjects, as_dict=True, maintain_order=True)
    return ((" ".join(map(str, subject)), rows) for subject, rows in groups.items())


def figure(frame: pl.DataFrame) -> list[object]:
    """Rows, digest of texts and of nulls, sum and size of numbers, each weighted by its place."""
    texts = frame.select(~cs.numeric(), cs.numeric().is_null())
    digest = hashlib.sha256(repr(texts.rows()).encode()).hexdigest()[:8]
    numbers = frame.select(cs.numeric().cast(pl.Float64))
    weighted = [
        _weight(row, column) * math.copysign(math.log1p(abs(value)), value)
        for row, values in enumerate(numbers.rows())
        for column, value in enumerate(values)
        if value is not None
    ]
    return [
        frame.height,
        digest,
        float(f"{math.fsum(weighted):.6g}"),
        float(f"{math.fsum(map(abs, weighted)):.3g}"),
    ]


def _weight(row: int, column: int) -> int:
    """So that exchanged rows and columns differ."""
    return 1 + (row + 3 * column) % 7


def differences(golden: Figures, now: Figures) -> list[str]:
    """What has another figure, or none any more; what is new is no difference."""
    gone = [f"{name} is gone" for name in golden if name not in now]
    return gone + [
        f"{name}: was {golden[name]} and is {now[name]}"
        for name in golden.keys() & now.keys()
        if not _equal(golden[name], now[name])
    ]


def _equal(then: list[object], now: list[object]) -> bool:
    *texts, total, size = then
    *texts_now, total_now, size_now = now
    assert isinstance(total, float)
    assert isinstance(size, float)
    close = abs(total - float(str(total_now))) <= TOLERANCE * size + 1e-6
    return texts == texts_now and close and abs(size - float(str(size_now))) <= 0.01 * size


def published_keys() -> dict[str, list[str]]:
    """The key of each published table, by name."""
    return {name: each["key"] for name, each in shop_schema().items() if each["kind"] == "table"}


def unpublished_keys() -> dict[str, list[str]]:
    """The key of each table of the corner shop that is stored and not published, by name."""
    return {each.full_name: list(each.key) for each in _stored("corner_shop") if not each.published}


def bank_keys() -> dict[str, list[str]]:
    """The key of each table that is stored of a bank, by name."""
    return {each.full_name: list(each.key) for each in _stored("synthetic_bank")}


def _stored(source: str) -> Iterator[Table]:
    context = context_of(Settings(data_dir=PACKAGED_SOURCES.parent, source=source))
    return (each.stored for each in context.tables)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    with TemporaryDirectory() as folder:
        settings, bank = shop(Path(folder)), small_bank(Path(folder))
        assert run(settings).success
        assert run(bank, BANK_MONTHS).success
        write(figures(settings.portrait_file, published_keys()), place / PUBLISHED.name)
        write(figures(settings.warehouse_file, unpublished_keys()), place / STORED.name)
        write(figures(bank.warehouse_file, bank_keys()), place / BANK.name)
    print(place)
