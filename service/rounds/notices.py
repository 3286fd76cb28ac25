"""Messages about decisions: the recipients and the text for each new state of a submission."""

from __future__ import annotations

from service.access.roles import Right
from service.access.store import Connection
from service.rounds.outbox import Outbox, find_recipients
from service.rounds.submissions import Submission
from service.rounds.transitions import ALL, State, name_next_actor

# The right of the recipients of a state, and whether for all missions: those who act next, or whose values are published.
_RECIPIENTS = {
    State.SUBMITTED: (Right.APPROVE, False),
    State.VALIDATED: (Right.APPROVE, True),
    State.APPROVED: (Right.APPROVE, True),
    State.RETURNED: (Right.SUBMIT, False),
    State.PUBLISHED: (Right.SUBMIT, False),
}


def add_notice(outbox: Outbox, connection: Connection, submission: Submission) -> None:
    """Append messages about the new state of a submission, within the transaction that records it.

    They go to those who act next, after publication to the contributors of the mission, and never to who made the change.
    """
    if submission.state not in _RECIPIENTS:
        return
    right, is_for_all = _RECIPIENTS[submission.state]
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
