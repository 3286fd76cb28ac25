"""`a4p lake`: maintenance of the lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.options import data_dir_option
from service.settings import read_settings
from service.system.privileges import drop_privileges
from service.warehouse.connection import Resources

if TYPE_CHECKING:
    from service.lake.store import LakeStore


@click.group(
    epilog="""\b
Examples:
  a4p lake compact
  a4p lake expire --days 30
"""
)
def lake() -> None:
    """Maintain the lake of A4P_WAREHOUSE. The service does both daily, by A4P_PRUNE_CRON. Writes wait meanwhile."""


@lake.command(
    epilog="""\b
Examples:
  a4p lake compact
"""
)
@data_dir_option
def compact(data_dir: Path | None) -> None:
    """Merge small files of each table, which every write adds."""
    with _open(data_dir) as store:
        merged = store.compact()
    click.echo(f"{merged:,} files merged into others")


@lake.command(
    epilog="""\b
Examples:
  a4p lake expire
  a4p lake expire --days 30
"""
)
@click.option("--days", type=click.FloatRange(min=0), default=7, show_default=True, help="Age of what is deleted.")
@data_dir_option
def expire(days: float, data_dir: Path | None) -> None:
    """Delete old lake snapshots, and files that no table has any more: merged ones, and those of interrupted writes.

    No row of the warehouse is deleted. A replica that was away for longer reads whole tables at its next start.
    """
    with _open(data_dir) as store:
        expired, deleted = store.expire(days)
    click.echo(f"{expired:,} lake snapshots and {deleted:,} files deleted")


@contextmanager
def _open(data_dir: Path | None) -> Iterator[LakeStore]:
    settings = read_settings(data_dir=data_dir)
    # Its packages are optional.
    from service.lake.address import read_address
    from service.lake.upload import open_store

    address = read_address(settings)
    drop_privileges(settings)
    resources = Resources(settings.threads, settings.memory_limit, settings.data_dir / "tmp", settings.max_temp_size)
    with open_store(address, resources) as store:
        yield store
