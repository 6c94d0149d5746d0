"""Keep the corner shop's warehouse as the code at hand makes it, for tests of later versions.

Run it before the format changes, from the root of the repository:

    python -W ignore -m portrait_assets_tests.old_warehouses.make

It writes `format-<number>.zip` beside itself: the two-month shop's source, its warehouse and what
is published from it. `format-2.zip` is what commit e6c0288 made, `format-3.zip` what 1756542
did, `format-4.zip` what 3196095 did, `format-5.zip` what f1cf936 did, `format-6.zip` what ccc5f5a
did.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import duckdb

from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, short_shop

HERE = Path(__file__).parent


def make() -> Path:
    """Run the shop and write the archive; gives its path."""
    with tempfile.TemporaryDirectory() as folder:
        settings = short_shop(Path(folder))
        if not run(settings, SHOP_MONTHS[:2]).success:
            raise SystemExit("The run failed; nothing was written.")
        with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
            number = con.execute("SELECT format FROM meta.source").fetchall()[0][0]
        kept = [
            *sorted(path for path in settings.source_dir.rglob("*") if path.is_file()),
            settings.warehouse_file,
            settings.portrait_file,
        ]
        archive = HERE / f"format-{number}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as files:
            for path in kept:
                files.write(path, path.relative_to(settings.data_dir))
    return archive


if __name__ == "__main__":
    print(make())
