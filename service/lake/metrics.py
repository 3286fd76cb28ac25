"""The metrics of a replica of a lake: whether it follows the others, and whether it runs scheduled jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge


class ReplicaMetrics:
    """Gauges in the registry of a service, which an embedded warehouse does not have."""

    def __init__(self, registry: CollectorRegistry, runs_jobs: Callable[[], bool]) -> None:
        self._pulled = Gauge(
            "a4p_lake_last_pull_timestamp_seconds",
            "When the replica last received what others wrote to the lake, or found nothing new.",
            registry=registry,
        )
        jobs = Gauge(
            "a4p_replica_runs_jobs", "Whether the replica runs the scheduled jobs of the lake: 1 or 0.", registry=registry
        )
        jobs.set_function(lambda: float(runs_jobs()))

    def record_pull(self, at: datetime) -> None:
        """Record that the replica has what others wrote until then."""
        self._pulled.set(at.timestamp())
