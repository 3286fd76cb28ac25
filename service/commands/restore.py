"""`a4p restore`: replace the warehouse, or the users and the audit, by a backup."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from service.access.backup import restore_access
from service.access.identity import make_socket_identity
from service.client.remote import is_running
from service.commands.options import data_dir_option
from service.commands.progress import show_progress
from service.errors import WarehouseError, WarehouseLocked
from service.settings import Settings, read_settings
from service.system.file_access import restrict_data_directory
from service.system.privileges import drop_privileges
from service.warehouse.backups.restore import restore_backup
from service.warehouse.database import read_clock
from service.warehouse.opening import prepare_directory


@click.command(
    epilog="""\b
Examples:
  a4p restore data/backups/warehouse-20240501T000000.000000Z.duckdb
  a4p restore data/warehouse-read.duckdb
  a4p restore --access /mnt/backups/access.sqlite
"""
)
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--access", "is_access", is_flag=True, help="Restore users, tokens and the audit (access.sqlite) instead.")
@data_dir_option
def restore(backup: Path, is_access: bool, data_dir: Path | None) -> None:
    """Replace the warehouse by BACKUP, a backup or the read copy. Stop the service first. The earlier warehouse is retained.

    Every block of BACKUP is read and its content verified before anything is replaced. With --access, BACKUP is a copy of
    access.sqlite; all sessions and links end, and the earlier file is retained. In a lake, stop all replicas; the earlier users
    are written to a file in the data directory.
    """
    # Before a command of root becomes A4P_USER.
    user = getpass.getuser()
    settings = read_settings(data_dir=data_dir)
    if settings.has_lake and not is_access:
        raise WarehouseError(
            "the warehouse is a lake, of which this replica has a copy only; restore the dump of PostgreSQL and the bucket "
            "(docs/scale.md), or move the backup to a new lake: 'a4p migrate'"
        )
    if is_running(settings.data_dir):
        raise WarehouseLocked(f"the service of {settings.data_dir} is running; stop it, restore, and start it again")
    drop_privileges(settings)
    prepare_directory(settings.data_dir)
    restrict_data_directory(settings)
    if is_access:
        _restore_access(backup, settings, user)
        return
    with show_progress() as progress:
        restored = restore_backup(backup, settings.warehouse_file, read_clock(), progress)
    # The read copy that was written now is shared as the one before was.
    restrict_data_directory(settings)
    click.echo(f"{settings.warehouse_file}: restored from {backup}")
    click.echo(f"{restored.verification}")
    if restored.earlier is not None:
        click.echo(f"the earlier warehouse is {restored.earlier}")


def _restore_access(backup: Path, settings: Settings, user: str) -> None:
    restored = restore_access(backup, settings, read_clock, make_socket_identity(user))
    target = "users and the audit of the lake" if settings.has_lake else str(settings.access_file)
    click.echo(f"{target}: restored from {backup}")
    click.echo(f"{restored.entries:,} entries in the audit, newest hash {restored.newest_hash}")
    if restored.earlier is not None:
        click.echo(f"the earlier file is {restored.earlier}")
    click.echo("users and tokens are those of the backup; check 'a4p users list' and 'a4p tokens list'")
