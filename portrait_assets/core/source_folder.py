"""Where the files of a source stand: in its folder of the data folder, or in this package."""

from __future__ import annotations

from pathlib import Path

PACKAGED_SOURCES = Path(__file__).parents[1] / "sources"
DEFINITION_FILE = "source.yaml"


def definition_folder(own: Path) -> Path:
    """The folder that defines the source whose folder in the data folder is `own`.

    It is `own` where source.yaml is in it; otherwise the packaged source of that name, if any.
    """
    packaged = PACKAGED_SOURCES / own.name
    is_packaged = _defines(packaged) and not _defines(own)
    return packaged if is_packaged else own


def source_file(own: Path, name: str) -> Path:
    """The file of this name in `own`, or, where it is not there, beside the definition.

    Files are only ever written to `own`, so that they outlive an update of the package.
    """
    path = own / name
    return path if path.is_file() else definition_folder(own) / name


def source_names(sources: Path) -> list[str]:
    """The names of the sources in a folder of sources and of the packaged ones, in order."""
    roots = (PACKAGED_SOURCES, sources)
    return sorted({p.parent.name for root in roots for p in root.glob(f"*/{DEFINITION_FILE}")})


def _defines(folder: Path) -> bool:
    return (folder / DEFINITION_FILE).is_file()
