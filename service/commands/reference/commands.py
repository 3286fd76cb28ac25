"""The reference of commands, docs/cli.md, rendered from the help of each command."""

from __future__ import annotations

from collections.abc import Iterator

import click

# Independent of the width of the terminal that generates the file.
WIDTH = 100
INTRODUCTION = """\
# Commands

`a4p COMMAND --help` prints the same text. After `make run` or `make test` the command is `.venv/bin/a4p`. Exit codes: 0
success, 1 failure, 2 wrong usage.
"""


def render_command_reference(group: click.Group) -> str:
    """Return docs/cli.md: a section per command and subcommand with its help."""
    sections = [f"\n## {path}\n\n```text\n{text.strip()}\n```\n" for path, text in _list_help(group, "a4p", None)]
    return INTRODUCTION + "".join(sections)


def _list_help(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        max_content_width=WIDTH,
        terminal_width=WIDTH,
        **command.context_settings,
    )
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand is not None
            yield from _list_help(subcommand, f"{path} {name}", context)
