"""The client of rounds: uploads, decisions and exceptions to locks, each with its right and a row in the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from service.access.identity import Identity
from service.access.roles import Right
from service.client.recording import RecordingClient
from service.errors import LoadError, NotAllowed, PreviewOutdated, RoundError
from service.loading.report import Batch
from service.rounds.cells import check_round
from service.rounds.comments import Comment, FollowUp
from service.rounds.notices import add_notice
from service.rounds.review import (
    Review,
    check_findings,
    find_scope,
    publish_submission,
    review_file,
    review_submission,
)
from service.rounds.submissions import MAX_FILE_BYTES, Event, LockException, Submission, SubmittedCell
from service.rounds.transitions import ALL, TRANSITIONS, Action, State, check_transition, list_actions, name_next_actor

# A beginning of a digest is enough, as in version control.
MIN_DIGEST_LENGTH = 12


@dataclass(frozen=True)
class SubmissionReport:
    """A submission with its review, its history, and the actions that its reader may take, or must not take and why.

    `review` is None when the file can no longer be read, which `problem` then says.
    """

    submission: Submission
    review: Review | None
    problem: str
    events: Sequence[Event]
    comments: Sequence[Comment]
    actions: Sequence[Action]
    refusals: Sequence[str]
    next_actor: str


class RoundsClient(RecordingClient):
    """Submissions of an application for one author. Methods raise RoundUnknown, NotSignedIn, NotAllowed and RoundError."""

    def preview(self, cycle: int, mission: str, file: Path, name: str, user: str = "") -> Review:
        """Return what a file would change if it were published. Nothing is stored. Raises LoadError."""
        self._check_reader(self._identify(user), mission)
        return review_file(self._application, find_scope(self._application, cycle, mission), _check_size(file, name), name)

    def add_draft(self, cycle: int, mission: str, file: Path, name: str, user: str = "") -> SubmissionReport:
        """Store a file as a draft and return it; the same bytes return the submission that has them.

        Raises LoadError for a file that cannot be loaded, and RoundError if its values are published or the round is closed.
        """
        application = self._application
        with self._record(user, Right.SUBMIT, mission, "upload submission", f"cycle {cycle}, {mission}: {name}") as recording:
            scope = find_scope(application, cycle, mission)
            self._check_open(cycle, mission)
            review = review_file(application, scope, _check_size(file, name), name)
            if review.is_loaded:
                raise RoundError(f"{review.batch}; there is nothing to submit")
            cells = [
                SubmittedCell(change.indicator, change.dimensions, change.period_start, change.period_end)
                for change in review.batch.changes
            ]
            submission = application.submissions.add(cycle, mission, name, file.read_bytes(), cells, self._name(user))
            recording.target = f"submission {submission.submission_id}"
            recording.after = {"cycle": cycle, "mission": mission, "file": name, "sha256": submission.sha256}
        return self.report(submission.submission_id, user, review)

    def find(self, cycle: int | None = None, mission: str | None = None, user: str = "") -> list[Submission]:
        """Return the submissions that the author may see; drafts are seen by those who can submit for the mission."""
        identity = self._identify(user)
        return [
            submission for submission in self._application.submissions.find(cycle, mission) if _may_see(identity, submission)
        ]

    def report(self, number: int, user: str = "", review: Review | None = None) -> SubmissionReport:
        """Return a submission with its review, which is made anew unless it is given.

        Raises NotAllowed for a submission of another mission.
        """
        identity = self._identify(user)
        submission = self._get(number, identity)
        problem = ""
        if not submission.is_open:
            review = None
        elif review is None:
            try:
                review = review_submission(self._application, submission)
            except (LoadError, RoundError) as error:
                problem = str(error)
        actions, refused = list_actions(number, submission.state, submission.mission, submission.authors, identity)
        return SubmissionReport(
            submission, review, problem, self._application.submissions.list_events(number),
            self._application.comments.list_all(number), actions,
            [f"{action}: {reason}" for action, reason in refused.items()],
            name_next_actor(submission.state, submission.mission),
        )  # fmt: skip

    def act(
        self, number: int, action: Action, digest: str | None = None, reason: str | None = None, user: str = ""
    ) -> tuple[SubmissionReport, Batch | None]:
        """Take an action on a submission. Return the submission and, if it is published, its batch.

        `digest` is that of the review on which the decision is based. Raises PreviewOutdated if the review has another now.
        """
        application, transition = self._application, TRANSITIONS[action]
        identity = self._identify(user)
        submission = self._get(number, identity)
        target = f"submission {number} of {submission.mission} for cycle {submission.cycle}"
        with self._record(user, transition.right, submission.mission, f"{action} submission", target, reason) as recording:
            recording.before = submission.state

            def check(current: Submission) -> None:
                check_transition(number, current.state, current.mission, current.authors, action, identity, reason)

            check(submission)
            batch, review = None, None
            if transition.names_digest:
                review = review_submission(application, submission)
                if action == Action.SUBMIT:
                    self._check_open(submission.cycle, submission.mission)
                    check_findings(number, review, application.comments.list_all(number))
                # A publication that was interrupted after its commit: the file is loaded, its event is not recorded yet.
                if not (action == Action.PUBLISH and review.is_loaded):
                    _check_digest(number, digest, review)
                if action == Action.PUBLISH:
                    batch = publish_submission(application, submission, review, identity.name, self._with_history)
            changed = application.submissions.change_state(
                number, transition.to, identity.name, reason, digest, check,
                lambda connection, decided: add_notice(application.outbox, connection, decided),
            )  # fmt: skip
            recording.after = {"state": changed.state, "digest": digest, "batch_id": batch.batch_id if batch else None}
        application.rounds.record_metrics()
        return self.report(number, user, review), batch

    def find_cell(
        self, number: int, indicator: str, dimensions: Mapping[str, str], period_end: date | None = None, user: str = ""
    ) -> SubmittedCell:
        """Return the cell of a submission by indicator, dimensions and, where there are several periods, its last day.

        Raises RoundError if it is not exactly one.
        """
        cells = [
            cell
            for cell in self._get(number, self._identify(user)).cells
            if cell.indicator == indicator and cell.dimensions == dimensions and period_end in (None, cell.period_end)
        ]
        if len(cells) == 1:
            return cells[0]
        labels = "".join(f" {name}={value}" for name, value in dimensions.items())
        ends = ", ".join(str(cell.period_end) for cell in cells)
        raise RoundError(
            f"submission {number} has values of {indicator}{labels} for periods that end on {ends}; name one"
            if cells
            else f"submission {number} has no value of {indicator[:100]}{labels}"
        )

    def comment(
        self, number: int, cell: SubmittedCell, text: str, follow_up: FollowUp | None = None, user: str = ""
    ) -> SubmissionReport:
        """Add a comment to a cell of an open submission, and return the submission. Raises as `Comments.add` does."""
        identity = self._identify(user)
        submission = self._get(number, identity)
        target = f"submission {number}, {cell.indicator}"
        with self._record(user, Right.COMMENT, submission.mission, "comment on submission", target) as recording:
            if not submission.is_open:
                raise RoundError(f"submission {number} is {submission.state}; comments end with its publication or withdrawal")
            comment = self._application.comments.add(number, cell, identity.name, text, follow_up)
            recording.after = {"text": comment.text, "follow_up": comment.follow_up}
        return self.report(number, user)

    def extend(self, cycle: int, mission: str, until: date, reason: str, user: str = "") -> LockException:
        """Let a mission submit for a closed round until the end of a day. Raises RoundError without a reason."""
        with self._record(user, Right.APPROVE, ALL, "extend round", f"cycle {cycle}, {mission}", reason) as recording:
            with self._application.open_live_session() as session:
                check_round(session, cycle, mission)
            extended = self._application.submissions.extend(cycle, mission, until, reason, self._name(user))
            recording.after = {"until": until.isoformat()}
        return extended

    def _get(self, number: int, identity: Identity) -> Submission:
        submission = self._application.submissions.get(number)
        if not _may_see(identity, submission):
            self._check_reader(identity, submission.mission)
            raise NotAllowed(f"{identity.name} must not read submission {number}: it is a draft, or was withdrawn")
        return submission

    def _check_reader(self, identity: Identity, mission: str) -> None:
        if not identity.may(Right.APPROVE, mission):
            identity.check(Right.SUBMIT, mission)

    def _check_open(self, cycle: int, mission: str) -> None:
        """Raise RoundError if the round is closed for a mission."""
        closes = self._application.definitions.catalogue.cycles.find_expiry(cycle)
        today = self._application.clock().date()
        if closes is None or today <= closes:
            return
        exception = self._application.submissions.list_exceptions(cycle).get(mission)
        if exception is None or exception.until < today:
            raise RoundError(
                f"the round of cycle {cycle} closed on {closes}; an approver of all missions can extend it for {mission}"
            )


def _may_see(identity: Identity, submission: Submission) -> bool:
    """Return whether an identity may see a submission: a contributor of the mission, or its approver once it is submitted."""
    if identity.may(Right.SUBMIT, submission.mission):
        return True
    return submission.state not in (State.DRAFT, State.WITHDRAWN) and identity.may(Right.APPROVE, submission.mission)


def _check_size(file: Path, name: str) -> Path:
    try:
        size = file.stat().st_size
    except OSError:
        # The reader reports the error.
        return file
    if size > MAX_FILE_BYTES:
        raise RoundError(f"{name} has {size:,} bytes; a submission has at most {MAX_FILE_BYTES:,}")
    return file


def _check_digest(number: int, digest: str | None, review: Review) -> None:
    if not digest:
        raise RoundError(f"digest: name the digest of the preview of submission {number}, {review.digest}")
    if len(digest) < MIN_DIGEST_LENGTH or not review.digest.startswith(digest):
        raise PreviewOutdated(
            f"submission {number} would now change other values than in the preview; read the new preview and decide again"
        )
