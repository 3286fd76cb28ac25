"""Messages about decisions: the recipients of each state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access.identity import Identity
from service.application import Application
from service.client.rounds import RoundsClient
from service.rounds.transitions import Action
from service.warehouse.definitions import Definitions
from tests.published_report import publish_report
from tests.rounds.conftest import ROLES, WriteFile
from tests.rounds.test_submissions import take

STEPS = (
    ("mary", Action.SUBMIT, None),
    ("paul", Action.RETURN, "One incident was counted twice"),
    ("mary", Action.SUBMIT, None),
    ("paul", Action.VALIDATE, None),
    ("ruth", Action.APPROVE, None),
    ("ruth", Action.PUBLISH, None),
)


@pytest.fixture
def mailing(definitions: Definitions, tmp_path: Path) -> Iterator[Application]:
    """A service with a mail server, which is never reached, and users with addresses."""
    with publish_report(tmp_path / "data", definitions, smtp_server="127.0.0.1:9", smtp_from="a4p@example.org") as opened:
        for name, grants in ROLES.items():
            opened.access.users.add(name, list(grants), "test", email=f"{name}@example.org")
        yield opened


def test_those_who_act_next_get_mail_and_the_mission_after_publication(mailing: Application, write_file: WriteFile) -> None:
    clients = {name: RoundsClient(mailing, False, Identity(name, ROLES[name], "password")) for name in ROLES}
    report = clients["mary"].add_draft(6, "UNMISS", write_file(), "unmiss.csv")
    for name, action, reason in STEPS:
        report = take(clients[name], report, action, reason)
    messages = mailing.outbox.list_newest(100)[::-1]
    assert [(message.recipient, message.subject.rpartition(" ")[2]) for message in messages] == [
        ("paul@example.org", "submitted"),
        ("mary@example.org", "returned"),
        ("paul@example.org", "submitted"),
        ("ruth@example.org", "validated"),
        ("adam@example.org", "approved"),
        ("mary@example.org", "published"),
    ]
    assert messages[1].subject == "UNMISS, cycle 6: submission 1 is returned"
    assert messages[1].path == "/submissions/1"
    assert messages[1].text == (
        "paul has returned submission 1 of UNMISS for cycle 6 (unmiss.csv).\n\n"
        "Reason: One incident was counted twice\n\nNext: contributor of UNMISS: correct and submit again."
    )
