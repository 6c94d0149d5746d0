"""What an erasure would remove, before anything is removed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from portrait_assets.app.erasure.people.persons import (
    Asked,
    Persons,
    find_persons,
    name_ids,
    requested,
    sentence_of_unknown,
)
from portrait_assets.app.erasure.people.undated import standing_there
from portrait_assets.app.erasure.rows.removed_rows import counted
from portrait_assets.app.erasure.warehouse import id_columns, opened, tables_of
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import ErasureError, read_unfinished, unfinished
from portrait_assets.privacy.tombstones import read_tombstones
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.tables import existing_types


@dataclass(frozen=True)
class Preview:
    """What an erasure would remove: the persons, their rows by table, and ids of nobody."""

    asked: Asked
    persons: Persons
    rows: dict[str, int]

    @property
    def sentence(self) -> str:
        """What would be erased."""
        ids = len(self.persons.customers) + len(self.persons.prospects)
        again = self.persons.erased_before
        before = f"; {again:,} of the ids were erased before" if again else ""
        return (
            f"{self.persons.count:,} people with {ids:,} ids and {sum(self.rows.values()):,} rows "
            f"in {len(self.rows)} tables would be erased, and what is published made again{before}."
        )


def preview(settings: Settings, asked: Asked | None, ignore_unknown: bool = False) -> Preview:
    """What an erasure of these ids would remove; of the requests for erasure where None.

    Raises:
        ErasureError: when an id is nobody's and that is not to be ignored, or an erasure that was
            stopped is to be finished first.
        WarehouseError: when there is no warehouse, or a run holds it.
        KeyFileError: when the key of the tombstones is missing.
    """
    if plan := read_unfinished(settings):
        raise ErasureError(unfinished(plan))
    tombstones = read_tombstones(settings)
    source = load_source(settings.source_dir)
    tables = tables_of(settings)
    with opened(settings, tables) as con:
        asked = asked or requested(con)
        persons = find_persons(
            con, asked, tombstones, partial(standing_there, settings, source, con)
        )
        if persons.unknown and not ignore_unknown:
            raise ErasureError(
                f"{sentence_of_unknown(asked, persons)}; correct them, or leave them out with "
                "`--ignore-unknown`. Nothing was erased."
            )
        name_ids(con, list(persons.customers), list(persons.prospects))
        names = sorted({table.stored.full_name for table in tables})
        there = [name for name in names if existing_types(con, name)]
        return Preview(asked, persons, counted(con, there, id_columns(tables)))
