"""`a4p audit`: list the audit of changes and sign-ins, and verify that it was not changed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from service.access.audit_csv import render_audit_csv
from service.access.store import write_time
from service.commands.access_file import open_access
from service.commands.options import INSTANT, data_dir_option
from service.commands.tables import print_table, write_moment
from service.settings import read_settings

RESULTS = ("done", "refused", "failed", "interrupted")


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  a4p audit
  a4p audit --actor ana --since 2026-11-01
  a4p audit --result refused --last 1000 --format csv > refused.csv
  a4p audit verify
""",
)
@click.option("--actor", help="Only entries of this user or service.")
@click.option("--action", help="Only this action, such as 'set threshold' or 'sign in'.")
@click.option("--result", type=click.Choice(RESULTS), help="Only entries with this result.")
@click.option("--since", type=INSTANT, metavar="TIME", help="Only entries from this date or time on, in UTC.")
@click.option("--until", type=INSTANT, metavar="TIME", help="Only entries before this date or time, in UTC.")
@click.option("--last", default=100, show_default=True, type=click.IntRange(1), help="Number of entries to list.")
@click.option("--format", "kind", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@data_dir_option
@click.pass_context
def audit(
    context: click.Context, actor: str | None, action: str | None, result: str | None, since: datetime | None,
    until: datetime | None, last: int, kind: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """List changes, sign-ins and refused attempts, newest first. Works with and without a running service.

    csv and json have every column, also the roles, before, after, reason, request and hash of an entry.
    """
    if context.invoked_subcommand is not None:
        context.obj = data_dir
        return
    given = {
        "actor": actor,
        "action": action,
        "result": result,
        "since": since and write_time(since),
        "until": until and write_time(until),
    }
    filters = {name: value for name, value in given.items() if value}
    entries = open_access(read_settings(data_dir=data_dir)).audit.list_entries(last, filters=filters)
    if kind == "csv":
        for line in render_audit_csv(entries):
            click.echo(line, nl=False)
    elif kind == "json":
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        print_table(
            ["entry", "time (UTC)", "actor", "by", "address", "action", "target", "result", "reason or detail"],
            (
                [
                    str(entry["id"]),
                    write_moment(entry["at"]),
                    entry["actor"],
                    entry["signed_in_by"],
                    entry["address"],
                    entry["action"],
                    entry["target"],
                    entry["result"],
                    entry["detail"] or entry["reason"] or "",
                ]
                for entry in entries
            ),
        )


@audit.command(
    epilog="""\b
Examples:
  a4p audit verify
"""
)
@data_dir_option
@click.pass_obj
def verify(outer: Path | None, data_dir: Path | None) -> None:
    """Verify the hash chain of the audit, and print the number of entries and the newest hash.

    Each entry has a hash over itself and the entry before. Exit code 1 if an entry was changed or deleted. Record the newest
    hash outside of this machine to detect a chain that was replaced as a whole.
    """
    count, newest = open_access(read_settings(data_dir=data_dir or outer)).audit.verify()
    click.echo(f"{count:,} entries, newest hash {newest}")
