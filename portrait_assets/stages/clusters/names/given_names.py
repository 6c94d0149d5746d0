"""Names that people gave to segments: `segments.yaml` in the source's folder.

    1: {en: Weekend families, zh: 周末家庭}
    4: {zh: 高净值}

Segment ids last over refits, and so do the names.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from portrait_assets.core.source_folder import source_file
from portrait_assets.methods.clustering.errors import ClusterError

GIVEN_NAMES_FILE = "segments.yaml"
LANGUAGES = ("en", "zh")


def given_names(folder: Path) -> dict[int, dict[str, str]]:
    """Names by segment id and language (``en``, ``zh``); empty without the file.

    Raises:
        ClusterError: when the file is not what the example above shows.
    """
    path = source_file(folder, GIVEN_NAMES_FILE)
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise ClusterError(f"{path} is not readable as YAML{line}; correct it there.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ClusterError(f"{path} must map segment ids to names, such as `1: {{en: New}}`.")
    return {_segment_id(path, key): _names(path, key, value) for key, value in content.items()}


def _segment_id(path: Path, key: object) -> int:
    if isinstance(key, bool) or not isinstance(key, int) or key < 1:
        raise ClusterError(f"{path}: '{key}' is not a segment id; use a number from 1 on.")
    return key


def _names(path: Path, key: object, value: object) -> dict[str, str]:
    is_named = isinstance(value, dict) and bool(value)
    if not isinstance(value, dict) or not is_named or set(value) - set(LANGUAGES):
        raise ClusterError(
            f"{path}: segment {key} needs `en`, `zh` or both, such as `{{en: New, zh: 新客}}`."
        )
    for language, name in value.items():
        if not isinstance(name, str) or not name.strip():
            raise ClusterError(f"{path}: the {language} name of segment {key} is not a text.")
    return {str(language): name.strip() for language, name in value.items()}
