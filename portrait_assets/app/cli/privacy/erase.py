"""`portrait erase` and `portrait retain`: people, and what is too old, removed for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from portrait_assets.app.erasure.erase import Erased
    from portrait_assets.app.erasure.preview import Preview

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
    from portrait_assets.core.invocation import command
    from portrait_assets.privacy.erasure import ErasureError, read_unfinished

    settings = settings_of(source, data_dir)

    def remedy() -> str:
        if read_unfinished(settings) is None:
            return "nothing was erased"
        return f"finish it with `{command('erase', '--resume', settings=settings)}`"

    if sum((file is not None, requests, resume)) != 1:
        raise ErasureError("Name one of a CSV file of ids, `--requests` and `--resume`.")
    with stopped_in_a_sentence(remedy):
        stopped = read_unfinished(settings)
        if stopped is not None and not resume:
            out.print(f"The erasure {stopped.number} was stopped, and goes on first.", markup=False)
        if resume or stopped is not None:
            with shown_progress(out) as progress:
                _print_erased(erasing.resume(settings, progress))
        if resume:
            return
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
    removed stands in a certificate.
    """
    from portrait_assets.app.cli.progress import shown_progress
    from portrait_assets.app.erasure import erase as erasing
    from portrait_assets.app.erasure import retain as retaining
    from portrait_assets.app.erasure.people.ended import ended_customers
    from portrait_assets.app.erasure.preview import preview
    from portrait_assets.app.runs.stopping import stopped_in_a_sentence
    from portrait_assets.privacy.erasure import ErasureError

    settings = settings_of(source, data_dir)
    with stopped_in_a_sentence():
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
        with shown_progress(out) as progress:
            page = retaining.retain(settings, progress) if past else None
            what = preview(settings, gone) if gone.customers else None
            done = erasing.erase(settings, what, progress) if what is not None else None
    if page is not None:
        out.print(f"Certificate: {page}", markup=False)
    if done is not None:
        _print_erased(done)


def _print_preview(what: Preview) -> None:
    out.print(what.sentence, markup=False)
    for table, count in what.rows.items():
        out.print(f"  {table}: {count:,} rows", markup=False)


def _print_erased(done: Erased) -> None:
    certificate = done.certificate
    removed = sum(each.before - each.after for each in certificate.rows)
    after = certificate.scan_after
    left = sum(after.found.values()) if after is not None else 0
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
