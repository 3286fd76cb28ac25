"""`a4p export`: the history and the observations in formats that other programs read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from service.commands.export_sdmx import sdmx_csv, sdmx_json, sdmx_structure
from service.commands.options import DAY, catalogue_option, data_dir_option
from service.commands.output import open_output
from service.commands.progress import show_progress
from service.history.export import render_openmetrics
from service.settings import read_settings
from service.system.memory import limit_memory
from service.warehouse.connection import open_copy
from service.warehouse.definitions import read_definitions


@click.group(
    epilog="""\b
Examples:
  a4p export openmetrics --output history.om
  a4p export sdmx-csv --output observations.csv
"""
)
def export() -> None:
    """Write the history or the observations for other programs."""


export.add_command(sdmx_csv)
export.add_command(sdmx_json)
export.add_command(sdmx_structure)


@export.command(
    epilog="""\b
Examples:
  a4p export openmetrics --output history.om
  promtool tsdb create-blocks-from openmetrics history.om /var/lib/prometheus
  a4p export openmetrics --from 2018-01-01 --metric a4p_sofa_incidents_new
"""
)
@click.option("--from", "first", type=DAY, help="Only values valid from this date or later.")
@click.option("--to", "last", type=DAY, help="Only values valid from this date or earlier.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric; can be repeated.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]")
@data_dir_option
@catalogue_option
def openmetrics(
    first: date | None,
    last: date | None,
    metrics: tuple[str, ...],
    output: Path | None,
    data_dir: Path | None,
    catalogue: Path | None,
) -> None:
    """Write the whole history as OpenMetrics with timestamps, from the read copy.

    Each value is written once, at the time from which it is valid. Prometheus (promtool tsdb create-blocks-from
    openmetrics), Mimir, Thanos and VictoriaMetrics import it.
    """
    # Every part allocates and frees several MB in both allocators.
    limit_memory()
    settings = read_settings(data_dir=data_dir, catalogue=catalogue)
    definitions = read_definitions(settings.catalogue)
    with show_progress() as progress, open_copy(settings.read_copy_file) as copy:
        parts = render_openmetrics(copy, definitions, metrics, first, last, progress)
        if output is None:
            for part in parts:
                click.echo(part, nl=False)
            return
        with open_output(output) as stream:
            for part in parts:
                stream.write(part)
    click.echo(f"{output}: {output.stat().st_size:,} bytes")
