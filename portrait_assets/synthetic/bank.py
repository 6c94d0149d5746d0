"""A synthetic bank as Parquet files, with the truth about it beside them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow.compute as pc

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import parse_month
from portrait_assets.synthetic.chunk import World, make_chunk
from portrait_assets.synthetic.common.columns import canonical
from portrait_assets.synthetic.common.marks import Marker
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.writing import BankFiles, Piece
from portrait_assets.synthetic.economy.market import make_market, market_table
from portrait_assets.synthetic.holdings.products import products_table
from portrait_assets.synthetic.labels import MONTHLY, write_labels
from portrait_assets.synthetic.marketing.plans import (
    Campaign,
    campaigns_table,
    make_campaigns,
    promotions_table,
    true_campaigns,
)
from portrait_assets.synthetic.persons.kinds import check_kinds
from portrait_assets.synthetic.planted import planted
from portrait_assets.synthetic.recipe import Recipe
from portrait_assets.synthetic.settings import Settings

CHUNK_CUSTOMERS = 40_000
"""Customers per chunk; part of the layout: one row group of each file holds one chunk."""
MOST_CUSTOMERS = 9_900_000
MOST_MONTHS = 600
MOST_CAMPAIGNS = 999
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
    campaigns: int | None = None,
    marks: bool = False,
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
        campaigns: number of campaigns over all months; one a month by default.
        marks: plant a mark in every text column, as `marks` does, and list them in truth/.

    Raises:
        PortraitError: when an argument cannot be used or the folder holds files.
    """
    check_kinds(settings.kinds.number)
    _check(out, customers, months, first_month, campaigns)
    calendar = Calendar(first_month, months)
    planned = make_campaigns(calendar, campaigns, settings.flaws)
    world = World(seed, calendar, make_market(seed, calendar), tuple(planned), settings)
    out.mkdir(parents=True, exist_ok=True)
    Recipe(customers, months, seed, first_month, campaigns, settings).write(out)
    return write_bank(out, world, customers, progress, marks)


def write_bank(
    out: Path,
    world: World,
    customers: int,
    progress: Callable[[str], None] | None = None,
    marks: bool = False,
) -> BankSummary:
    """Write the tables of this world, the truth, a source definition and labels.

    Of a world whose calendar begins to be written later, tables by month have those months only.
    """
    say = progress or (lambda _line: None)
    calendar, campaigns = world.calendar, world.campaigns
    write_labels(out, calendar, customers, world.seed, marks)
    marker = Marker() if marks else None

    def finished(pieces: Iterable[Piece]) -> Iterable[Piece]:
        return pieces if marker is None else marker.marked(pieces)

    workers = worker_count()
    written = set(calendar.names[calendar.since :])
    spent: dict[str, int] = defaultdict(int)
    with BankFiles(out) as files, ThreadPoolExecutor(workers) as pool:
        fixed = [
            Piece("products.parquet", products_table(calendar)),
            Piece("market.parquet", market_table(world.market)),
            Piece("promotions.parquet", promotions_table(campaigns, calendar)),
            *planted(world),
            Piece("truth/campaigns.parquet", true_campaigns(campaigns, world.settings)),
            *_months_without(campaigns, calendar),
        ]
        files.write(finished(fixed), pool)
        done = 0
        # As many chunks at a time as there are workers: memory stays bounded, order stays fixed.
        for wave in _waves(customers, workers):
            chunks = pool.map(lambda number: make_chunk(world, number), wave)
            files.write(finished(_counted(chunks, written, spent)), pool)
            done += sum(len(number) for number in wave)
            say(f"{done:,} of {customers:,} customers")
        costs = campaigns_table(campaigns, calendar, customers, world.settings, spent)
        files.write(finished([Piece("campaigns.parquet", costs)]), pool)
        files.write([Piece("truth/bad_values.parquet", files.bad_values())], pool)
        if marker is not None:
            files.write([Piece("truth/marks.parquet", marker.table())], pool)
        counts = files.table_rows()
    truth = {name: rows for name, rows in counts.items() if name.startswith("truth/")}
    return BankSummary(
        folder=out,
        customers=customers,
        months=calendar.names[calendar.since :],
        seed=world.seed,
        rows={name: rows for name, rows in counts.items() if name not in truth},
        truth={name.removeprefix("truth/"): rows for name, rows in truth.items()},
    )


def _months_without(campaigns: Sequence[Campaign], calendar: Calendar) -> list[Piece]:
    """Files without rows for the months in which there is no campaign."""
    busy = {campaign.month for campaign in campaigns}
    return [
        Piece(f"{table}/{calendar.names[month]}.parquet", canonical(table, {}, 0))
        for month in calendar.written
        if month not in busy
        for table in ("assignments", "contacts", "responses")
    ]


def _counted(
    chunks: Iterable[list[Piece]], months: Set[str], spent: dict[str, int]
) -> Iterator[Piece]:
    """The pieces of whole tables and of these months; costs of all contacts are added to `spent`.

    Costs are in cents, by campaign.
    """
    for piece in (piece for chunk in chunks for piece in chunk):
        if piece.table == "contacts" and piece.rows.num_rows:
            cost = pc.sum(piece.rows["cost"]).as_py()
            spent[piece.rows["campaign_id"][0].as_py()] += round((cost or 0) * 100)
        if piece.table not in MONTHLY or PurePosixPath(piece.file).stem in months:
            yield piece


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


def _check(out: Path, customers: int, months: int, first_month: str, campaigns: int | None) -> None:
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise PortraitError(
            f"A bank of {customers} customers cannot be made; ask for 1 to {MOST_CUSTOMERS:,}."
        )
    if not 1 <= months <= MOST_MONTHS:
        raise PortraitError(
            f"A bank of {months} months cannot be made; ask for 1 to {MOST_MONTHS}."
        )
    if campaigns is not None and not 1 <= campaigns <= MOST_CAMPAIGNS:
        raise PortraitError(
            f"A bank of {campaigns} campaigns cannot be made; ask for 1 to {MOST_CAMPAIGNS}."
        )
    parse_month(first_month)
    if not 1980 <= int(first_month[:4]) <= 2100:
        raise PortraitError(f"{first_month} is too far away; take a year from 1980 to 2100.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PortraitError(f"'{out.name}' is not empty; name a folder that does not exist yet.")
