"""`a4p rounds`: the state of collection rounds, submissions of missions, and decisions about them."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from service.client.choose import use_client
from service.client.protocol import RoundsRequest
from service.commands.options import data_dir_option, parse_labels
from service.commands.tables import print_table
from service.loading.report import name_cell, write_value
from service.queries.moments import parse_date
from service.rounds.transitions import TRANSITIONS, Action
from service.settings import read_settings

F = TypeVar("F", bound=Callable[..., Any])
by_option = click.option("--by", "user", default=getpass.getuser, show_default="the OS user", help="Name to record.")
cycle_argument = click.argument("cycle", type=click.IntRange(1, 9999))
number_argument = click.argument("number", type=click.IntRange(min=1))


@click.group(
    epilog="""\b
Examples:
  a4p template --mission UNMISS --cycle 6 -o unmiss.xlsx
  a4p rounds upload 6 UNMISS unmiss.xlsx --dry-run
  a4p rounds upload 6 UNMISS unmiss.xlsx --by mary
  a4p rounds submit 1 --by mary
  a4p rounds validate 1 --by paul
  a4p rounds show 6
"""
)
def rounds() -> None:
    """Show collection rounds, file values of a mission, and decide about them. Works with and without a running service.

    A mission uploads a file as a draft and submits it. An approver of the mission validates it, an approver of all missions
    approves and publishes it. Only published values become observations.
    """


def _request(data_dir: Path | None, request: RoundsRequest) -> Any:
    return use_client(read_settings(data_dir=data_dir), lambda client: client.use_rounds(request))


@rounds.command(epilog="\b\nExamples:\n  a4p rounds show 6\n")
@cycle_argument
@data_dir_option
def show(cycle: int, data_dir: Path | None) -> None:
    """Show the state of every mission in the round of CYCLE, and who acts next."""
    found = _request(data_dir, RoundsRequest(operation="show", cycle=cycle))
    closes = f", closes on {found['closes_on']}" if found["closes_on"] else ""
    click.echo(f"Cycle {cycle}, {found['period_start']} to {found['period_end']}{closes}")
    print_table(
        ["mission", "state", "due", "days overdue", "reports", "next"],
        (
            [
                row["mission"],
                _write_state(row["state"]),
                row["due_on"],
                str(row["overdue_days"] or ""),
                ", ".join(f"{count} {_write_state(state)}" for state, count in row["reports"].items()),
                row["next_actor"],
            ]
            for row in found["missions"]
        ),
    )


@rounds.command(name="list", epilog="\b\nExamples:\n  a4p rounds list\n  a4p rounds list --cycle 6 --mission UNMISS\n")
@click.option("--cycle", type=click.IntRange(1, 9999), help="Only submissions for this cycle.")
@click.option("--mission", help="Only submissions of this mission.")
@by_option
@data_dir_option
def list_(cycle: int | None, mission: str | None, user: str, data_dir: Path | None) -> None:
    """List submissions, the oldest first."""
    rows = _request(data_dir, RoundsRequest(operation="list", cycle=cycle, mission=mission, user=user))["submissions"]
    if not rows:
        click.echo("no submissions")
        return
    print_table(
        ["number", "cycle", "mission", "state", "since (UTC)", "by", "cells", "file", "reason"],
        (
            [
                str(row["submission_id"]), str(row["cycle"]), row["mission"], row["state"],
                row["changed_at"][:16].replace("T", " "), row["changed_by"], str(row["cells"]), row["file_name"],
                row["reason"] or "",
            ]
            for row in rows
        ),
    )  # fmt: skip


@rounds.command(
    epilog="""\b
Examples:
  a4p rounds upload 6 UNMISS unmiss.xlsx --dry-run
  a4p rounds upload 6 UNMISS unmiss.xlsx --by mary
"""
)
@cycle_argument
@click.argument("mission")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what the file would change. Nothing is stored.")
@by_option
@data_dir_option
def upload(cycle: int, mission: str, file: Path, dry_run: bool, user: str, data_dir: Path | None) -> None:
    """Store FILE of MISSION for CYCLE as a draft: a filled template, CSV, Parquet or workbook."""
    request = RoundsRequest(
        operation="preview" if dry_run else "upload", cycle=cycle, mission=mission, file=file.absolute(), user=user
    )  # fmt: skip
    found = _request(data_dir, request)
    if dry_run:
        _print_review(found)
        click.echo("Nothing was stored.")
        return
    _print_submission(found)


@rounds.command(epilog="\b\nExamples:\n  a4p rounds submission 1\n")
@number_argument
@by_option
@data_dir_option
def submission(number: int, user: str, data_dir: Path | None) -> None:
    """Show submission NUMBER: what its publication would change now, its history, and who acts next."""
    _print_submission(_request(data_dir, RoundsRequest(operation="read", number=number, user=user)))


def _add_action(action: Action, text: str, example: str) -> None:
    transition = TRANSITIONS[action]

    def act(number: int, user: str, data_dir: Path | None, reason: str | None = None, digest: str | None = None) -> None:
        if transition.names_digest and digest is None:
            found = _request(data_dir, RoundsRequest(operation="read", number=number, user=user))
            _print_submission(found)
            if found["review"] is None:
                raise click.ClickException(f"submission {number} is {found['state']}; it has no preview to decide about")
            click.confirm(f"{action.capitalize()} submission {number}?", abort=True)
            digest = found["review"]["digest"]
        done = _request(
            data_dir,
            RoundsRequest(operation="act", number=number, action=action, digest=digest, reason=reason, user=user),
        )
        batch = f", batch {done['batch_id']}" if done["batch_id"] else ""
        click.echo(f"submission {number} is {done['state']}{batch}")
        if done["next_actor"]:
            click.echo(f"next: {done['next_actor']}")
        for delay in done["delays"]:
            click.echo(f"warning: {delay}", err=True)

    command: Callable[..., Any] = act
    command = click.option("--reason", required=transition.needs_reason, help="Reason to record.")(command)
    if transition.names_digest:
        command = click.option(
            "--digest", help="Digest of the preview that was seen, or its first 12 digits; without it, show and ask."
        )(command)
    command = number_argument(by_option(data_dir_option(command)))
    rounds.command(name=str(action), help=text, epilog=f"\b\nExamples:\n{example}\n")(command)


for _action, _text in {
    Action.SUBMIT: "Submit draft NUMBER, or a returned submission again.",
    Action.VALIDATE: "Validate submission NUMBER, as approver of its mission.",
    Action.APPROVE: "Approve submission NUMBER, which is validated, as approver of all missions.",
    Action.PUBLISH: "Publish submission NUMBER, which is approved: its values become observations.",
    Action.RETURN: "Return submission NUMBER to its mission.",
    Action.WITHDRAW: "Withdraw submission NUMBER, which is not validated yet.",
}.items():
    _why = ' --reason "One incident was counted twice"' if TRANSITIONS[_action].needs_reason else ""
    _add_action(_action, _text, f"  a4p rounds {_action} 1{_why} --by paul")


@rounds.command(
    epilog="""\b
Examples:
  a4p rounds comment 1 sofa_incidents_new "Two incidents were reported late" --by mary
  a4p rounds comment 1 hospital_outage_days "Please check" --label cause=Equipment --follow-up set --by paul
"""
)
@number_argument
@click.argument("indicator")
@click.argument("text", default="")
@click.option("--label", "dimensions", multiple=True, callback=parse_labels, help="Dimension value of the cell: name=value.")
@click.option("--follow-up", type=click.Choice(["set", "cleared"]), help="Set or clear the flag for follow-up.")
@by_option
@data_dir_option
def comment(
    number: int, indicator: str, text: str, dimensions: dict[str, str], follow_up: Any, user: str, data_dir: Path | None
) -> None:
    """Comment on a cell of submission NUMBER, given by INDICATOR and labels."""
    request = RoundsRequest(
        operation="comment", number=number, indicator=indicator, dimensions=dimensions, reason=text, follow_up=follow_up,
        user=user,
    )  # fmt: skip
    _print_submission(_request(data_dir, request))


@rounds.command(
    epilog="""\b
Examples:
  a4p rounds extend 6 UNMISS --until 2025-03-31 --reason "The mission moved its office" --by ruth
"""
)
@cycle_argument
@click.argument("mission")
@click.option("--until", required=True, help="Last day on which the mission may submit, such as 2025-03-31.")
@click.option("--reason", required=True, help="Reason to record.")
@by_option
@data_dir_option
def extend(cycle: int, mission: str, until: str, reason: str, user: str, data_dir: Path | None) -> None:
    """Let MISSION submit for the closed round of CYCLE until a day."""
    try:
        day = parse_date(until)
    except ValueError as error:
        raise click.UsageError(f"--until: {error}") from None
    done = _request(
        data_dir,
        RoundsRequest(operation="extend", cycle=cycle, mission=mission, until=day, reason=reason, user=user),
    )
    click.echo(f"{done['mission']} may submit for cycle {done['cycle']} until {done['until']}")


def _print_submission(found: dict[str, Any]) -> None:
    click.echo(
        f"Submission {found['submission_id']} of {found['mission']} for cycle {found['cycle']}: {found['state']}, "
        f"{found['file_name']}"
    )
    for event in found["events"]:
        reason = f": {event['reason']}" if event["reason"] else ""
        click.echo(f"  {event['at'][:16].replace('T', ' ')} UTC  {event['state']} by {event['by']}{reason}")
    if found["problem"]:
        click.echo(f"The file cannot be published: {found['problem']}")
    if found["review"]:
        _print_review(found["review"])
    for comment in found["comments"]:
        flag = f" [follow-up {comment['follow_up']}]" if comment["follow_up"] else ""
        cell = name_cell(comment["indicator"], found["mission"], comment["dimensions"])
        click.echo(f"comment by {comment['by']} on {cell}{flag}: {comment['text']}")
    if found["next_actor"]:
        click.echo(f"next: {found['next_actor']}")


def _print_review(review: dict[str, Any]) -> None:
    print_table(
        ["cell", "period", "published", "submitted", "change", "kind", "note"],
        (
            [
                name_cell(cell["indicator"], cell["mission"], cell["dimensions"]),
                f"{cell['period_start']}/{cell['period_end']}",
                "" if cell["previous_status"] is None else write_value(cell["previous_value"], cell["previous_status"]),
                write_value(cell["value"], cell["status"]),
                "" if cell["change"] is None else f"{cell['change']:+g}",
                cell["kind"],
                cell["note"] or "",
            ]
            for cell in review["cells"]
        ),
    )
    for note in review["notes"]:
        click.echo(f"note: {note}")
    for warning in review["warnings"]:
        click.echo(warning)
    for finding in review["findings"]:
        cell = name_cell(finding["indicator"], finding["mission"], finding["dimensions"])
        needed = " (needs a comment)" if finding["needs_comment"] else ""
        click.echo(f"{finding['severity']}: {cell} {finding['period']}: {finding['message']}. {finding['action']}{needed}")
    for breach in review["started"]:
        click.echo(f"would start: {breach}")
    for breach in review["cleared"]:
        click.echo(f"would end: {breach}")
    click.echo(f"digest: {review['digest']}")


def _write_state(state: str) -> str:
    return state.replace("_", " ")
