"""The `a4p` command: its subcommands, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import sys

import click

from metrics.catalogue import CatalogueError
from service.commands.alerts import alerts
from service.commands.backup import backup
from service.commands.check import check
from service.commands.export import export
from service.commands.generate import generate
from service.commands.jobs import jobs
from service.commands.load import load
from service.commands.report import report
from service.commands.restore import restore
from service.commands.rules import rules
from service.commands.serve import serve
from service.commands.snapshot import snapshot
from service.commands.sql import sql
from service.commands.stack import stack
from service.commands.thresholds import thresholds
from service.errors import ServiceError

FAILED = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "A4P"})
@click.version_option(package_name="a4p-service")
def a4p() -> None:
    """A4P+ indicators: history in DuckDB, metrics in Prometheus.

    Every option can be set as A4P_<NAME> in the environment, or in the TOML file that A4P_CONFIG names (a4p.toml).
    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """


for command in (
    alerts,
    backup,
    check,
    export,
    generate,
    jobs,
    load,
    report,
    restore,
    rules,
    serve,
    snapshot,
    sql,
    stack,
    thresholds,
):
    a4p.add_command(command)


def main() -> None:
    """Run the command line; a mistake of the user is one message and an exit code, never a stack trace."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("apscheduler", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        a4p()
    except (ServiceError, CatalogueError) as error:
        click.echo(f"a4p: {error}", err=True)
        sys.exit(FAILED)
    except BrokenPipeError:
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
