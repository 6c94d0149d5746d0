"""What to do with a segment, from the tags that its customers hold more than others do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portrait_assets.storage.published import Row

ACTION, OFFERS, TIMES, CAP, CONSENT = (
    "next_action",
    "suitable_offers",
    "purchase_times",
    "contact_cap",
    "contact_consent",
)
FEW = 90  # TGI below which a permission is mentioned.
MORE_THAN_USUAL = 110  # TGI from which on a tag is mentioned.
MANY_SILENT = 1.5
MOSTLY_SILENT = 0.5  # Of whom half and more were silent, few are left to be kept.
Text = tuple[str, str]


def suggested_use(segment: Row, tags: Sequence[dict[str, Any]]) -> list[Text]:
    """Sentences in English and Chinese; where no tag suggests a use, one with the reason.

    Args:
        segment: as `profiles.segments` gives it.
        tags: the segment's tag values, as `profiles.segments` lists them.
    """
    if segment["is_small"]:
        return [
            (
                "Too few customers for a programme of their own: treat them one by one.",
                "客户过少，不宜单独制定方案：请逐一服务。",
            )
        ]
    sentences = [
        *_action(tags),
        *_offers(tags),
        *_times(tags),
        *_contact(tags),
        *_silence(segment),
        *_response(segment),
    ]
    return sentences or [
        (
            "No tag suggests a use: nobody here has a next action more often than elsewhere.",
            "无标签可建议用途：本客群的下一步动作并不比其他客群突出。",
        )
    ]


def _of(tags: Sequence[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    """The values of the tag whose TGI is not 100 by chance."""
    return [tag for tag in tags if tag["code"] == code and tag["is_distinct"]]


def _action(tags: Sequence[dict[str, Any]]) -> list[Text]:
    actions = [
        tag
        for tag in _of(tags, ACTION)
        if tag["value"] != "none" and tag["tgi"] >= MORE_THAN_USUAL and tag["share"] >= 0.05
    ]
    if not actions:
        return []
    en = ", ".join(f"{tag['value_en'].lower()} ({tag['share']:.0%})" for tag in actions[:2])
    zh = "、".join(f"{tag['value_zh']}（{tag['share']:.0%}）" for tag in actions[:2])
    return [(f"Programme more due here than elsewhere: {en}.", f"较其他客群更适用的计划：{zh}。")]


def _offers(tags: Sequence[dict[str, Any]]) -> list[Text]:
    offers = sorted(
        (tag for tag in _of(tags, OFFERS) if tag["tgi"] >= MORE_THAN_USUAL),
        key=lambda tag: -tag["tgi"],
    )
    if not offers:
        return []
    en = ", ".join(f"{tag['value_en'].lower()} (TGI {tag['tgi']:.0f})" for tag in offers[:3])
    zh = "、".join(f"{tag['value_zh']}（TGI {tag['tgi']:.0f}）" for tag in offers[:3])
    return [(f"Offers that fit better than elsewhere: {en}.", f"更合适的优惠：{zh}。")]


def _times(tags: Sequence[dict[str, Any]]) -> list[Text]:
    times = [tag for tag in _of(tags, TIMES) if tag["tgi"] >= 115 and tag["share"] >= 0.15]
    if not times:
        return []
    en = ", ".join(tag["value_en"].lower() for tag in times[:2])
    zh = "、".join(tag["value_zh"] for tag in times[:2])
    return [(f"Send messages for: {en}.", f"推送时段：{zh}。")]


def _contact(tags: Sequence[dict[str, Any]]) -> list[Text]:
    """Whether fewer than elsewhere may be contacted, by consent or by the frequency of contacts."""
    texts = {
        CONSENT: ("permit marketing contact", "同意营销触达"),
        CAP: ("have room for another contact", "可再触达"),
    }
    return [
        (
            f"Only {tag['share']:.0%} {en}: fewer than elsewhere.",
            f"仅{tag['share']:.0%}{zh}，低于其他客群。",
        )
        for code, (en, zh) in texts.items()
        for tag in _of(tags, code)
        if tag["value"] == "true" and tag["tgi"] < FEW
    ]


def _silence(segment: Row) -> list[Text]:
    silent = segment.get("silent")
    if not silent or silent["rate"] is None or silent["lift"] is None:
        return []
    interval = f"{silent['low']:.0%}–{silent['high']:.0%}"
    rate = f"{silent['rate']:.0%} ({interval})"
    rate_zh = f"{silent['rate']:.0%}（{interval}）"
    if silent["lift"] >= MANY_SILENT:
        return [
            (
                f"{rate} bought nothing in the month after, {silent['lift']:.1f} times the usual: "
                "remind before they are gone.",
                f"次月{rate_zh}无购买，为总体的{silent['lift']:.1f}倍：宜及早提醒。",
            )
        ]
    if silent["rate"] >= MOSTLY_SILENT:
        return [(f"{rate} bought nothing in the month after.", f"次月{rate_zh}无购买。")]
    return [
        (
            f"{rate} bought nothing in the month after: no discount is needed to keep the rest.",
            f"次月{rate_zh}无购买：其余客户无需以折扣留存。",
        )
    ]


def _response(segment: Row) -> list[Text]:
    contacted = segment.get("contacted") or 0
    if contacted < 10:
        return []
    rate = segment["responded"] / contacted
    return [
        (
            f"Of {contacted:,} reached by a campaign in 12 months {rate:.0%} responded.",
            f"近12月触达{contacted:,}人，响应{rate:.0%}。",
        )
    ]
