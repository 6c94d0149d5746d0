"""Assignments to campaigns that come from outside the bank: a file of them, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.seasons import EPOCH, Calendar
from portrait_assets.synthetic.marketing.campaigns import CAMPAIGN_CHANNELS
from portrait_assets.synthetic.marketing.offers import KIND_CODES, KINDS, Kind
from portrait_assets.synthetic.marketing.plans import Assigned, Campaign
from portrait_assets.synthetic.persons.segment_traits import CHANNELS

COLUMNS = ("customer_id", "campaign_id", "arm", "channel", "day")
DAY_NAMES = ("day", "assigned_on", "contacted_on")
"""Names that the day of the contact may have."""
CONTROL = "control"
NUMBERED_FROM = 1_000_000
"""Assigned campaigns are numbered apart from the bank's own: from here on, a thousand a month."""


@dataclass(frozen=True)
class Assignments:
    """Campaigns as assigned, one for each id and month, and what is to be said about them."""

    campaigns: tuple[Campaign, ...]
    notes: tuple[str, ...] = ()


def read_assignments(
    file: Path, calendar: Calendar, customers: pl.Series, known: dict[str, str]
) -> Assignments:
    """The assignments in a CSV or Parquet file, for the months that the calendar has written.

    The file has the columns customer_id, campaign_id, arm, channel and day, and may have
    campaign_type. The arm `control` is not contacted, and needs no channel; any other is.

    Args:
        customers: the ids of the bank's customers.
        known: kind of campaign, by id, of the campaigns that the bank has had.

    Raises:
        PortraitError: when the file cannot be read, or assigns what cannot be.
    """
    frame = _checked(_read(file), file.name)
    strangers = frame.filter(~pl.col("customer_id").is_in(customers.implode()))
    if len(strangers):
        count = strangers["customer_id"].n_unique()
        raise PortraitError(
            f"'{file.name}' assigns {_persons(count)} who {'do' if count > 1 else 'does'} not "
            "exist in this bank, such as "
            f"{strangers['customer_id'][0]} in row {strangers['row'][0]}; assign its customers."
        )
    first = EPOCH.toordinal() + int(calendar.starts[calendar.since])
    last = EPOCH.toordinal() + int(calendar.starts[-1]) - 1
    days = frame["day"].to_physical() + EPOCH.toordinal()
    outside = frame.filter((days < first) | (days > last))
    if len(outside):
        start, end = type(EPOCH).fromordinal(first), type(EPOCH).fromordinal(last)
        day = outside["day"][0]
        why = "is over in this bank" if day < start else "is after the months to be written"
        raise PortraitError(
            f"Row {outside['row'][0]} of '{file.name}' assigns a customer for {day}, which {why}; "
            f"take days from {start} to {end}."
        )
    kinds, notes = _kinds(frame, file.name, calendar, known)
    numbered = frame.with_columns(number=pl.col("customer_id").str.slice(1).cast(pl.Int64))
    twice = numbered.filter(pl.struct("campaign_id", "number").is_duplicated())
    if len(twice):
        raise PortraitError(
            f"'{file.name}' assigns {twice['customer_id'][0]} to campaign "
            f"{twice['campaign_id'][0]} more than once; a customer has one arm in a campaign."
        )
    return Assignments(tuple(campaigns_of(numbered, kinds, calendar)), notes)


def campaigns_of(
    frame: pl.DataFrame, kinds: dict[str, str], calendar: Calendar
) -> Iterator[Campaign]:
    """One campaign for each id and month of checked assignments, by month and id."""
    by_code = dict(zip(KIND_CODES, KINDS, strict=True))
    placed = frame.with_columns(
        month=pl.Series(_month_of(frame, calendar)),
        is_control=pl.col("arm").str.to_lowercase() == CONTROL,
        channel=pl.col("channel").fill_null(CHANNELS[0]),
    ).sort("month", "campaign_id", "number")
    for place, ((month, campaign), rows) in enumerate(
        placed.group_by("month", "campaign_id", maintain_order=True)
    ):
        position = {channel: at for at, channel in enumerate(CHANNELS)}
        yield Campaign(
            id=str(campaign),
            number=NUMBERED_FROM + int(str(month)) * 1_000 + place,
            month=int(str(month)),
            kind=by_code[kinds[str(campaign)]],
            assigned=Assigned(
                number=rows["number"].to_numpy(),
                is_control=rows["is_control"].to_numpy(),
                channel=rows["channel"].replace_strict(position, return_dtype=pl.Int64).to_numpy(),
                day=rows["day"].to_physical().cast(pl.Int64).to_numpy(),
            ),
        )


def _month_of(frame: pl.DataFrame, calendar: Calendar) -> Ints:
    days = frame["day"].to_physical().to_numpy()
    month: Ints = np.searchsorted(calendar.starts, days, side="right").astype(np.int64) - 1
    return month


def _read(file: Path) -> pl.DataFrame:
    """The file's rows as text, with their number from 1 and the day as a date."""
    if not file.is_file():
        raise PortraitError(f"There is no file '{file.name}'; name a CSV or Parquet file.")
    try:
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
        else:
            frame = pl.read_csv(file, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise PortraitError(
            f"'{file.name}' cannot be read; assignments come as a CSV or Parquet file."
        ) from problem
    given = next((name for name in DAY_NAMES if name in frame.columns), None)
    if given:
        frame = frame.rename({given: "day"})
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise PortraitError(
            f"'{file.name}' has no column {missing[0]}; assignments have the columns "
            f"{', '.join(COLUMNS)}, and may have campaign_type."
        )
    if frame.is_empty():
        raise PortraitError(f"'{file.name}' assigns nobody; it needs a row for each customer.")
    optional = [name for name in ("campaign_type",) if name in frame.columns]
    text = pl.col(*COLUMNS, *optional).cast(pl.String).str.strip_chars().replace("", None)
    return frame.select(text).with_row_index("row", offset=1)


def _checked(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows with the day as a date, when every value is there and can be."""
    control = pl.col("arm").str.to_lowercase() == CONTROL
    for column in COLUMNS:
        needless = control if column == "channel" else pl.lit(False)
        empty = frame.filter(pl.col(column).is_null() & ~needless.fill_null(False))
        if len(empty):
            raise PortraitError(
                f"Row {empty['row'][0]} of '{name}' has no {column}; only a customer of the arm "
                f"{CONTROL} needs no channel, and every assignment all the rest."
            )
    other = frame.filter(~pl.col("channel").is_in(list(CAMPAIGN_CHANNELS)) & ~control)
    if len(other):
        raise PortraitError(
            f"Row {other['row'][0]} of '{name}' assigns the channel {other['channel'][0]}; this "
            f"bank contacts customers by {', '.join(CAMPAIGN_CHANNELS)}."
        )
    day = pl.col("day").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    dated = frame.with_columns(day.alias("day"), pl.col("day").alias("given"))
    unreadable = dated.filter(pl.col("day").is_null())
    if len(unreadable):
        raise PortraitError(
            f"Row {unreadable['row'][0]} of '{name}' has the day {unreadable['given'][0]}, which "
            "cannot be read; write days as 2025-01-31."
        )
    channel = pl.when(control).then(None).otherwise(pl.col("channel"))
    return dated.with_columns(channel.alias("channel"))


def _persons(count: int) -> str:
    return f"{count:,} customer{'s' if count > 1 else ''}"


def _kinds(
    frame: pl.DataFrame, name: str, calendar: Calendar, known: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The kind of each campaign, and a note where neither the file nor the bank states it."""
    stated: dict[str, str] = {}
    if "campaign_type" in frame.columns:
        stated = _stated(frame, name)
    turn: Kind = KINDS[calendar.since % len(KINDS)]
    kinds, notes = {}, []
    for campaign in frame["campaign_id"].unique(maintain_order=True).to_list():
        within = next((code for code in KIND_CODES if code in campaign), None)
        kind = stated.get(campaign) or known.get(campaign) or within
        if kind is None:
            notes.append(
                f"Campaign {campaign} states no campaign_type; customers answer it as "
                f"{turn.code}, whose turn it is."
            )
        kinds[campaign] = kind or turn.code
    return kinds, tuple(notes)


def _stated(frame: pl.DataFrame, name: str) -> dict[str, str]:
    given = frame.filter(pl.col("campaign_type").is_not_null())
    other = given.filter(~pl.col("campaign_type").is_in(list(KIND_CODES)))
    if len(other):
        raise PortraitError(
            f"Row {other['row'][0]} of '{name}' states the campaign_type "
            f"{other['campaign_type'][0]}, which this bank does not have; take one of "
            f"{', '.join(KIND_CODES)}."
        )
    pairs = given.select("campaign_id", "campaign_type").unique(maintain_order=True)
    two = pairs.filter(pl.col("campaign_id").is_duplicated())
    if len(two):
        raise PortraitError(
            f"'{name}' states more than one campaign_type for campaign {two['campaign_id'][0]}; "
            "a campaign has one."
        )
    return dict(pairs.iter_rows())
