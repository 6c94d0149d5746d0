"""`portrait`: the pipeline for people at a terminal. Heavy imports wait until a verb needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from portrait_assets.core.errors import PortraitError

if TYPE_CHECKING:
    from portrait_assets.core.settings import Settings
    from portrait_assets.stages.tags.catalogue.tag import Catalogue

app = typer.Typer(
    name="portrait",
    help="Customer portraits: every month, one row per customer, with tags and segments.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
generate = typer.Typer(help="Write data to try things on.", no_args_is_help=True)


@generate.callback()
def _generate() -> None:
    """Write data to try things on."""


app.add_typer(generate, name="generate")
tags = typer.Typer(
    help="The tag catalogue: list it, see what a draft would do, approve and retire.",
    no_args_is_help=True,
)
app.add_typer(tags, name="tags")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SourceOption = Annotated[
    str | None,
    typer.Option("--source", "-s", help="Source to work on; `portrait sources` lists them."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder with sources/ and warehouse/.", show_default="data"),
]


def main() -> None:
    """Run the command line; a mistake of the user's ends in one sentence and exit code 1."""
    try:
        app()
    except PortraitError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or error}{where}; see to the disk or the path, and try again.")


def _fail(sentence: str, exit_code: int = 1) -> NoReturn:
    err.print(" ".join(sentence.split()), style="red", markup=False)
    raise SystemExit(exit_code) from None


def _settings(source: str | None, data_dir: Path | None) -> Settings:
    from portrait_assets.core.invocation import give_commands_for
    from portrait_assets.core.settings import Settings

    given = {"source": source, "data_dir": data_dir}
    settings = Settings(**{k: value for k, value in given.items() if value is not None})  # type: ignore[arg-type]
    give_commands_for(settings)
    return settings


@app.command()
def run(
    source: SourceOption = None,
    months: Annotated[
        str | None,
        typer.Option(
            "--months",
            "-m",
            help="A month, 2017-03, or a range, 2017-03..2017-08.",
            show_default="whatever is not up to date",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget what was made and make all months again."),
    ] = False,
    data_dir: DataOption = None,
) -> None:
    """Materialize what is not up to date, or these months, and publish portrait.duckdb.

    Nothing is run where no file or definition has changed; a run that was stopped goes on where
    it was. Months before the ones asked for that were never completed are made too, for a month
    looks back on those before it.
    """
    from portrait_assets.app.planning import read_plan
    from portrait_assets.app.request import read_request
    from portrait_assets.app.stopping import stopped_in_a_sentence
    from portrait_assets.core.invocation import command
    from portrait_assets.orchestration.notifier import reported

    settings = _settings(source, data_dir)
    with stopped_in_a_sentence(), reported(settings):
        request = read_request(settings, months, fresh)
        plan = read_plan(request, on_wait=out.print)
        exit_code = 0
        if plan.is_empty:
            newest = request.available[-1]
            again = command("run", "--months", newest)
            out.print(f"{plan.sentence} `{again}` runs a month.", markup=False)
        else:
            from portrait_assets.app.run import run_portrait

            exit_code = run_portrait(request, out, plan)
    raise typer.Exit(exit_code)


@app.command()
def status(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Show what was made and published, what the checks found, and what is out of date."""
    from portrait_assets.app.status import print_status

    print_status(_settings(source, data_dir), out)


@app.command()
def doctor(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Examine a warehouse: contracts, conservation, leftovers, what is not published; and say
    what to do. Nothing is changed; the exit code is 0 when all is well.
    """
    from portrait_assets.app.doctor import print_examination

    raise typer.Exit(print_examination(_settings(source, data_dir), out))


@app.command()
def backup(
    to: Annotated[
        Path,
        typer.Option("--out", help="A new .zip, or a folder to put one in named by the time."),
    ],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Back up what no run can compute again: the source's definition, tags, approvals, review
    decisions, audiences and names of segments.

    The source's data files (CSV, Parquet, JSON) are not in it, nor is the warehouse.
    """
    from portrait_assets.app.backup import back_up

    made = back_up(_settings(source, data_dir), to)
    names = ", ".join(made.manifest.files) or "nothing is decided yet"
    out.print(f"{made.path}: {len(made.manifest.files)} files ({names})", markup=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `portrait backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace files that differ from the backup's.")
    ] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Put the files of a backup back into the source's folder, which may be new.

    The source's data files are not in a backup: put them where source.yaml says, and make the
    months again with `portrait run`.
    """
    from portrait_assets.app.backup import restore as put_back

    done = put_back(_settings(source, data_dir), file, replace)
    for what, names in (
        ("restored", done.written),
        ("the same already", done.same),
        ("not in the backup, left as they are", done.left),
    ):
        if names:
            out.print(f"{what}: {', '.join(names)}", markup=False)


@app.command()
def sources(data_dir: DataOption = None) -> None:
    """List the sources, the months that they cover and whether their files are there."""
    from portrait_assets.app.status import print_sources

    print_sources(_settings(None, data_dir), out)


@app.command()
def ui(
    source: SourceOption = None,
    data_dir: DataOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Open the Dagster UI with this source's assets, runs, schedule and sensor."""
    from portrait_assets.orchestration.instance import serve_ui

    serve_ui(_settings(source, data_dir), host, port)


@app.command()
def show(
    customer: Annotated[str, typer.Argument(help="Customer identifier.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Month, 2017-06.", show_default="the newest")
    ] = None,
    chinese: Annotated[bool, typer.Option("--chinese", help="Names in Chinese.")] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Print one customer's card: elements, segment, tags with evidence, what changed lately."""
    from portrait_assets.core.months import last_day, parse_month
    from portrait_assets.stages.tags.card import print_card, read_card

    settings = _settings(source, data_dir)
    month = last_day(parse_month(as_of)) if as_of else None
    print_card(read_card(settings.portrait_file, customer, month), out, chinese)


@app.command()
def audience(
    expression: Annotated[str, typer.Argument(help="SQL condition over tags, as in WHERE.")],
    month: Annotated[
        str | None, typer.Option("--month", help="Month, 2017-06.", show_default="the newest")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write the customers to this CSV or Parquet.")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Count and describe the customers that a condition over tags selects."""
    from portrait_assets.core.source_folder import source_file
    from portrait_assets.stages.tags.audiences.saved_audiences import AUDIENCES_FILE
    from portrait_assets.stages.tags.commands import show_audience

    settings = _settings(source, data_dir)
    saved = source_file(settings.source_dir, AUDIENCES_FILE)
    show_audience(
        settings.portrait_file,
        expression,
        out,
        month=month,
        saved=saved if saved.is_file() else None,
        out=to,
    )


def _catalogue(settings: Settings) -> Catalogue:
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.stages.tags.catalogue.load import source_catalogue

    return source_catalogue(load_source(settings.source_dir).own_folder)


@tags.command("list")
def list_tags(
    status: Annotated[
        str | None, typer.Option(help="draft, active or retired.", show_default="all")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """List every version of every tag of the source's catalogue."""
    from portrait_assets.stages.tags import commands

    catalogue = _catalogue(_settings(source, data_dir))
    commands.list_tags(catalogue, out, commands.parse_status(status))


@tags.command("diff")
def diff_tags(
    codes: Annotated[
        list[str] | None, typer.Argument(help="Tags whose drafts count.", show_default="all drafts")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Show whom the drafts in the source's tags.yaml would move, on the newest month.

    A draft is a version with `status: draft`; nothing uses it until it is approved.
    """
    from portrait_assets.stages.tags import commands

    settings = _settings(source, data_dir)
    commands.diff_tags(_catalogue(settings), settings.portrait_file, out, codes or None)


ByOption = Annotated[str, typer.Option("--by", help="Name of who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
FromOption = Annotated[str, typer.Option("--from", help="First month of the change, 2017-07.")]
CodeArgument = Annotated[str, typer.Argument(help="Code of the tag.")]


@tags.command("approve")
def approve_tag(
    code: CodeArgument,
    by: ByOption,
    reason: ReasonOption,
    effective_from: FromOption,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Put the draft of a tag into force from a month on; months made before keep their version.

    The approval is added to tag_approvals.yaml in the source's folder.
    """
    _decide("activate", code, by, reason, effective_from, _settings(source, data_dir))


@tags.command("retire")
def retire_tag(
    code: CodeArgument,
    by: ByOption,
    reason: ReasonOption,
    effective_from: FromOption,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Take a tag out of force from a month on; it stays readable for the months before."""
    _decide("retire", code, by, reason, effective_from, _settings(source, data_dir))


def _decide(
    action: str, code: str, by: str, reason: str, effective_from: str, settings: Settings
) -> None:
    from portrait_assets.stages.tags import commands
    from portrait_assets.stages.tags.catalogue.governance import APPROVALS_FILE, Action

    commands.approve_tag(
        _catalogue(settings),
        settings.source_dir / APPROVALS_FILE,
        commands.Approving(code, by, reason, effective_from, Action(action)),
        commands.latest_made(settings.portrait_file),
        out,
    )


@app.command()
def cluster(
    file: Annotated[Path, typer.Argument(help="A Parquet table, numeric or mixed.")],
    to: Annotated[Path, typer.Option("--out", help="Where to write the column `segment`.")],
    segments: Annotated[
        int | None, typer.Option(help="So many segments.", show_default="chosen from the data")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
) -> None:
    """Find segments in any table and write one number per row, in order."""
    from portrait_assets.stages.clusters.cluster_file import cluster_file

    found = cluster_file(file, to, segments, seed)
    shares = ", ".join(f"{share:.1%}" for share in found.shares)
    out.print(f"{found.rows:,} rows, {found.segments} segments ({shares})")
    out.print(found.reason, markup=False)


@app.command()
def link(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet table of persons' records.")],
    to: Annotated[Path, typer.Option("--out", help="Where to write the pairs, CSV or Parquet.")],
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column of identifiers.", show_default="row numbers")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Least probability that joins two records.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Seed of the random pairs to learn from.")] = 1,
) -> None:
    """Find the records of one person in any table, by name, birth date, address and the like.

    Columns are known by their usual names (given_name, surname, full_name, birth_date,
    national_id, phone, email, address, postcode, city, ...); others are not looked at. Every two
    records of one person become a row: record_1, record_2, match_probability.
    """
    from portrait_assets.methods.linkage.model import LinkageSettings
    from portrait_assets.stages.cleaned.commands import link_file

    count = link_file(file, to, id_column, LinkageSettings(threshold, seed))
    out.print(f"{count:,} pairs in {to}", markup=False)


@app.command()
def rekey(
    months: Annotated[
        str, typer.Option("--months", "-m", help="Months to rewrite, 2017-03..2017-08.")
    ],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Rewrite months so that customers who were found within them to be one are one throughout.

    The older identifier stands. Earlier and later months stay as they are.
    """
    from portrait_assets.app.request import read_request
    from portrait_assets.app.stopping import stopped_in_a_sentence
    from portrait_assets.orchestration.notifier import reported
    from portrait_assets.stages.cleaned.commands import rekey as backdate

    settings = _settings(source, data_dir)
    with stopped_in_a_sentence(), reported(settings):
        asked = read_request(settings, months)
        if not backdate(asked.settings, asked.months or [], out):
            return
        from portrait_assets.app.run import run_portrait

        exit_code = run_portrait(asked, out)
    raise typer.Exit(exit_code)


@generate.command()
def bank(
    to: Annotated[Path, typer.Option("--out", help="An empty folder to write to.")],
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 20_000,
    months: Annotated[int, typer.Option(help="Number of months.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bank.")] = 1,
    first_month: Annotated[str, typer.Option(help="First month.")] = "2023-01",
) -> None:
    """Write a synthetic bank as Parquet, with the truth behind it. All persons are invented."""
    from portrait_assets.core.invocation import command
    from portrait_assets.synthetic.bank import generate_bank

    made = generate_bank(to, customers, months, seed, first_month, progress=out.print)
    for table, rows in made.rows.items():
        out.print(f"  {table}: {rows:,} rows")
    run_it = command("run", settings=_settings("synthetic_bank", to))
    out.print(f"Run it with: {run_it}", markup=False)


if __name__ == "__main__":
    main()
