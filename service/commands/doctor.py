"""`a4p doctor`: examine the data directory."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.client.remote import is_running
from service.commands.options import data_dir_option
from service.settings import read_settings
from service.warehouse.database import read_clock
from service.warehouse.doctor import examine


@click.command(
    epilog="""\b
Examples:
  a4p doctor
  a4p doctor --data-dir /var/lib/a4p
"""
)
@data_dir_option
def doctor(data_dir: Path | None) -> None:
    """Examine the data directory: warehouse, clock, disk, backups and permissions. Nothing is changed.

    Exit code 1 if a problem is found. Works while the service runs.
    """
    settings = read_settings(data_dir=data_dir)
    needs_fix = False
    for finding in examine(settings, read_clock(), is_running(settings.data_dir)):
        click.echo(f"{'fix ' if finding.fix else 'ok  '} {finding.subject}: {finding.text}")
        if finding.fix:
            needs_fix = True
            click.echo(f"     {finding.fix}")
    sys.exit(1 if needs_fix else 0)
