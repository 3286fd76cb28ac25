"""`a4p template`: write the workbook that a mission fills in."""

from __future__ import annotations

from pathlib import Path

import click

from service.commands.options import data_dir_option
from service.commands.output import open_output
from service.rounds.template import make_template, name_template
from service.settings import read_settings
from service.snapshots.read_copy import open_published


@click.command(
    epilog="""\b
Examples:
  a4p template --mission UNMISS --cycle 6
  a4p template --mission UNMISS --cycle 6 --output unmiss.xlsx
"""
)
@click.option("--mission", required=True, help="Mission, such as UNMISS.")
@click.option("--cycle", required=True, type=click.IntRange(min=1), help="Number of the cycle.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File; - is standard output.  [default: a4p-MISSION-cycle-N.xlsx]",
)
@data_dir_option
def template(mission: str, cycle: int, output: Path | None, data_dir: Path | None) -> None:
    """Write the Excel workbook in which a mission fills in its values for a cycle.

    Reads the read copy, with and without a running service. The same snapshot gives the same bytes. Load the filled
    workbook with 'a4p load'.
    """
    copy = open_published(read_settings(data_dir=data_dir))
    with copy.open_session() as session:
        body = make_template(session, cycle, mission)
    if output == Path("-"):
        click.echo(body, nl=False)
        return
    target = output or Path(name_template(cycle, mission))
    with open_output(target) as stream:
        stream.write(body)
    click.echo(f"{target}: template of {mission} for cycle {cycle}, {len(body):,} bytes")
