"""Further months of a bank that was generated before, with campaigns assigned from outside.

The world is lived through again from its first month, which gives what is written already, and
the rows of the further months are added: files by month are new ones, tables in one file get
them after those that they had.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from portrait_assets.core.errors import PortraitError
from portrait_assets.synthetic.bank import MOST_MONTHS, BankSummary, write_bank
from portrait_assets.synthetic.chunk import World
from portrait_assets.synthetic.common.appending import Moved, append_rows
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.writing import LABEL, plain_text
from portrait_assets.synthetic.economy.market import make_market
from portrait_assets.synthetic.labels import SOURCE_NAME, WHOLE
from portrait_assets.synthetic.marketing.assigned import Assignments, campaigns_of, read_assignments
from portrait_assets.synthetic.marketing.plans import Campaign, make_campaigns
from portrait_assets.synthetic.recipe import Recipe

MARKS = Path("truth/marks.parquet")
BAD_VALUES = Path("truth/bad_values.parquet")
LAST_MONTH = re.compile(r"^last_month: .*$", re.MULTILINE)


@dataclass(frozen=True)
class Continued:
    """What was written, and what is to be said about the assignments."""

    summary: BankSummary
    notes: tuple[str, ...]


def continue_bank(
    folder: Path,
    assignments: Path | None = None,
    months: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Continued:
    """Add months to the bank in the folder, after its last one.

    With assignments customers answer those instead of the bank's own campaigns, as they would have
    answered the bank's: by their response group for the kind of campaign. What happens in the
    further months depends on the same draws, however many are added at a time.

    Args:
        folder: a bank that `generate_bank` has written.
        assignments: a CSV or Parquet file, see `read_assignments`.
        months: how many months to add.
        progress: is called with a short line after every chunk of customers.

    Raises:
        PortraitError: when the folder holds no bank or the assignments cannot be followed.
    """
    recipe = Recipe.read(folder)
    if (folder / MARKS).is_file():
        raise PortraitError(
            f"'{folder.name}' has marks and cannot be continued; generate it with all of its "
            "months and --marks."
        )
    count = recipe.months + len(recipe.continued)
    if not 1 <= months <= MOST_MONTHS - count:
        raise PortraitError(
            f"'{folder.name}' has {count} months and cannot be continued by {months}; ask for 1 to "
            f"{MOST_MONTHS - count}."
        )
    calendar = Calendar(recipe.first_month, count + months, recipe.months, since=count)
    had = pl.read_parquet(folder / "campaigns.parquet", columns=["campaign_id", "campaign_type"])
    known = dict(had.iter_rows())
    followed = Assignments(())
    if assignments is not None:
        customers = pl.read_parquet(folder / "customers.parquet", columns=["customer_id"])
        followed = read_assignments(assignments, calendar, customers["customer_id"].unique(), known)
    now = recipe.followed_by(assignments is not None, months)
    campaigns = [
        *_own(recipe, now, calendar),
        *_followed_before(folder, recipe, calendar, known),
        *followed.campaigns,
    ]
    world = World(
        recipe.seed,
        calendar,
        make_market(recipe.seed, calendar),
        tuple(sorted(campaigns, key=lambda campaign: (campaign.month, campaign.number))),
        recipe.settings,
    )
    with TemporaryDirectory(dir=folder, prefix=".months-") as temporary:
        written = Path(temporary)
        summary = write_bank(written, world, recipe.customers, progress)
        now.write(written)
        moved = append_rows(folder, written, [f"{table}.parquet" for table in WHOLE])
        _keep_bad_values(folder, written, moved)
        _move(written, folder, calendar.names[-1])
    return Continued(
        BankSummary(
            folder, summary.customers, summary.months, summary.seed, summary.rows, summary.truth
        ),
        followed.notes,
    )


def _own(recipe: Recipe, now: Recipe, calendar: Calendar) -> list[Campaign]:
    """The bank's own campaigns, in the months that nobody else has assigned."""
    assigned = {recipe.months + place for place, given in enumerate(now.continued) if given}
    planned = make_campaigns(calendar, recipe.campaigns, recipe.settings.flaws)
    return [campaign for campaign in planned if campaign.month not in assigned]


def _followed_before(
    folder: Path, recipe: Recipe, calendar: Calendar, known: dict[str, str]
) -> list[Campaign]:
    """The campaigns of the assigned months that the bank was continued by before."""
    names = calendar.names[recipe.months : calendar.since]
    files = [
        folder / "assignments" / f"{name}.parquet"
        for name, given in zip(names, recipe.continued, strict=True)
        if given
    ]
    campaigns: list[Campaign] = []
    for file in files:
        rows = pl.read_parquet(file).select(
            pl.all().exclude("assigned_on"),
            day="assigned_on",
            number=pl.col("customer_id").str.slice(1).cast(pl.Int64),
        )
        campaigns += campaigns_of(rows, known, calendar)
    return campaigns


def _keep_bad_values(folder: Path, written: Path, moved: Moved) -> None:
    """Add to the account of bad values those of the further rows, by where these stand."""
    before, after = (pl.read_parquet(place / BAD_VALUES) for place in (folder, written))
    is_whole = ~pl.col("source_file").str.contains("/", literal=True)
    again = is_whole & ~pl.col("source_file").is_in(list(moved))
    parts = [before.filter(~again), after.filter(~is_whole | again)]
    for file, places in moved.items():
        further = after.filter(pl.col("source_file") == file).join(places, on="source_row")
        parts.append(further.with_columns(source_row="row").select(before.columns))
    table: pa.Table = plain_text(pl.concat(parts).sort(pl.all()).to_arrow())
    pq.write_table(table.replace_schema_metadata({"synthetic": LABEL}), written / BAD_VALUES)


def _move(written: Path, folder: Path, last_month: str) -> None:
    """Put the written files into the bank; of its source definition only the last month changes."""
    source = Path("sources") / SOURCE_NAME
    for path in sorted(written.rglob("*")):
        place = path.relative_to(written)
        if path.is_file() and not place.is_relative_to(source):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / place)
    listed = folder / source / "source.yaml"
    if listed.is_file():
        text = listed.read_text(encoding="utf-8")
        listed.write_text(LAST_MONTH.sub(f"last_month: {last_month}", text), encoding="utf-8")
