"""`a4p messages`: list the messages about rounds, and which could not be mailed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from pydantic_core import to_jsonable_python

from service.access.store import write_time
from service.commands.access_file import open_access
from service.commands.options import data_dir_option
from service.commands.tables import print_table, write_moment
from service.rounds.outbox import STATES, Outbox
from service.settings import read_settings


@click.command(
    epilog="""\b
Examples:
  a4p messages
  a4p messages --state failed
  a4p messages --last 100 --format json
"""
)
@click.option("--state", type=click.Choice(STATES), help="List messages of this state only.")
@click.option("--last", type=click.IntRange(min=1, max=10_000), default=20, show_default=True, help="Maximum messages.")
@click.option("--format", "kind", type=click.Choice(["table", "json"]), default="table", show_default=True)
@data_dir_option
def messages(state: str | None, last: int, kind: str, data_dir: Path | None) -> None:
    """List the newest messages about rounds. Works with and without a running service, which sends them.

    A message that cannot be sent is tried again for 3 days, and then failed. Messages are deleted after 30 days.
    """
    found = Outbox(open_access(read_settings(data_dir=data_dir)).store, is_enabled=False).list_newest(last, state)
    if kind == "json":
        click.echo(json.dumps(to_jsonable_python([asdict(message) for message in found]), indent=2))
        return
    print_table(
        ["message", "recipient", "subject", "state", "attempts", "added (UTC)", "error"],
        (
            [
                str(message.message_id),
                message.recipient,
                message.subject,
                message.state,
                str(message.attempts),
                write_moment(write_time(message.created_at)),
                message.error or "",
            ]
            for message in found
        ),
    )
