"""`a4p verify`: read a warehouse whole and compare its counts, digests and revisions; verify access.sqlite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from service.access.backup import is_access_file, verify_access, verify_shared
from service.client.choose import use_client
from service.commands.options import data_dir_option
from service.commands.progress import show_progress
from service.errors import ServiceError, WarehouseError
from service.settings import Settings, read_settings
from service.system.progress import Progress
from service.warehouse.backups.verify import Verification, verify_file


@click.command(
    epilog="""\b
Examples:
  a4p verify
  a4p verify data/backups/*.duckdb
  a4p verify access.sqlite
"""
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@data_dir_option
def verify(files: tuple[Path, ...], data_dir: Path | None) -> None:
    """Verify the warehouse, its read copy and access.sqlite, or FILES (backups, read copies, copies of access.sqlite).

    Reads every block, and compares the observations of each batch with the count and the digest recorded when it was loaded,
    and the entries of the audit with their hashes. In a lake, the audit is that in PostgreSQL.
    Works while the service runs. Exit code 1 if a fault is found; each is listed.
    """
    settings = read_settings(data_dir=data_dir)
    has_faults = False
    if settings.has_lake and not files:
        has_faults |= _has_audit_faults("users and the audit of the lake", partial(verify_shared, settings))
    for file in files or _list_files(settings):
        if file == settings.access_file or is_access_file(file):
            has_faults |= _has_audit_faults(str(file), partial(verify_access, file))
            continue
        with show_progress() as progress:
            found = _verify(file, settings, progress)
        click.echo(f"{file}: {found}")
        for fault in found.faults:
            has_faults = True
            click.echo(f"  {fault}", err=True)
    if has_faults:
        click.echo("a4p: faults found; restore a backup without faults ('a4p restore')", err=True)
        sys.exit(1)


def _has_audit_faults(name: str, verify_audit: Callable[[], tuple[int, str]]) -> bool:
    try:
        entries, newest = verify_audit()
    except ServiceError as error:
        click.echo(f"{name}: {error}", err=True)
        return True
    click.echo(f"{name}: {entries:,} entries in the audit, newest hash {newest}")
    return False


def _list_files(settings: Settings) -> Iterator[Path]:
    yield settings.warehouse_file
    yield settings.read_copy_file
    # Looked for last: the error of the warehouse names the user who can read the directory.
    if not settings.has_lake and settings.access_file.exists():
        yield settings.access_file


def _verify(file: Path, settings: Settings, progress: Progress) -> Verification:
    try:
        if file == settings.warehouse_file:
            return use_client(settings, lambda client: client.verify(progress))
        return verify_file(file, progress)
    except WarehouseError as error:
        return Verification(0, 0, 0, 0, 0, (str(error),))
