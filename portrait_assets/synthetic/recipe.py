"""What a bank was made with, written beside it so that it can be continued."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from portrait_assets.core.errors import PortraitError
from portrait_assets.synthetic.settings import Settings

RECIPE_FILE = "bank.json"


@dataclass(frozen=True)
class Recipe:
    """The arguments of `generate_bank`, and how the bank was continued since."""

    customers: int
    months: int
    seed: int
    first_month: str
    campaigns: int | None
    settings: Settings
    continued: tuple[bool, ...] = ()
    """For each month since, whether its campaigns were assigned by somebody else."""

    def write(self, folder: Path) -> None:
        """Write it into the bank's folder."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        (folder / RECIPE_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """The recipe of the bank in the folder.

        Raises:
            PortraitError: when there is none, or it is of another version.
        """
        path = folder / RECIPE_FILE
        if not path.is_file():
            raise PortraitError(
                f"'{folder.name}' holds no {RECIPE_FILE}, which a bank is continued from; "
                "name a folder that `portrait generate bank` has written."
            )
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
            settings = _with(Settings(), given.pop("settings"))
            continued = tuple(given.pop("continued"))
            return cls(**given, settings=settings, continued=continued)
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise PortraitError(
                f"The {RECIPE_FILE} of '{folder.name}' cannot be read, or is of another version of "
                "this program; generate the bank again."
            ) from problem

    def followed_by(self, assigned: bool, months: int) -> Recipe:
        """The recipe with further months."""
        return replace(self, continued=(*self.continued, *[assigned] * months))


def _with(default: Any, given: Any) -> Any:
    """A settings object with the values that were stored; tuples are lists there."""
    if is_dataclass(default) and not isinstance(default, type):
        names = {field.name for field in fields(default)}
        if unknown := given.keys() - names:
            raise KeyError(sorted(unknown)[0])
        return replace(default, **{k: _with(getattr(default, k), v) for k, v in given.items()})
    return _tuples(given)


def _tuples(given: Any) -> Any:
    return tuple(map(_tuples, given)) if isinstance(given, list) else given
