"""Rounds in the API: their states, uploaded submissions, and decisions about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from flask import Blueprint, Response
from pydantic import Field

from service.access.roles import Right
from service.application import Application
from service.client.round_messages import (
    SubmissionList,
    describe_extension,
    describe_report,
    describe_review,
    describe_round,
    describe_submission,
)
from service.client.rounds import RoundsClient
from service.errors import RoundUnknown
from service.rounds.comments import MAX_TEXT_LENGTH, FollowUp
from service.rounds.submissions import MAX_FILE_BYTES, MAX_REASON
from service.rounds.transitions import TRANSITIONS, Action
from service.web.api.queries import Flag
from service.web.api.uploads import find_upload, hash_upload, read_name, store_upload
from service.web.api.writing import Given, read_body, read_parameters, send, writes
from service.web.authorization import current_identity

Reason = Annotated[str, Field(max_length=MAX_REASON)]


class NoParameters(Given):
    """An operation without parameters."""


class SubmissionsQuery(Given):
    """Which submissions to list."""

    cycle: int | None = Field(None, ge=1, le=10_000, description="Only those for this cycle.")
    mission: str | None = Field(None, max_length=200, description="Only those of this mission.")


class UploadQuery(Given):
    """How a file is uploaded."""

    dry_run: Flag = Field(False, description="Return the review of the file: what it would change. Nothing is stored.")


class Decision(Given):
    """A decision about a submission."""

    digest: str | None = Field(
        None, min_length=12, max_length=64,
        description="Digest of the review that was seen, or its first 12 or more digits; not for return and withdraw.",
    )  # fmt: skip
    reason: Reason | None = Field(None, description="Reason, for the mission and the audit; return needs one.")


class NewComment(Given):
    """A comment on a cell of a submission."""

    indicator: str = Field(max_length=200, description="Indicator of the cell.")
    dimensions: dict[str, str] = Field(default_factory=dict, max_length=20, description="Dimension values of the cell.")
    period_end: date | None = Field(None, description="Last day of its period, where the submission has several.")
    text: str = Field("", max_length=MAX_TEXT_LENGTH, description="The comment.")
    follow_up: FollowUp | None = Field(None, description="Set or clear the flag for follow-up of the cell.")


class Extension(Given):
    """A later end of a closed round for one mission."""

    until: date = Field(description="Last day on which the mission may submit.")
    reason: Reason = Field(description="Why the round stays open for the mission.")


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the routes of rounds and submissions."""
    folder = application.settings.data_dir / "tmp"

    def make_client() -> RoundsClient:
        return RoundsClient(application, True, current_identity())

    @routes.get("/rounds/<cycle>")
    def get_round(cycle: str) -> Response:
        read_parameters(NoParameters)
        return send(describe_round(application, read_cycle(cycle)))

    @routes.post("/rounds/<cycle>/<mission>/submissions")
    @writes(application, Right.SUBMIT, hash_upload)
    def upload_submission(cycle: str, mission: str) -> Response:
        query = read_parameters(UploadQuery)
        upload = find_upload()
        name = read_name(upload)
        with store_upload(upload, folder, MAX_FILE_BYTES) as file:
            if query.dry_run:
                return send(describe_review(make_client().preview(read_cycle(cycle), mission, file, name)))
            report = make_client().add_draft(read_cycle(cycle), mission, file, name)
        return send(describe_report(report), 201)

    @routes.post("/rounds/<cycle>/<mission>/extension")
    @writes(application, Right.APPROVE)
    def extend_round(cycle: str, mission: str) -> Response:
        given = read_body(Extension)
        extended = make_client().extend(read_cycle(cycle), mission, given.until, given.reason)
        return send(describe_extension(extended), 201)

    @routes.get("/submissions")
    def list_submissions() -> Response:
        query = read_parameters(SubmissionsQuery)
        found = make_client().find(query.cycle, query.mission)
        return send(SubmissionList(submissions=list(map(describe_submission, found))))

    @routes.get("/submissions/<submission>")
    def get_submission(submission: str) -> Response:
        read_parameters(NoParameters)
        return send(describe_report(make_client().report(read_number(submission))))

    @routes.post("/submissions/<submission>/comments")
    @writes(application, Right.COMMENT)
    def comment_on_submission(submission: str) -> Response:
        given, number, client = read_body(NewComment), read_number(submission), make_client()
        cell = client.find_cell(number, given.indicator, given.dimensions, given.period_end)
        return send(describe_report(client.comment(number, cell, given.text, given.follow_up)), 201)

    def add_action(action: Action) -> None:
        @writes(application, TRANSITIONS[action].right)
        def act(submission: str) -> Response:
            given = read_body(Decision)
            report, batch = make_client().act(read_number(submission), action, given.digest, given.reason)
            return send(describe_report(report, batch))

        routes.add_url_rule(f"/submissions/<submission>/{action}", f"{action}_submission", act, methods=["POST"])

    for action in Action:
        add_action(action)


def read_cycle(text: str) -> int:
    """Return the number of a cycle in a path. Raises RoundUnknown."""
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    raise RoundUnknown(f"unknown cycle {text[:50]!r}; write its number, such as 6")


def read_number(text: str) -> int:
    """Return the number of a submission in a path. Raises RoundUnknown."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise RoundUnknown(f"unknown submission {text[:50]!r}")
