"""Maintenance of the lake: small files are merged, and old lake snapshots expire with the files that only they have."""

from __future__ import annotations

from service.errors import LakeError
from service.lake.warehouse import LakeWarehouse
from service.warehouse.database import Warehouse

# A replica that was away for longer reads whole tables instead of the files that were added.
RETAINED_DAYS = 7.0


def maintain_lake(warehouse: Warehouse) -> int:
    """Merge small files of the lake of an open warehouse, and delete what is past retention. Return how many files less."""
    if not isinstance(warehouse, LakeWarehouse):
        raise LakeError("the warehouse is embedded, so there is no lake to maintain")
    with warehouse.hold_lock():
        merged = warehouse.store.compact()
        _, deleted = warehouse.store.expire(RETAINED_DAYS)
    return merged + deleted
