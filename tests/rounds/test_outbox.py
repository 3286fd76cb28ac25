"""The outbox: recipients, messages that wait, are sent once or given up, and reminders of overdue reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from service.access.access import Access
from service.access.roles import Grant, Right, Role
from service.rounds.grid import CellState, MissionRound, Report
from service.rounds.outbox import Message, Outbox, find_recipients
from service.rounds.reminders import add_reminders
from service.rounds.submissions import LockException
from service.settings import Settings
from tests.access.conftest import SetClock

USERS = {
    "ana": [Grant(Role.CONTRIBUTOR, "UNMISS")],
    "bob": [Grant(Role.APPROVER, "UNMISS")],
    "eve": [Grant(Role.APPROVER)],
    "max": [Grant(Role.CONTRIBUTOR, "UNMISS"), Grant(Role.READER)],
    "root": [Grant(Role.ADMINISTRATOR)],
}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def access(tmp_path: Path, clock: SetClock) -> Access:
    """Users of several roles, each with an address but max."""
    opened = Access(Settings(data_dir=tmp_path), clock)
    for name, grants in USERS.items():
        opened.users.add(name, grants, "test", email=None if name == "max" else f"{name}@example.org")
    return opened


@pytest.fixture
def outbox(access: Access) -> Outbox:
    return Outbox(access.store, is_enabled=True)


def find(access: Access, right: Right, mission: str, excluded: Sequence[str] = ()) -> list[str]:
    with access.store.read() as connection:
        return find_recipients(connection, right, mission, excluded)


def add(access: Access, outbox: Outbox, *recipients: str, subject: str = "Submitted") -> int:
    with access.store.write() as connection:
        return outbox.add(connection, recipients, subject, "UNMISS submitted 3 values.", "/submissions/12")


def take(outbox: Outbox) -> Message:
    message = outbox.take_due()
    assert message is not None
    return message


def test_those_who_are_nearest_to_a_mission_are_informed(access: Access) -> None:
    assert find(access, Right.SUBMIT, "UNMISS") == ["ana@example.org"]
    assert find(access, Right.APPROVE, "UNMISS") == ["bob@example.org"]
    # UNIFIL has no approver of its own, and nobody contributes to it.
    assert find(access, Right.APPROVE, "UNIFIL") == ["eve@example.org"]
    assert find(access, Right.SUBMIT, "UNIFIL") == ["root@example.org"]
    assert find(access, Right.APPROVE, "") == ["eve@example.org"]


def test_disabled_users_and_the_author_of_a_change_are_not_informed(access: Access) -> None:
    assert find(access, Right.APPROVE, "UNMISS", excluded=["BOB"]) == ["eve@example.org"]
    access.users.disable("bob")
    assert find(access, Right.APPROVE, "UNMISS") == ["eve@example.org"]


def test_a_message_is_stored_with_its_change_or_not_at_all(access: Access, outbox: Outbox) -> None:
    with pytest.raises(ZeroDivisionError), access.store.write() as connection:
        outbox.add(connection, ["ana@example.org"], "Submitted", "x", "/rounds/6")
        raise ZeroDivisionError
    assert outbox.count() == {"waiting": 0, "failed": 0}
    # Each address once.
    assert add(access, outbox, "ana@example.org", "bob@example.org", "ana@example.org") == 2
    assert outbox.count() == {"waiting": 2, "failed": 0}


def test_without_a_mail_server_no_message_is_stored(access: Access) -> None:
    assert add(access, Outbox(access.store, is_enabled=False), "ana@example.org") == 0
    assert Outbox(access.store, is_enabled=True).count() == {"waiting": 0, "failed": 0}


def test_a_sent_message_is_not_sent_again(access: Access, outbox: Outbox, clock: SetClock) -> None:
    add(access, outbox, "ana@example.org")
    outbox.record_sent(take(outbox))
    clock.now += timedelta(days=1)
    assert outbox.take_due() is None
    assert [message.state for message in outbox.list_newest(5)] == ["sent"]


def test_a_message_whose_sending_was_interrupted_is_sent_once_more_after_a_pause(
    access: Access, outbox: Outbox, clock: SetClock
) -> None:
    add(access, outbox, "ana@example.org")
    taken = take(outbox)
    # The process was killed here.
    assert outbox.take_due() is None
    clock.now += timedelta(minutes=1)
    again = take(outbox)
    assert (again.message_id, again.attempts) == (taken.message_id, 1)


def test_attempts_have_growing_pauses_and_end_after_three_days(access: Access, outbox: Outbox, clock: SetClock) -> None:
    add(access, outbox, "ana@example.org")
    start, moments = clock.now, []
    while (message := outbox.take_due()) is not None:
        moments.append(clock.now - start)
        outbox.record_failure(message, "the mail server is full", is_permanent=False)
        next_attempt_at = outbox.list_newest(1)[0].next_attempt_at
        clock.now = (next_attempt_at or clock.now + timedelta(days=2)) - timedelta(microseconds=1)
        assert outbox.take_due() is None
        clock.now += timedelta(microseconds=1)
    minutes = [moment // timedelta(minutes=1) for moment in moments]
    assert minutes[:5] == [0, 1, 3, 7, 15]
    assert max(after - before for before, after in pairwise(moments)) == timedelta(hours=6)
    assert timedelta(days=3) <= moments[-1] < timedelta(days=3, hours=6)
    assert outbox.count() == {"waiting": 0, "failed": 1}
    (failed,) = outbox.list_newest(5, "failed")
    assert failed.error == "the mail server is full"


def test_old_messages_are_deleted_but_not_waiting_ones(access: Access, outbox: Outbox, clock: SetClock) -> None:
    add(access, outbox, "ana@example.org", "bob@example.org")
    outbox.record_sent(take(outbox))
    clock.now += timedelta(days=31)
    assert outbox.prune() == 1
    assert outbox.count() == {"waiting": 1, "failed": 0}


def make_round(*due_on: date, state: CellState = CellState.OVERDUE, exception: LockException | None = None) -> MissionRound:
    reports = tuple(
        Report("UNMISS", f"i{number}", f"Indicator {number}", "p", date(2026, 5, 1), date(2026, 10, 31), day, state)
        for number, day in enumerate(due_on, 1)
    )
    return MissionRound("UNMISS", state, min(due_on), 1, "", reports, (), exception)


DUE = date(2026, 11, 20)


def test_a_mission_is_reminded_once_for_each_deadline_and_then_weekly(access: Access, outbox: Outbox, clock: SetClock) -> None:
    days = []
    for day in range(20):
        deadlines = [DUE] if day < 4 else [DUE, date(2026, 11, 29)]
        if add_reminders(access.store, outbox, 10, None, [make_round(*deadlines)]):
            days.append(day)
        clock.now += timedelta(days=1)
    assert days == [0, 4, 11, 18]
    newest = outbox.list_newest(1)[0]
    assert (newest.recipient, newest.subject, newest.path) == (
        "ana@example.org", "UNMISS, cycle 10: 2 overdue reports", "/rounds/10/UNMISS",
    )  # fmt: skip
    assert "- Indicator 1, due on 2026-11-20\n- Indicator 2, due on 2026-11-29\n" in newest.text


def test_reports_that_are_not_overdue_and_closed_rounds_have_no_reminder(access: Access, outbox: Outbox) -> None:
    submitted = make_round(DUE, state=CellState.SUBMITTED)
    assert add_reminders(access.store, outbox, 10, None, [submitted]) == 0
    assert add_reminders(access.store, outbox, 10, date(2026, 11, 25), [make_round(DUE)]) == 0
    extended = LockException(10, "UNMISS", date(2026, 11, 30), "no network", "eve", datetime(2026, 11, 1, tzinfo=UTC))
    assert add_reminders(access.store, outbox, 10, date(2026, 11, 25), [make_round(DUE, exception=extended)]) == 1
    assert "The round closes on 2026-11-30." in outbox.list_newest(1)[0].text


def test_a_mission_whose_contributors_get_an_address_later_is_reminded_then(access: Access, outbox: Outbox) -> None:
    for name in ("ana", "root"):
        access.users.set_email(name, None)
    assert add_reminders(access.store, outbox, 10, None, [make_round(DUE)]) == 0
    access.users.set_email("max", "max@example.org")
    assert add_reminders(access.store, outbox, 10, None, [make_round(DUE)]) == 1
