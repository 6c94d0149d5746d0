"""The module that Dagster loads; `workspace.yaml` names it."""

from portrait_assets.orchestration.definitions import defs

__all__ = ["defs"]
