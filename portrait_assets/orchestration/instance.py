"""Dagster's own records of a warehouse's runs: where they are kept, and how Dagster finds them."""

from __future__ import annotations

import fcntl
import json
import os
import sys

import dagster as dg

from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.assets import SOURCE_FILES
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.dagster.versions import observe

# Quiet and offline; runs wait their turn in the queue, as the warehouse takes one at a time.
DAGSTER_YAML = """\
telemetry:
  enabled: false
freshness:
  enabled: true
concurrency:
  runs:
    max_concurrent_runs: 1
event_log_storage:
  module: portrait_assets.orchestration.event_log
  class: KeptSqliteEventLogStorage
  config:
    base_dir: {event_log}
"""


def open_records(settings: Settings) -> dg.DagsterInstance:
    """Dagster's records of the source's runs, made where they are not there; close them after use.

    Dagster fails where two processes make them at the same moment, so one waits for the other.
    """
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    event_log = json.dumps(str(settings.dagster_home / "history" / "runs"))
    configuration = DAGSTER_YAML.format(event_log=event_log)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    with open(settings.dagster_home / "records.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config_file = settings.dagster_home / "dagster.yaml"
        if not config_file.exists() or config_file.read_text() != configuration:
            config_file.write_text(configuration)
        return dg.DagsterInstance.get()


def serve_ui(settings: Settings, host: str, port: int) -> None:
    """Become `dagster dev` for this source; does not return.

    Raises:
        SourceError: when there is no such source.
    """
    source = load_source(settings.source_dir)
    with open_records(settings) as instance:
        observe(instance, SOURCE_FILES, inputs_of(source).version)
    os.environ["PORTRAIT_SOURCE"] = settings.source
    os.environ["PORTRAIT_DATA_DIR"] = str(settings.data_dir.resolve())
    command = ["-m", "dagster", "dev", "-m", "portrait_assets.definitions"]
    os.execv(sys.executable, [sys.executable, *command, "-h", host, "-p", str(port)])
