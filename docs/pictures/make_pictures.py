"""Make the pictures of README.md and README.zh-CN.md.

    portrait run --source complete_journey
    portrait ui --source complete_journey &          # for the picture of the Dagster UI
    python docs/pictures/make_pictures.py data/warehouse/complete_journey/report/index.html \
        [http://localhost:3000/asset-groups]

Needs Chromium. Each picture is what a reader sees: nothing is drawn for the README alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
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


def one_section(page: str, language: str, section: str) -> str:
    """The page in one language with the section at its top, as nobody can click on a picture."""
    page = page.replace(
        "</head>",
        "<style>html{scroll-behavior:auto}main>section:not(#"
        + section
        + "){display:none}main>section{padding-top:1.4rem}header>div{padding-top:0}</style></head>",
    )
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
        shoot(sys.argv[2], HERE / "dagster.png", 20_000)
    size = sum(picture.stat().st_size for picture in HERE.glob("*.png"))
    print(f"{size:,} bytes in {len(list(HERE.glob('*.png')))} pictures")
    if size > MOST_BYTES:
        raise SystemExit(f"The pictures take more than {MOST_BYTES:,} bytes; make them smaller.")


if __name__ == "__main__":
    main()
