"""`portrait cluster`: segments in any table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portrait_assets.app.cli.options import example, names_in, out

commands = typer.Typer()


@commands.command(epilog=example("cluster customers.parquet --out segments.parquet"))
def cluster(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet table, numeric or mixed.")],
    to: Annotated[
        Path, typer.Option("--out", help="Where to write the column `segment`, CSV or Parquet.")
    ],
    segments: Annotated[
        int | None, typer.Option(help="So many segments.", show_default="chosen from the data")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="Columns not to look at, with commas.", show_default="none"),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns to look at although they number the rows, with commas.",
            show_default="none",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
) -> None:
    """Find segments in any table and write one number per row, in order.

    Segments are numbered from 1, the largest first; there may be one. A table of numbers is read as
    places in one space, any other as features of different units. Leave out what is no trait,
    such as a name or an outcome; a column that numbers the rows is not looked at.
    """
    from portrait_assets.stages.clusters.cluster_file import cluster_file

    found = cluster_file(file, to, segments, seed, names_in(leave_out), names_in(keep))
    shares = ", ".join(f"{share:.1%}" for share in found.shares)
    rows = "row" if found.rows == 1 else "rows"
    segments_found = "segment" if found.segments == 1 else "segments"
    out.print(f"{found.rows:,} {rows}, {found.segments} {segments_found} ({shares})")
    out.print(found.reason, markup=False)
    if found.not_used:
        shown = ", ".join(found.not_used)
        out.print(f"not used: {shown} (numbers the rows; --keep uses it)", markup=False)
