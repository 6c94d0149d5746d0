"""A synthetic bank as Parquet files, with the truth about it beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import parse_month
from portrait_assets.synthetic.campaigns import campaigns_table, make_campaigns, promotions_table
from portrait_assets.synthetic.chunk import World, make_chunk
from portrait_assets.synthetic.kinds import check_kinds
from portrait_assets.synthetic.labels import write_labels
from portrait_assets.synthetic.market import make_market, market_table
from portrait_assets.synthetic.planted import planted
from portrait_assets.synthetic.products import products_table
from portrait_assets.synthetic.randomness import Ints
from portrait_assets.synthetic.seasons import Calendar
from portrait_assets.synthetic.settings import Settings
from portrait_assets.synthetic.writing import BankFiles, Piece

CHUNK_CUSTOMERS = 40_000
"""Customers per chunk; part of the layout: one row group of each file holds one chunk."""
MOST_CUSTOMERS = 9_900_000
MOST_MONTHS = 600
DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True)
class BankSummary:
    """What was written.

    `rows` counts rows by canonical table; `truth` those of the files under truth/.
    """

    folder: Path
    customers: int
    months: tuple[str, ...]
    seed: int
    rows: dict[str, int]
    truth: dict[str, int]


def generate_bank(
    out: Path,
    customers: int,
    months: int,
    seed: int,
    first_month: str = "2023-01",
    progress: Callable[[str], None] | None = None,
    settings: Settings = DEFAULT_SETTINGS,
) -> BankSummary:
    """Write a synthetic bank: every canonical table, the truth, a source definition, labels.

    The same arguments give the same files, whatever the number of threads. With more customers,
    the first ones stay as they were; about 105 transactions per customer over 24 months.

    Args:
        out: a folder that does not exist yet or is empty.
        customers: number of persons; some have more than one record.
        months: number of months from `first_month` on.
        seed: any whole number.
        progress: is called with a short line after every chunk.

    Raises:
        PortraitError: when an argument cannot be used or the folder holds files.
    """
    check_kinds(settings.kinds.number)
    _check(out, customers, months, first_month)
    say = progress or (lambda _line: None)
    calendar = Calendar(first_month, months)
    market = make_market(seed, calendar)
    campaigns = make_campaigns(calendar)
    world = World(seed, calendar, market, tuple(campaigns), settings)
    out.mkdir(parents=True, exist_ok=True)
    write_labels(out, calendar, customers, seed)

    workers = worker_count()
    with ThreadPoolExecutor(workers) as pool, BankFiles(out) as files:
        fixed = [
            Piece("products.parquet", products_table(calendar)),
            Piece("campaigns.parquet", campaigns_table(campaigns, calendar)),
            Piece("market.parquet", market_table(market)),
            Piece("promotions.parquet", promotions_table(campaigns, calendar)),
            *planted(world),
        ]
        files.write(fixed, pool)
        done = 0
        # As many chunks at a time as there are workers: memory stays bounded, order stays fixed.
        for wave in _waves(customers, workers):
            chunks = pool.map(lambda number: make_chunk(world, number), wave)
            files.write([piece for pieces in chunks for piece in pieces], pool)
            done += sum(len(number) for number in wave)
            say(f"{done:,} of {customers:,} customers")
        files.write([Piece("truth/bad_values.parquet", files.bad_values())], pool)
        counts = files.table_rows()
    truth = {name: rows for name, rows in counts.items() if name.startswith("truth/")}
    return BankSummary(
        folder=out,
        customers=customers,
        months=calendar.names,
        seed=seed,
        rows={name: rows for name, rows in counts.items() if name not in truth},
        truth={name.removeprefix("truth/"): rows for name, rows in truth.items()},
    )


def worker_count() -> int:
    """Processors that this process may use; at most four chunks are in memory at a time."""
    allowed = getattr(os, "sched_getaffinity", None)
    return min(len(allowed(0)) if allowed else os.cpu_count() or 1, 4)


def _waves(customers: int, width: int) -> Iterator[list[Ints]]:
    chunks = [
        np.arange(start, min(start + CHUNK_CUSTOMERS, customers + 1), dtype=np.int64)
        for start in range(1, customers + 1, CHUNK_CUSTOMERS)
    ]
    for start in range(0, len(chunks), width):
        yield chunks[start : start + width]


def _check(out: Path, customers: int, months: int, first_month: str) -> None:
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise PortraitError(
            f"A bank of {customers} customers cannot be made; ask for 1 to {MOST_CUSTOMERS:,}."
        )
    if not 1 <= months <= MOST_MONTHS:
        raise PortraitError(
            f"A bank of {months} months cannot be made; ask for 1 to {MOST_MONTHS}."
        )
    parse_month(first_month)
    if not 1980 <= int(first_month[:4]) <= 2100:
        raise PortraitError(f"{first_month} is too far away; take a year from 1980 to 2100.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PortraitError(f"'{out.name}' is not empty; name a folder that does not exist yet.")
