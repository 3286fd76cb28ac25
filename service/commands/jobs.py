"""`a4p jobs`: what ran, when, and how it ended."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from service.commands.options import data_dir_option
from service.settings import read_settings
from service.warehouse import open_copy

PIPE_WIDTH = 200


@click.command(
    epilog="""\b
Examples:
  a4p jobs
  a4p jobs --failed --last 50
"""
)
@click.option("--last", default=20, show_default=True, type=click.IntRange(1), help="How many runs to list.")
@click.option("--failed", is_flag=True, help="Only runs that did not succeed.")
@data_dir_option
def jobs(last: int, failed: bool, data_dir: Path | None) -> None:
    """List the newest runs of the scheduled jobs, from the read copy."""
    settings = read_settings(data_dir=data_dir)
    with open_copy(settings.read_copy_file) as copy:
        runs = copy.execute(
            "select run_id, job, due, started, ended - started, status, row_count, error from job_runs "
            "where not $failed or status not in ('succeeded', 'running') order by run_id desc limit $last",
            {"failed": failed, "last": last},
        ).fetchall()
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    table = Table("run", "job", "due (UTC)", "started", "took", "status", "rows", "error", box=None, pad_edge=False)
    for run_id, job, due, started, took, status, rows, error in runs:
        table.add_row(
            str(run_id),
            job,
            f"{due:%Y-%m-%d %H:%M:%S}",
            f"{started:%H:%M:%S}" if started else "",
            f"{took.total_seconds():.2f} s" if took is not None else "",
            status,
            f"{rows:,}" if rows is not None else "",
            error or "",
        )
    console.print(table)
    console.print(f"as of {settings.read_copy_file}; a run after it shows when the next copy is published", style="dim")
