"""Dagster's own records of a warehouse's runs: where they are kept, and how Dagster finds them."""

from __future__ import annotations

import json
import os
import sys

from portrait_assets.raw.source import load_source
from portrait_assets.settings import Settings

# Quiet and offline; runs wait their turn in the queue, as the warehouse takes one at a time.
DAGSTER_YAML = """\
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
event_log_storage:
  module: portrait_assets.event_log
  class: KeptSqliteEventLogStorage
  config:
    base_dir: {event_log}
"""


def prepare_home(settings: Settings) -> None:
    """Make the folder of Dagster's records and point Dagster at it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    event_log = json.dumps(str(settings.dagster_home / "history" / "runs"))
    configuration = DAGSTER_YAML.format(event_log=event_log)
    (settings.dagster_home / "dagster.yaml").write_text(configuration)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)


def serve_ui(settings: Settings, host: str, port: int) -> None:
    """Become `dagster dev` for this source; does not return.

    Raises:
        SourceError: when there is no such source.
    """
    load_source(settings.source_dir)
    prepare_home(settings)
    os.environ["PORTRAIT_SOURCE"] = settings.source
    os.environ["PORTRAIT_DATA_DIR"] = str(settings.data_dir.resolve())
    command = ["-m", "dagster", "dev", "-m", "portrait_assets.definitions"]
    os.execv(sys.executable, [sys.executable, *command, "-h", host, "-p", str(port)])
