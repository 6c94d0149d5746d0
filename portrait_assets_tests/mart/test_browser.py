"""The page in a real browser: no error, no other host, every chart there, nothing cut off."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import write_report
from portrait_assets_tests.mart.conftest import TITLE

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]
DESKTOP, PHONE = 1440, 390
# Tells the page that holds the frame what is seen in it, in both languages.
PROBE = """
<script>
var errors = [];
window.addEventListener("error", function (event) { errors.push(String(event.message)); });
window.addEventListener("load", function () {
  function seen() {
    return [...document.querySelectorAll("figure[data-chart] svg")].filter(function (svg) {
      var box = svg.getBoundingClientRect();
      var marks = svg.querySelectorAll(
        ".mark-symbol, .mark-rect, .mark-line, .mark-area, .mark-rule");
      return box.width > 100 && box.height > 60 && marks.length > 0;
    }).length;
  }
  var told = {width: innerWidth, errors: errors, wanted: document.body.dataset.charts,
    overflow: document.documentElement.scrollWidth - innerWidth, languages: []};
  for (var i = 0; i < 2; i++) {
    told.languages.push({language: document.documentElement.lang, charts: seen(),
      title: document.querySelector("#overview h2").innerText});
    document.getElementById("language").click();
  }
  parent.postMessage(told, "*");
});
</script>
"""
FRAMES = """<!doctype html><body><pre id="told"></pre>
<script>
var told = [];
addEventListener("message", function (event) {
  told.push(event.data);
  document.getElementById("told").textContent = JSON.stringify(told);
});
</script>
%s</body>"""


def seen_in_browser(page: Path, folder: Path) -> tuple[list[dict[str, Any]], set[str], str]:
    """What each frame told, the addresses asked for, and what stood in the console."""
    probed = folder / "probed.html"
    text = page.read_text(encoding="utf-8")
    probed.write_text(text.replace("<head>", f"<head>{PROBE}", 1), encoding="utf-8")
    frames = "".join(
        f'<iframe src="probed.html" width="{width}" height="900"></iframe>'
        for width in (DESKTOP, PHONE)
    )
    outer = folder / "frames.html"
    outer.write_text(FRAMES % frames, encoding="utf-8")
    log = folder / "net.json"
    assert CHROMIUM is not None
    ran = subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--net-log-capture-mode=IncludeSensitive",
            "--virtual-time-budget=15000",
            "--dump-dom",
            outer.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found = re.search(r'<pre id="told">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert found is not None
    told = json.loads(html.unescape(found[1]))
    asked = set(re.findall(r'"url":"(https?://[^"]+)"', log.read_text(errors="replace")))
    return told, asked, ran.stderr


def test_it_opens_at_desk_and_phone_in_both_languages(made: Settings, tmp_path: Path):
    page = tmp_path / "index.html"
    write_report(made.portrait_file, TITLE, page, "CNY")
    told, asked, console = seen_in_browser(page, tmp_path)
    assert sorted(each["width"] for each in told) == [PHONE, DESKTOP]
    for each in told:
        assert each["errors"] == []
        assert each["overflow"] <= 0, "nothing is wider than the screen"
        assert {one["language"] for one in each["languages"]} == {"en", "zh"}
        assert len({one["title"] for one in each["languages"]}) == 2
        for one in each["languages"]:
            assert one["charts"] == int(each["wanted"]) > 8
    assert not [line for line in console.splitlines() if "CONSOLE" in line]
    assert not {url for url in asked if "google" not in url}, "the page asks no other host"
