"""`portrait show`: one customer's card, there in under a second as no frame library is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.any_table.percents import percent
from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from portrait_assets.privacy.consent import Permission
    from portrait_assets.stages.tags.cards.card import Card, CardTag
    from portrait_assets.stages.tags.cards.predictions import CardPrediction

commands = typer.Typer()

ELEMENTS = (
    ("entity", "Entity: who the customer is", "实体"),
    ("symbol", "Symbol: what the customer does", "符号"),
    ("concept", "Concept: what the customer values", "概念"),
    ("principle", "Principle: how the customer reacts", "原理"),
)

BASES = {"model": ("model", "模型"), "baseline": ("baseline", "基准规则")}
REASONS = {True: ("raised by ", "升高因素："), False: ("lowered by ", "降低因素：")}


@commands.command(epilog=example("show K001 --source corner_shop --as-of 2024-03"))
def show(
    customer: Annotated[str, typer.Argument(help="Customer identifier, or pseudonym.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Month, 2017-06.", show_default="the newest")
    ] = None,
    chinese: Annotated[bool, typer.Option("--chinese", help="Names in Chinese.")] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Print one customer's card: elements, segment, tags with evidence, what changed lately."""
    from portrait_assets.core.months import last_day, parse_month
    from portrait_assets.privacy.egress import Door, Outlet
    from portrait_assets.stages.tags.cards.card import read_card

    settings = settings_of(source, data_dir)
    month = last_day(parse_month(as_of)) if as_of else None
    door = Door(settings)
    card = read_card(settings.portrait_file, customer, door, month)
    print_card(card, out, chinese)
    if note := door.held_back(Outlet.CARD, card.held_back):
        out.print(note, markup=False)


def print_card(card: Card, console: Console, chinese: bool = False) -> None:
    """Print the card: segment, the four elements with their tags, and what changed lately."""
    from rich.markup import escape
    from rich.table import Table

    from portrait_assets.stages.tags.cards.predictions import is_predicted

    segment = card.segment_zh if chinese else card.segment_en
    console.print(
        f"[bold]{escape(card.customer_id)}[/bold]  {card.as_of:%Y-%m}  "
        f"{'客群' if chinese else 'segment'}: {escape(segment or '-')}"
    )
    by_channel = {each.purpose for each in card.permissions if each.channel}
    for each in card.permissions:
        console.print(escape(_permission(each, each.purpose in by_channel, chinese)))
    for element, title_en, title_zh in ELEMENTS:
        own = [tag for tag in card.tags if tag.element == element]
        table = Table(title=title_zh if chinese else title_en, title_justify="left", expand=True)
        heads = (
            ("标签", "取值", "置信度", "依据") if chinese else ("tag", "value", "sure", "evidence")
        )
        for head in heads:
            table.add_column(head, overflow="fold")
        for tag in own:
            kept = f" ({tag.decided_as_of:%Y-%m})" if tag.decided_as_of != card.as_of else ""
            evidence = [
                *(_predicted(each, chinese) for each in tag.predictions),
                *(f"{name} = {value}" for name, value in tag.evidence if not is_predicted(name)),
            ]
            table.add_row(
                escape(tag.name_zh if chinese else tag.name_en),
                escape((tag.value_zh if chinese else tag.value_en) + kept),
                f"{tag.confidence:.2f}",
                escape("; ".join([*_by_rank(tag, chinese), *evidence])),
            )
        if own:
            console.print(table)
    for change in card.changes:
        console.print(
            f"{change.as_of:%Y-%m}  {change.code}: "
            f"{escape(change.before or '-')} -> {escape(change.after or '-')} ({change.change})"
        )


def _permission(each: Permission, has_channels: bool, chinese: bool) -> str:
    """Such as `marketing by sms: refused since 2024-03-05 (unsubscribed)`."""
    from portrait_assets.privacy.consent import PURPOSE_NAMES, REASONS

    purpose, reason = PURPOSE_NAMES[each.purpose][chinese], REASONS[each.because][chinese]
    if chinese:
        channel = f"（{each.channel or '其他渠道'}）" if has_channels else ""
        since = f"，自{each.since}起" if each.since else ""
        return f"{purpose}{channel}：{'允许' if each.allowed else '拒绝'}{since}（{reason}）"
    channel = f" by {each.channel or 'any other channel'}" if has_channels else ""
    since = f" since {each.since}" if each.since else ""
    return f"{purpose}{channel}: {'allowed' if each.allowed else 'refused'}{since} ({reason})"


def _by_rank(tag: CardTag, chinese: bool) -> list[str]:
    if not tag.is_by_rank:
        return []
    return ["按排名，各取值占比固定" if chinese else "by rank: a fixed share of customers"]


def _predicted(each: CardPrediction, chinese: bool) -> str:
    """Such as `silence by model 1a2b3c: 42 % (39 % to 45 %), raised by Spend trend`."""
    basis = BASES[each.basis][chinese]
    number = "概率未知" if chinese else "probability not known"
    ends = (each.probability, each.low, each.high)
    if None not in ends:
        shares = [percent(end or 0.0) for end in ends]
        form = "概率{}%（{}%至{}%）" if chinese else "{} % ({} % to {} %)"
        number = form.format(*shares)
    parts = [number]
    for raises, words in REASONS.items():
        names = [reason.zh if chinese else reason.en for reason in each.reasons]
        own = [n for n, of in zip(names, each.reasons, strict=True) if of.raises is raises]
        if own:
            parts.append(words[chinese] + ("、" if chinese else ", ").join(own))
    if chinese:
        return f"{each.target}（{basis}{each.version}）：" + "，".join(parts)
    return f"{each.target} by {basis} {each.version}: " + ", ".join(parts)
