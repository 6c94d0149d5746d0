"""What customers write: every text that the templates make, and the choice of one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common import texts
from portrait_assets.synthetic.common.randomness import Draws, Ints, Mask


@lru_cache(maxsize=1)
def phrases() -> dict[str, tuple[str, ...]]:
    """All texts of each kind, made from the templates."""

    def filled(templates: Sequence[str], **slots: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            template.format(**dict(zip(slots, values, strict=True)))
            for template in templates
            for values in product(*slots.values())
        )

    return {
        "survey good": filled(texts.SURVEY_GOOD, topic=texts.TOPICS),
        "survey poor": filled(texts.SURVEY_POOR, topic=texts.TOPICS),
        "complaint": filled(texts.COMPLAINT, topic=texts.TOPICS, when=texts.WHEN, wish=texts.WISH),
        "note": filled(
            texts.NOTE,
            where=texts.WHERE,
            state=texts.STATE,
            interest=texts.INTEREST,
            advice=texts.ADVICE,
        ),
        "post good": filled(texts.POST_GOOD, topic=texts.TOPICS),
        "post poor": filled(texts.POST_POOR, topic=texts.TOPICS),
    }


@lru_cache(maxsize=1)
def all_phrases() -> tuple[pa.Array, dict[str, tuple[int, int]]]:
    """All texts in one array, and where those of each kind start and how many they are."""
    spans, texts_so_far = {}, list[str]()
    for kind, options in phrases().items():
        spans[kind] = (len(texts_so_far), len(options))
        texts_so_far += options
    return pa.array(texts_so_far, pa.string()), spans


def any_phrase(draws: Draws, good: Mask, kind_if_good: str, kind_if_poor: str) -> Ints:
    """Position in all_phrases of any text of a kind that depends on the mood."""
    _, spans = all_phrases()
    (start_good, good_count), (start_poor, poor_count) = spans[kind_if_good], spans[kind_if_poor]
    start, options = np.where(good, start_good, start_poor), np.where(good, good_count, poor_count)
    chosen: Ints = start + (draws.uniform("phrase") * options).astype(np.int64)
    return chosen


def complaint_about(draws: Draws, topic: Ints) -> Ints:
    """Any phrase of a complaint about the topic."""
    start = all_phrases()[1]["complaint"][0]
    template = draws.whole("complaint template", 0, len(texts.COMPLAINT) - 1)
    rest = draws.whole("complaint words", 0, len(texts.WHEN) * len(texts.WISH) - 1)
    about = template * len(texts.TOPICS) + topic
    phrase: Ints = start + about * len(texts.WHEN) * len(texts.WISH) + rest
    return phrase
