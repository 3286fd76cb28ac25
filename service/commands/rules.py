"""`a4p rules`: the Prometheus rules of the catalogue."""

from __future__ import annotations

from pathlib import Path

import click

from metrics.rules import SCRAPED_URL, render_rules
from service.commands.options import catalogue_option
from service.settings import find_in_tree, read_settings
from service.warehouse.definitions import read_definitions


@click.command(
    epilog="""\b
Examples:
  a4p rules
  a4p rules --output /etc/prometheus/rules --url https://a4p.example.org
"""
)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: prometheus/rules]")
@click.option("--url", help="Address of the service's pages, for links.  [default: the one that Prometheus scrapes]")
@catalogue_option
def rules(output: Path | None, url: str | None, catalogue: Path | None) -> None:
    """Write alerting rules: one per metric and comparison, and rules for the service.

    Limits are data (a4p_threshold): the rules change with the catalogue only, and setting a threshold needs no reload.
    """
    definitions = read_definitions(read_settings(catalogue=catalogue).catalogue)
    directory = output or find_in_tree("prometheus") / "rules"
    directory.mkdir(parents=True, exist_ok=True)
    files = render_rules(definitions.catalogue, definitions.kpis, url.rstrip("/") if url else SCRAPED_URL)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    click.echo(f"{directory}: {len(files)} files, {sum(text.count('- alert:') for text in files.values())} alerts")
