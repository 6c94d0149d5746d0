"""What a person asks the pipeline to make, read and checked before anything heavy is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.months import parse_months
from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.source import Source, load_source


@dataclass(frozen=True)
class Request:
    """Months of a source to make, or None for whatever is not up to date.

    `available` are all months that the source covers.
    """

    settings: Settings
    source: Source
    months: list[str] | None
    available: list[str]
    fresh: bool


def read_request(settings: Settings, months: str | None, fresh: bool = False) -> Request:
    """The request that the words on the command line make.

    Raises:
        PortraitError: when the source cannot be used, or the months are not ones it covers.
    """
    source = load_source(settings.source_dir)
    source.check()
    available = source.months()
    asked = parse_months(months, available) if months else None
    return Request(settings, source, asked, available, fresh)
