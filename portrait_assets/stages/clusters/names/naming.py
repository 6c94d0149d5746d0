"""Names of segments in English and Chinese: no two alike, and none a permutation of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from portrait_assets.stages.clusters.names.words import Claim, Label, Word

USUAL_WORDS = 3
MOST_WORDS = 6
BEARERS = 3
"""A word that more than one segment in so many could bear sets none of them apart."""
EVERYONE = Claim(None, None, True, None)
AVERAGE = Word("average", "average", "均衡", EVERYONE, 1.0)


def name_of(words: Sequence[Word]) -> Label:
    """The name that consists of these words."""
    return Label(", ".join(w.en for w in words), "、".join(w.zh for w in words))


def distinct_names(
    candidates: Mapping[int, Sequence[Word]],
    kept: Mapping[int, Sequence[Word]] | None = None,
    taken: Mapping[int, Label] | None = None,
    bounds: Mapping[int, Sequence[Word]] | None = None,
) -> dict[int, tuple[Word, ...]]:
    """The words of each segment's name: the usual number, more where two would be called the same.

    Names are the same that consist of the same words, in whatever order. A word that too many
    segments could bear (`BEARERS`) comes after those that fewer could. Where no words tell two
    apart a bound does, of a feature that no word is about if possible, and otherwise their number.

    Args:
        candidates: the words that are true of each segment, those that say most first.
        kept: the words of segments that keep their name.
        taken: by segment, a name that no other may be given.
        bounds: that are true of each segment, the clearest first.
    """
    kept, bounds = kept or {}, bounds or {}
    most = max(1, len(candidates) // BEARERS)
    bearers = Counter(word.en for words in candidates.values() for word in words)
    # An equal order among those that set apart, and among those that do not.
    ordered = {
        segment: sorted(words, key=lambda word: bearers[word.en] > most) or [AVERAGE]
        for segment, words in candidates.items()
        if segment not in kept
    }
    names = {segment: tuple(words) for segment, words in kept.items()}
    reserved = [(owner, frozenset(name.en.split(", "))) for owner, name in (taken or {}).items()]

    def is_free(segment: int, words: tuple[Word, ...]) -> bool:
        key = _words(words)
        return all(key != of or segment == owner for owner, of in reserved)

    pending = sorted(ordered)
    for length in range(USUAL_WORDS, MOST_WORDS + 1):
        proposed = {s: _first(ordered[s], length, bearers, most) for s in pending}
        keys = Counter([*map(_words, names.values()), *map(_words, proposed.values())])
        for segment, words in proposed.items():
            if keys[_words(words)] == 1 and is_free(segment, words):
                names[segment] = words
        pending = [segment for segment in pending if segment not in names]
    for segment in pending:
        usual = _first(ordered[segment], USUAL_WORDS, bearers, most)
        known = () if usual == (AVERAGE,) else usual
        named = {_words(words) for words in names.values()}
        claimed = {word.claim.feature for word in known}
        apart = sorted(bounds.get(segment, ()), key=lambda bound: bound.claim.feature in claimed)
        bounded = ((*known, bound) for bound in apart)
        free = (w for w in bounded if _words(w) not in named and is_free(segment, w))
        number = Word("number", f"number {segment}", f"第{segment}号", EVERYONE, 1.0)
        names[segment] = next(free, (*usual, number))
    return dict(sorted(names.items()))


def _first(
    words: Sequence[Word], length: int, bearers: Mapping[str, int], most: int
) -> tuple[Word, ...]:
    """The first words; of those that too many could bear only one, unless more are asked for."""
    apart = sum(bearers[word.en] <= most for word in words)
    usual = max(1, apart) if length == USUAL_WORDS else length
    return tuple(words[: min(length, usual)])


def _words(words: Iterable[Word]) -> frozenset[str]:
    """As they are read back from a name; a word of a value may have a comma of its own."""
    return frozenset(part for word in words for part in word.en.split(", "))
