"""`portrait erase` and `portrait retain`: people, and what is too old, removed for good."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from portrait_assets.app.erasure.erase import Erased
    from portrait_assets.app.erasure.preview import Preview
    from portrait_assets.core.settings import Settings

commands = typer.Typer()


@commands.command(epilog=example("erase people.csv --source corner_shop"))
def erase(
    file: Annotated[
        Path | None,
        typer.Argument(help="A CSV with a column customer_id (or prospect_id) of who is erased."),
    ] = None,
    requests: Annotated[
        bool, typer.Option("--requests", help="Erase the customers who asked for it (requests).")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Leave ids out that nobody has.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an erasure that was stopped.")
    ] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Erase people: all records of each, aliases included, from raw to report, and prove it.

    What was published is made again without them, a tombstone keeps the source from bringing them
    back, and a certificate lists what was removed and what a scan found before and after. The
    source's own files are named in it and not touched, so remove the people there too. Keep the key
    DATA/keys/SOURCE/tombstones.key. A person who comes back under a new id is a new customer. An
    erasure that was stopped goes on first.
    """
    from portrait_assets.app.cli.progress import shown_progress
    from portrait_assets.app.erasure import erase as erasing
    from portrait_assets.app.erasure.people.persons import read_asked
    from portrait_assets.app.erasure.preview import preview
    from portrait_assets.app.runs.stopping import stopped_in_a_sentence
    from portrait_assets.privacy.erasure import ErasureError

    settings = settings_of(source, data_dir)
    if sum((file is not None, requests, resume)) != 1:
        raise ErasureError("Name one of a CSV file of ids, `--requests` and `--resume`.")
    with stopped_in_a_sentence(partial(_remedy, settings)):
        if resume:
            with shown_progress(out) as progress:
                finished = erasing.resume(settings, progress)
            _print_erased(finished)
            return
        _finish_what_was_stopped(settings)
        asked = read_asked(file) if file is not None else None
        what = preview(settings, asked, ignore_unknown)
        _print_preview(what)
        if not what.persons.count:
            return
        if not yes and not typer.confirm("Erase them? This cannot be undone.", default=False):
            raise ErasureError("Nothing was erased.")
        with shown_progress(out) as progress:
            done = erasing.erase(settings, what, progress)
    _print_erased(done)


@commands.command(epilog=example("retain --source corner_shop --yes"))
def retain(
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Remove what is older than source.yaml keeps it: rows, and customers who have left.

    keep_months: {transactions: 84, marketing: 36} keeps transactions for 84 months, and what serves
    marketing (contacts, responses, assignments, prospects) for 36; contacts that withdrew a channel
    stay. So do features, tags and models of those months, which are not made again. With
    customers: 60 a customer whose newest row is older is erased, as `portrait erase` does. What was
    removed stands in a certificate. What was stopped goes on first.
    """
    from portrait_assets.app.cli.progress import shown_progress
    from portrait_assets.app.erasure import erase as erasing
    from portrait_assets.app.erasure import retain as retaining
    from portrait_assets.app.erasure.people.ended import ended_customers
    from portrait_assets.app.erasure.preview import preview
    from portrait_assets.app.runs.stopping import stopped_in_a_sentence
    from portrait_assets.privacy.erasure import ErasureError

    settings = settings_of(source, data_dir)
    with stopped_in_a_sentence(partial(_remedy, settings)):
        _finish_what_was_stopped(settings)
        past = retaining.to_retain(settings)
        for each in past:
            out.print(f"  {each.table}: {each.rows:,} rows before {each.kept_from}", markup=False)
        gone = ended_customers(settings)
        if gone.customers:
            left = f"{len(gone.customers):,} customers have left longer ago than they are kept"
            out.print(f"  {left} ({gone.by})", markup=False)
        if not past and not gone.customers:
            out.print("Nothing is older than it is kept.")
            return
        if not yes and not typer.confirm("Remove them? This cannot be undone.", default=False):
            raise ErasureError("Nothing was removed.")
        if past:
            with shown_progress(out) as progress:
                removed = retaining.retain(settings, progress)
            _print_erased(removed)
        if gone.customers:
            what = preview(settings, gone)
            with shown_progress(out) as progress:
                done = erasing.erase(settings, what, progress)
            _print_erased(done)


def _remedy(settings: Settings) -> str:
    """How a command goes on that a signal stopped."""
    from portrait_assets.core.invocation import command
    from portrait_assets.privacy.erasure import read_unfinished

    if read_unfinished(settings) is None:
        return "nothing is half done"
    return f"finish it with `{command('erase', '--resume', settings=settings)}`"


def _finish_what_was_stopped(settings: Settings) -> None:
    from portrait_assets.app.cli.progress import shown_progress
    from portrait_assets.app.erasure import erase as erasing
    from portrait_assets.privacy.erasure import read_unfinished

    stopped = read_unfinished(settings)
    if stopped is None:
        return
    out.print(f"{stopped.name} was stopped, and goes on first.", markup=False)
    with shown_progress(out) as progress:
        finished = erasing.resume(settings, progress)
    _print_erased(finished)


def _print_preview(what: Preview) -> None:
    out.print(what.sentence, markup=False)
    for table, count in what.rows.items():
        out.print(f"  {table}: {count:,} rows", markup=False)


def _print_erased(done: Erased) -> None:
    certificate = done.certificate
    removed = sum(each.before - each.after for each in certificate.rows)
    after = certificate.scan_after
    left = sum(after.found.values()) if after is not None else 0
    if certificate.kind == "retention":
        out.print(f"{removed:,} rows removed that were too old.", markup=False)
        out.print(f"Certificate: {done.page}", markup=False)
        return
    out.print(
        f"{certificate.persons:,} people erased: {removed:,} rows removed; the scan after found "
        f"{f'{left:,} values' if left else 'nothing'}.",
        markup=False,
    )
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in done.seconds.items())
    out.print(f"{parts}.", markup=False)
    for note in certificate.notes:
        out.print(f"  {note}", markup=False)
    out.print(
        f"The source's own files were not touched: {', '.join(certificate.source_files)}.",
        markup=False,
    )
    out.print(f"Certificate: {done.page}", markup=False)
