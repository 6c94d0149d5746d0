"""What there is and whether it is whole: status, doctor, backup, restore, sources and the UI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

commands = typer.Typer()


@commands.command(epilog=example("status --source corner_shop"))
def status(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Show what was materialized and published, what the checks found, and what is out of date."""
    from portrait_assets.app.cli.printing import print_status
    from portrait_assets.app.status import read_status

    print_status(read_status(settings_of(source, data_dir)), out)


@commands.command(epilog=example("doctor --source corner_shop"))
def doctor(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Examine a warehouse: contracts, conservation, leftovers, what is not published, the register
    of what left; and say what to do. Nothing is changed; the exit code is 0 when all is well.
    """
    from portrait_assets.app.doctor import examine

    settings = settings_of(source, data_dir)
    found = examine(settings)
    for issue in found:
        out.print(f"- {issue}", markup=False)
    if found:
        out.print(f"{settings.source}: {len(found)} thing(s) to put right.")
        raise typer.Exit(1)
    out.print(
        f"{settings.source}: all is well. Tables are as their contracts say, every row is "
        "accounted for, the published file holds what was materialized last, and no line of the "
        "register of what left was changed."
    )


@commands.command(epilog=example("backup --source corner_shop --out backups"))
def backup(
    to: Annotated[
        Path,
        typer.Option("--out", help="A new .zip, or a folder to put one in named by the time."),
    ],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Back up what no run can compute again: the source's definition, tags, approvals, review
    decisions, audiences, names of segments and the register of what left.

    The source's data files (CSV, Parquet, JSON) are not in it, nor is the warehouse, nor are the
    secret keys: those are kept apart from it.
    """
    from portrait_assets.app.backup import back_up, keys_to_keep

    settings = settings_of(source, data_dir)
    written = back_up(settings, to)
    names = ", ".join(written.manifest.files) or "nothing is decided yet"
    out.print(f"{written.path}: {len(written.manifest.files)} files ({names})", markup=False)
    for sentence in keys_to_keep(settings):
        out.print(sentence, markup=False)


@commands.command(epilog=example("restore backups/corner_shop.zip --source corner_shop"))
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `portrait backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace files that differ from the backup's.")
    ] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Put the files of a backup back into the source's folder, which may be new.

    The source's data files are not in a backup, nor are secret keys: put them where they were, and
    make the months again with `portrait run`.
    """
    from portrait_assets.app.backup import restore as put_back

    done = put_back(settings_of(source, data_dir), file, replace)
    for what, names in (
        ("restored", done.written),
        ("the same already", done.same),
        ("not in the backup, left as they are", done.left),
    ):
        if names:
            out.print(f"{what}: {', '.join(names)}", markup=False)


@commands.command(epilog=example("sources --data-dir data"))
def sources(data_dir: DataOption = None) -> None:
    """List the sources, the months that they cover and whether their files are there."""
    from portrait_assets.app.cli.printing import print_sources
    from portrait_assets.app.status import read_sources

    print_sources(read_sources(settings_of(None, data_dir)), out)


@commands.command(epilog=example("ui --source corner_shop --port 3001"))
def ui(
    source: SourceOption = None,
    data_dir: DataOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Open the Dagster UI with this source's assets, runs, schedule and sensor."""
    from portrait_assets.orchestration.instance import serve_ui

    serve_ui(settings_of(source, data_dir), host, port)
