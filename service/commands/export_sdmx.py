"""`a4p export sdmx-csv`, `sdmx-json` and `sdmx-structure`: the observations and their structure for statistical systems."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from service.commands.options import INSTANT, data_dir_option
from service.errors import OutputError
from service.queries.moments import set_moment
from service.sdmx.artefacts import list_artefacts
from service.sdmx.data import CsvVersion, write_csv
from service.sdmx.filters import FilterError, read_component_filter, read_keys
from service.sdmx.json_data import write_json
from service.sdmx.query import Condition, DataQuery
from service.sdmx.structure import Structure, read_structure
from service.sdmx.structure_json import render_structure_json
from service.sdmx.structure_xml import render_structure_xml
from service.settings import read_settings
from service.system.atomic_file import replace_file
from service.warehouse.connection import open_copy
from service.warehouse.database import Connection, read_clock

F = TypeVar("F", bound=Callable[..., Any])


def _data_options(command: F) -> F:
    """Add the options that select observations, and the output."""
    options = (
        click.option("--key", default="", help="Only series with this SDMX key, such as S.*.UNMISS; several with commas."),
        click.option(
            "--where",
            "filters",
            multiple=True,
            metavar="COMPONENT=VALUES",
            help="Only observations with these values, as c[COMPONENT] of the SDMX REST API; can be repeated.",
        ),
        click.option("--known-at", type=INSTANT, help="The observations as they were known at this date or time (asOf)."),
        click.option("--updated-after", type=INSTANT, help="Only observations recorded after this date or time."),
        click.option("--history", is_flag=True, help="All revisions, each with the time it was recorded (includeHistory)."),
        click.option(
            "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]"
        ),
        data_dir_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    "sdmx-csv",
    epilog="""\b
Examples:
  a4p export sdmx-csv --output observations.csv
  a4p export sdmx-csv --key S.sofa_incidents_new.UNMISS
  a4p export sdmx-csv --where MISSION=UNMISS,UNMIK --where TIME_PERIOD=ge:2023-05-01 --version 2.1
""",
)
@click.option(
    "--version", "version", type=click.Choice(["2.0", "2.1"]), default="2.0", show_default=True, help="SDMX-CSV version."
)
@_data_options
def sdmx_csv(version: CsvVersion, output: Path | None, **selection: Any) -> None:
    """Write the observations as SDMX-CSV, from the read copy.

    The dataflow is A4P:INDICATORS(1.0). docs/sdmx.md describes its dimensions. 'a4p load' reads the file.
    """
    with _open_selected(**selection) as (session, structure, query), _open_target(output) as target:
        write_csv(session, structure, query, version, target)


@click.command(
    "sdmx-json",
    epilog="""\b
Examples:
  a4p export sdmx-json --output observations.json
  a4p export sdmx-json --history --where INDICATOR=sofa_incidents_new
""",
)
@_data_options
def sdmx_json(output: Path | None, **selection: Any) -> None:
    """Write the observations as an SDMX-JSON 2.0 data message, from the read copy."""
    with _open_selected(**selection) as (session, structure, query), _open_target(output) as target:
        write_json(session, structure, query, read_clock(), target)


@click.command(
    "sdmx-structure",
    epilog="""\b
Examples:
  a4p export sdmx-structure --output structure.json
  a4p export sdmx-structure --format xml --output structure.xml
""",
)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["json", "xml"]),
    default="json",
    show_default=True,
    help="SDMX-JSON 2.0 or SDMX-ML 3.0.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]")
@data_dir_option
def sdmx_structure(chosen: str, output: Path | None, data_dir: Path | None) -> None:
    """Write the data structure definition with its codelists, concepts, dataflow and constraint, from the read copy."""
    with open_copy(read_settings(data_dir=data_dir).read_copy_file) as copy:
        artefacts = list_artefacts(read_structure(copy))
    render = render_structure_xml if chosen == "xml" else render_structure_json
    with _open_target(output) as target:
        target.write_bytes(render(artefacts, read_clock()))


@contextmanager
def _open_selected(
    key: str,
    filters: tuple[str, ...],
    known_at: datetime | None,
    updated_after: datetime | None,
    history: bool,
    data_dir: Path | None,
) -> Iterator[tuple[Connection, Structure, DataQuery]]:
    """Give the read copy, its structure and the query of the options."""
    settings = read_settings(data_dir=data_dir)
    with open_copy(settings.read_copy_file) as copy:
        set_moment(copy, None, known_at.isoformat() if known_at else None)
        structure = read_structure(copy)
        conditions: list[Condition | None] = []
        try:
            conditions.append(read_keys(key, structure))
        except FilterError as error:
            raise click.BadParameter(str(error), param_hint="--key") from None
        for written in filters:
            component, _, values = written.partition("=")
            try:
                conditions.append(read_component_filter(copy, component, values, structure))
            except FilterError as error:
                raise click.BadParameter(str(error), param_hint="--where") from None
        chosen = tuple(condition for condition in conditions if condition)
        yield copy, structure, DataQuery(chosen, updated_after=updated_after, has_history=history)


@contextmanager
def _open_target(output: Path | None) -> Iterator[Path]:
    """Give the file to write. It is renamed to `output` at the end, or copied to standard output."""
    if output is None:
        with tempfile.NamedTemporaryFile(prefix="a4p-") as written:
            yield Path(written.name)
            # DuckDB replaces the file, so it is opened again.
            with Path(written.name).open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
        return
    try:
        with replace_file(output) as unfinished:
            yield unfinished
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"{output}: {output.stat().st_size:,} bytes")
