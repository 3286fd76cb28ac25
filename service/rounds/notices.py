"""Messages about decisions: who is told of a new state of a submission, and in which words."""

from __future__ import annotations

import sqlite3

from service.access.roles import Right
from service.rounds.outbox import Outbox, find_recipients
from service.rounds.submissions import Submission
from service.rounds.transitions import ALL, State, name_next_actor

# The right, and whether for all missions, of those who are told of a state: who acts next, or whose values are published.
_TOLD = {
    State.SUBMITTED: (Right.APPROVE, False),
    State.VALIDATED: (Right.APPROVE, True),
    State.APPROVED: (Right.APPROVE, True),
    State.RETURNED: (Right.SUBMIT, False),
    State.PUBLISHED: (Right.SUBMIT, False),
}


def add_notice(outbox: Outbox, connection: sqlite3.Connection, submission: Submission) -> None:
    """Append messages about the new state of a submission, within the transaction that records it.

    They go to those who act next, after publication to the contributors of the mission, and never to who made the change.
    """
    if submission.state not in _TOLD:
        return
    right, is_for_all = _TOLD[submission.state]
    recipients = find_recipients(connection, right, ALL if is_for_all else submission.mission, [submission.changed_by])
    subject = f"{submission.mission}, cycle {submission.cycle}: submission {submission.submission_id} is {submission.state}"
    lines = [
        f"{submission.changed_by} has {submission.state} submission {submission.submission_id} of "
        f"{submission.mission} for cycle {submission.cycle} ({submission.file_name})."
    ]
    if submission.reason:
        lines.append(f"Reason: {submission.reason}")
    if following := name_next_actor(submission.state, submission.mission):
        lines.append(f"Next: {following}.")
    outbox.add(connection, recipients, subject, "\n\n".join(lines), f"/submissions/{submission.submission_id}")
