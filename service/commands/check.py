"""`a4p check`: validate all definitions without starting the service."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from service.commands.options import catalogue_option
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.rounds.checks import read_shipped_rules
from service.settings import read_settings
from service.snapshots.snapshot import check_bindings
from service.warehouse.database import read_clock
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import append_catalogue, append_feeds, append_kpis


@click.command(
    epilog="""\b
Examples:
  a4p check
  a4p check --catalogue my-catalogue
"""
)
@catalogue_option
def check(catalogue: Path | None) -> None:
    """Validate catalogue, KPIs, checks, validation rules, feeds and the observation files of the catalogue.

    Definitions are tested in a temporary warehouse; the warehouse of the service is not used.
    """
    settings = read_settings(catalogue=catalogue)
    definitions = read_definitions(settings.catalogue)
    with tempfile.TemporaryDirectory() as directory:
        warehouse = open_warehouse(
            Path(directory) / "warehouse.duckdb", settings.threads, settings.memory_limit, max_temp_bytes=settings.max_temp_size
        )
        try:
            with warehouse.write() as cursor:
                append_catalogue(cursor, definitions.catalogue, read_clock())
                append_kpis(cursor, definitions.kpis, read_clock())
                append_feeds(cursor, definitions.feeds, read_clock())
            batches = (
                load_files(
                    warehouse,
                    LoadRequest(files=definitions.observation_files, loaded_by="check", changes=0, status_codes="sdmx"),
                )
                if definitions.observation_files
                else []
            )
            check_bindings(warehouse, definitions)
            cursor = warehouse.cursor()
            (cycles,) = cursor.execute("select count(*) from cycles").fetchone() or (0,)
            (checks,) = cursor.execute("select count(*) from reconciliation").fetchone() or (0,)
            cursor.close()
        finally:
            warehouse.close()
    known = definitions.catalogue
    click.echo(
        f"{settings.catalogue}: {len(known.priorities)} priorities, {len(known.missions)} missions, "
        f"{cycles} cycles, "
        f"{len(known.indicators)} indicators, up to {known.count_series():,} of {known.series_budget:,} series"
    )
    click.echo(f"KPIs: {len(definitions.kpis)}; reconciliation: {checks} comparisons")
    click.echo(f"validation: {len(read_shipped_rules())} rules, {len(definitions.relations)} relations")
    click.echo(f"glossary: {len(definitions.glossary)} terms")
    click.echo(f"feeds: {', '.join(feed.feed for feed in definitions.feeds) or 'none'}")
    for reason in definitions.left_out:
        click.echo(f"left out: {reason}")
    click.echo(f"observations: {sum(batch.row_count for batch in batches):,} in {len(batches)} files")
