"""`a4p alerts`: firing alerts, their acknowledgements, and the source of their values."""

from __future__ import annotations

import getpass
from collections import Counter
from pathlib import Path
from typing import Any

import click

from service.client.choose import use_client
from service.client.protocol import AlertsRequest
from service.commands.options import data_dir_option
from service.commands.tables import print_table
from service.queries.result_table import make_printable
from service.settings import read_settings

# So many indicators can be overdue that what matters would not be seen among them.
FOLDED_SEVERITY = "info"

all_option = click.option("--all", "show_all", is_flag=True, help="Also list each alert of severity info.")


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  a4p alerts
  a4p alerts show 3f2a
  a4p alerts ack 3f2a --note "The mission was asked"
""",
)
@all_option
@data_dir_option
@click.pass_context
def alerts(context: click.Context, show_all: bool, data_dir: Path | None) -> None:
    """List the firing alerts and their start times. Works with and without a running service."""
    if context.invoked_subcommand is None:
        _list(data_dir, show_all)
    else:
        context.obj = data_dir


@alerts.command(
    name="list",
    epilog="""\b
Examples:
  a4p alerts list
  a4p alerts list --all
""",
)
@all_option
@data_dir_option
@click.pass_obj
def list_(outer: Path | None, show_all: bool, data_dir: Path | None) -> None:
    """List the firing alerts and their start times."""
    _list(data_dir or outer, show_all)


def _list(data_dir: Path | None, show_all: bool) -> None:
    rows = _request(data_dir, AlertsRequest(action="list"))
    if not rows:
        click.echo("no alert fires")
        return
    folded = Counter(row["alert"] for row in rows if row["severity"] == FOLDED_SEVERITY and not show_all)
    rows = [row for row in rows if show_all or row["severity"] != FOLDED_SEVERITY]
    if rows:
        _print_alerts(rows)
    if folded:
        counts = ", ".join(f"{name} {count:,}" for name, count in sorted(folded.items()))
        click.echo(f"and {folded.total():,} of severity {FOLDED_SEVERITY} ({counts}); 'a4p alerts list --all' lists them")


def _print_alerts(rows: list[dict[str, Any]]) -> None:
    columns = ["alert", "severity", "since (UTC)", "value", "limit", "value now", "limit now", "what", "acknowledged"]
    print_table(
        columns,
        (
            [
                row["fingerprint"][:8],
                row["severity"] or "",
                row["since"],
                _write(row["value"]),
                _write(row["limit_value"]),
                _write_now(row, "value_now"),
                _write_now(row, "limit_now"),
                row["summary"] or row["alert"],
                row["acknowledged"] or "",
            ]
            for row in rows
        ),
    )


@alerts.command(
    epilog="""\b
Examples:
  a4p alerts show 3f2a
"""
)
@click.argument("alert")
@data_dir_option
@click.pass_obj
def show(outer: Path | None, alert: str, data_dir: Path | None) -> None:
    """Show notifications and the source of the value of ALERT, given by the beginning of its fingerprint in `a4p alerts`."""
    traced = _request(data_dir or outer, AlertsRequest(action="show", alerts=[alert]))
    newest = traced["notifications"][0]
    _print(f"{newest['alert']} {newest['fingerprint']}")
    for name, text in {**newest["labels"], **newest["annotations"]}.items():
        if text and name != "alertname":
            _print(f"  {name}: {text}")
    _print("notifications")
    for row in traced["notifications"]:
        ended = f" to {row['ends_at']}" if row["ends_at"] else ""
        value = f", value {_write(row['value'])}, limit {_write(row['limit_value'])}" if row["value"] is not None else ""
        _print(f"  {row['recorded_at']} {row['status']}: from {row['starts_at']}{ended}{value}")
    if now := traced["now"]:
        limit = "no limit" if now["limit_value"] is None else f"limit {_write(now['limit_value'])}"
        _print(f"now: value {_write(now['value'])} ({now['period_end']}), {limit}")
    elif newest["labels"].get("metric"):
        _print("now: no value; the series has ended")
    for row in traced["acknowledgements"]:
        note = f": {row['note']}" if row["note"] else ""
        _print(f"acknowledged by {row['acknowledged_by']} at {row['recorded_at']} UTC{note}")
    if traced["resolution"] is not None:
        _show_resolution(traced["resolution"])
    for row in traced["observations"]:
        _print_observation("observation", row)
    for row in traced["inputs"]:
        _print_observation("computed from", row)


def _show_resolution(recorded: list[dict[str, Any]]) -> None:
    causes = [row for row in recorded if row["clears"]]
    for row in causes:
        _print(f"resolved by {row['cause']}: {row['detail']}, recorded {row['recorded_at']} UTC")
    if not causes:
        _print("resolved by an unknown cause: no single change recorded while it fired ends the breach")
        for row in recorded:
            _print(f"  recorded while it fired: {row['cause']}: {row['detail']}, {row['recorded_at']} UTC")


def _print_observation(what: str, row: dict[str, Any]) -> None:
    labels = "".join(f", {name}={value}" for name, value in row["dimensions"].items())
    page = f", page {row['page']}" if row["page"] else ""
    before = f" ({_write(row['previous_value'])} the period before)" if row.get("previous_value") is not None else ""
    _print(f"{what} {row['indicator']}, {row['mission']}{labels}, {row['period_start']} to {row['period_end']}")
    _print(f"  value {_write(row['value'])}{before}, status {row['status']}, from {row['source']}{page}")
    _print(f"  batch {row['batch_id']}, {row['file_name']}, by {row['loaded_by']}, recorded {row['recorded_at']} UTC")
    if row["note"]:
        _print(f"  note: {row['note']}")


@alerts.command(
    epilog="""\b
Examples:
  a4p alerts ack 3f2a --note "The mission was asked"
"""
)
@click.argument("alert", nargs=-1, required=True)
@click.option("--note", help="Action taken.")
@click.option("--by", "acknowledged_by", default=getpass.getuser, show_default="the OS user", help="Name to record.")
@data_dir_option
@click.pass_obj
def ack(outer: Path | None, alert: tuple[str, ...], note: str | None, acknowledged_by: str, data_dir: Path | None) -> None:
    """Acknowledge ALERT with a note, until it fires again."""
    request = AlertsRequest(action="ack", alerts=list(alert), note=note, acknowledged_by=acknowledged_by)
    for line in _request(data_dir or outer, request):
        _print(f"acknowledged {line}")


def _print(line: str) -> None:
    # Labels, annotations and notes come from other programs and users.
    click.echo(make_printable(line))


def _write_now(row: dict[str, Any], name: str) -> str:
    # An alert about the service has neither value nor limit.
    return "none" if row[name] is None and row["metric"] else _write(row[name])


def _write(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _request(data_dir: Path | None, request: AlertsRequest) -> Any:
    return use_client(read_settings(data_dir=data_dir), lambda client: client.use_alerts(request))
