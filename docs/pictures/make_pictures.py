"""Make the pictures of README.md and README.zh-CN.md.

    portrait run --source complete_journey
    portrait ui --source complete_journey &          # for the picture of the Dagster UI
    python docs/pictures/make_pictures.py data/warehouse/complete_journey/report/index.html \
        [http://localhost:3000]

Needs Chromium. Each picture is what a reader sees: nothing is drawn for the README alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, SCALE = 1200, 760, 0.7
SHOTS = (
    ("report-en.png", "en", "overview"),
    ("matrix-en.png", "en", "matrix"),
    ("report-zh.png", "zh", "overview"),
)
MOST_BYTES = 300_000


def chromium() -> str:
    """The browser's path.

    Raises:
        SystemExit: when there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise SystemExit("There is no Chromium on this machine; install it first.")


def shoot(address: str, picture: Path, milliseconds: int = 4_000) -> None:
    """A picture of what stands at the address."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
                f"--user-data-dir={profile}",
                f"--window-size={WIDTH},{HEIGHT}",
                f"--force-device-scale-factor={SCALE}",
                f"--virtual-time-budget={milliseconds}",
                f"--screenshot={picture}",
                address,
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )


def shoot_dagster(address: str, month: str) -> None:
    """A picture of a month of the validation report in a Dagster UI that is running."""
    # The UI greets whoever comes first, which is not what the picture is about.
    seen = urllib.request.Request(
        f"{address}/graphql",
        data=b'{"query": "mutation { setNuxSeen }"}',
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(seen, timeout=30).close()
    page = f"{address}/assets/validation/validation_report?view=partitions&partition={month}"
    shoot(page, HERE / "dagster.png", 30_000)


def one_section(page: str, language: str, section: str) -> str:
    """The page in one language with the section at its top, as nobody can click on a picture."""
    head = "" if section == "overview" else "body>header,nav{display:none}"
    style = f"{head}main>section:not(#{section}){{display:none}}main>section{{padding-top:1.4rem}}"
    page = page.replace("</head>", f"<style>{style}</style></head>")
    return page.replace('location.hash === "#zh"', "true" if language == "zh" else "false")


def main() -> None:
    """Make all pictures, and fail where they are too large for a README."""
    page = Path(sys.argv[1]).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for name, language, section in SHOTS:
            shown = Path(folder) / "index.html"
            shown.write_text(one_section(page, language, section), encoding="utf-8")
            shoot(shown.as_uri(), HERE / name)
    if len(sys.argv) > 2:
        newest = re.search(r"as of (\d{4}-\d{2})", page)
        assert newest is not None
        shoot_dagster(sys.argv[2], newest[1])
    size = sum(picture.stat().st_size for picture in HERE.glob("*.png"))
    print(f"{size:,} bytes in {len(list(HERE.glob('*.png')))} pictures")
    if size > MOST_BYTES:
        raise SystemExit(f"The pictures take more than {MOST_BYTES:,} bytes; make them smaller.")


if __name__ == "__main__":
    main()
