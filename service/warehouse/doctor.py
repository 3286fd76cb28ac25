"""Checks of a data directory: its clock, files, disk space and copies, each with a fix."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from service.access.backup import verify_access, verify_shared
from service.errors import ServiceError, WarehouseError, WarehouseLost
from service.settings import Settings
from service.system.disk import has_space
from service.warehouse.backups.names import list_backups
from service.warehouse.connection import open_copy
from service.warehouse.database import run_sql
from service.warehouse.manifest import check_nothing_lost

OLD_BACKUP = timedelta(days=2)


@dataclass(frozen=True)
class Finding:
    """The result of one check. `fix` is empty if nothing has to be done."""

    subject: str
    text: str
    fix: str = ""


def examine(settings: Settings, now: datetime, is_running: bool) -> Iterator[Finding]:
    """Yield the findings about the data directory, from the read copy and the file system alone. Nothing is changed."""
    yield from examine_warehouse(settings, is_running)
    yield from examine_clock(settings, now)
    yield from examine_disk(settings)
    yield from examine_backups(settings, now)
    yield from examine_access(settings)
    yield from examine_permissions(settings)


def examine_warehouse(settings: Settings, is_running: bool) -> Iterator[Finding]:
    """Yield whether the warehouse is complete."""
    if is_running:
        yield Finding("warehouse", "the service has it open")
        return
    try:
        check_nothing_lost(settings.warehouse_file)
    except WarehouseLost as error:
        yield Finding("warehouse", str(error), "restore a copy, or accept the loss")
        return
    if settings.warehouse_file.exists():
        yield Finding("warehouse", f"{settings.warehouse_file} is complete; the service does not run")
    else:
        yield Finding("warehouse", f"no warehouse in {settings.data_dir} yet", "start the service once: a4p serve")


def examine_clock(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Yield each table with rows that were recorded in the future because the clock was wrong."""
    try:
        with open_copy(settings.read_copy_file) as copy:
            rows = run_sql(copy, "doctor/future_rows", now=now).fetchall()
    except (WarehouseError, duckdb.Error) as error:
        yield Finding("read copy", str(error).splitlines()[0], "start the service, which writes a new one")
        return
    for name, count, first_at, last_at in rows:
        yield Finding(
            "clock",
            f"{count:,} rows of {name} were recorded in the future ({first_at:%Y-%m-%d %H:%M} to {last_at:%Y-%m-%d %H:%M} UTC)",
            "correct the clock; until then, queries with an earlier known_at do not include them (docs/operations.md, Clock)",
        )
    if not rows:
        yield Finding("clock", "no rows were recorded in the future")


def examine_disk(settings: Settings) -> Iterator[Finding]:
    """Yield whether the next copies fit on the disk."""
    read_copy = settings.read_copy_file
    needed = 3 * read_copy.stat().st_size if read_copy.exists() else 0
    if not settings.data_dir.is_dir() or has_space(settings.data_dir, needed):
        yield Finding("disk", "enough space for the next copies")
    else:
        yield Finding(
            "disk",
            f"less than {needed / 1e6:,.0f} MB free, which is 3 times the size of the read copy",
            "free some space or retain fewer backups",
        )


def examine_backups(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Yield the age of the newest backup."""
    dated = list_backups(settings.backup_dir)
    if not dated:
        yield Finding("backups", "no backups", "start the service, or write one with 'a4p backup FILE'")
        return
    newest, file = dated[0]
    if now - newest > OLD_BACKUP:
        yield Finding("backups", f"the newest, {file}, is {(now - newest).days} days old", "check 'a4p jobs --failed'")
    else:
        yield Finding("backups", f"{len(dated)} backups, the newest of {newest:%Y-%m-%d %H:%M} UTC")


def examine_access(settings: Settings) -> Iterator[Finding]:
    """Yield whether the users can be read and the audit was not changed."""
    if settings.has_lake:
        try:
            entries, _ = verify_shared(settings)
        except ServiceError as error:
            yield Finding(
                "access", str(error), "start PostgreSQL or correct A4P_WAREHOUSE; else restore a dump (docs/scale.md)"
            )
        else:
            yield Finding("access", f"{entries:,} entries in the audit of the lake, none changed")
        return
    if not settings.access_file.exists():
        yield Finding("access", "no users yet")
        return
    try:
        entries, _ = verify_access(settings.access_file)
    except ServiceError as error:
        yield Finding("access", str(error), "stop the service and restore a copy: a4p restore --access FILE")
    else:
        yield Finding("access", f"{entries:,} entries in the audit, none changed")


def examine_permissions(settings: Settings) -> Iterator[Finding]:
    """Yield each file that more users than intended can read or write."""
    for file in (settings.warehouse_file, settings.token_file, settings.socket_file):
        if file.exists() and file.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield Finding("permissions", f"{file} is open to other users", f"chmod o-rwx,g-w {file}")
    access_file = settings.access_file
    if access_file.exists() and access_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("permissions", f"{access_file} is open to other users", f"chmod 600 {access_file}")
    if settings.data_dir.is_dir() and settings.data_dir.stat().st_mode & stat.S_IWOTH:
        yield Finding("permissions", f"{settings.data_dir} can be written by every user", f"chmod o-w {settings.data_dir}")
