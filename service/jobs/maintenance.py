"""Maintenance of the data directory: checks of the warehouse file, checkpoints, and the deletion of what is past retention."""

from __future__ import annotations

import logging
from collections.abc import Callable

from service.access.access import Access
from service.errors import AccessUnavailable, WarehouseLost
from service.jobs.self_metrics import SelfMetrics
from service.rounds.outbox import Outbox
from service.settings import Settings
from service.system.disk import has_space
from service.warehouse.backups.retention import prune_backups
from service.warehouse.database import Warehouse

log = logging.getLogger(__name__)


class Maintenance:
    """Maintains the data directory of the warehouse that `get_warehouse` returns."""

    def __init__(
        self,
        settings: Settings,
        access: Access,
        outbox: Outbox,
        self_metrics: SelfMetrics,
        get_warehouse: Callable[[], Warehouse],
    ) -> None:
        self._settings = settings
        self._access = access
        self._outbox = outbox
        self._self_metrics = self_metrics
        self._get_warehouse = get_warehouse

    def check_warehouse(self) -> None:
        """Open the warehouse again after a fatal error, restore its deleted log, and record whether its file is present."""
        warehouse = self._get_warehouse()
        warehouse.recover()
        if warehouse.restore_log():
            log.warning("the write-ahead log of %s was deleted; its content was moved into the file", warehouse.file)
        try:
            warehouse.check_file()
            is_present = True
        except WarehouseLost as error:
            is_present = False
            log.error("%s", error)
        self._self_metrics.record_warehouse_file(is_present)

    def has_space_for_copy(self) -> bool:
        """Return whether the disk has space for another read copy."""
        read_copy = self._settings.read_copy_file
        return has_space(self._settings.data_dir, read_copy.stat().st_size if read_copy.exists() else 0)

    def checkpoint(self) -> None:
        """Move the content of the write-ahead log into the file of the warehouse."""
        self._get_warehouse().checkpoint()

    def prune(self) -> int:
        """Delete backups, entries of the audit, sessions and messages that are past retention. Return how many."""
        deleted = self.prune_backups()
        try:
            return deleted + self._access.prune() + self._outbox.prune()
        except AccessUnavailable as error:
            log.error("old entries of the audit and ended sessions were not deleted: %s", error)
            return deleted

    def prune_backups(self) -> int:
        """Delete backups that are past retention. Return how many."""
        return prune_backups(self._settings.backup_dir, self._settings.retention)
