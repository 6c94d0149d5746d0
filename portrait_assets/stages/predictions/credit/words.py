"""Why a card scores a target of credit, or none does, in a sentence, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.credit.card import Card
from portrait_assets.stages.predictions.governance.approvals import PredictionApproval
from portrait_assets.stages.predictions.learning.words import Words, gain_en, gain_zh, months_en
from portrait_assets.stages.predictions.rule import RULE

_NONE = "there is no card, and nobody is scored."
_NONE_ZH = "无评分卡，不评分。"


def not_asked(refusal: str) -> Words:
    """It is not known who allows the use for credit; the refusal says what is missing."""
    return Words(
        f"Nobody is scored for credit, as {refusal}.",
        "数据源未说明客户是否同意信贷用途：不评分；请提供consents.sql，或在source.yaml中以consent_default声明。",
    )


def nothing_known(asked: Asked) -> Words:
    """No window is over."""
    return Words(
        f"No window of {months_en(asked.horizon)} is over yet: {_NONE}",
        f"尚无已结束的{asked.horizon}个月观察期：{_NONE_ZH}",
    )


def too_few_rows(rows: int) -> Words:
    """There is little to learn from."""
    return Words(
        f"There are {rows:,} customer-months of earlier closed windows to learn from, and a card "
        f"needs {RULE.least_rows:,}: {_NONE}",
        f"此前已结束观察期仅有{rows:,}个客户月，评分卡至少需{RULE.least_rows:,}个：{_NONE_ZH}",
    )


def too_few_events(learned: pl.DataFrame, judged: pl.DataFrame) -> Words:
    """One of the outcomes is rare, or there is one only."""
    bads, of = int(learned["hit"].sum()), learned.height
    newest, of_newest = int(judged["hit"].sum()), judged.height
    return Words(
        f"Of customers who allow it {bads:,} of {of:,} customer-months to learn from are bad and "
        f"{newest:,} of {of_newest:,} to judge by, and a card needs {RULE.least_events} and "
        f"{RULE.least_judged}, and as many good ones: {_NONE}",
        f"同意信贷用途者中，训练所用{of:,}个客户月有{bads:,}个坏样本，评判所用{of_newest:,}个中有{newest:,}个，"
        f"好坏样本至少各需{RULE.least_events}个和{RULE.least_judged}个：{_NONE_ZH}",
    )


def not_yet_again(tried_in: str | None) -> Words:
    """The last fit gave no card a short time ago."""
    return Words(
        f"The fit of {tried_in} gave no card, and the next one is {RULE.refit_months} months "
        f"later: {_NONE}",
        f"{tried_in}的拟合未得评分卡，{RULE.refit_months}个月后再拟合：{_NONE_ZH}",
    )


def not_fitted(fault: str) -> Words:
    """No card can be fitted."""
    return Words(f"No card could be fitted ({fault}): {_NONE}", f"评分卡无法拟合：{_NONE_ZH}")


def nothing_separates() -> Words:
    """No column says anything."""
    return Words(
        f"No column that may be an input separates good from bad: {_NONE}",
        f"可用特征均无法区分好坏：{_NONE_ZH}",
    )


def worse_than_baseline(baseline: str, gain: Interval) -> Words:
    """A rule of one line is surely better."""
    return Words(
        f"The card is surely worse than the baseline '{baseline}' in the newest closed window "
        f"(AUC {gain_en(gain)}): {_NONE}",
        f"最近已结束观察期内评分卡确劣于基准规则（AUC差{gain_zh(gain)}）：{_NONE_ZH}",
    )


def fitted(baseline: str, gain: Interval, leaking: Sequence[str]) -> Words:
    """A card was fitted and scores from now on."""
    how, how_zh = "surely better than", "确优于"
    if gain.low <= 0:
        how, how_zh = "not surely better than", "未能确证优于"
    en = zh = ""
    if leaking:
        en = f"; left out, as they give the outcome away: {', '.join(leaking)}"
        zh = f"；因泄露结果而剔除：{'、'.join(leaking)}"
    return Words(
        f"The card is {how} the baseline '{baseline}' in the newest closed window "
        f"(AUC {gain_en(gain)}){en}.",
        f"最近已结束观察期内评分卡{how_zh}基准规则（AUC差{gain_zh(gain)}）{zh}。",
    )


def approved(why: Words) -> Words:
    """The same of a card that was fitted because a person asked for it."""
    return Words(f"Fitted again, for it was approved. {why.en}", f"已获批准，重新拟合。{why.zh}")


def no_such_version(decision: PredictionApproval) -> Words:
    """A person decided for a version that this warehouse does not hold."""
    return Words(
        f"Version {decision.model_version}, which {decision.by} decided for ({decision.place}), "
        f"scored in no earlier month of this warehouse: {_NONE}",
        f"{decision.by}指定的版本{decision.model_version}（{decision.place}）未曾在本仓库早前月份使用："
        f"{_NONE_ZH}",
    )


def refused_version(decision: PredictionApproval) -> Words:
    """A person decided for a version that may not decide on credit."""
    return Words(
        f"Version {decision.model_version}, which {decision.by} decided for ({decision.place}), "
        f"rests on a protected attribute: {_NONE}",
        f"{decision.by}指定的版本{decision.model_version}（{decision.place}）使用了受保护属性：{_NONE_ZH}",
    )


def refused(champion: float, challenger: float) -> Words:
    """The card so far separates the newest window better."""
    return Words(
        f"The challenger has an AUC of {challenger:.3f} in the newest closed window and the card "
        f"so far {champion:.3f}, which stays.",
        f"最近已结束观察期内挑战者AUC为{challenger:.3f}，现用评分卡为{champion:.3f}：沿用现用评分卡。",
    )


def kept(card: Card) -> Words:
    """Nothing is to be fitted."""
    return Words(
        f"The card fitted in {card.fitted_in} stays; a challenger is fitted every "
        f"{RULE.refit_months} months.",
        f"沿用{card.fitted_in}拟合的评分卡；每{RULE.refit_months}个月拟合挑战者。",
    )
