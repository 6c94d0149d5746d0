"""Where the data lives, which source is meant, and what the engine may use."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.machine.bounds import Bounds


class Settings(BaseSettings):
    """Settings of one warehouse; each is also an environment variable, `PORTRAIT_DATA_DIR` etc.

    `data_dir` holds `sources/` and `warehouse/`. Relative paths start at the working folder.
    `notify_command` (run without a shell) and `notify_webhook` (http or https) get each failure;
    they may hold secrets and are never shown. `keys` has secret keys by name (privacy.keys) where
    they do not stand in files of `key_dir`, such as `PORTRAIT_KEYS__PSEUDONYMS`. `clearance` has
    the highest class of columns by outlet (privacy.egress), such as `PORTRAIT_CLEARANCE__CARD=C2`;
    `smallest_group` is the fewest customers that a count handed out or published may rest on; `who`
    stands in the register of what left in the place of the operating system's user.
    """

    model_config = SettingsConfigDict(
        env_prefix="PORTRAIT_", env_nested_delimiter="__", frozen=True
    )

    data_dir: Path = Path("data")
    source: str = "complete_journey"
    memory_limit_gib: float = 2.0
    threads: int | None = None
    lock_wait_seconds: float = 600.0
    bounds: Bounds = Bounds()
    notify_command: SecretStr | None = None
    notify_webhook: SecretStr | None = None
    keys: dict[str, SecretStr] = {}
    clearance: dict[str, str] = {}
    smallest_group: int = Field(default=SMALLEST_CELL, ge=1)
    who: str | None = None

    @property
    def has_notifier(self) -> bool:
        """Whether somebody asked for failures to be reported."""
        return bool(self.notify_command or self.notify_webhook)

    @property
    def source_dir(self) -> Path:
        """The source's own folder: what is decided about it, and its definition unless packaged.

        `source_folder` has where each file is read.
        """
        return self.data_dir.resolve() / "sources" / self.source

    @property
    def warehouse_dir(self) -> Path:
        """The folder in which the source's warehouse and what is published from it stand."""
        return self.data_dir.resolve() / "warehouse" / self.source

    @property
    def warehouse_file(self) -> Path:
        """The file that the pipeline works in."""
        return self.warehouse_dir / "warehouse.duckdb"

    @property
    def lock_file(self) -> Path:
        """The file that whoever works in the warehouse holds."""
        return self.warehouse_dir / "warehouse.lock"

    @property
    def portrait_file(self) -> Path:
        """The file that analysts open."""
        return self.warehouse_dir / "portrait.duckdb"

    @property
    def key_dir(self) -> Path:
        """The folder of the source's secret keys: apart from all that a backup or a copy takes."""
        return self.data_dir.resolve() / "keys" / self.source

    @property
    def register_file(self) -> Path:
        """The register of what left; in the source's folder, for nothing can compute it again."""
        return self.source_dir / "egress_register.jsonl"

    @property
    def register_head(self) -> Path:
        """Where the register's last entry is noted, apart from it, so that a cut is noticed."""
        return self.warehouse_dir / "register_head.json"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own records of this warehouse's runs."""
        return self.data_dir.resolve() / "dagster" / self.source
