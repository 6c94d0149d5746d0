"""Which tags nobody can have a value of, because the source does not give what their rules read.

A feature without its evidence is null for everyone. Three-valued logic carries that through most
rules, but a conjunction is still false where its other part is: a tag that can then never be true
would be 'no' for some and unknown for the rest. So what each rule can still give is derived, by
evaluating it over sets of possible outcomes; a tag that is left with one value or none has none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from sqlglot import exp

from portrait_assets.methods.expressions.expression import RANK_PREFIX, Expression
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.declared.needs import need_name
from portrait_assets.stages.features.given import EVIDENCE, lacking_features
from portrait_assets.stages.tags.catalogue.inputs.predicted import PredictedColumn
from portrait_assets.stages.tags.catalogue.tag import Shape, Tag

Outcomes = frozenset[bool | None]
"""What an expression can give: true, false or null; any other value counts as both of the first."""
UNKNOWN: Outcomes = frozenset({None})
ANY: Outcomes = frozenset({True, False})
_FEATURES = {feature.name: feature for feature in FEATURES}
_TABLES = frozenset(each.table for each in EVIDENCE)


def without_evidence(
    tags: Sequence[Tag],
    given: Collection[str] | None,
    predicted: Mapping[str, PredictedColumn] | None = None,
) -> dict[str, list[str]]:
    """The tags that nobody has a value of, each with what it lacks.

    Args:
        tags: each after the tags that it reads.
        given: names of the evidence that the source has given (`features.source_evidence`); None
            where that is not known, and then no tag is without.
        predicted: the columns that are predictions, which nobody has without the table that their
            target is of.

    Returns:
        By code the names of what the source does not give, a whole table where it has no row.
    """
    lacking = lacking_features(given) | _lacking_predictions(given, predicted or {})
    found: dict[str, list[str]] = {}
    for tag in tags:
        unknown = {name for name in tag.reads if name in lacking or name in found}
        if unknown and not _tells_apart(tag, unknown):
            needs = (n for name in sorted(unknown) for n in lacking.get(name) or found[name])
            found[tag.code] = list(dict.fromkeys(needs))
    return found


def _lacking_predictions(
    given: Collection[str] | None, predicted: Mapping[str, PredictedColumn]
) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    return {
        name: (each.needs,)
        for name, each in predicted.items()
        if each.needs in _TABLES and each.needs not in given
    }


def needs_of(
    tags: Iterable[Tag], predicted: Mapping[str, PredictedColumn] | None = None
) -> dict[str, list[str]]:
    """By code what is needed of the source for all that the tag reads, also by way of other tags.

    Args:
        tags: the tags.
        predicted: the columns that are predictions.
    """
    of_predictions = predicted or {}
    read: dict[str, set[str]] = {}
    for tag in tags:
        read.setdefault(tag.code, set()).update(tag.inputs)

    def needs(code: str, seen: frozenset[str]) -> Iterator[str]:
        for name in read[code] - seen:
            if name in _FEATURES:
                yield from map(need_name, _FEATURES[name].needs)
            elif name in of_predictions:
                yield of_predictions[name].needs
            elif name in read:
                yield from needs(name, seen | {name})

    return {code: sorted(set(needs(code, frozenset({code})))) for code in read}


def _tells_apart(tag: Tag, unknown: Collection[str]) -> bool:
    """Whether the rules can still give more than one value, or any where values are open."""
    if tag.expression is not None:
        values = possible(tag.expression, unknown) - UNKNOWN
        return len(values) == 2 if tag.type is Type.BOOLEAN else bool(values)
    reached = 0
    for value in tag.values:
        outcomes = possible(value.when, unknown)
        reached += True in outcomes
        if tag.shape is Shape.ONE and False not in outcomes:
            break
    return reached > 1 or (reached == 1 and tag.shape is Shape.MANY)


def possible(expression: Expression, unknown: Collection[str]) -> Outcomes:
    """What the expression can give where these columns are null."""
    return _possible(expression.tree, unknown)


def _possible(node: exp.Expr, unknown: Collection[str]) -> Outcomes:
    if isinstance(node, exp.Column):
        return UNKNOWN if node.name.removeprefix(RANK_PREFIX) in unknown else ANY | UNKNOWN
    if isinstance(node, exp.Null):
        return UNKNOWN
    if isinstance(node, exp.Boolean):
        return frozenset({bool(node.this)})
    if isinstance(node, exp.Case):
        return _of_case(node, unknown)
    parts = [_possible(each, unknown) for each in node.iter_expressions()]
    for kinds, combine in _COMBINED.items():
        if isinstance(node, kinds):
            return combine(parts)
    return _of_strict(parts)


def _of_strict(parts: Sequence[Outcomes]) -> Outcomes:
    """Null where any part is, otherwise anything.

    Also of least and greatest, though DuckDB passes over nulls: a bound is no evidence.
    """
    if UNKNOWN in parts:
        return UNKNOWN
    return ANY | UNKNOWN if any(None in part for part in parts) else ANY


def _of_each(
    parts: Sequence[Outcomes], decide: Callable[[list[bool | None]], bool | None]
) -> Outcomes:
    return frozenset(decide(list(each)) for each in product(*parts))


def _and(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _or(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def _first(values: list[bool | None]) -> bool | None:
    return next((value for value in values if value is not None), None)


def _of_is(parts: Sequence[Outcomes]) -> Outcomes:
    """IS NULL, TRUE or FALSE: never null."""
    value, tested = parts
    if len(tested) > 1:
        return ANY
    return frozenset(each in tested for each in value)


def _of_nullif(parts: Sequence[Outcomes]) -> Outcomes:
    return parts[0] | UNKNOWN


_COMBINED: Mapping[tuple[type[exp.Expr], ...], Callable[[Sequence[Outcomes]], Outcomes]] = {
    (exp.And,): lambda parts: _of_each(parts, _and),
    (exp.Or,): lambda parts: _of_each(parts, _or),
    (exp.Not,): lambda parts: frozenset(None if p is None else not p for p in parts[0]),
    (exp.Paren,): lambda parts: parts[0],
    (exp.Is,): _of_is,
    (exp.NullSafeEQ, exp.NullSafeNEQ): lambda parts: ANY,
    (exp.Coalesce,): lambda parts: _of_each(parts, _first),
    (exp.Nullif,): _of_nullif,
}


def _of_case(node: exp.Case, unknown: Collection[str]) -> Outcomes:
    found: Outcomes = frozenset()
    for branch in node.args["ifs"]:
        condition = branch.this
        if node.this is not None:
            condition = exp.EQ(this=node.this.copy(), expression=condition.copy())
        outcomes = _possible(condition, unknown)
        if True in outcomes:
            found |= _possible(branch.args["true"], unknown)
        if outcomes == {True}:
            return found
    otherwise = node.args.get("default")
    return found | (UNKNOWN if otherwise is None else _possible(otherwise, unknown))
