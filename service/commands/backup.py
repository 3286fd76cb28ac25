"""`a4p backup`: write a consistent copy of the warehouse, or of the users and the audit."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from service.access.backup import ACCESS_BACKUP_NAME, back_up_access
from service.access.identity import make_socket_identity
from service.client.choose import use_client
from service.client.protocol import BackupRequest
from service.client.remote import is_running
from service.commands.access_file import open_access
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
  a4p backup --access /mnt/backups/access.sqlite
"""
)
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--access", "is_access", is_flag=True, help="Copy users, tokens and the audit (access.sqlite) instead.")
@data_dir_option
def backup(target: Path | None, is_access: bool, data_dir: Path | None) -> None:
    """Write a consistent copy of the warehouse to TARGET, by default a dated file in the current directory.

    Works while the service runs. The copy can be restored with `a4p restore` and opened with any DuckDB. With --access, the
    copy of access.sqlite can be read by its owner only; TARGET must not exist. Restore it with `a4p restore --access`. In
    a lake it has the users and the audit of all replicas.
    """
    settings = read_settings(data_dir=data_dir)
    name = read_clock().strftime(ACCESS_BACKUP_NAME if is_access else BACKUP_NAME)
    target = (target or Path(name)).absolute()
    if target.is_dir():
        target = target / name
    check_target(target, settings)
    if not target.parent.is_dir():
        raise WarehouseError(f"directory {target.parent} does not exist; create it first")
    if is_access:
        user = getpass.getuser()
        back_up_access(open_access(settings), target, make_socket_identity(user))
        click.echo(f"{target}: {target.stat().st_size:,} bytes")
        return
    if not is_running(settings.data_dir) and not settings.warehouse_file.exists():
        raise WarehouseError(f"{settings.warehouse_file} does not exist; there is nothing to back up")
    request = BackupRequest(target=target, backed_up_by=getpass.getuser())
    with show_progress() as progress:
        use_client(settings, lambda client: client.back_up(request, progress))
    click.echo(f"{target}: {target.stat().st_size:,} bytes")
