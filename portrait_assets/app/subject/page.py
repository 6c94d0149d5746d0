"""The account of a person as files that only their owner can read: JSON, and a page by itself."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from portrait_assets.app.subject.account import Account
from portrait_assets.core.files import replace_files
from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import NO_VALUE, page_environment


def accounts_folder(settings: Settings) -> Path:
    """Where accounts of the source's customers go unless another folder is named."""
    return settings.data_dir / "subjects" / settings.source


def document(account: Account) -> dict[str, Any]:
    """The account as one JSON value."""
    return {
        "source": account.source,
        "title": {"en": account.title.en, "zh": account.title.zh},
        "written_at": account.written_at.isoformat(timespec="seconds"),
        "customer_id": account.person.customer_id,
        "identifiers": list(account.person.ids),
        "held_back": list(account.held_back),
        **account.parts,
    }


def as_json(account: Account) -> str:
    """The account as JSON text."""
    return json.dumps(document(account), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def as_page(account: Account) -> str:
    """The account as a page of HTML that needs no network, in English and Chinese."""
    template = _environment().get_template("subject.html")
    return template.render(account=account, months=_by_month(account), **account.parts)


def _by_month(account: Account) -> Mapping[str, list[dict[str, Any]]]:
    """The tags by month, the newest first."""
    months: dict[str, list[dict[str, Any]]] = {}
    for tag in account.parts.get("tags", ()):
        months.setdefault(tag["as_of"], []).append(tag)
    return dict(sorted(months.items(), reverse=True))


def write_account(account: Account, folder: Path) -> tuple[Path, Path]:
    """Write the account to the folder, as JSON and as a page; their names say nothing of whom.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = f"subject_{account.written_at:%Y%m%dT%H%M%SZ}_{secrets.token_hex(4)}"
    paths = folder / f"{stem}.json", folder / f"{stem}.html"
    texts = (text(account).encode() for text in (as_json, as_page))
    replace_files(dict(zip(paths, texts, strict=True)), private=paths)
    return paths


@cache
def _environment() -> Environment:
    environment = page_environment("portrait_assets.app.subject")
    environment.filters["value"] = _shown
    return environment


def _shown(value: object) -> str:
    """A value as the page shows it; a dash where there is none."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
