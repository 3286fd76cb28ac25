"""`a4p snapshot`: compute a snapshot, or print the metrics as of a date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from service.client.choose import use_client
from service.commands.options import AS_OF, catalogue_option, data_dir_option
from service.commands.progress import show_progress
from service.settings import read_settings
from service.snapshots.snapshot import render_as_of
from service.warehouse.connection import open_copy
from service.warehouse.definitions import read_definitions


@click.command(
    epilog="""\b
Examples:
  a4p snapshot
  a4p snapshot --as-of 2023-12-31 > a4p-2023.prom
"""
)
@click.option("--as-of", type=AS_OF, help="Print the metrics as of this date; nothing is recorded.")
@data_dir_option
@catalogue_option
def snapshot(as_of: date | None, data_dir: Path | None, catalogue: Path | None) -> None:
    """Compute a snapshot: KPIs, metrics and the read copy."""
    settings = read_settings(data_dir=data_dir, catalogue=catalogue)
    if as_of is not None:
        with open_copy(settings.read_copy_file) as copy:
            exposition, _ = render_as_of(copy, read_definitions(settings.catalogue), as_of)
        for chunk in exposition.text.chunks:
            click.echo(chunk, nl=False)
        return
    with show_progress() as progress:
        made = use_client(settings, lambda client: client.refresh(progress))
    click.echo(f"snapshot {made.snapshot_id} as of {made.as_of}: {made.series_count:,} series")
