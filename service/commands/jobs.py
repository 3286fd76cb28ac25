"""`a4p jobs`: runs of scheduled jobs."""

from __future__ import annotations

from pathlib import Path

import click

from service.client.choose import use_client
from service.client.protocol import JobsRequest
from service.commands.options import data_dir_option
from service.commands.tables import print_table
from service.settings import read_settings


@click.command(
    epilog="""\b
Examples:
  a4p jobs
  a4p jobs --failed --last 50
"""
)
@click.option("--last", default=20, show_default=True, type=click.IntRange(1), help="Number of runs to list.")
@click.option("--failed", is_flag=True, help="Only failed and missed runs.")
@data_dir_option
def jobs(last: int, failed: bool, data_dir: Path | None) -> None:
    """List the newest runs of the scheduled jobs. Works with and without a running service."""
    settings = read_settings(data_dir=data_dir)
    runs = use_client(settings, lambda client: client.list_runs(JobsRequest(last=last, only_failed=failed)))
    print_table(
        ["run", "job", "due (UTC)", "started (UTC)", "took", "status", "rows", "error"],
        (
            [
                str(run.run_id),
                run.job,
                run.due,
                run.started or "",
                f"{run.seconds:.2f} s" if run.seconds is not None else "",
                run.status,
                f"{run.row_count:,}" if run.row_count is not None else "",
                run.error or "",
            ]
            for run in runs
        ),
    )
