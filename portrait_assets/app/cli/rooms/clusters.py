"""`portrait cluster`: segments in any table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portrait_assets.app.cli.options import example, out

commands = typer.Typer()


@commands.command(epilog=example("cluster customers.parquet --out segments.parquet"))
def cluster(
    file: Annotated[Path, typer.Argument(help="A Parquet table, numeric or mixed.")],
    to: Annotated[Path, typer.Option("--out", help="Where to write the column `segment`.")],
    segments: Annotated[
        int | None, typer.Option(help="So many segments.", show_default="chosen from the data")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
) -> None:
    """Find segments in any table and write one number per row, in order."""
    from portrait_assets.stages.clusters.cluster_file import cluster_file

    found = cluster_file(file, to, segments, seed)
    shares = ", ".join(f"{share:.1%}" for share in found.shares)
    out.print(f"{found.rows:,} rows, {found.segments} segments ({shares})")
    out.print(found.reason, markup=False)
