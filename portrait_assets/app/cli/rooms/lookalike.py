"""`portrait lookalike`: prospects who resemble the members of an audience."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from portrait_assets.app.lookalike.finding import FoundLookalike
    from portrait_assets.methods.statistics.resampling import Interval

commands = typer.Typer()


@commands.command(
    epilog=example("lookalike wealthy --month 2024-06 --source synthetic_bank --out prospects.csv")
)
def lookalike(
    seed: Annotated[
        str,
        typer.Argument(help="A saved audience, or a file that `portrait audience --out` wrote."),
    ],
    to: Annotated[Path, typer.Option("--out", help="Write the prospects to this CSV or Parquet.")],
    month: Annotated[
        str | None,
        typer.Option(
            "--month", help="Month of the seed, 2024-06.", show_default="the file's, or the newest"
        ),
    ] = None,
    leave_out: Annotated[
        str, typer.Option(help="Attributes not to use, with commas.", show_default="none")
    ] = "",
    channel: Annotated[
        str | None,
        typer.Option("--channel", help="Channel of the contact.", show_default="at least one"),
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Rank prospects by how much they resemble the members of an audience.

    What tells the members from the other customers of the month is learned from the attributes that
    are known of prospects too, as they were known by that month. A month that is past also shows
    who of the prospects has joined since.

    Prospects who are customers already, or listed twice, are set aside, and so is who did not agree
    to marketing. The file has a score, rank and band (tenths, 1 the highest), three reasons, and
    what is not known of each; only you may read it.
    """
    from portrait_assets.app.door import known_channel
    from portrait_assets.app.lookalike.finding import Asked, find_lookalike

    settings = settings_of(source, data_dir)
    if channel is not None:
        channel = known_channel(settings, channel)
    names = tuple(name.strip() for name in leave_out.split(",") if name.strip())
    found = find_lookalike(settings, Asked(seed, month, names, channel), to)
    for sentence in sentences(found):
        out.print(sentence, markup=False)
    out.print(
        f"{found.rows.height:,} prospects written to {to}, for marketing; only you may read it.",
        markup=False,
    )


def sentences(found: FoundLookalike) -> Iterator[str]:
    """What was learned, how good it is, who was set aside, and what is not known."""
    model, proof = found.lookalike, found.lookalike.proof
    of = f"the audience {found.seed.name}" if found.seed.name != "a file" else "the file"
    yield (
        f"Seed: {model.members:,} of the {model.members + model.others:,} customers in "
        f"{found.seed.as_of:%Y-%m} who allow profiling; {of} has {found.seed.named:,}"
    )
    yield f"Learned from: {', '.join(found.shared.names)}"
    families = {"logistic": "logistic regression", "trees": "boosted trees"}
    yield (
        f"{families[proof.family].capitalize()}: AUC {_interval(proof.quality)} of customers that "
        f"it has not seen; nearest members alone {_interval(model.of_similarity)}, gain "
        f"{_interval(model.gain)}"
    )
    if model.gain.high < 0:
        yield "The nearest members alone order customers surely better than the model does"
    elif proof.quality.low <= 0.5:
        yield "The model is not surely better than chance: these attributes do not tell the seed"
    for leak in model.telling:
        yield (
            f"{leak.feature} alone has an AUC of {leak.auc:.3f}: the seed may be selected by it "
            f"(--leave-out {leak.feature})"
        )
    yield from _of_prospects(found)
    yield from _of_backtest(found)


def _of_prospects(found: FoundLookalike) -> Iterator[str]:
    from portrait_assets.app.lookalike.setting_aside import NO_CUSTOMERS
    from portrait_assets.stages.tags.audiences.export import reasons

    yield f"{found.prospects:,} prospects"
    if found.aside:
        listed = "; ".join(f"{NO_CUSTOMERS[why][0]} {n:,}" for why, n in found.aside.items())
        yield f"{sum(found.aside.values()):,} set aside; {listed}"
    if found.refused:
        yield f"{sum(found.refused.values()):,} left out; {reasons(found.refused)}"
    for names, whom in (
        (found.shared.not_of_customers, "customers"),
        (found.shared.not_of_prospects, "prospects in the words of customers"),
    ):
        if names:
            yield f"Not used, for it is not known of {whom}: {', '.join(names)}"
    incomplete = found.rows["not_known"].count()
    if incomplete:
        yield f"{incomplete:,} are scored without an attribute that is not known (not_known)"


def _of_backtest(found: FoundLookalike) -> Iterator[str]:
    past = found.backtest
    if past is None:
        yield "No backtest: a seed of an earlier month (--month) shows who has joined since"
        return
    share = past.joined / past.prospects
    listed = (
        f"Of {past.prospects:,} prospects listed by {found.seed.as_of:%Y-%m} who were no customers "
        f"then, {past.joined:,} ({share:.1%}) have joined since"
    )
    if past.auc is None or past.lift is None:
        yield f"{listed}: too few of either to judge the score by"
        return
    yield (
        f"{listed}; AUC of the score {_interval(past.auc)}, lift of its best tenth {past.lift:.2f}"
    )


def _interval(of: Interval) -> str:
    return f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})"
