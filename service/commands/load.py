"""`a4p load`: bring observation files into the warehouse."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from service.application import Application
from service.commands.options import catalogue_option, data_dir_option
from service.commands.progress import show_progress
from service.definitions import read_definitions
from service.errors import WarehouseLocked
from service.handoff import find_service, hand_off_load
from service.load import Batch, Progress
from service.settings import Settings, read_settings


@click.command(
    epilog="""\b
Examples:
  a4p load submissions/unmiss-cycle-6.csv
  a4p load cycle-6/*.csv corrections.parquet --by "J. Doe"
"""
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--by", "loaded_by", default=getpass.getuser, show_default="the OS user", help="Who loads, kept with the batch.")
@data_dir_option
@catalogue_option
def load(files: tuple[Path, ...], loaded_by: str, data_dir: Path | None, catalogue: Path | None) -> None:
    """Load observation FILES (CSV or Parquet), all or nothing.

    The columns are indicator, mission, dimensions, period_start, period_end, value, status, source, page, note. Every
    row is checked; a file with an error changes nothing, and every error is listed with its row and how to mend it.
    A changed figure becomes a new revision and the earlier one is kept. Works while the service runs and while it
    does not.
    """
    settings = read_settings(data_dir=data_dir, catalogue=catalogue)
    with show_progress() as progress:
        batches = _load(settings, list(files), loaded_by, progress)
    for batch in batches:
        click.echo(batch)


def _load(settings: Settings, files: list[Path], loaded_by: str, progress: Progress) -> list[Batch]:
    if find_service(settings.data_dir):
        return hand_off_load(settings.data_dir, files, loaded_by, progress)
    definitions = read_definitions(settings.catalogue)
    try:
        application = Application(settings, definitions)
    except WarehouseLocked:
        # A service that started this moment: its socket comes right after it has the file.
        if find_service(settings.data_dir):
            return hand_off_load(settings.data_dir, files, loaded_by, progress)
        raise
    try:
        batches = application.load(files, loaded_by, progress)
        if any(batch.batch_id is not None for batch in batches):
            progress("making a snapshot", None)
            application.refresh(with_history=False)
        return batches
    finally:
        application.close()
