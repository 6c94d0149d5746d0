"""`portrait lookalike`: prospects ranked by a seed audience, into a file through the door."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.door import door_of
from portrait_assets.app.lookalike.attributes import Shared, attributes, shared
from portrait_assets.app.lookalike.backtest import Backtest, backtest
from portrait_assets.app.lookalike.errors import LookalikeError
from portrait_assets.app.lookalike.seed import Seed, is_member, read_seed
from portrait_assets.app.lookalike.setting_aside import matches
from portrait_assets.app.lookalike.stored import Stored, read_stored
from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.files import replace_files
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.methods.lookalike.lookalike import SMALLEST_SEED, Lookalike, learn, score
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.privacy.consent import ANALYSIS, MARKETING, Use
from portrait_assets.privacy.egress import PLACE, Departure, Outlet, Shown
from portrait_assets.schema.csv_text import neutralized
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.condition import latest_month
from portrait_assets.storage.duckdb.connection import error_message
from portrait_assets.storage.duckdb.exclusive import exclusive_reader

CHANNELS = "allowed_channels"
SEED, MONTH, CHANNEL = "seed", "month", "channel"
"""What the register holds of a lookalike beside its columns."""


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    `seed` is a file or the code of a saved audience, `month` as YYYY-MM that of the seed, and
    `leave_out` are attributes that are not to be used. `channel` is that by which prospects are to
    be approached; any that they allow when None. `parameters` are those of the models.
    """

    seed: str
    month: str | None = None
    leave_out: tuple[str, ...] = ()
    channel: str | None = None
    parameters: Parameters = PARAMETERS


@dataclass(frozen=True)
class FoundLookalike:
    """Prospects with scores, and how they came about.

    `rows` are those that were written: `prospect_id` and what `methods.lookalike.score` gives,
    best first. `aside` counts prospects who are no strangers by reason (`NO_CUSTOMERS`), `refused`
    by purpose and reason those who do not allow it; `prospects` are all, before either.
    """

    rows: pl.DataFrame
    seed: Seed
    lookalike: Lookalike
    shared: Shared
    prospects: int
    aside: Mapping[str, int]
    refused: Mapping[tuple[str, str], int]
    backtest: Backtest | None


def find_lookalike(settings: Settings, asked: Asked, out: Path) -> FoundLookalike:
    """Rank the prospects who resemble a seed audience, and write them for marketing.

    The model learns from the customers of the seed's month, by what was known of them then. The
    file is readable by its owner alone, and is entered in the register before it has its name.

    Args:
        settings: the source's.
        asked: the seed, and what to do with it.
        out: a .csv or .parquet file.

    Raises:
        LookalikeError: for a seed or prospects from which none can be made; nothing is written.
        EgressError: when the file may not leave; nothing is written.
        PredictionError: when nothing can be learned.
        TagError: when the saved audiences cannot be used.
        WarehouseError: when the warehouse is not there, or a run holds it.
        OSError: when the file cannot be written.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise LookalikeError(f"{out.name} ends in neither .csv nor .parquet; choose one of them.")
    door = door_of(settings)
    seed, stored, today = _read(settings, asked)
    members = is_member(stored.base, seed, today)
    _check_sizes(seed, members)
    about = {SEED: seed.name, MONTH: f"{seed.as_of:%Y-%m}", PLACE: str(out.resolve())}
    if asked.channel is not None:
        about[CHANNEL] = asked.channel
    departure = Departure(
        Outlet.AUDIENCE, MARKETING, _columns(asked), subject_named=True, about=about
    )
    door.open(departure)
    found = _found(settings, asked, seed, stored, members)
    content = _content(found.rows, out)
    door.record(departure, found.rows.height, hashlib.sha256(content).hexdigest())
    replace_files({out: content}, private=[out])
    return found


def _read(settings: Settings, asked: Asked) -> tuple[Seed, Stored, dict[str, str]]:
    with exclusive_reader(settings, "portrait lookalike") as con:
        try:
            seed = read_seed(con, settings, asked.seed, asked.month)
            stored = read_stored(con, seed.as_of, latest_month(con), Use(MARKETING, asked.channel))
            today = dict(con.sql(KNOWN_SQL).fetchall())
        except duckdb.Error as error:
            raise WarehouseError(
                f"{settings.warehouse_file.name} cannot be read ({error_message(error)}); bring it "
                f"up to this version with `{command('run')}`."
            ) from None
    if stored.now.is_empty():
        raise LookalikeError(
            f"{settings.source} has no prospects; provide them with prospects.sql and run "
            f"`{command('run')}`."
        )
    return seed, stored, today


def _check_sizes(seed: Seed, members: pl.Series) -> None:
    count, others = int(members.sum()), int((~members).sum())
    if count < SMALLEST_SEED:
        raise LookalikeError(
            f"The seed has {count:,} customers of {seed.as_of:%Y-%m} who allow profiling, and what "
            f"a seed has in common shows from {SMALLEST_SEED} on; choose a larger audience."
        )
    if others < PARAMETERS.least_events:
        raise LookalikeError(
            f"The seed is all but {others:,} of the {len(members):,} customers of "
            f"{seed.as_of:%Y-%m}, so that nothing tells it from the others; choose a smaller one."
        )


def _found(
    settings: Settings, asked: Asked, seed: Seed, stored: Stored, members: pl.Series
) -> FoundLookalike:
    customers = attributes(stored.base, seed.as_of)
    of_prospects = attributes(stored.now, stored.newest)
    common = shared(customers, of_prospects, asked.leave_out)
    aside = matches(stored, load_source(settings.source_dir).definition.identity)
    strangers = stored.now.select("prospect_id").join(aside, on="prospect_id", how="anti")
    asked_of = strangers.join(stored.answers, on="prospect_id", how="left").with_columns(
        allows=pl.col("allowed") & pl.col("may_be_profiled")
    )
    allowed = asked_of.filter("allows")
    refused = _counted(asked_of.filter(~pl.col("allows")))
    if allowed.is_empty():
        raise LookalikeError(
            f"None of the {stored.now.height:,} prospects may be approached: "
            f"{_in_words(aside.height, refused)}; record who agreed as marketing_agreed_on of "
            "prospects or in consents.sql."
        )
    lookalike = learn(
        customers.select(common.names), members.to_numpy(), parameters=asked.parameters
    )
    with_values = pl.concat([stored.now.select("prospect_id"), of_prospects], how="horizontal")
    rows = allowed.join(with_values, on="prospect_id", how="left", maintain_order="left")
    scored = pl.concat(
        [
            rows.select("prospect_id"),
            score(lookalike, rows.select(common.names)),
            rows.select(pl.col("channels").alias(CHANNELS)),
        ],
        how="horizontal",
    )
    return FoundLookalike(
        rows=scored.sort("rank", "prospect_id").select(c.name for c in _columns(asked)),
        seed=seed,
        lookalike=lookalike,
        shared=common,
        prospects=stored.now.height,
        aside=dict(aside.group_by("aside").len().sort("aside").iter_rows()),
        refused=refused,
        backtest=backtest(stored, aside, seed.as_of, lookalike, common.names),
    )


def _counted(refusing: pl.DataFrame) -> dict[tuple[str, str], int]:
    """By purpose and reason how many refuse; who refuses both counts by profiling."""
    by_profiling = refusing.filter(~pl.col("may_be_profiled")).height
    others = refusing.filter("may_be_profiled").group_by("because").len().sort("because")
    counts = {(ANALYSIS.purpose, "objection"): by_profiling} if by_profiling else {}
    return counts | {(MARKETING, because): count for because, count in others.iter_rows()}


def _in_words(aside: int, refused: Mapping[tuple[str, str], int]) -> str:
    refusing = sum(refused.values())
    return f"{aside:,} are customers or listed twice, and {refusing:,} did not agree to it"


def _columns(asked: Asked) -> tuple[Shown, ...]:
    """The file's columns: numbers over many attributes, and which of them count, never a value."""
    names: Sequence[str] = ("prospect_id", "score", "rank", "band")
    reasons = tuple(f"reason_{number}" for number in (1, 2, 3))
    channels = (CHANNELS,) if asked.channel is None else ()
    return tuple(map(Shown, (*names, *reasons, "not_known", *channels)))


def _content(rows: pl.DataFrame, out: Path) -> bytes:
    content = io.BytesIO()
    if out.suffix == ".csv":
        neutralized(rows).write_csv(content)
    else:
        rows.write_parquet(content)
    return content.getvalue()
