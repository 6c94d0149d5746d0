"""Packs of tags: those that every source has, and those that a kind of business adds."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ConfigDict

from portrait_assets.core.errors import suggestion
from portrait_assets.core.yaml.file import Code, Line, Words, read_yaml
from portrait_assets.core.yaml.text import Place
from portrait_assets.stages.tags.catalogue.entries import CatalogueFile
from portrait_assets.stages.tags.catalogue.tag import TagError

CORE = "core"
"""The pack that every source has."""
_FOLDER = Path(__file__).parent


class Pack(CatalogueFile):
    """A file of tags, named after the file.

    `needs` are packs whose tags its own read, besides the core. A source that names no packs has
    those of which it provides a table of `default_with` and none of `default_without`.
    """

    model_config = ConfigDict(title="pack")
    title: Words
    needs: tuple[Code, ...] = ()
    default_with: tuple[Line, ...] = ()
    default_without: tuple[Line, ...] = ()

    @property
    def name(self) -> str:
        """What source.yaml calls it."""
        return self.place.file.removesuffix(".yaml")

    @property
    def codes(self) -> frozenset[str]:
        """The codes of its tags."""
        return frozenset(tag.code for tag in self.tags)

    def is_default(self, tables: Collection[str]) -> bool:
        """Whether a source that provides these canonical tables has it without naming it."""
        provided = set(tables)
        return not provided.isdisjoint(self.default_with) and provided.isdisjoint(
            self.default_without
        )


@functools.cache
def packs() -> Mapping[str, Pack]:
    """Every pack by name, the core first."""
    found = (read_yaml(path, Pack, TagError) for path in sorted(_FOLDER.glob("*.yaml")))
    return {pack.name: pack for pack in sorted(found, key=lambda pack: pack.name != CORE)}


def chosen(names: Iterable[str], place: Place | None = None) -> tuple[Pack, ...]:
    """The core, the packs of these names and those that they need, in the order of `packs`.

    Args:
        names: as source.yaml gives them.
        place: where they are given.

    Raises:
        TagError: when there is no such pack, naming the place and the nearest name.
    """
    wanted = set(_needed([CORE, *names], place))
    return tuple(pack for name, pack in packs().items() if name in wanted)


def default_packs(tables: Collection[str]) -> tuple[str, ...]:
    """The names of the packs of a source that names none, by the canonical tables it provides."""
    return tuple(name for name, pack in packs().items() if pack.is_default(tables))


def elsewhere(present: Iterable[Pack]) -> dict[str, str]:
    """By the code of each tag that none of these packs has, the pack that has it."""
    names = {pack.name for pack in present}
    return {
        code: name for name, pack in packs().items() if name not in names for code in pack.codes
    }


def _needed(names: Iterable[str], place: Place | None) -> Iterator[str]:
    for name in names:
        if name not in packs():
            at = f"{place}: " if place else ""
            others = ", ".join(sorted(packs().keys() - {CORE}))
            raise TagError(
                f"{at}there is no pack of tags '{name}'{suggestion(name, packs())}; packs may "
                f"name {others}, and [] is the core alone."
            )
        yield name
        yield from _needed(packs()[name].needs, None)
