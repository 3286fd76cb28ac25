"""`a4p restore`: go back to a backup."""

from __future__ import annotations

from pathlib import Path

import click

from service.commands.options import data_dir_option
from service.errors import WarehouseLocked
from service.handoff import find_service
from service.publish import restore_copy
from service.settings import read_settings
from service.warehouse import read_clock


@click.command(
    epilog="""\b
Examples:
  a4p restore data/backups/warehouse-20240501T000000.000000Z.duckdb
"""
)
@click.argument("copy", type=click.Path(path_type=Path))
@data_dir_option
def restore(copy: Path, data_dir: Path | None) -> None:
    """Make COPY (a backup or read copy) the warehouse. The service must be stopped; the earlier warehouse is kept."""
    settings = read_settings(data_dir=data_dir)
    if find_service(settings.data_dir):
        raise WarehouseLocked(f"the service of {settings.data_dir} is running; stop it, restore, and start it again")
    kept = restore_copy(copy, settings.warehouse_file, settings.threads, settings.memory_limit, read_clock())
    click.echo(f"{settings.warehouse_file}: restored from {copy}")
    if kept is not None:
        click.echo(f"the earlier warehouse is {kept}")
