"""The numbers in a rule that people set, and the same rule with another one in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp

from portrait_assets.methods.expressions.expression import parse
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag

_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_SCALING = (exp.Mul, exp.Div, exp.Paren, exp.Neg)
_STAND_IN = "987654321"
SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))
FACTORS = (0.2, 0.33, 0.5, 0.67, 1.5, 2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Threshold:
    """A number in the rule of a value: which value, and its start and end in the rule's text."""

    value: str
    start: int
    end: int
    number: float
    is_whole: bool

    def alternatives(self) -> list[str]:
        """Other numbers worth trying, as text: shares in twentieths, others by factors."""
        if 0 < self.number < 1:
            return [f"{share:g}" for share in SHARES if share != self.number]
        tried = [float(f"{self.number * factor:.2g}") for factor in FACTORS]
        if self.is_whole:
            tried = [float(round(each)) for each in tried]
        kept = {each for each in tried if each > 0 and each != self.number}
        return [f"{each:g}" for each in sorted(kept)]


def thresholds(tag: Tag) -> list[Threshold]:
    """The numbers that a rule compares with, also as factors.

    Zero, and numbers within a function such as the days of a year in least(x, 365), are no
    thresholds.
    """
    numbers = []
    for value in tag.values:
        text = value.when.text
        for token in sqlglot.tokenize(text, dialect="duckdb"):
            if token.token_type.name == "NUMBER" and float(token.text) > 0:
                start, end = token.start, token.end + 1
                if _is_threshold(text[:start] + _STAND_IN + text[end:]):
                    whole = "." not in token.text
                    numbers.append(Threshold(value.value, start, end, float(token.text), whole))
    return numbers


def _is_threshold(text: str) -> bool:
    tree = sqlglot.parse_one(text, dialect="duckdb")
    literal = next(each for each in tree.find_all(exp.Literal) if each.name == _STAND_IN)
    node = literal.parent
    while isinstance(node, _SCALING):
        node = node.parent
    return isinstance(node, _COMPARISONS)


def with_number(tag: Tag, threshold: Threshold, number: str, catalogue: Catalogue) -> Tag:
    """The tag with that number in the threshold's place.

    Raises:
        ExpressionError: when the rule is then no longer one that tags may have.
    """
    values = []
    for value in tag.values:
        if value.value == threshold.value:
            text = value.when.text
            text = text[: threshold.start] + number + text[threshold.end :]
            value = replace(value, when=parse(text, catalogue.columns))
        values.append(value)
    return replace(tag, values=tuple(values))
