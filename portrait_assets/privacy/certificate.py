"""The certificate of an erasure: what was removed from where, and what a scan found after it.

It names nobody: people stand in it as tombstones, which say nothing without their key.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from portrait_assets.core.files import replace_files
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import Rows

NOT_TOUCHED = "They are the operator's own and were not touched."
NOT_TOUCHED_ZH = "以上为运营方自有文件，未作改动。"


class Searched(BaseModel):
    """What a scan searched, and what it found by file."""

    model_config = ConfigDict(frozen=True)
    files: int
    size_bytes: int
    patterns: int
    found: dict[str, int]


class Certificate(BaseModel):
    """What became of an erasure."""

    model_config = ConfigDict(frozen=True)
    format: int = 1
    number: str
    kind: str = "erasure"
    source: str
    asked_by: str
    began_at: datetime
    ended_at: datetime
    persons: int
    ids: int
    tombstones: tuple[str, ...]
    key_fingerprint: str
    rows: tuple[Rows, ...]
    source_files: tuple[str, ...]
    source_files_note: str = NOT_TOUCHED
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scan_before: Searched | None = None
    scan_after: Searched | None = None


def certificates_folder(settings: Settings) -> Path:
    """The folder of the source's certificates, apart from the warehouse."""
    return settings.data_dir.resolve() / "registers" / settings.source / "erasures"


def write_certificate(settings: Settings, certificate: Certificate) -> Path:
    """Write the certificate as JSON and as a page; the path of the page.

    Raises:
        OSError: when it cannot be written.
    """
    folder = certificates_folder(settings)
    page = folder / f"{certificate.number}.html"
    replace_files(
        {
            folder / f"{certificate.number}.json": certificate.model_dump_json(indent=2).encode(),
            page: _page(certificate).encode(),
        }
    )
    return page


def _page(of: Certificate) -> str:
    facts = (
        ("Number", "编号", of.number),
        ("Source", "数据源", of.source),
        ("Asked for by", "依据", of.asked_by),
        ("Began", "开始时间", f"{of.began_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", "结束时间", f"{of.ended_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("People", "人数", f"{of.persons:,}"),
        ("Identifiers, aliases included", "标识数（含弃用编号）", f"{of.ids:,}"),
        ("Key of the tombstones", "墓碑密钥指纹", of.key_fingerprint or "–"),
    )
    rows = (
        (each.name, each.what, f"{each.before:,}", f"{each.after:,}")
        for each in of.rows
        if each.is_changed or each.what != "rows removed"
    )
    parts = [
        f"<h1>Certificate of erasure · 删除证明 {html.escape(of.number)}</h1>",
        _table((), ((f"{en} · {zh}", value) for en, zh, value in facts)),
        "<h2>What was removed · 删除内容</h2>",
        _table(("table or file · 表或文件", "what · 处理", "before · 之前", "after · 之后"), rows),
        "<h2>Scan · 检索</h2>",
        *(_scan(of.scan_before, "Before · 删除前"), _scan(of.scan_after, "After · 删除后")),
        "<h2>Files of the source · 数据源文件</h2>",
        _list(of.source_files),
        f"<p>{NOT_TOUCHED} · {NOT_TOUCHED_ZH}</p>",
        "<h2>What has left, by the register · 已对外提供的内容（按登记簿）</h2>",
        _list(of.left),
        "<h2>Notes · 说明</h2>",
        _list(of.notes),
        "<h2>Tombstones · 墓碑</h2>",
        _list(of.tombstones),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(of.number)}</title><style>body{{font:14px sans-serif;margin:2em}}"
        "td,th{padding:2px 12px;text-align:left}</style>" + "\n".join(parts) + "</html>\n"
    )


def _scan(of: Searched | None, when: str) -> str:
    if of is None:
        return ""
    found = sum(of.found.values())
    sentence = (
        f"{when}: {of.patterns:,} texts and ids looked for in {of.files:,} files "
        f"({of.size_bytes:,} bytes), decoded and as bytes: {found:,} found."
    )
    return f"<p>{html.escape(sentence)}</p>" + _list(
        f"{name}: {count:,}" for name, count in sorted(of.found.items())
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

    lines = [cells(header, "th")] if header else []
    lines += [cells(row, "td") for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _list(items: Iterable[str]) -> str:
    listed = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else "<p>–</p>"
