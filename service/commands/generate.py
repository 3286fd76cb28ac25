"""`a4p generate`: write the files that are made from definitions."""

from __future__ import annotations

from pathlib import Path

import click

from metrics.addresses import render_container_files
from metrics.reference import render_reference
from metrics.rules import render_rules
from service.definitions import read_definitions
from service.errors import ServiceError
from service.examples import read_examples
from service.schema import read_shipped_schema, render_sql_reference
from service.settings import find_in_tree


class SdkMissing(ServiceError):
    """The library that writes dashboards is not installed; the service runs without it."""


class StaleFiles(ServiceError):
    """A generated file does not say what the definitions say."""


def list_generated() -> dict[Path, str]:
    """Return the text that each generated file of the tree must have, by path."""
    definitions = read_definitions(find_in_tree("metrics"))
    rules = render_rules(definitions.catalogue, definitions.kpis)
    prometheus = find_in_tree("prometheus")
    container_files = render_container_files(
        *((prometheus / name).read_text(encoding="utf-8") for name in ("prometheus.yml", "alertmanager.yml"))
    )
    try:
        # Only who changes definitions needs the library below it, so it is no requirement of the service.
        from metrics.dashboards import render_dashboards
    except ModuleNotFoundError as error:
        raise SdkMissing(f"{error.name} is missing; 'pip install -r requirements-dev.txt' brings it") from None
    dashboards = render_dashboards(definitions.catalogue, definitions.kpis)
    return {
        find_in_tree("docs") / "metrics.md": render_reference(definitions.catalogue, definitions.kpis),
        find_in_tree("docs") / "sql.md": render_sql_reference(read_shipped_schema(), read_examples()),
        **{prometheus / "rules" / name: text for name, text in rules.items()},
        **{prometheus / "compose" / name: text for name, text in container_files.items()},
        **{find_in_tree("grafana") / "dashboards" / name: text for name, text in dashboards.items()},
    }


@click.command(
    epilog="""\b
Examples:
  a4p generate
  a4p generate --check
"""
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail when a file would change.")
def generate(only_check: bool) -> None:
    """Write every generated file of this checkout, below docs, prometheus and grafana."""
    stale = []
    for file, text in list_generated().items():
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(file))
        if not only_check:
            file.write_text(text, encoding="utf-8")
            click.echo(f"written: {file}")
    if only_check and stale:
        raise StaleFiles(f"not what the definitions say: {', '.join(stale)}; run 'make generate' and commit")
