"""What Dagster's records hold, as its UI shows it."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest


def stale_in_ui(
    defs: dg.Definitions, instance: dg.DagsterInstance
) -> Iterator[tuple[dg.AssetKey, str]]:
    """The assets and months that the UI marks as stale ("Unsynced")."""
    graph = defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    for key in graph.materializable_asset_keys:
        partitions = graph.get(key).partitions_def
        for month in partitions.get_partition_keys() if partitions else []:
            if resolver.get_status(key, month) == StaleStatus.STALE:
                yield key, month
