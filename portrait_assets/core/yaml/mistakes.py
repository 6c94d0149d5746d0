"""What pydantic finds wrong with a YAML file, in sentences with line, key and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portrait_assets.core.errors import nearest, suggestion
from portrait_assets.core.yaml.text import Place, WrittenList, WrittenMapping

_MOST_MISTAKES = 3
_NAMING = ("code", "value")

Schema = Mapping[str, Any]


def mistakes_sentence(
    problem: ValidationError, schema: Schema, written: object, start: Place
) -> str:
    """Place, key, mistake and remedy of the first few mistakes, in the order of their lines.

    Args:
        problem: what pydantic found.
        schema: the JSON schema of the model.
        written: what was validated.
        start: the place of `written` when it is a mere scalar.
    """
    found = sorted(
        _Reader(schema, written, start).mistakes(problem),
        key=lambda mistake: (mistake[0].file, mistake[0].line),
    )
    sentences, file = [], None
    for place, mistake in found[:_MOST_MISTAKES]:
        where = f"Also line {place.line}" if place.file == file else str(place)
        sentences.append(f"{where}: {mistake}.")
        file = place.file
    if len(found) > _MOST_MISTAKES:
        sentences.append(f"Mistakes not shown: {len(found) - _MOST_MISTAKES}.")
    return " ".join(sentences)


@dataclass(frozen=True)
class _Spot:
    """A value in the file: its name in sentences, what it may be, what it is, and where."""

    name: str
    schema: Schema
    value: object
    place: Place

    @property
    def keys(self) -> list[str]:
        return list(self.schema.get("properties", {}))


@dataclass(frozen=True)
class _Reader:
    root: Schema
    written: object
    start: Place

    def mistakes(self, problem: ValidationError) -> Iterator[tuple[Place, str]]:
        errors = [(each["loc"], each) for each in problem.errors(include_url=False)]
        # pydantic counts items with mistakes as lacking, and then calls their list too short.
        around = {loc[:length] for loc, _ in errors for length in range(len(loc))}
        errors = [(loc, each) for loc, each in errors if loc not in around]
        # A key that is misspelt is not reported once more as one that is missing.
        misspelt = {
            (*loc[:-1], nearest(str(loc[-1]), self._spot(loc[:-1]).keys))
            for loc, error in errors
            if error["type"] == "extra_forbidden"
        }
        missing: dict[tuple[int | str, ...], list[str]] = {}
        for loc, error in errors:
            if error["type"] != "missing":
                yield self._mistake(error)
            elif loc not in misspelt:
                missing.setdefault(loc[:-1], []).append(str(loc[-1]))
        for loc, keys in missing.items():
            entry, them = self._spot(loc), "it" if len(keys) == 1 else "them"
            yield entry.place, f"{entry.name} has no {', '.join(keys)}; add {them}"

    def _mistake(self, error: ErrorDetails) -> tuple[Place, str]:
        loc = error["loc"]
        spot = self._spot(loc)
        if error["type"] == "extra_forbidden":
            entry = self._spot(loc[:-1])
            remedy = suggestion(str(loc[-1]), entry.keys) or f"; it takes {', '.join(entry.keys)}"
            return spot.place, f"{entry.name} has no key '{loc[-1]}'{remedy}"
        if error["type"] == "value_error":
            return spot.place, f"{spot.name}: {error['ctx']['error']}"
        wanted = _wanted(spot.schema) or error["msg"]
        wanted += "".join(f", such as {each}" for each in spot.schema.get("examples", ()))
        remedy = suggestion(str(spot.value), spot.schema.get("enum", ()))
        if spot.value is None and wanted == "text":
            remedy = "; put it in quotes if it is meant as text"
        return spot.place, f"{spot.name} must be {wanted}, not {_shown(spot.value)}{remedy}"

    def _spot(self, loc: tuple[int | str, ...]) -> _Spot:
        """The value at the path, or the nearest around it that stands in the file."""
        schema, value, place = self._resolved(self.root), self.written, self.start
        names: list[str] = []
        if isinstance(value, WrittenMapping | WrittenList):
            place = value.place
        for step in loc:
            if isinstance(value, WrittenMapping) and step in value:
                key = str(step)
                place, value = value.places[key], value[key]
                names, schema = self._into(names, schema, key, value)
            elif isinstance(value, WrittenList) and isinstance(step, int) and step < len(value):
                place, value = value.places[step], value[step]
                names, schema = self._into(names, schema, step, value)
            else:
                break
        return _Spot(" of ".join(reversed(names)) or "the file", schema, value, place)

    def _into(
        self, names: list[str], schema: Schema, step: int | str, value: object
    ) -> tuple[list[str], Schema]:
        """Names and schema one step further: a field has its key, an item the title of its kind."""
        field = schema.get("properties", {}).get(step)
        if field is not None:
            return [*names, str(step)], self._resolved(field)
        inside = schema.get("items" if isinstance(step, int) else "additionalProperties")
        item = self._resolved(inside if isinstance(inside, dict) else {})
        if item.get("type") != "object" or "title" not in item:
            return names if isinstance(step, int) else [*names, str(step)], item
        name = step if isinstance(step, str) else _name(value) or f"number {step + 1}"
        return [*names[:-1], f"{item['title']} {name}"], item

    def _resolved(self, schema: Schema) -> Schema:
        """The schema that a reference, or something that may also be null, stands for."""
        while "$ref" in schema or "anyOf" in schema:
            if "$ref" in schema:
                schema = self.root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            else:
                schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return schema


def _name(value: object) -> str | None:
    if not isinstance(value, WrittenMapping):
        return None
    return next((text for key in _NAMING if isinstance(text := value.get(key), str)), None)


def _wanted(schema: Schema) -> str | None:
    """What a value of the schema is, in words."""
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    match schema.get("type"):
        case "string":
            return "a date such as 2024-01-31" if schema.get("format") == "date" else "text"
        case "integer":
            return f"a whole number{_bounds(schema)}"
        case "number":
            return f"a number{_bounds(schema)}"
        case "boolean":
            return "true or false"
        case "array":
            least, most = schema.get("minItems", 0), schema.get("maxItems")
            return "a list" + (f" of {most}" if most else " of one or more" if least else "")
        case "object":
            keys = ", ".join(schema.get("properties", ()))
            return f"a mapping with the keys {keys}" if keys else "a mapping of names to values"
    return None


def _bounds(schema: Schema) -> str:
    words = {"minimum": " of {} or more", "maximum": " of {} or less"}
    words |= {"exclusiveMinimum": " above {}", "exclusiveMaximum": " below {}"}
    found = [text.format(schema[key]) for key, text in words.items() if key in schema]
    return " and".join(found)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = " ".join(str(value).split())
    return f"'{text if len(text) <= 40 else text[:37] + '...'}'"
