"""`a4p events`: load exports of feeds, and list the feeds."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from service.client.choose import use_client
from service.client.protocol import EventsRequest
from service.commands.options import catalogue_option, data_dir_option, read_digest
from service.commands.progress import show_progress
from service.commands.tables import print_table
from service.events.report import EventReport
from service.loading.interrupt import catch_interrupt
from service.settings import read_settings


@click.group(
    epilog="""\b
Examples:
  a4p events feeds
  a4p events load fatalities.csv --feed un_fatalities --dry-run
  a4p events load fatalities.csv --feed un_fatalities
"""
)
def events() -> None:
    """Load exports of incidents and casualties, whose rows are events. Works with and without a running service.

    A feed is one file in metrics/feeds: which columns of the export are read, and how. docs/events.md describes it.
    """


@events.command(
    epilog="""\b
Examples:
  a4p events load fatalities.csv --feed un_fatalities --dry-run
  a4p events load fatalities.csv --feed un_fatalities
  a4p events load fatalities.csv --feed un_fatalities --digest 5e0c…
  a4p events load incidents.csv --feed sofa_incidents --skip-unreadable --by "J. Doe"
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--feed", required=True, help="Feed of the export; 'a4p events feeds' lists them.")
@click.option("--dry-run", is_flag=True, help="Report what the file would change, and rows that cannot be read; load nothing.")
@click.option("--digest", metavar="SHA256", help="Load only if FILE would do exactly what the preview with this digest listed.")
@click.option("--skip-unreadable", is_flag=True, help="Load the other rows if some cannot be read.")
@click.option("--by", "loaded_by", default=getpass.getuser, show_default="the OS user", help="Name to record with the batch.")
@click.option("--max-rows", type=click.IntRange(min=1), help="Maximum rows of FILE.  [default: A4P_LOAD_MAX_ROWS, 20000000]")
@data_dir_option
@catalogue_option
def load(
    file: Path,
    feed: str,
    dry_run: bool,
    digest: str | None,
    skip_unreadable: bool,
    loaded_by: str,
    max_rows: int | None,
    data_dir: Path | None,
    catalogue: Path | None,
) -> None:
    """Load the export FILE (CSV) of a feed.

    The report counts new, changed, unchanged and withdrawn events, duplicate and unreadable rows, and rows that are left out.
    --dry-run also lists the counts and the breaches of thresholds that would change, and prints a digest: with --digest, a
    load does exactly what was previewed, or nothing. The newest update of an event is current, whatever was loaded first.
    A row that cannot be read is an error with its row, column and fix, and nothing is loaded, unless --skip-unreadable is
    given. Loading a file again adds nothing.
    """
    settings = read_settings(data_dir=data_dir, catalogue=catalogue)
    request = EventsRequest(
        file=file.absolute(), feed=feed, name=str(file), loaded_by=loaded_by, dry_run=dry_run, skip_unreadable=skip_unreadable,
        max_rows=max_rows, digest=None if digest is None else read_digest(digest, dry_run),
    )  # fmt: skip
    with show_progress() as progress, catch_interrupt() as interrupt:
        report = use_client(settings, lambda client: client.load_events(request, progress, interrupt))
    _print_report(report)
    if interrupt.is_requested and not dry_run:
        click.echo("warning: the load was committed before it could be cancelled", err=True)


def _print_report(report: EventReport) -> None:
    click.echo(report)
    for line in report.lines:
        click.echo(f"  {line}")
    if report.is_preview:
        click.echo(f"Digest of the preview: {report.digest}")
        click.echo("Nothing was loaded (--dry-run). Load with --digest to load exactly this.")
    for delay in report.delays:
        click.echo(f"warning: {delay}", err=True)


@events.command(epilog="\b\nExamples:\n  a4p events feeds\n")
@catalogue_option
def feeds(catalogue: Path | None) -> None:
    """List the feeds of the catalogue, with the columns that each reads."""
    # Imported here: the definitions of a catalogue take half a second to import.
    from service.warehouse.definitions import read_definitions

    definitions = read_definitions(read_settings(catalogue=catalogue).catalogue)
    print_table(
        ["feed", "title", "licence", "columns"],
        ([feed.feed, feed.title, feed.licence, ", ".join(feed.columns)] for feed in definitions.feeds),
    )
