"""The page in a real browser: no errors, no other hosts, all charts drawn, nothing cut off."""

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
# Posts what is visible in the frame, in both languages, to the page that embeds it.
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
  var report = {width: innerWidth, errors: errors, expected: document.body.dataset.charts,
    overflow: document.documentElement.scrollWidth - innerWidth, languages: []};
  for (var i = 0; i < 2; i++) {
    report.languages.push({language: document.documentElement.lang, charts: seen(),
      title: document.querySelector("#overview h2").innerText});
    document.getElementById("language").click();
  }
  parent.postMessage(report, "*");
});
</script>
"""
FRAMES = """<!doctype html><body><pre id="reports"></pre>
<script>
var reports = [];
addEventListener("message", function (event) {
  reports.push(event.data);
  document.getElementById("reports").textContent = JSON.stringify(reports);
});
</script>
%s</body>"""


def open_in_browser(page: Path, folder: Path) -> tuple[list[dict[str, Any]], set[str], str]:
    """The report of each frame, the URLs requested, and the console output."""
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
    shown = re.search(r'<pre id="reports">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert shown is not None
    reports = json.loads(html.unescape(shown[1]))
    requested = set(re.findall(r'"url":"(https?://[^"]+)"', log.read_text(errors="replace")))
    return reports, requested, ran.stderr


def test_the_page_fits_desktop_and_phone_in_both_languages(all_months: Settings, tmp_path: Path):
    page = tmp_path / "index.html"
    write_report(all_months.portrait_file, TITLE, page, "CNY", smallest=1)
    reports, requested, console = open_in_browser(page, tmp_path)
    assert sorted(report["width"] for report in reports) == [PHONE, DESKTOP]
    for report in reports:
        assert report["errors"] == []
        assert report["overflow"] <= 0, "nothing is wider than the screen"
        assert {view["language"] for view in report["languages"]} == {"en", "zh"}
        assert len({view["title"] for view in report["languages"]}) == 2
        for view in report["languages"]:
            assert view["charts"] == int(report["expected"]) > 8
    assert not [line for line in console.splitlines() if "CONSOLE" in line]
    assert not {url for url in requested if "google" not in url}, "no other host"
