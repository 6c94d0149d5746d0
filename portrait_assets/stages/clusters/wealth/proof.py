"""Whether data support a number of wealth segments, and what may be said of it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.asked.model import FIT_ROWS, SPACES, AskedModel, fit_asked
from portrait_assets.methods.clustering.asked.outcomes import gain, log_losses
from portrait_assets.methods.clustering.asked.scaling import fit_space
from portrait_assets.methods.clustering.asked.support import (
    AGREE_AT,
    GAP_AT,
    Support,
    centres_of,
    density_gaps,
    refits_agree,
)
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth.inputs import TRAITS, Wealth

FEWEST, FURTHER = 2, 6
"""The free choice is among these numbers: from the fewest to so many more than were asked for."""
_EN = (
    *("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_ZH = "零一二三四五六七八九十"


class Later(NamedTuple):
    """Customers of a month, and what they did after it: customer_id and `did`, one word of each."""

    wealth: Wealth
    did: pl.DataFrame


class Proof(NamedTuple):
    """The rows of `clusters.wealth_proof` of a month, and the verdict.

    `free` is the most segments that data support, None for none.
    """

    rows: pl.DataFrame
    free: int | None
    is_found: bool
    statement: Label


def numbers_looked_at(asked: int) -> list[int]:
    """The numbers of segments that the free choice is among."""
    return list(range(FEWEST, asked + FURTHER + 1))


def prove(wealth: Wealth, model: AskedModel, earlier: Later | None, later: Later | None) -> Proof:
    """What speaks for the model's number of segments against its neighbours and the free choice.

    Args:
        wealth: the customers that the model was fitted on.
        model: of the number that was asked for.
        earlier: customers of six months ago, on whom segments and rates are fitted.
        later: customers of three months ago, on whom they are judged; None without such months.
    """
    asked = model.segments
    found = supports(wealth, numbers_looked_at(asked), (asked - 1, asked, asked + 1))
    free = max((k for k, each in found.items() if each.is_found), default=None)
    shown = sorted({k for k in (asked - 1, asked, asked + 1, free) if k in found and k})
    losses = _next_product(shown, asked, earlier, later)
    rows = [
        {
            "segments": k,
            "is_asked": k == asked,
            "is_free": k == free,
            "bootstrap_agreement": found[k].agreement,
            "density_gap": found[k].gap,
            "is_supported": found[k].is_found,
            **losses.get(k, dict.fromkeys(("log_loss", "gain", "gain_low", "gain_high"))),
        }
        for k in shown
    ]
    schema = {"log_loss": pl.Float64, "gain": pl.Float64, "gain_low": pl.Float64}
    frame = pl.DataFrame(rows, schema_overrides={**schema, "gain_high": pl.Float64})
    own = found[asked]
    return Proof(frame, free, free == asked, statement(asked, own, free))


def supports(wealth: Wealth, numbers: Sequence[int], shown: Sequence[int]) -> dict[int, Support]:
    """What speaks for each number of segments, each looked at in several spaces.

    The gaps are those of the space in which the shallowest is; one that is found must be there
    however the space was fitted. Refits are spared for a number that has no gaps, unless `shown`.
    """
    sample, found = canonical_sample(wealth.features, FIT_ROWS), {}
    with one_thread():
        spaces = [fit_space(sample, wealth.amounts, TRAITS, seed) for seed in range(SPACES)]
        several = [space.points(sample) for space in spaces]
        for k in numbers:
            each = []
            for points in several:
                centres = centres_of(points, k)
                gaps = density_gaps(points, nearest_rows(points, centres), centres)
                each.append(Support(0.0, tuple(gaps) if len(centres) == k else (0.0,)))
            least = min(each, key=lambda support: support.gap)
            if least.gap >= GAP_AT or k in shown:
                least = least._replace(agreement=refits_agree(several[0], k))
            found[k] = least
    return found


def statement(asked: int, own: Support, free: int | None) -> Label:
    """The sentence that goes with the segments wherever they are shown."""
    en, zh = in_words(asked)
    if free == asked:
        more = in_words(asked + 1)
        return Label(
            f"{en.capitalize()} are found: the shallowest valley between neighbouring segments is "
            f"{own.gap:.2f} deep (asked for is {GAP_AT:g}), refits agree at an adjusted Rand index "
            f"of {own.agreement:.2f} ({AGREE_AT:g}), and the data support no more, such as "
            f"{more.en}.",
            f"{zh}类为数据本有：相邻客群间最浅的密度低谷深{own.gap:.2f}（要求{GAP_AT:g}），"
            f"重训一致性{own.agreement:.2f}（要求{AGREE_AT:g}），且数据不支持更多客群（如{more.zh}类）。",
        )
    why = _against(own, free)
    return Label(
        f"{en.capitalize()} is a division, not found: {why.en}.",
        f"{zh}类是人为划分，并非数据本有：{why.zh}。",
    )


def _against(own: Support, free: int | None) -> Label:
    why = []
    if own.gap < GAP_AT:
        why.append(
            Label(
                f"between some neighbouring segments the valley is only {own.gap:.2f} deep, below "
                f"{GAP_AT:g}",
                f"部分相邻客群间的密度低谷仅深{own.gap:.2f}，低于{GAP_AT:g}",
            )
        )
    if own.agreement < AGREE_AT:
        why.append(
            Label(
                f"refits agree at {own.agreement:.2f} only, below {AGREE_AT:g}",
                f"重训一致性仅{own.agreement:.2f}，低于{AGREE_AT:g}",
            )
        )
    number = in_words(free) if free else Label("no number of segments", "任何数量")
    why.append(
        Label(
            f"the data support {number.en}", f"数据支持{number.zh}类" if free else "数据不支持分群"
        )
    )
    return Label("; ".join(w.en for w in why), "；".join(w.zh for w in why))


def in_words(number: int) -> Label:
    """A number in words of both languages, in figures beyond twenty."""
    if number >= len(_EN):
        return Label(str(number), str(number))
    tens, ones = divmod(number, 10)
    if number <= 10:
        zh = "两" if number == 2 else _ZH[number]
    else:
        zh = ("" if tens == 1 else _ZH[tens]) + "十" + (_ZH[ones] if ones else "")
    return Label(_EN[number], zh)


def _next_product(
    numbers: Sequence[int], asked: int, earlier: Later | None, later: Later | None
) -> dict[int, dict[str, float]]:
    """By number of segments the log-loss of the next product, and what the asked number gains."""
    if earlier is None or later is None or earlier.did.is_empty() or later.did.is_empty():
        return {}
    losses = {}
    for k in numbers:
        model = fit_asked(earlier.wealth.features, earlier.wealth.amounts, TRAITS, k)
        if model is not None:
            losses[k] = log_losses(_grouped(model, earlier), _grouped(model, later))
    if asked not in losses:
        return {}
    alone = log_losses(*(each.did.with_columns(group=pl.lit(0)) for each in (earlier, later)))
    found = {}
    for k, own in losses.items():
        saved = gain(losses[asked], alone if k == asked else own)
        found[k] = {
            "log_loss": round(float(own.mean()), 6),
            "gain": saved.mean,
            "gain_low": saved.low,
            "gain_high": saved.high,
        }
    return found


def _grouped(model: AskedModel, customers: Later) -> pl.DataFrame:
    groups = model.assign(customers.wealth.features).rename({"segment_id": "group"})
    return customers.did.join(groups, on="customer_id", maintain_order="left")
