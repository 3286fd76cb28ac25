"""The review of a submission: what its publication would change now, and the digest that a decision names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from metrics.languages import get_language
from service.application import Application
from service.errors import RoundError
from service.loading.report import Batch, Change, Finding, Preview
from service.loading.request import LoadRequest, RoundScope
from service.rounds.cells import check_round
from service.rounds.comments import CellKey, Comment, group_by_cell, make_key
from service.rounds.submissions import Submission

# A mission has a few dozen cells in a cycle; the file may have corrections of several periods.
MAX_ROWS = 2_000


@dataclass(frozen=True)
class Review:
    """What the publication of a submission would change now."""

    preview: Preview

    @property
    def digest(self) -> str:
        """The digest that differs when the file or any of its changes does."""
        return self.preview.digest

    @property
    def batch(self) -> Batch:
        (batch,) = self.preview.batches
        return batch

    def find_change(self, finding: Finding) -> Change | None:
        """Return the cell of the file that a finding is about; None for a finding about several."""
        for change in self.batch.changes:
            if (change.indicator, change.dimensions, change.period) == (finding.indicator, finding.dimensions, finding.period):
                return change
        return None

    def list_uncommented(self, comments: Sequence[Comment]) -> list[Finding]:
        """Return the findings that need a comment, and whose cell has neither a note nor a comment."""
        commented = group_by_cell(comments)
        return [
            finding
            for finding in self.preview.findings
            if finding.needs_comment and (_find_key(self.find_change(finding)) not in commented)
        ]

    @property
    def is_loaded(self) -> bool:
        """Whether the values of the file are published already."""
        return self.batch.loaded_before_at is not None


def _find_key(change: Change | None) -> CellKey | None:
    return make_key(change.indicator, change.dimensions, change.period_start, change.period_end) if change else None


def check_findings(number: int, review: Review, comments: Sequence[Comment]) -> None:
    """Raise RoundError if a finding of severity high, or one without its comment, blocks a submission."""
    high = [finding for finding in review.preview.findings if finding.severity == "high"]
    if high:
        raise RoundError(f"submission {number} has findings of severity high: {len(high)}. First: {high[0]}")
    if uncommented := review.list_uncommented(comments):
        raise RoundError(f"submission {number} has findings without a comment: {len(uncommented)}. First: {uncommented[0]}")


def find_scope(application: Application, cycle: int, mission: str) -> RoundScope:
    """Return the scope of a round. Raises RoundUnknown."""
    with application.open_live_session() as session:
        check_round(session, cycle, mission)
    return RoundScope(cycle, mission, *application.definitions.catalogue.cycles.find_period(cycle))


def review_file(application: Application, scope: RoundScope, file: Path, name: str) -> Review:
    """Return the review of a file for a round. Raises LoadError, also for rows of other missions and cycles."""
    request = LoadRequest(
        files=(file,), names=(name,), changes=MAX_ROWS, with_unchanged=True,
        max_rows=MAX_ROWS, status_codes="sdmx", scope=scope,
    )  # fmt: skip
    return Review(application.loads.preview(request))


def review_submission(application: Application, submission: Submission) -> Review:
    """Return the review of a submission for the present state of the warehouse. Raises as `review_file` does."""

    def make() -> Review:
        scope = find_scope(application, submission.cycle, submission.mission)
        with open_content(application, submission) as file:
            return review_file(application, scope, file, submission.recorded_name)

    # What the review depends on: values are valid, and reports due, as of a date.
    state = application.warehouse.commits, application.clock().date()
    return application.recent_reviews.find((submission.submission_id, submission.sha256, get_language().code, *state), make)


def publish_submission(
    application: Application, submission: Submission, review: Review, published_by: str, with_history: bool
) -> Batch:
    """Load the file of a submission as one batch with the reviewed changes, and publish it.

    Raises as `Loads.load_and_publish` does.

    Repeated after an interruption, it returns the batch that was recorded.
    """
    scope = find_scope(application, submission.cycle, submission.mission)
    with open_content(application, submission) as file:
        request = LoadRequest(
            files=(file,), names=(submission.recorded_name,), loaded_by=published_by,
            max_rows=MAX_ROWS, status_codes="sdmx", digest=review.digest, scope=scope,
        )  # fmt: skip
        (batch,) = application.loads.load_and_publish(request, with_history=with_history)
    return batch


@contextmanager
def open_content(application: Application, submission: Submission) -> Iterator[Path]:
    """Give a private file with the bytes of a submission, deleted at the end."""
    content = application.submissions.read_content(submission.submission_id)
    if hashlib.sha256(content).hexdigest() != submission.sha256:
        raise RoundError(f"the file of submission {submission.submission_id} is damaged; upload it again")
    folder = application.settings.data_dir / "tmp"
    folder.mkdir(mode=0o700, exist_ok=True)
    with TemporaryDirectory(prefix="submission-", dir=folder) as directory:
        file = Path(directory) / "content"
        file.write_bytes(content)
        yield file
