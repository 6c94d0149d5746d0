"""`portrait backup` and `portrait restore`: what people decided and no run can compute again.

It stands in files of the source's folder in the data folder. Everything else follows from these,
from the package, and from the source's data files, which are large and have backups of their own.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from portrait_assets import __version__
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import replace_files
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import DEFINITION_FILE
from portrait_assets.privacy.keys import WITHOUT, KeyName, has_key, key_place
from portrait_assets.privacy.tombstones import TOMBSTONES_FILE, merged_tombstones
from portrait_assets.stages.raw.amendments import AMENDING_FILES
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.lock import warehouse_lock

MANIFEST = "manifest.json"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,  # zipfile's for an encrypted entry
    ValueError,
)


class BackupError(PortraitError):
    """A backup cannot be made, or cannot be restored as it stands."""


@dataclass(frozen=True)
class Irreplaceable:
    """Files of a source's folder that no run can make again: a pattern, and what they say.

    To a file that only `grows` lines are added and none is changed, so that a copy of it that has
    more of them is the newer one.
    """

    pattern: str
    why: str
    grows: bool = False


# The one list of what a backup holds. Keep every pattern that ever stood here: backups last.
IRREPLACEABLE: Sequence[Irreplaceable] = (
    Irreplaceable(DEFINITION_FILE, "the source's files, months, rules and identity"),
    Irreplaceable("*.sql", "how its tables come from its files"),
    Irreplaceable("views/*.sql", "what several of these share"),
    Irreplaceable("targets.yaml", "the source's own targets of predictions"),
    Irreplaceable("tags.yaml", "the source's own versions of tags, drafts too"),
    Irreplaceable("tag_approvals.yaml", "who approved or retired which version, from when and why"),
    Irreplaceable("identity_review.csv", "decisions on pairs of records, those of rekey too"),
    Irreplaceable("audiences.yaml", "saved audiences"),
    Irreplaceable("product_sets.yaml", "the source's own sets of products"),
    Irreplaceable("segments.yaml", "names given to segments"),
    Irreplaceable("egress_register*.jsonl", "what left, when, to whom and what for", grows=True),
    Irreplaceable("corrections.csv", "what customers had corrected", grows=True),
    Irreplaceable("objections.csv", "what customers object to", grows=True),
    Irreplaceable(TOMBSTONES_FILE, "who was erased, as hashes under a key that is not in it"),
)


class Manifest(BaseModel):
    """What a backup says of itself; `files` are SHA-256 hex digests by path in the folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1] = 1
    package_version: str
    source: str
    created_at: datetime
    files: dict[str, str]


@dataclass(frozen=True)
class BackedUp:
    """The backup that was written, and its size in bytes."""

    path: Path
    manifest: Manifest
    size: int


@dataclass(frozen=True)
class Restored:
    """What a restore did with each file; `left` are irreplaceable ones that the backup lacks."""

    manifest: Manifest
    written: tuple[str, ...]
    same: tuple[str, ...]
    left: tuple[str, ...]


def irreplaceable_files(folder: Path) -> dict[str, Path]:
    """The files of a source's folder that a backup holds, by their path within it, in order."""
    found = {
        path.relative_to(folder).as_posix(): path
        for kept in IRREPLACEABLE
        for path in folder.glob(kept.pattern)
        if path.is_file()
    }
    return dict(sorted(found.items()))


def back_up(settings: Settings, out: Path, now: datetime | None = None) -> BackedUp:
    """Write the irreplaceable files of the source, and a manifest, to a new zip file.

    Args:
        settings: tell the source.
        out: the file to write, which ends in .zip; or a folder, in which the file is named after
            the source and the time.
        now: the time that the manifest tells; that of the clock by default.

    Raises:
        SourceError: when there is no such source, or it cannot be used.
        BackupError: when the file is there already.
        OSError: when it cannot be written; nothing is there then.
    """
    source = load_source(settings.source_dir)
    now = now or datetime.now(UTC)
    is_file = out.suffix == ".zip" and not out.is_dir()
    target = out if is_file else out / f"{source.name}-{now:%Y%m%dT%H%M%SZ}.zip"
    if target.exists():
        raise BackupError(f"{target} is there already; name another file, or a folder.")
    contents = {
        name: path.read_bytes() for name, path in irreplaceable_files(source.own_folder).items()
    }
    manifest = Manifest(
        package_version=__version__,
        source=source.name,
        created_at=now,
        files={name: _digest(content) for name, content in contents.items()},
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))
        for name, content in contents.items():
            archive.writestr(_entry(name), content)
    replace_files({target: written.getvalue()}, private=[target])
    return BackedUp(target, manifest, target.stat().st_size)


def keys_to_keep(settings: Settings) -> list[str]:
    """A sentence on each secret key, which no backup holds: where it stands, what is lost with it.

    Who has a backup and a key could tell who is who; so they are kept apart.
    """
    return [
        f"Not in it: the key of {name}, {key_place(settings, name)}"
        f"{'' if has_key(settings, name) else ' (not made yet)'}; keep it apart from the backup, "
        f"for without it {WITHOUT[name]}."
        for name in KeyName
    ]


def restore(settings: Settings, file: Path, replace: bool = False) -> Restored:
    """Put the files of a backup back into the source's folder, which may be new.

    Everything is checked before anything is written. A restore that is killed while files take
    their places leaves each as it was or as in the backup; the same command then finishes it.

    Args:
        settings: tell the source, which must be the backup's.
        file: the backup.
        replace: whether files that differ from the backup's may be replaced.

    Raises:
        BackupError: when the file is no whole backup of this source, or a file differs and may
            not be replaced; nothing is changed then.
        WarehouseBusyError: when a run, which may be reading these files, does not end in time.
        OSError: when a file cannot be written.
    """
    manifest, contents = read_backup(file)
    if manifest.source != settings.source:
        of_it = settings.model_copy(update={"source": manifest.source})
        again = command("restore", str(file), settings=of_it)
        raise BackupError(
            f"{file.name} is a backup of the source '{manifest.source}', not of "
            f"'{settings.source}'; restore it with `{again}`."
        )
    folder = settings.source_dir
    with warehouse_lock(settings.lock_file, "portrait restore", settings.lock_wait_seconds):
        there = {name: path.read_bytes() for name, path in irreplaceable_files(folder).items()}
        if TOMBSTONES_FILE in there and TOMBSTONES_FILE in contents:
            merged = merged_tombstones(there[TOMBSTONES_FILE], contents[TOMBSTONES_FILE])
            contents = {**contents, TOMBSTONES_FILE: merged}
        same = tuple(name for name in contents if _has(there, name, contents[name]))
        decided = contents.keys() - {TOMBSTONES_FILE}  # Nobody's tombstone is taken away.
        differing = [name for name in contents if name in decided & there.keys() - {*same}]
        if differing and not replace:
            raise BackupError(
                f"{', '.join(differing)} in {folder.name} differ from {file.name}; back them up "
                "and restore with `--replace`, or move them away. Nothing was changed."
            )
        # A folder is a source once source.yaml is there, so a new one is not used half restored.
        written = sorted(
            contents.keys() - set(same), key=lambda name: (name == DEFINITION_FILE, name)
        )
        private = [folder / name for name in AMENDING_FILES]
        replace_files({folder / name: contents[name] for name in written}, private)
    left = tuple(name for name in there if name not in contents)
    return Restored(manifest, tuple(written), same, left)


def read_backup(file: Path) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest of a backup and its files by path within the source's folder.

    Raises:
        BackupError: when it is not a whole backup, or names a file that no backup holds.
    """
    if not file.is_file():
        raise BackupError(f"There is no backup {file}; name a file that `portrait backup` wrote.")
    whole = io.BytesIO(file.read_bytes())
    try:
        with zipfile.ZipFile(whole) as archive:
            manifest = Manifest.model_validate_json(archive.read(MANIFEST))
            _check_names(file, manifest, archive.namelist())
            contents = {name: archive.read(_entry(name)) for name in manifest.files}
    except ValidationError:
        raise BackupError(
            f"{file.name} has no manifest that version {__version__} can read; "
            "restore it with the version that wrote it."
        ) from None
    except _DAMAGE as error:
        raise BackupError(
            f"{file.name} is damaged or no backup ({error}); restore another one."
        ) from None
    for name, content in contents.items():
        if _digest(content) != manifest.files[name]:
            raise BackupError(
                f"{name} in {file.name} is not what was backed up; restore another backup."
            )
    return manifest, contents


def _check_names(file: Path, manifest: Manifest, entries: Sequence[str]) -> None:
    for name in manifest.files:
        if not _is_irreplaceable(name):
            raise BackupError(
                f"{file.name} holds {name!r}, which is no file that a backup of version "
                f"{__version__} may hold; restore it with the version that wrote "
                f"it, {manifest.package_version}."
            )
    if sorted(entries) != sorted([MANIFEST, *map(_entry, manifest.files)]):
        raise BackupError(f"{file.name} holds other files than its manifest says; use another one.")


def _has(there: Mapping[str, bytes], name: str, content: bytes) -> bool:
    """Whether the file is there with this content, or has grown since it was backed up."""
    grows = any(kept.grows and fnmatchcase(name, kept.pattern) for kept in IRREPLACEABLE)
    found = there.get(name)
    return found == content or (grows and found is not None and found.startswith(content))


def _is_irreplaceable(name: str) -> bool:
    """Whether a pattern covers the path; one that leads out of the folder is covered by none."""
    parts = name.split("/")
    if not name.isprintable() or PurePosixPath(name).as_posix() != name:
        return False
    return any(
        len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
        for patterns in (kept.pattern.split("/") for kept in IRREPLACEABLE)
    )


def _entry(name: str) -> str:
    return f"files/{name}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
