"""Which tags something is decided by about a customer, and what that is.

Automated decisions have to be explained and must not treat people unreasonably differently:
Personal Information Protection Law, articles 24 and 73; provisions on algorithmic recommendation,
article 21; GDPR, article 22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portrait_assets.stages.tags.catalogue.tag import Catalogue, Kind, Tag

PROGRAMME = "programme"
"""The first category of tags that place customers in a programme."""


def deciding(
    catalogue: Catalogue, month: str, read_by: Mapping[str, Iterable[str]] | None = None
) -> dict[str, tuple[str, ...]]:
    """The tags active in a month that something is decided by, each with what it is read by.

    These are the tags that `decides`, that stand for a target, predict or place in a programme,
    those that an audience reads, and all that such tags read, but for recorded facts.

    Args:
        catalogue: the tags.
        month: the month (YYYY-MM).
        read_by: by the code of a saved audience the tags that it reads.
    """
    active = {tag.code: tag for tag in catalogue.active(month)}
    audiences = {code: set(names) & active.keys() for code, names in (read_by or {}).items()}
    of_audiences = set().union(*audiences.values()) if audiences else set()
    found: dict[str, None] = {}
    waiting = [code for code, tag in active.items() if _is_root(tag) or code in of_audiences]
    while waiting:
        code = waiting.pop()
        if code not in found and active[code].kind is not Kind.FACT:
            found[code] = None
            waiting += [name for name in active[code].reads if name in active]
    return {
        code: (
            *(other for other in sorted(found) if code in active[other].reads),
            *(f"audience {name}" for name, codes in sorted(audiences.items()) if code in codes),
        )
        for code in sorted(found)
    }


def _is_root(tag: Tag) -> bool:
    is_programme = tag.category[0] == PROGRAMME
    return tag.decides or is_programme or tag.target is not None or tag.kind is Kind.PREDICTIVE
