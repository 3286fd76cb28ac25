"""The `a4p` command: its subcommands, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from metrics.catalogue import CatalogueError
from service.errors import ServiceError
from service.system.imports import disable_optional_imports
from service.system.memory import choose_arenas

FAILED = 1
# Each is a module of service.commands with a command of that name.
COMMANDS = """
    alertmanager alerts audit backup check doctor events export generate jobs lake load messages migrate report restore
    rounds rules serve snapshot sql stack template thresholds tokens users verify
""".split()


class Commands(click.Group):
    """The subcommands. Only the requested one is imported, since importing all of them takes a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return COMMANDS

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # click suggests loaded commands only.
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"service.commands.{cmd_name}"), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "A4P"})
@click.version_option(package_name="a4p-service")
def a4p() -> None:
    """A4P+ indicators: history in DuckDB, metrics in Prometheus.

    Every option can be set as A4P_<NAME> in the environment, or in the TOML file that A4P_CONFIG names (a4p.toml).
    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """


def main() -> None:
    """Prepare this process, and run its command line."""
    disable_optional_imports("pandas")
    choose_arenas()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("apscheduler", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    run()


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and end with its exit code. A mistake of the user is one message, never a stack trace."""
    try:
        a4p(arguments)
    except (ServiceError, CatalogueError) as error:
        click.echo(f"a4p: {error}", err=True)
        sys.exit(FAILED)
    except BrokenPipeError:
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
