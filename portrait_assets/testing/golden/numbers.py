"""The golden file of the numbers that decide: constants, defaults of rules and of arguments.

    python -m portrait_assets.testing.golden.numbers [FILE]

writes it from the modules' own text. It shows that a number has changed, not that it is right: a
limit that a test reads from the module it tests would else move unseen. What is new, gone or named
otherwise is no difference.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import portrait_assets
from portrait_assets.testing.golden.file import FOLDER, write

GOLDEN_FILE = FOLDER / "numbers.json"
COMMAND = "python -m portrait_assets.testing.golden.numbers"
PACKAGE = Path(portrait_assets.__file__).parent
OTHERWISE_HELD = ("synthetic", "testing")
"""What the generator makes stands in a golden file of its own; nothing of tests is published."""

_NUMBER = r"-?\d[\d_]*(?:\.\d+)?(?:e-?\d+)?"
_VALUE = rf"(?P<value>{_NUMBER}|\((?:{_NUMBER}(?:, )?)+,?\))"
_OWNER = re.compile(r"^(?P<indent> *)(?:class|(?:async )?def) (?P<name>\w+)")
_CONSTANT = re.compile(rf"^(?P<name>_?[A-Z][A-Z\d_]*)(?:: [^=]+)? = {_VALUE}(?:$|\s+#)")
_DEFAULT = re.compile(rf"(?P<name>\w+): [\w |]+ = {_VALUE}(?=$|[,)]|\s+#)")

Numbers = Mapping[str, str]
"""By module, owner and name, the number as it is written."""


def package_numbers() -> Numbers:
    """`numbers` of all modules but those of `OTHERWISE_HELD`, by their paths in the package."""
    return {
        f"{path.relative_to(PACKAGE).with_suffix('').as_posix()} {name}": value
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in OTHERWISE_HELD
        for name, value in numbers(path.read_text(encoding="utf-8").splitlines())
    }


def numbers(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The name and the number of each constant and default in a module's text."""
    owner = ""
    for line in lines:
        if line and not line.startswith((" ", ")")):
            owner = ""
        if found := _OWNER.match(line):
            owner = found["name"]
        if found := _CONSTANT.match(line):
            yield found["name"], found["value"]
        elif owner:
            for found in _DEFAULT.finditer(line):
                yield f"{owner}.{found['name']}", found["value"]


def differences(golden: Numbers, now: Numbers) -> list[str]:
    """What is another number now, by name."""
    return [
        f"{name}: was {golden[name]} and is {now[name]}"
        for name in sorted(golden.keys() & now.keys())
        if golden[name] != now[name]
    ]


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN_FILE
    write(package_numbers(), target)
    print(target)
