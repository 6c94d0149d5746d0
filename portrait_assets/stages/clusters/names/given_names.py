"""Names that people gave to segments: `segments.yaml` in the source's folder.

    1: {en: Weekend families, zh: 周末家庭}
    4: {zh: 高净值}

Segment ids last over refits, and so do the names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, RootModel, model_validator

from portrait_assets.core.source_folder import source_file
from portrait_assets.core.yaml.file import Entry, Line, read_yaml
from portrait_assets.methods.clustering.errors import ClusterError

GIVEN_NAMES_FILE = "segments.yaml"


class _Names(Entry):
    model_config = ConfigDict(
        title="segment", json_schema_extra={"examples": ["{en: New, zh: 新客}"]}
    )
    en: Line | None = None
    zh: Line | None = None

    @model_validator(mode="after")
    def _is_named(self) -> _Names:
        if self.en is None and self.zh is None:
            raise ValueError("give it a name as `en`, `zh` or both, such as {en: New, zh: 新客}")
        return self


def _segment_id(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"'{text}' is not a segment id; use a number from 1 on")
    return text


class _GivenNames(RootModel[dict[Annotated[str, AfterValidator(_segment_id)], _Names]]):
    model_config = ConfigDict(json_schema_extra={"examples": ["1: {en: New, zh: 新客}"]})


def given_names(folder: Path) -> dict[int, dict[str, str]]:
    """Names by segment id and language (``en``, ``zh``); empty without the file.

    Raises:
        ClusterError: when the file is not what the example above shows, naming the line, or calls
            two segments the same.
    """
    path = source_file(folder, GIVEN_NAMES_FILE)
    if not path.is_file():
        return {}
    given = read_yaml(path, _GivenNames, ClusterError).root
    names = {int(key): each.model_dump(exclude_none=True) for key, each in given.items()}
    _check_distinct(path, names)
    return names


def _check_distinct(path: Path, names: dict[int, dict[str, str]]) -> None:
    called: dict[tuple[str, str], int] = {}
    for segment, by_language in names.items():
        for language, name in by_language.items():
            other = called.setdefault((language, name.casefold()), segment)
            if other != segment:
                raise ClusterError(
                    f"{path} calls the segments {other} and {segment} both '{name}'; give each a "
                    "name of its own"
                )
