"""`a4p load`: load observation files."""

from __future__ import annotations

import getpass
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from service.client.choose import use_client
from service.commands.options import catalogue_option, data_dir_option, read_digest
from service.commands.progress import show_progress
from service.loading.interrupt import catch_interrupt
from service.loading.report import Batch, Breach, Finding, Preview
from service.loading.request import MAX_SHOWN_CHANGES, LoadRequest, StatusCodes
from service.settings import read_settings

VERBOSE_CHANGES = 10_000


@click.command(
    epilog="""\b
Examples:
  a4p load submissions/unmiss-cycle-6.csv
  a4p load unmiss-cycle-6.xlsx --sheet "SOFA incidents"
  a4p load --dry-run submissions/unmiss-cycle-6.csv
  a4p load --digest 5e0c… submissions/unmiss-cycle-6.csv
  a4p load cycle-6/*.csv corrections.parquet --by "J. Doe"
"""
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--by", "loaded_by", default=getpass.getuser, show_default="the OS user", help="Name to record with the batch.")
@click.option("--sheet", help="Sheet to read of each .xlsx workbook.  [default: the first]")
@click.option(
    "--max-rows", type=click.IntRange(min=1), help="Maximum rows of all FILES together.  [default: A4P_LOAD_MAX_ROWS, 20000000]"
)
@click.option(
    "--status-codes",
    type=click.Choice(["check", "sdmx"]),
    default="check",
    show_default=True,
    help="sdmx: status M means not applicable. check: M of an expected value is an error, as it was missing in release 0.1.",
)
@click.option("--dry-run", is_flag=True, help="Check the files and report what they would change; load nothing.")
@click.option(
    "--digest", metavar="SHA256", help="Load only if FILES would change exactly what the preview with this digest listed."
)
@click.option("--verbose", is_flag=True, help=f"List up to {VERBOSE_CHANGES:,} cells, unchanged ones included.")
@data_dir_option
@catalogue_option
def load(
    files: tuple[Path, ...],
    loaded_by: str,
    sheet: str | None,
    max_rows: int | None,
    status_codes: StatusCodes,
    dry_run: bool,
    digest: str | None,
    verbose: bool,
    data_dir: Path | None,
    catalogue: Path | None,
) -> None:
    """Load observation FILES (CSV, XLSX, Parquet or SDMX-CSV), all or nothing.

    The columns are indicator, mission, dimensions, period_start, period_end, value, status, source, page, note. Every
    row is checked; a file with an error changes nothing, and every error is listed with its row and fix.
    A changed value becomes a new revision; the earlier one is retained. The report lists what changed; --dry-run
    also lists the breaches of thresholds that would start or clear, and prints a digest: with --digest, a load does
    exactly what was previewed, or nothing. Works with and without a running service.
    Ctrl-C cancels the load; a load that was already committed is reported.
    """
    settings = read_settings(data_dir=data_dir, catalogue=catalogue)
    # A service of release 0.1 does not know these: they are sent only if given.
    further: dict[str, Any] = {"max_rows": max_rows} if max_rows is not None else {}
    if status_codes != "check":
        further["status_codes"] = status_codes
    if digest is not None:
        further["digest"] = read_digest(digest, dry_run)
    request = LoadRequest(
        files=tuple(file.absolute() for file in files),
        loaded_by=loaded_by,
        changes=VERBOSE_CHANGES if verbose else MAX_SHOWN_CHANGES,
        with_unchanged=verbose,
        sheet=sheet,
        **further,
    )
    if dry_run:
        with show_progress() as progress, catch_interrupt() as interrupt:
            preview = use_client(settings, lambda client: client.preview(request, progress, interrupt))
        _print_preview(preview, verbose)
        return
    with show_progress() as progress, catch_interrupt() as interrupt:
        batches = use_client(settings, lambda client: client.load(request, progress, interrupt))
    for batch in batches:
        _print_batch(batch, verbose)
    for delay in dict.fromkeys(delay for batch in batches for delay in batch.delays):
        click.echo(f"warning: {delay}", err=True)
    if interrupt.is_requested:
        click.echo("warning: the load was committed before it could be cancelled", err=True)


def _print_batch(batch: Batch, verbose: bool) -> None:
    # As most users gave it: the service reads, and the warehouse records, the absolute path.
    click.echo(replace(batch, file_name=batch.file_name.removeprefix(f"{Path.cwd()}/")))
    if batch.notes:
        click.echo(f"  {', '.join(batch.notes)}")
    for change in batch.changes:
        click.echo(f"  {change}")
    listed = sum(change.kind != "unchanged" for change in batch.changes)
    if batch.has_changes and (left := batch.new_observations + batch.revisions - listed):
        more = "the view observation_revisions has them" if verbose else "--verbose lists them"
        click.echo(f"  and {left:,} more ({more})")
    for warning in batch.warnings:
        click.echo(f"  {warning}")
    if left := batch.warning_count - len(batch.warnings):
        click.echo(f"  and {left:,} more warnings (the view load_warnings has those of a load)")


def _print_preview(preview: Preview, verbose: bool) -> None:
    for batch in preview.batches:
        _print_batch(batch, verbose)
        click.echo(f"  SHA-256 {batch.sha256}")
    _print_findings(preview.findings, verbose)
    _print_breaches("Breaches that would start", preview.started, verbose)
    _print_breaches("Breaches that would clear", preview.cleared, verbose)
    click.echo(f"Digest of the preview: {preview.digest}")
    click.echo("Nothing was loaded (--dry-run). Load with --digest to load exactly this.")


def _print_findings(findings: tuple[Finding, ...], verbose: bool) -> None:
    counts = Counter(finding.severity for finding in findings)
    summary = ", ".join(f"{counts[severity]} {severity}" for severity in ("high", "medium", "low") if counts[severity])
    click.echo(f"Findings of validation rules: {summary or 'none'}")
    shown = findings if verbose else findings[:MAX_SHOWN_CHANGES]
    for finding in shown:
        click.echo(f"  {finding}")
    if left := len(findings) - len(shown):
        click.echo(f"  and {left:,} more (--verbose lists them)")


def _print_breaches(title: str, breaches: tuple[Breach, ...], verbose: bool) -> None:
    click.echo(f"{title}: {len(breaches) or 'none'}")
    shown = breaches if verbose else breaches[:MAX_SHOWN_CHANGES]
    for breach in shown:
        click.echo(f"  {breach}")
    if left := len(breaches) - len(shown):
        click.echo(f"  and {left:,} more (--verbose lists them)")
