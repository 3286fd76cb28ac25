"""`a4p generate`: write the generated files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import click
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from metrics.addresses import render_container_files, render_container_nginx
from metrics.languages import TRANSLATIONS
from metrics.reference import render_reference
from metrics.rules import render_rules
from metrics.validation_reference import render_validation_reference
from service.commands.reference.commands import render_command_reference
from service.commands.reference.settings import render_settings_reference
from service.errors import SdkMissing, StaleFiles
from service.queries.examples import read_examples
from service.rounds.checks import read_shipped_rules
from service.settings import find_in_tree
from service.warehouse.definitions import read_definitions
from service.warehouse.schema import read_shipped_schema, render_sql_reference


def list_generated() -> dict[Path, str]:
    """Return the expected text of each generated file of the checkout, by path."""
    # The commands import this one.
    from service.cli import a4p

    definitions = read_definitions(find_in_tree("metrics"))
    rules = render_rules(definitions.catalogue, definitions.kpis)
    prometheus = find_in_tree("prometheus")
    nginx = find_in_tree("nginx")
    container_files = render_container_files((prometheus / "prometheus.yml").read_text(encoding="utf-8"))
    try:
        # Needed only to change definitions, so it is not a requirement of the service.
        from metrics.dashboards import render_dashboards
        from metrics.dashboards.mission_map import LAND_FILE, render_land
    except ModuleNotFoundError as error:
        raise SdkMissing(f"{error.name} is not installed. Run 'pip install -r requirements-dev.txt'.") from None
    dashboards = render_dashboards(definitions.catalogue, definitions.kpis)
    return {
        find_in_tree("docs") / "metrics.md": render_reference(definitions.catalogue, definitions.kpis),
        find_in_tree("docs") / "settings.md": render_settings_reference(),
        find_in_tree("docs") / "validation.md": render_validation_reference(read_shipped_rules(), definitions.relations),
        find_in_tree("docs") / "cli.md": render_command_reference(a4p),
        find_in_tree("docs") / "sql.md": render_sql_reference(read_shipped_schema(), read_examples()),
        **{prometheus / "rules" / name: text for name, text in rules.items()},
        **{prometheus / "compose" / name: text for name, text in container_files.items()},
        nginx / "compose" / "a4p.conf": render_container_nginx((nginx / "a4p.conf").read_text(encoding="utf-8")),
        **{find_in_tree("grafana") / "dashboards" / name: text for name, text in dashboards.items()},
        find_in_tree("grafana") / "maps" / LAND_FILE: render_land(),
    }


def list_compiled() -> dict[Path, bytes]:
    """Return the expected bytes of the compiled messages of each language, by path."""
    compiled = {}
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        stream = BytesIO()
        with source.open("rb") as file:
            write_mo(stream, read_po(file, locale=source.parent.parent.name))
        compiled[source.with_suffix(".mo")] = stream.getvalue()
    return compiled


@click.command(
    epilog="""\b
Examples:
  a4p generate
  a4p generate --check
"""
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if a file would change.")
def generate(only_check: bool) -> None:
    """Write all generated files of this checkout: docs, rules, dashboards and the compiled messages of each language."""
    stale = []
    contents = {file: text.encode() for file, text in list_generated().items()} | list_compiled()
    for file, content in contents.items():
        if file.exists() and file.read_bytes() == content:
            continue
        stale.append(str(file))
        if not only_check:
            file.write_bytes(content)
            click.echo(f"written: {file}")
    if only_check and stale:
        raise StaleFiles(f"stale generated files: {', '.join(stale)}. Run 'make generate' and commit.")
