"""Rounds and submissions as the API and the socket send them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.application import Application
from service.client.rounds import SubmissionReport
from service.loading.report import Batch, Change
from service.rounds.comments import Comment
from service.rounds.grid import MissionRound
from service.rounds.review import Review
from service.rounds.submissions import LockException, Submission


class Message(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class MissionState(Message):
    """A mission in a round. `reports` counts its expected reports by state; `next_actor` is who acts next, as text."""

    cycle: int
    mission: str
    state: str
    due_on: date
    overdue_days: int
    next_actor: str
    reports: dict[str, int]
    extended_until: date | None


class RoundState(Message):
    """The state of a round: every mission that is expected to report. `closes_on` is null if it never closes."""

    cycle: int
    period_start: date
    period_end: date
    closes_on: date | None
    missions: list[MissionState]


class SubmissionState(Message):
    """A submission and its state."""

    submission_id: int
    cycle: int
    mission: str
    file_name: str
    sha256: str
    state: str
    cells: int
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    reason: str | None


class SubmissionList(Message):
    """The submissions that the caller may see, the oldest first."""

    submissions: list[SubmissionState]


class CellChange(Message):
    """A cell of a submission: new, a revision or unchanged, with the published value that it replaces."""

    kind: str
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date
    value: float | None
    status: str
    previous_value: float | None
    previous_status: str | None
    change: float | None
    note: str | None


class FindingMessage(Message):
    """A cell that violates a validation rule. A high one blocks the submission, one with `needs_comment` needs a comment."""

    rule: str
    severity: str
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period: str
    message: str
    action: str
    row: int | None
    needs_comment: bool


class CommentMessage(Message):
    """A comment on a cell of a submission; `follow_up` is set or cleared, or null for one that does not change the flag."""

    indicator: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date
    by: str
    at: datetime
    text: str
    follow_up: str | None


class ReviewMessage(Message):
    """What the publication of a file would change now. A decision names its `digest`.

    `started` and `cleared` are the breaches of thresholds that it would start or end.
    """

    digest: str
    sha256: str
    cells: list[CellChange]
    warnings: list[str]
    notes: list[str]
    findings: list[FindingMessage]
    started: list[str]
    cleared: list[str]


class Extended(Message):
    """An exception to the lock of a round."""

    cycle: int
    mission: str
    until: date
    reason: str
    by: str


class SubmissionEvent(Message):
    """A change of the state of a submission."""

    state: str
    by: str
    at: datetime
    reason: str | None


class WholeSubmission(SubmissionState):
    """A submission with its review, its history, and the actions that the caller may take.

    `review` is null for a published or withdrawn submission, or when the file cannot be read, with `problem` as
    reason. `refusals` are the actions that others may take, and why the caller must not. `batch_id` is the
    batch of a publication.
    """

    review: ReviewMessage | None
    problem: str
    events: list[SubmissionEvent]
    comments: list[CommentMessage]
    actions: list[str]
    refusals: list[str]
    next_actor: str
    batch_id: int | None = None
    delays: list[str] = []


def describe_round(application: Application, cycle: int) -> RoundState:
    """Return the state of a round. Raises RoundUnknown."""
    missions = [_describe_mission(cycle, entry) for entry in application.rounds.list_missions(cycle)]
    cycles = application.definitions.catalogue.cycles
    start, end = cycles.find_period(cycle)
    return RoundState(
        cycle=cycle, period_start=start, period_end=end, closes_on=cycles.find_expiry(cycle), missions=missions
    )  # fmt: skip


def _describe_mission(cycle: int, entry: MissionRound) -> MissionState:
    return MissionState(
        cycle=cycle,
        mission=entry.mission,
        state=entry.state,
        due_on=entry.due_on,
        overdue_days=entry.overdue_days,
        next_actor=entry.next_actor,
        reports={str(state): count for state, count in entry.counts.items()},
        extended_until=entry.exception.until if entry.exception else None,
    )


def describe_submission(submission: Submission) -> SubmissionState:
    """Return a submission as a message."""
    return SubmissionState(**_list_fields(submission))


def describe_review(review: Review) -> ReviewMessage:
    """Return a review as a message."""
    batch = review.batch
    return ReviewMessage(
        digest=review.digest,
        sha256=batch.sha256,
        cells=list(map(_describe_change, batch.changes)),
        warnings=list(map(str, batch.warnings)),
        notes=list(batch.notes),
        findings=[
            FindingMessage(**{name: getattr(finding, name) for name in FindingMessage.model_fields})
            for finding in review.preview.findings
        ],
        started=list(map(str, review.preview.started)),
        cleared=list(map(str, review.preview.cleared)),
    )


def describe_report(report: SubmissionReport, batch: Batch | None = None) -> WholeSubmission:
    """Return a submission with its review and history as a message."""
    return WholeSubmission(
        **_list_fields(report.submission),
        review=describe_review(report.review) if report.review else None,
        problem=report.problem,
        events=[SubmissionEvent(state=event.state, by=event.by, at=event.at, reason=event.reason) for event in report.events],
        comments=list(map(_describe_comment, report.comments)),
        actions=[str(action) for action in report.actions],
        refusals=list(report.refusals),
        next_actor=report.next_actor,
        batch_id=batch.batch_id if batch else None,
        delays=list(batch.delays) if batch else [],
    )


def _describe_comment(comment: Comment) -> CommentMessage:
    cell = comment.cell
    return CommentMessage(
        indicator=cell.indicator, dimensions=cell.dimensions, period_start=cell.period_start, period_end=cell.period_end,
        by=comment.by, at=comment.at, text=comment.text, follow_up=comment.follow_up,
    )  # fmt: skip


def _list_fields(submission: Submission) -> dict[str, Any]:
    return {
        "submission_id": submission.submission_id,
        "cycle": submission.cycle,
        "mission": submission.mission,
        "file_name": submission.file_name,
        "sha256": submission.sha256,
        "state": str(submission.state),
        "cells": len(submission.cells),
        "created_by": submission.created_by,
        "created_at": submission.created_at,
        "changed_by": submission.changed_by,
        "changed_at": submission.changed_at,
        "reason": submission.reason,
    }


def _describe_change(change: Change) -> CellChange:
    difference = None
    if change.value is not None and change.previous_value is not None:
        difference = change.value - change.previous_value
    return CellChange(
        kind=change.kind,
        indicator=change.indicator,
        mission=change.mission,
        dimensions=change.dimensions,
        period_start=change.period_start,
        period_end=change.period_end,
        value=change.value,
        status=change.status,
        previous_value=change.previous_value,
        previous_status=change.previous_status,
        change=difference,
        note=change.note,
    )


def describe_extension(extended: LockException) -> Extended:
    """Return an exception to the lock of a round as a message."""
    return Extended(
        cycle=extended.cycle, mission=extended.mission, until=extended.until, reason=extended.reason, by=extended.by
    )  # fmt: skip
