"""Why a model is active, in a sentence, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.governance.approvals import Action, PredictionApproval
from portrait_assets.stages.predictions.learning.active import Trained
from portrait_assets.stages.predictions.learning.judging import Calibrated
from portrait_assets.stages.predictions.rule import RULE


class Words(NamedTuple):
    """A sentence in both languages."""

    en: str
    zh: str


def nothing_known(asked: Asked) -> Words:
    """No window of a target is over."""
    return Words(
        f"No window of {months_en(asked.horizon)} of which this is known is over yet: "
        "customers are put in the order of the first baseline, and their probability is not known.",
        f"尚无已结束且结果已知的{asked.horizon}个月观察期：按首个基准规则排序，概率未知。",
    )


def hits_alone(asked: Asked) -> Words:
    """An outcome is reported of those alone to whom it happened."""
    code = asked.code
    return Words(
        f"{code} is reported of those alone to whom it happened, so that its probability is not "
        "known: where it spared all others, say so in targets.yaml "
        '(`{code: answer, unreported: "no"}`).',
        f"数据源仅报告发生{code}的客户，概率未知：如未报告即表示未发生，"
        '请在 targets.yaml 中声明（`{code: answer, unreported: "no"}`）。',
    )


def too_few_rows(rows: int) -> Words:
    """There is little to learn from."""
    return Words(
        f"There are {rows:,} customer-months of earlier closed windows to learn from, and a model "
        f"needs {RULE.least_rows:,}: the best baseline stands in its place.",
        f"此前已结束观察期仅有{rows:,}个客户月，建模至少需{RULE.least_rows:,}个：以最佳基准规则代替。",
    )


def too_few_events(learned: pl.DataFrame, judged: pl.DataFrame) -> Words:
    """One of the outcomes is rare."""
    events, of = int(learned["hit"].sum()), learned.height
    newest, of_newest = int(judged["hit"].sum()), judged.height
    return Words(
        f"It happened in {events:,} of {of:,} customer-months to learn from and in {newest:,} of "
        f"{of_newest:,} to judge by, and a model needs {RULE.least_events} and "
        f"{RULE.least_judged} of either outcome: the best baseline stands in its place.",
        f"训练所用{of:,}个客户月中发生{events:,}个，评判所用{of_newest:,}个中发生{newest:,}个，"
        f"两类结果至少各需{RULE.least_events}个和{RULE.least_judged}个：以最佳基准规则代替。",
    )


def not_yet_again(tried_in: str | None) -> Words:
    """The last challenger failed a short time ago."""
    return Words(
        f"The challenger of {tried_in} did not take over, and the next one is fitted "
        f"{RULE.refit_months} months later: the best baseline stands in its place.",
        f"{tried_in}的挑战者未获选用，{RULE.refit_months}个月后再拟合：以最佳基准规则代替。",
    )


def not_fitted(fault: str, leaking: Sequence[str]) -> Words:
    """Nothing can be learned."""
    en, zh = _leaks(leaking)
    return Words(
        f"No model could be fitted ({fault}){en}: the best baseline stands in its place.",
        f"无法拟合模型（{fault}）{zh}：以最佳基准规则代替。",
    )


def not_better(rule: str, gain: Interval, leaking: Sequence[str]) -> Words:
    """The challenger is not surely better than the baseline."""
    en, zh = _leaks(leaking)
    return Words(
        f"The challenger is not surely better than the baseline {rule} in the newest closed window "
        f"(AUC {gain_en(gain)}){en}: the best baseline stands in its place.",
        f"挑战者在最近观察期并不确定优于基准规则{rule}（AUC差{gain_zh(gain)}）{zh}：以最佳基准规则代替。",
    )


def first_model(family: str, rule: str, gain: Interval, leaking: Sequence[str]) -> Words:
    """The first model that there is."""
    en, zh = _leaks(leaking)
    return Words(
        f"The {family} model is surely better than the baseline {rule} in the newest closed window "
        f"(AUC {gain_en(gain)}){en}.",
        f"{family}模型在最近观察期确定优于基准规则{rule}（AUC差{gain_zh(gain)}）{zh}。",
    )


def refused_below_baseline(rule: str, gain: Interval) -> Words:
    """The challenger is not surely better than the baseline, and there is a champion."""
    return Words(
        f"The champion stays: the challenger is not surely better than the baseline {rule} in the "
        f"newest closed window (AUC {gain_en(gain)}).",
        f"沿用在用模型：挑战者在最近观察期并不确定优于基准规则{rule}（AUC差{gain_zh(gain)}）。",
    )


def refused(old: float, new: float) -> Words:
    """The champion tells them apart better."""
    return Words(
        f"The champion stays: its AUC in the newest closed window is {old:.3f}, and the "
        f"challenger's {new:.3f}.",
        f"沿用在用模型：最近观察期AUC为{old:.3f}，挑战者为{new:.3f}。",
    )


_REASONS = {
    "approved": ("it was approved", "已获批准"),
    "below": ("the champion fell below the best baseline", "在用模型低于最佳基准规则"),
    "quarter": ("a quarter has passed since the last fit", "距上次拟合已满一个季度"),
}


def taken_over(old: float, new: float, leaking: Sequence[str], reason: str) -> Words:
    """The challenger takes over."""
    en, zh = _leaks(leaking)
    why, why_zh = _REASONS[reason]
    return Words(
        f"Fitted again, for {why}: AUC {new:.3f} in the newest closed window, the champion had "
        f"{old:.3f}{en}.",
        f"重新拟合（{why_zh}）：最近观察期AUC为{new:.3f}，原模型为{old:.3f}{zh}。",
    )


def and_fitted_again(why: Words) -> Words:
    """The same of a model of a rare outcome, which learned from all closed windows then."""
    return Words(
        f"{why.en} It was then fitted again to all closed windows, for the outcome is rare.",
        f"{why.zh}因结果罕见，随后用全部已结束的观察期重新拟合。",
    )


def recalibrated(newest: Calibrated) -> Words:
    """Probabilities were set right."""
    return Words(
        f"The champion stays, with other probabilities: in the newest closed window it expected "
        f"{newest.expected:,.0f}, and it happened to {newest.happened:,.0f}, which is more than "
        "chance.",
        f"沿用在用模型并重新校准：最近观察期预期{newest.expected:,.0f}、实际{newest.happened:,.0f}，"
        "超出偶然。",
    )


def and_recalibrated(why: Words) -> Words:
    """The same of a champion whose probabilities were set right besides."""
    return Words(
        f"{why.en} Its probabilities were set right on the last closed windows.",
        f"{why.zh}并按最近已结束的观察期重新校准。",
    )


def kept(trained: Trained) -> Words:
    """Nothing calls for another model."""
    return Words(
        f"The model fitted in {trained.fitted_in} stays: neither a quarter has passed nor has it "
        "fallen below the best baseline.",
        f"沿用{trained.fitted_in}拟合的模型：未满一个季度，亦未低于最佳基准规则。",
    )


def pinned(decision: PredictionApproval) -> Words:
    """A person decided so."""
    en, zh = ("Gone back to", "回退") if decision.action is Action.ROLLBACK else ("Pinned", "固定")
    return Words(
        f"{en} {decision.model_version} from {decision.effective_from} on by {decision.by}: "
        f"{decision.reason}.",
        f"{decision.by}自{decision.effective_from}起{zh}版本{decision.model_version}：{decision.reason}。",
    )


def no_such_version(decision: PredictionApproval) -> Words:
    """A person decided for a version that this warehouse does not hold."""
    return Words(
        f"Version {decision.model_version}, which {decision.by} decided for ({decision.place}), "
        "was active in no earlier month of this warehouse: the best baseline stands in its place.",
        f"{decision.by}指定的版本{decision.model_version}（{decision.place}）未曾在本仓库早前月份使用："
        "以最佳基准规则代替。",
    )


def refused_version(decision: PredictionApproval) -> Words:
    """A person decided for a version that may not decide on credit."""
    return Words(
        f"Version {decision.model_version}, which {decision.by} decided for ({decision.place}), "
        "rests on a protected attribute and the target is one of credit: the best baseline stands "
        "in its place.",
        f"{decision.by}指定的版本{decision.model_version}（{decision.place}）使用了受保护属性，"
        "而该目标属信贷目标：以最佳基准规则代替。",
    )


def months_en(months: int) -> str:
    """A number of months with its word, as in 3 months."""
    return f"{months} month" + ("s" if months > 1 else "")


def gain_en(gain: Interval) -> str:
    """A difference of areas with its interval, in English."""
    return f"{gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f}"


def gain_zh(gain: Interval) -> str:
    """A difference of areas with its interval, in Chinese."""
    return f"{gain.value:+.3f}，{gain.low:+.3f}至{gain.high:+.3f}"


def _leaks(leaking: Sequence[str]) -> tuple[str, str]:
    if not leaking:
        return "", ""
    names = ", ".join(leaking)
    return (
        f"; left out because each alone gives the outcome away: {names}",
        f"；已剔除泄露结果的特征：{names}",
    )
