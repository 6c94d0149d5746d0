"""The golden file of what the packaged versions of tags decide.

    python -m portrait_assets.testing.golden.tags [FILE]

writes it for all packs, by default the file that this repository's tests compare with.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.testing.golden.file import FOLDER, write

GOLDEN_FILE = FOLDER / "tag_definitions.json"
COMMAND = "python -m portrait_assets.testing.golden.tags"
Definitions = Mapping[str, str]
"""By tag and version a digest, in decimals, of its definition as it is written."""


def definitions(catalogue: Catalogue) -> dict[str, str]:
    """The definitions of all versions, also of those that are withheld for their class."""
    tags = sorted((*catalogue.tags, *catalogue.withheld), key=lambda tag: (tag.code, tag.version))
    return {f"{tag.code} version {tag.version}": _digest(tag) for tag in tags}


def _digest(tag: Tag) -> str:
    # Not `definition_hash`, which is of parsed SQL, and parsers differ between their versions.
    written = {
        **tag.definition,
        "values": [[value.value, value.when.text] for value in tag.values],
        "expression": tag.expression.text if tag.expression else None,
        "confidence": tag.confidence.text if tag.confidence else None,
        "target": tag.target,
    }
    text = json.dumps(written, sort_keys=True, ensure_ascii=False)
    return str(int(hashlib.sha256(text.encode()).hexdigest()[:12], 16))


def differences(golden: Definitions, now: Definitions) -> list[str]:
    """The versions that are gone or decide otherwise; a new version is no difference."""
    gone = [f"{name} is gone" for name in golden if name not in now]
    common = [name for name in golden if name in now]
    return [
        *gone,
        *(f"{name} is defined otherwise" for name in common if golden[name] != now[name]),
    ]


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN_FILE
    write(definitions(load_catalogue()), target)
    print(target)
