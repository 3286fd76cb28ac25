"""Opening the warehouse for writing: its directory, losses since the last run, and migrations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from service.errors import WarehouseError
from service.settings import MAX_TEMP_BYTES
from service.system.disk import translate_write_error
from service.warehouse.connection import Resources, connect_for_writing
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.manifest import check_nothing_lost, find_manifest, read_manifest
from service.warehouse.migrations import migrate


def prepare_directory(directory: Path) -> None:
    """Create the data directory if it does not exist. Raises WarehouseError when it is not writable."""
    try:
        if not directory.is_dir():
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o750)
        probe = directory / ".write-probe"
        probe.touch()
        probe.unlink(missing_ok=True)  # another command may probe at the same time
    except OSError as error:
        if unwritable := translate_write_error(error, directory):
            raise unwritable from None
        raise WarehouseError(
            f"the data directory {directory} cannot be written ({error.strerror}); "
            "correct its permissions, or set A4P_DATA_DIR to another directory"
        ) from None


def open_warehouse(
    file: Path,
    threads: int,
    memory_limit: str,
    accept_loss: bool = False,
    clock: Callable[[], datetime] | None = None,
    max_temp_bytes: int = MAX_TEMP_BYTES,
) -> Warehouse:
    """Open the warehouse for writing. Create it if it does not exist, and update its tables and views.

    Raises WarehouseLocked when another process has it open, WarehouseLost when it is missing where one existed or has fewer
    rows than were recorded (not with `accept_loss`), WarehouseError when it is not a warehouse, is damaged, or was created
    by a newer version.
    """
    prepare_directory(file.parent)
    manifest = read_manifest(find_manifest(file))
    accepted_at = manifest.accepted_at if manifest else None
    if accept_loss:
        accepted_at = (clock or read_clock)()
    else:
        check_nothing_lost(file)
    is_new = not file.exists()
    if is_new:
        set_log_aside(file)
    resources = Resources(threads, memory_limit, file.parent / "tmp", max_temp_bytes)
    connect = partial(connect_for_writing, file, resources)
    warehouse = Warehouse(connect, file, is_new, accepted_at, max_temp_bytes)
    try:
        migrate(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def set_log_aside(file: Path) -> None:
    """Rename the log of a warehouse that does not exist."""
    # The log of a deleted warehouse does not belong to the new one.
    log_file = file.with_name(file.name + ".wal")
    if log_file.exists():
        log_file.rename(log_file.with_name(f"{log_file.name}.without-warehouse"))
