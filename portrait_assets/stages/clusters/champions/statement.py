"""What may be said of a model's segments in one sentence: what they are and whether they hold."""

from __future__ import annotations

from typing import NamedTuple

from portrait_assets.methods.clustering.model import ClusterModel


class Statement(NamedTuple):
    """Whether the segments are stable, and the sentence in English and Chinese."""

    is_stable: bool
    en: str
    zh: str


def statement(model: ClusterModel, stable: float) -> Statement:
    """The sentence that goes with the segments wherever they are shown.

    ``stable`` is the adjusted Rand index that refits of stable segments agree at.
    """
    k, agreement = len(model.segment_ids), model.bootstrap_agreement
    is_stable = agreement >= stable
    if k == 1:
        return Statement(True, "All customers are one segment.", "全部客户为一个客群。")
    if model.nature == "separate":
        what_en = f"{k} segments that lie apart"
        what_zh = f"{k}个彼此分离的客群"
    else:
        what_en = f"{k} segments that divide customers by degree, with no gap shown between them"
        what_zh = f"{k}个按程度划分的客群，未证实其间有间隔"
    holds_en = "stable" if is_stable else "NOT stable"
    holds_zh = "稳定" if is_stable else "不稳定"
    return Statement(
        is_stable,
        f"{what_en}; {holds_en}: two bootstrap refits agree at an adjusted Rand index of "
        f"{agreement:.2f} (asked for is {stable:g}).",
        f"{what_zh}；{holds_zh}：两次自助法重训的调整兰德指数为{agreement:.2f}（要求{stable:g}）。",
    )
