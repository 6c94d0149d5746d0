"""`portrait audience`: the customers that a condition over tags selects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from portrait_assets.stages.tags.audiences.audience import Audience

commands = typer.Typer()
SHOWN = 15  # Lines of a profile that are printed; the rest is in the frame.


@commands.command(
    epilog=example("audience \"value_tier = 'high' AND lapse_risk <> 'low'\" --source corner_shop")
)
def audience(
    expression: Annotated[str, typer.Argument(help="SQL condition over tags, as in WHERE.")],
    month: Annotated[
        str | None, typer.Option("--month", help="Month, 2017-06.", show_default="the newest")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write the customers to this CSV or Parquet.")
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What for: analysis, marketing, credit or sharing.",
            show_default="analysis; of a file marketing",
        ),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option("--channel", help="Channel of the contact.", show_default="at least one"),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k",
            help="Fewest customers alike in a file for sharing.",
            show_default="10",
        ),
    ] = None,
    with_generic: Annotated[
        bool,
        typer.Option(
            "--with-generic",
            help="Add who refuses profiling but may be contacted, for the offer that all get.",
        ),
    ] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Count and describe the customers that a condition over tags selects.

    `portrait tags list` has the tags and their values. The customers are compared with all others:
    a TGI of 150 is a share one and a half times as large as that of all customers. A count rests on
    at least PORTRAIT_SMALLEST_GROUP customers, 10 by default, and so does its difference from
    counts given before.

    Into a file go only customers who allow its purpose by the newest consents known. One for
    marketing has the source's identifiers, looked up with the key of pseudonyms and the warehouse;
    one for analysis has the pseudonyms. In one for sharing, and for credit where no customer was
    asked for that, at least k customers are alike in all that others may know of them, under
    pseudonyms that no other file has. Only you may read them.

    With --with-generic a file for marketing has all customers of the month besides who refuse
    profiling but may be contacted: by identifier and allowed channels, without tags, with
    is_generic true. They are not selected by the condition, and get the same offer.
    """
    from portrait_assets.app.cli.printing import print_loss
    from portrait_assets.app.door import door_of, known_channel
    from portrait_assets.core.source_folder import source_file
    from portrait_assets.methods.anonymity.anonymise import K
    from portrait_assets.stages.tags.audiences.export import reasons
    from portrait_assets.stages.tags.audiences.finding import find_audience
    from portrait_assets.stages.tags.audiences.saved_audiences import AUDIENCES_FILE

    settings = settings_of(source, data_dir)
    if channel is not None:
        channel = known_channel(settings, channel)
    saved = source_file(settings.source_dir, AUDIENCES_FILE)
    found = find_audience(
        settings.portrait_file,
        expression,
        door_of(settings),
        month=month,
        saved=saved if saved.is_file() else None,
        out=to,
        purpose=purpose,
        channel=channel,
        k=k,
        with_generic=with_generic,
    )
    print_audience(found.audience, out)
    for note in found.notes:
        out.print(note, markup=False)
    if found.written is not None:
        if found.shared is not None:
            print_loss(found.shared, K if k is None else k, out)
            named = "pseudonyms of its own"
        else:
            named = "the source's identifiers" if found.is_identified else "pseudonyms"
        out.print(
            f"{found.written:,} customers written to {to} by {named}, for {found.purpose}; only "
            "you may read it.",
            markup=False,
        )
        if found.generic is not None:
            out.print(
                f"{found.generic:,} more are in it who refuse profiling and may be contacted: with "
                "no tag and is_generic true, for the offer that they all get alike."
            )
        if found.left_out:
            out.print(f"{sum(found.left_out.values()):,} left out; {reasons(found.left_out)}.")


def print_audience(audience: Audience, console: Console) -> None:
    """Print the audience's size, share, profile and overlaps."""
    import polars as pl
    from rich.markup import escape
    from rich.table import Table

    from portrait_assets.stages.tags.audiences.answers import TELLING

    console.print(
        f"{audience.size:,} of {audience.base:,} customers ({audience.share:.1%}) "
        f"in {audience.as_of:%Y-%m}"
    )
    table = Table(title="Profile against the base (TGI 100: as the base)")
    for head in ("tag", "value", "audience", "base", "TGI", "q"):
        table.add_column(head, overflow="fold")
    telling = audience.profile.filter(pl.col("q_value") < TELLING).head(SHOWN)
    for row in telling.iter_rows(named=True):
        table.add_row(
            row["tag_code"],
            escape(row["tag_value"]),
            f"{row['audience_share']:.1%}",
            f"{row['base_share']:.1%}",
            f"{row['tgi']:.0f}",
            f"{row['q_value']:.1g}",
        )
    if telling.height:
        console.print(table)
    for row in audience.overlaps.iter_rows(named=True):
        console.print(
            f"{row['audience_code']}: {row['both']:,} in both, "
            f"{row['share_of_audience']:.1%} of this audience"
        )
