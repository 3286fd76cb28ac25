"""Answers requests of commands about rounds."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from service.application import Application
from service.client.protocol import RoundsRequest
from service.client.round_messages import (
    SubmissionList,
    describe_extension,
    describe_report,
    describe_review,
    describe_round,
    describe_submission,
)
from service.client.rounds import RoundsClient
from service.errors import RoundError

T = TypeVar("T")


def answer_rounds(application: Application, with_history: bool, request: RoundsRequest) -> BaseModel:
    """Return the message for a request. Raises as the methods of RoundsClient do."""
    client, user = RoundsClient(application, with_history), request.user
    operation = request.operation
    if operation == "show":
        return describe_round(application, _need(request.cycle, "cycle"))
    if operation == "list":
        return SubmissionList(submissions=list(map(describe_submission, client.find(request.cycle, request.mission, user))))
    if operation in ("preview", "upload"):
        file = _need(request.file, "file")
        cycle, mission = _need(request.cycle, "cycle"), _need(request.mission, "mission")
        if operation == "preview":
            return describe_review(client.preview(cycle, mission, file, file.name, user))
        return describe_report(client.add_draft(cycle, mission, file, file.name, user))
    if operation == "extend":
        return describe_extension(
            client.extend(
                _need(request.cycle, "cycle"), _need(request.mission, "mission"), _need(request.until, "until"),
                request.reason or "", user,
            )
        )  # fmt: skip
    number = _need(request.number, "number")
    if operation == "read":
        return describe_report(client.report(number, user))
    if operation == "comment":
        cell = client.find_cell(number, _need(request.indicator, "indicator"), request.dimensions, request.period_end, user)
        return describe_report(client.comment(number, cell, request.reason or "", request.follow_up, user))
    report, batch = client.act(number, _need(request.action, "action"), request.digest, request.reason, user)
    return describe_report(report, batch)


def _need(value: T | None, name: str) -> T:
    if value is None:
        raise RoundError(f"{name}: missing in the request")
    return value
