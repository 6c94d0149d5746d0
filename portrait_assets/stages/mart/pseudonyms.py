"""What the published file of a source bears in the place of its customers' identifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.pseudonyms import key_made, key_of_publication, personal, under
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import published_key
from portrait_assets.storage.publishing.pseudonymizing import (
    Pseudonyms,
    identifiers,
    identifiers_of_tables_sql,
)


def pseudonyms_of(
    settings: Settings,
    source: Source,
    warehouse: Warehouse,
    tables: Iterable[Table],
    log: Callable[[str], None] = lambda sentence: None,
) -> Pseudonyms | None:
    """The pseudonyms under which a source is published; None where it keeps its identifiers.

    That is a source that declares itself public, and of whose identifiers none has the form of a
    telephone or identity number. The first publication of any other makes the key.

    Args:
        settings: where the file and the key stand.
        source: the source.
        warehouse: its open warehouse.
        tables: the contracts of its tables.
        log: called with a sentence where a key was made, or a public source needs one.

    Raises:
        PseudonymError: when the file was made with a key that is missing, or another one.
        KeyFileError: when the key cannot be used as it stands.
    """
    if source.definition.public:
        found = _personal(warehouse, tables)
        if not found:
            return None
        log(
            f"{source.name} declares itself public, and {found} of its customers' identifiers have "
            "the form of telephone or identity numbers; it is published under pseudonyms."
        )
    key, is_new = key_of_publication(settings, published_key(settings.portrait_file))
    if is_new:
        log(key_made(settings))
    return under(key)


def _personal(warehouse: Warehouse, tables: Iterable[Table]) -> int:
    sql = identifiers_of_tables_sql(warehouse.con, tables)
    return sum(map(personal, identifiers(warehouse.con, sql, warehouse.bounds.frame_rows)))
