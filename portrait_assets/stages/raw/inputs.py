"""What a source's tables are computed from: digests of its files and definitions, and its size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

import portrait_assets
from portrait_assets.core.errors import SourceError
from portrait_assets.core.source_folder import DEFINITION_FILE, PACKAGED_SOURCES
from portrait_assets.stages.raw.amendments import AMENDING_FILES
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.connection import literals, scratch_database
from portrait_assets.storage.staleness.inputs import Inputs

PACKAGE_FOLDER = Path(portrait_assets.__file__).parent
DEFINITIONS = ("*.sql", "views/*.sql", "*.yaml", "identity_review.csv")
"""The files of a source's folders that define it. source.yaml is digested as it is parsed."""
CODE_SUFFIXES = {".py", ".yaml", ".j2", ".html", ".css", ".js"}
UNKNOWN = ""
TEXT_BYTES_PER_ROW = 60
COMPRESSED = 5


def inputs_of(source: Source) -> Inputs:
    """The digests of the source's inputs as they are now."""
    return Inputs(files_digest(source), definitions_digest(source))


def files_digest(source: Source) -> str:
    """A digest of name, size and time of every data file, and of the last month.

    What customers had corrected or object to counts as data: only the months in which rows differ
    are stale for it. Contents are not read. The last month decides which rows of the files belong
    to no month. Empty when a file is missing.
    """
    try:
        stamps = [
            (name, path.relative_to(source.files_folder).as_posix(), stat.st_size, stat.st_mtime_ns)
            for name in sorted(source.definition.files)
            for path in source.files(name)
            for stat in (path.stat(),)
        ]
        added = [
            (name, stat.st_size, stat.st_mtime_ns)
            for name in AMENDING_FILES
            if (source.own_folder / name).is_file()
            for stat in ((source.own_folder / name).stat(),)
        ]
    except (SourceError, OSError):
        return UNKNOWN
    read = [source.months()[-1], stamps, *([added] if added else [])]
    return _sha256([json.dumps(read).encode()])


def definitions_digest(source: Source) -> str:
    """A digest of the definitions in the source's folders, and of this package's own files."""
    parsed = source.definition.model_dump_json(exclude={"last_month", "keep_months"})
    paths = {
        path.relative_to(folder).as_posix(): path
        for folder in (source.folder, source.own_folder)
        for pattern in DEFINITIONS
        for path in folder.glob(pattern)
        if path.name != DEFINITION_FILE
    }
    contents = (
        part for name, path in sorted(paths.items()) for part in (name.encode(), path.read_bytes())
    )
    return _sha256([parsed.encode(), *contents, _code_digest().encode()])


def _code_digest() -> str:
    paths = (
        path
        for path in PACKAGE_FOLDER.rglob("*")
        if path.suffix in CODE_SUFFIXES and PACKAGED_SOURCES not in path.parents
    )
    return _sha256(path.read_bytes() for path in sorted(paths))


def _sha256(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def source_rows(source: Source) -> int:
    """About how many rows the source's tables take: Parquet tells, of other files the size does.

    Files of which a table only has what it derives from them are left out.

    Raises:
        SourceError: when a file is missing.
    """
    read = {source.rows_of(table) for table in source.provided}
    paths = [
        path for name in source.definition.files if name in read for path in source.files(name)
    ]
    parquet = [str(path) for path in paths if path.suffix.lower() == ".parquet"]
    rows = 0
    if parquet:
        sql = f"SELECT sum(num_rows) FROM parquet_file_metadata([{literals(parquet)}])"
        try:
            rows = int(scratch_database().execute(sql).fetchall()[0][0] or 0)
        except duckdb.Error:
            rows = 0  # A damaged file is for the run to name.
    for path in paths:
        if path.suffix.lower() != ".parquet":
            packed = COMPRESSED if path.suffix.lower() == ".gz" else 1
            rows += path.stat().st_size * packed // TEXT_BYTES_PER_ROW
    return rows
