"""`a4p restore`: replace the warehouse by a backup."""

from __future__ import annotations

from pathlib import Path

import click

from service.client.remote import is_running
from service.commands.options import data_dir_option
from service.commands.progress import show_progress
from service.errors import WarehouseLocked
from service.settings import read_settings
from service.system.file_access import restrict_data_directory
from service.system.privileges import drop_privileges
from service.warehouse.backups.restore import restore_backup
from service.warehouse.database import prepare_directory, read_clock


@click.command(
    epilog="""\b
Examples:
  a4p restore data/backups/warehouse-20240501T000000.000000Z.duckdb
  a4p restore data/warehouse-read.duckdb
"""
)
@click.argument("backup", type=click.Path(path_type=Path))
@data_dir_option
def restore(backup: Path, data_dir: Path | None) -> None:
    """Replace the warehouse by BACKUP, a backup or the read copy. Stop the service first. The earlier warehouse is retained.

    Every block of BACKUP is read and its content verified before anything is replaced.
    """
    settings = read_settings(data_dir=data_dir)
    if is_running(settings.data_dir):
        raise WarehouseLocked(f"the service of {settings.data_dir} is running; stop it, restore, and start it again")
    drop_privileges(settings)
    prepare_directory(settings.data_dir)
    restrict_data_directory(settings)
    with show_progress() as progress:
        restored = restore_backup(backup, settings.warehouse_file, read_clock(), progress)
    # The read copy that was written now is shared as the one before was.
    restrict_data_directory(settings)
    click.echo(f"{settings.warehouse_file}: restored from {backup}")
    click.echo(f"{restored.verification}")
    if restored.earlier is not None:
        click.echo(f"the earlier warehouse is {restored.earlier}")
