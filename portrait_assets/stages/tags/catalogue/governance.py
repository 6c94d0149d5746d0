"""Approvals: who activated or retired which version of a tag, from which month, and why.

Approvals are appended to a file in the source's folder. A month always uses the version that was
active in it, however often it is materialized.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import polars as pl
from pydantic import ConfigDict, Field

from portrait_assets.core.approvals import append_approval
from portrait_assets.core.approvals import read_approvals as read_lines
from portrait_assets.core.months import next_month, parse_month
from portrait_assets.core.yaml.file import AsWritten, Entry, Line, Month
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Status, Tag, TagError

_KEY = "target"
"""The key of lines that are on predictions, and not on tags."""


class Action(StrEnum):
    """What an approval does with a version of a tag."""

    ACTIVATE = "activate"
    RETIRE = "retire"


class Approval(Entry):
    """One decision: from `effective_from` (YYYY-MM) on the version is active, or retired.

    `definition_hash` is that of the version as it was approved.
    """

    model_config = ConfigDict(title="the approval of")
    code: Line
    version: int = Field(ge=1)
    action: Action
    effective_from: Month
    by: Line
    reason: Line
    on: date
    definition_hash: AsWritten


def read_approvals(path: Path) -> tuple[Approval, ...]:
    """The approvals of tags in the file, in order; none where there is no file.

    Raises:
        TagError: when an approval is incomplete or cannot be read; it names the line.
    """
    return read_lines(path, _KEY, Approval, TagError, otherwise=True)


def with_approvals(catalogue: Catalogue, approvals: Sequence[Approval]) -> Catalogue:
    """The catalogue with every approval applied.

    Raises:
        TagError: when an approved version is missing, or was changed after its approval.
    """
    tags = {(tag.code, tag.version): tag for tag in catalogue.tags}
    for approval in approvals:
        key = (approval.code, approval.version)
        if key not in tags:
            if approval.code in catalogue.elsewhere:
                raise TagError(f"{approval.place}: {catalogue.pack_of(approval.code)}.")
            raise TagError(
                f"{approval.place}: tag {approval.code} version {approval.version} is approved but "
                "not in the catalogue; restore the version, and retire it if it is not wanted."
            )
        tag = tags[key]
        if tag.definition_hash != approval.definition_hash:
            raise TagError(
                f"{tag.place}: tag {tag.code} version {tag.version} was changed after its approval "
                f"({approval.place}); undo the change and write it as a new version."
            )
        if approval.action is Action.RETIRE:
            tag = replace(tag, status=Status.RETIRED, retired_from=approval.effective_from)
        else:
            tag = replace(
                tag,
                status=Status.ACTIVE,
                effective_from=approval.effective_from,
                approved_by=approval.by,
                approval_reason=approval.reason,
            )
        tags[key] = tag
    return replace(catalogue, tags=tuple(tags.values()))


def approve(
    catalogue: Catalogue,
    path: Path,
    code: str,
    by: str,
    reason: str,
    effective_from: str,
    on: date,
    latest_materialized: str | None = None,
    action: Action = Action.ACTIVATE,
) -> Approval:
    """Activate the highest draft of a tag, or retire the tag, from a month on.

    The approval is appended to the file at `path`, which is replaced whole, so that it is never
    half-written.

    Args:
        catalogue: the catalogue with the approvals so far.
        path: the approvals file; created when it does not exist.
        code: the tag.
        by: the name of the approver.
        reason: why.
        effective_from: the first month (YYYY-MM) of the new state.
        on: the day of the approval.
        latest_materialized: the last month with tags (YYYY-MM); None for none.
        action: activate or retire.

    Raises:
        TagError: when the tag has no draft, a name or reason is missing, or the month is
            materialized already.
    """
    if not by.strip() or not reason.strip():
        raise TagError(f"An approval of {code} needs a name and a reason; give --by and --reason.")
    month = parse_month(effective_from)
    if latest_materialized is not None and month <= latest_materialized:
        raise TagError(
            f"{latest_materialized} is materialized with the version active so far, so {code} can "
            f"change from {next_month(latest_materialized)} on; choose that month or a later one."
        )
    tag = _to_approve(catalogue, code, action)
    approval = Approval(
        code=code,
        version=tag.version,
        action=action,
        effective_from=month,
        by=by,
        reason=reason,
        on=on,
        definition_hash=tag.definition_hash,
    )
    # Applied first, so that an approval that breaks the catalogue is not written.
    with_approvals(catalogue, [approval]).active(month)
    append_approval(path, approval)
    return approval


def _to_approve(catalogue: Catalogue, code: str, action: Action) -> Tag:
    versions = [tag for tag in catalogue.tags if tag.code == code]
    wanted = Status.DRAFT if action is Action.ACTIVATE else Status.ACTIVE
    candidates = [tag for tag in versions if tag.status is wanted]
    if candidates:
        return max(candidates, key=lambda tag: tag.version)
    highest = catalogue.tag(code)
    if action is Action.RETIRE:
        raise TagError(f"Tag {code} has no active version; there is nothing to retire.")
    raise TagError(
        f"Tag {code} has no draft to approve: version {highest.version} is {highest.status}; write "
        f"version {highest.version + 1} with status draft into the source's tags.yaml."
    )


def version_change(before: Tag | None, after: Tag) -> str:
    """What differs between two versions of a tag, one line each; 'first version' for the first."""
    if before is None:
        return "first version"
    lines = []
    old = {value.value: value.when.text for value in before.values}
    new = {value.value: value.when.text for value in after.values}
    lines += [f"- {value}: {when}" for value, when in old.items() if value not in new]
    lines += [f"+ {value}: {when}" for value, when in new.items() if value not in old]
    lines += [
        f"~ {value}: {old[value]} -> {when}"
        for value, when in new.items()
        if value in old and old[value] != when
    ]
    if list(old) != list(new) and sorted(old) == sorted(new):
        lines.append(f"~ order: {', '.join(old)} -> {', '.join(new)}")
    for name, was, now in (
        ("expression", _text(before.expression), _text(after.expression)),
        ("confidence", _text(before.confidence), _text(after.confidence)),
        ("valid_months", before.valid_months, after.valid_months),
        ("on_missing", before.on_missing, after.on_missing),
        ("owner", before.owner, after.owner),
        ("sensitivity", before.sensitivity, after.sensitivity),
        ("name_en", before.name_en, after.name_en),
        ("description_en", before.description_en, after.description_en),
    ):
        if was != now:
            lines.append(f"~ {name}: {was} -> {now}")
    return "\n".join(lines) or "no difference"


def _text(expression: object) -> str:
    return getattr(expression, "text", "none")


def check_unaltered(stored: pl.DataFrame, catalogue: Catalogue) -> None:
    """Check that no version that materialized months use has since been redefined.

    Args:
        stored: the tag catalogue of earlier months, with the columns of TAG_CATALOGUE.
        catalogue: the current catalogue.

    Raises:
        TagError: naming the first version that was redefined.
    """
    now = {(tag.code, tag.version): tag for tag in catalogue.tags}
    used = stored.filter("in_force").select("tag_code", "tag_version", "definition_hash", "as_of")
    for code, version, definition, as_of in used.unique().sort("as_of").iter_rows():
        tag = now.get((code, version))
        if tag is not None and tag.definition_hash != definition:
            raise TagError(
                f"{tag.place}: tag {code} version {version} differs from the definition that "
                f"{as_of:%Y-%m} uses; undo the change and write it as version "
                f"{catalogue.tag(code).version + 1}."
            )
