"""`a4p migrate`: move an embedded warehouse to a lake."""

from __future__ import annotations

from pathlib import Path

import click

from service.client.remote import is_running
from service.commands.options import data_dir_option
from service.commands.progress import show_progress
from service.errors import WarehouseLocked
from service.settings import read_settings
from service.system.privileges import drop_privileges
from service.warehouse.connection import Resources
from service.warehouse.database import read_clock


@click.command(
    epilog="""\b
Examples:
  a4p migrate --to "ducklake:postgres:host=db.example.org dbname=a4p user=a4p"
  A4P_WAREHOUSE="ducklake:postgres:dbname=a4p" A4P_LAKE_DATA=s3://bucket/a4p a4p migrate
"""
)
@click.option("--to", "target", help="Lake to move to, as in A4P_WAREHOUSE.  [default: A4P_WAREHOUSE]")
@data_dir_option
def migrate(target: str | None, data_dir: Path | None) -> None:
    """Copy the embedded warehouse of the data directory, with every revision, to a new lake. Stop the service first.

    A4P_LAKE_DATA and A4P_LAKE_S3_* name the place of its files. After an interruption, run it again: it continues. All
    tables are compared by number of rows and digest before replicas can use the lake. Users, tokens, the audit and submissions
    (access.sqlite) are moved, too. The embedded files are not changed; a replica with the same data directory uses the
    warehouse as its copy.
    """
    settings = read_settings(data_dir=data_dir)
    # Its packages are optional.
    from service.lake.access_store import SharedStore
    from service.lake.address import make_address
    from service.lake.upload import move_warehouse

    address = make_address(target or settings.warehouse.get_secret_value(), settings)
    if is_running(settings.data_dir):
        raise WarehouseLocked(f"the service of {settings.data_dir} is running; stop it, and run the command again")
    drop_privileges(settings)
    resources = Resources(settings.threads, settings.memory_limit, settings.data_dir / "tmp", settings.max_temp_size)
    store = SharedStore(address, settings.access_file, read_clock)
    people: dict[str, int] = {}
    try:
        with show_progress() as progress:
            moved = move_warehouse(
                settings.warehouse_file, address, resources, progress, lambda: people.update(store.move_file())
            )
    finally:
        store.close()
    click.echo(
        f"{moved.sent:,} rows sent; {moved.rows:,} rows of {moved.tables} tables in the lake ({address}), compared by digest"
    )
    if people:
        click.echo(
            f"{people['users']:,} users, {people['tokens']:,} tokens, {people['submissions']:,} submissions and "
            f"{people['audit']:,} entries of the audit moved, compared by digest"
        )
