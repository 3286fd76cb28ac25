"""`a4p report`: write a reporting cycle as a document."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from metrics.languages import NAMES, use_language
from service.commands.options import INSTANT, data_dir_option
from service.commands.output import open_output
from service.commands.progress import show_progress
from service.documents.formats import FORMATS, name_file, open_cycle, render_cycle
from service.documents.report import list_cycles
from service.errors import WarehouseError
from service.settings import read_settings
from service.snapshots.read_copy import ReadCopy, open_published
from service.warehouse.definitions import read_definitions


@click.command(
    epilog="""\b
Examples:
  a4p report
  a4p report --cycle 5 --format pdf
  a4p report --cycle 5 --format pdf --language fr
  a4p report --cycle 5 --known-at 2024-07-01 --output as-first-reported.xlsx
  a4p report --cycle 4 --format html --output - | less
"""
)
@click.option("--cycle", type=click.IntRange(min=1), help="Number of the cycle.  [default: the newest with values]")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), help="Format.  [default: by --output, else html]")
@click.option("--known-at", type=INSTANT, help="Use only data recorded until this date or time (UTC).")
@click.option("--language", type=click.Choice(list(NAMES)), help="Language.  [default: that of A4P_LANGUAGE]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File; - is standard output.  [default: a4p-cycle-N.FORMAT]",
)
@data_dir_option
def report(
    cycle: int | None,
    kind: str | None,
    known_at: datetime | None,
    language: str | None,
    output: Path | None,
    data_dir: Path | None,
) -> None:
    """Write a reporting cycle as one document: self-contained HTML, PDF or XLSX.

    Contains a summary with map and key indicators, breached thresholds, values, changes and charts of each priority, and notes.
    Reads the read copy, with and without a running service. The same snapshot gives the same bytes.
    """
    settings = read_settings(data_dir=data_dir)
    kind = kind or _find_kind(output)
    copy = open_published(settings)
    number = cycle if cycle is not None else _find_newest(copy)
    definitions = read_definitions(settings.catalogue)
    with show_progress() as progress, use_language(definitions.find_language(language or settings.language)):
        progress("reading values", None)
        body = render_cycle(open_cycle(copy, number, known_at, definitions), kind, progress=progress)
    if output == Path("-"):
        click.echo(body, nl=False)
        return
    target = output or Path(name_file(number, kind))
    with open_output(target) as stream:
        stream.write(body)
    snapshot = f"snapshot {copy.info.snapshot_id} of {copy.info.made_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"{target}: cycle {number}, {snapshot}, {len(body):,} bytes")


def _find_kind(output: Path | None) -> str:
    """Return the format of a file name."""
    suffix = output.suffix[1:].lower() if output else ""
    if suffix and suffix not in FORMATS:
        raise click.UsageError(f"unknown format of {output}; set --format to one of {', '.join(FORMATS)}")
    return suffix or next(iter(FORMATS))


def _find_newest(copy: ReadCopy) -> int:
    with copy.open_session() as session:
        known = [info.cycle for info in list_cycles(session) if info.value_count]
    if not known:
        raise WarehouseError(
            "no cycle has values yet; load some with 'a4p load', or start the service, which loads the shipped files"
        )
    return known[0]
