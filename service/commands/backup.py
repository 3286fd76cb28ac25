"""`a4p backup`: write a consistent copy of the warehouse."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from service.client.choose import use_client
from service.client.protocol import BackupRequest
from service.client.remote import is_running
from service.commands.options import data_dir_option
from service.commands.progress import show_progress
from service.errors import WarehouseError
from service.settings import read_settings
from service.warehouse.backups.names import BACKUP_NAME
from service.warehouse.backups.target import check_target
from service.warehouse.database import read_clock


@click.command(
    epilog="""\b
Examples:
  a4p backup
  a4p backup /mnt/backups/a4p.duckdb
"""
)
@click.argument("target", required=False, type=click.Path(path_type=Path))
@data_dir_option
def backup(target: Path | None, data_dir: Path | None) -> None:
    """Write a consistent copy of the warehouse to TARGET, by default a dated file in the current directory.

    Works while the service runs. The copy can be restored with `a4p restore` and opened with any DuckDB.
    """
    settings = read_settings(data_dir=data_dir)
    target = (target or Path(read_clock().strftime(BACKUP_NAME))).absolute()
    if target.is_dir():
        target = target / read_clock().strftime(BACKUP_NAME)
    check_target(target, settings)
    if not target.parent.is_dir():
        raise WarehouseError(f"directory {target.parent} does not exist; create it first")
    if not is_running(settings.data_dir) and not settings.warehouse_file.exists():
        raise WarehouseError(f"{settings.warehouse_file} does not exist; there is nothing to back up")
    request = BackupRequest(target=target, backed_up_by=getpass.getuser())
    with show_progress() as progress:
        use_client(settings, lambda client: client.back_up(request, progress))
    click.echo(f"{target}: {target.stat().st_size:,} bytes")
