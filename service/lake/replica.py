"""A replica of the service on a lake: follows the lake, and runs scheduled jobs while it holds the lock of the scheduler."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from service.errors import LakeUnavailable, ServiceError
from service.jobs.watch import Watch
from service.lake.locks import SchedulerLock
from service.lake.warehouse import LakeWarehouse
from service.warehouse.database import read_clock

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
# A replica that disappeared loses its lock after 11 seconds at most, one that hangs after 12, and one that ended at once.
LOCK_SECONDS = 3.0


class Service(Protocol):
    """What a replica uses of its application."""

    def find_served(self) -> int:
        """Return the number of the served snapshot, 0 if there is none."""

    def pause_jobs(self) -> AbstractContextManager[None]:
        """Hold back jobs."""

    def publish_recorded(self) -> None:
        """Serve the newest recorded snapshot."""

    def publish_history(self) -> None:
        """Answer PromQL up to the newest recorded snapshot."""

    def take_over(self) -> None:
        """Continue the scheduled jobs of another replica."""


class Replica:
    """Publishes the snapshots that other replicas make, and takes over scheduled jobs."""

    def __init__(self, warehouse: LakeWarehouse, service: Service, record_pull: Callable[[datetime], None]) -> None:
        self._warehouse = warehouse
        self._service = service
        self._record_pull = record_pull
        self._lock = SchedulerLock(warehouse.address)
        # Two threads: publishing may take longer than a lock may be lost.
        self._watches = (Watch([self._follow], FOLLOW_SECONDS), Watch([self._renew], LOCK_SECONDS))
        self._taking_over: threading.Thread | None = None
        self._failure = ""

    @property
    def runs_jobs(self) -> bool:
        """Whether this replica holds the lock of the scheduler."""
        return self._lock.is_held

    def try_lock(self) -> bool:
        """Take the lock of the scheduler if it is free. Return whether this replica holds it. Raises LakeUnavailable."""
        had_lock = self._lock.is_held
        if self._lock.renew() and not had_lock:
            log.warning("this replica runs scheduled jobs now")
        return self._lock.is_held

    def start(self) -> None:
        """Start to follow the lake and to wait for the lock."""
        for watch in self._watches:
            watch.start()

    def stop(self) -> None:
        """Stop both and release the lock."""
        for watch in self._watches:
            watch.stop()
        if self._taking_over is not None:
            self._taking_over.join()
        self._lock.release()

    def follow(self) -> bool:
        """Pull what other replicas wrote, and publish their newest snapshot. Return whether there was one.

        A snapshot is not published with later rows: the same number means the same content on every replica. The snapshot that
        follows a load comes soon.
        """
        warehouse, service = self._warehouse, self._service
        warehouse.pull()
        self._record_pull(read_clock())
        if warehouse.find_newest_snapshot() == service.find_served():
            return False
        with service.pause_jobs(), warehouse.freeze() as is_exact:
            if not is_exact or warehouse.find_newest_snapshot() == service.find_served():
                return False
            service.publish_recorded()
        service.publish_history()
        return True

    def _follow(self) -> None:
        try:
            self.follow()
        except ServiceError as error:
            # A repeated failure is logged once.
            if str(error) != self._failure:
                log.error("the lake cannot be followed: %s", error)
            self._failure = str(error)
            return
        self._failure = ""

    def _renew(self) -> None:
        had_lock = self._lock.is_held
        try:
            has_lock = self.try_lock()
        except LakeUnavailable:
            # Logged by the thread that follows.
            return
        if has_lock and not had_lock:
            self._taking_over = threading.Thread(target=self._service.take_over, name="take-over")
            self._taking_over.start()
