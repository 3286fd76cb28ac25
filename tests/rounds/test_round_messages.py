"""Messages about rounds through the service: reminders of overdue reports, mailed, counted, and listed by the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from click.testing import CliRunner
from prometheus_client import generate_latest

from service.access.roles import Grant, Role
from service.application import Application
from service.commands.messages import messages as messages_command
from service.errors import SettingsError
from service.settings import Settings
from service.warehouse.definitions import Definitions
from tests.conftest import Clock
from tests.rounds.test_mailer import Inbox
from tests.stack.test_alerting import find_free_port


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions, clock: Clock, inbox: Inbox) -> Iterator[Application]:
    """The report on 1 January 2025, two days after the deadline of cycle 6, with a mail server."""
    server = Controller(inbox, hostname="127.0.0.1", port=find_free_port())
    server.start()
    settings = Settings(
        data_dir=tmp_path / "data", threads=1, smtp_server=f"127.0.0.1:{server.port}", smtp_from="a4p@example.org",
        smtp_tls=False, public_url="https://a4p.example.org",
    )  # fmt: skip
    opened = Application(settings, definitions, clock)
    opened.loads.load_shipped()
    yield opened
    opened.close()
    server.stop()


def test_a_mission_with_overdue_reports_is_reminded_by_mail(application: Application, inbox: Inbox) -> None:
    users = application.access.users
    users.add("ana", [Grant(Role.CONTRIBUTOR, "UNMISS")], "test", email="ana@example.org")
    inbox.answers["max@example.org"] = "550 no such user"
    users.add("max", [Grant(Role.CONTRIBUTOR, "UNIFIL")], "test", email="max@example.org")
    (job,) = (job for job in application.jobs if job.name == "reminders")
    assert application.runner.run(job) is None
    assert {message.recipient for message in application.outbox.list_newest(100)} == {"ana@example.org", "max@example.org"}
    # The check that runs every few seconds.
    application._send_messages()
    subjects = [str(mail["Subject"]) for recipient, mail in inbox.mails if recipient == "ana@example.org"]
    # Two values of cycle 5 are missing from the report.
    assert [subject.partition(":")[0] for subject in subjects] == ["UNMISS, cycle 6", "UNMISS, cycle 5"]
    body = inbox.mails[0][1].get_body()
    assert body is not None and "Page: https://a4p.example.org/rounds/6/UNMISS" in body.get_content()
    text = generate_latest(application.self_metrics.registry).decode()
    assert 'a4p_outbox_messages{state="waiting"} 0.0' in text and 'a4p_outbox_messages{state="failed"} 2.0' in text
    # The next day it is not repeated.
    assert application.runner.run(job) is None
    application._send_messages()
    assert len(inbox.mails) == 2
    listed = CliRunner().invoke(
        messages_command, ["--state", "failed", "--data-dir", str(application.settings.data_dir)], catch_exceptions=False
    )
    assert "max@example.org" in listed.output and "550 no such user" in listed.output and "ana@" not in listed.output


def test_an_incomplete_mail_server_is_an_error_at_the_start(tmp_path: Path, definitions: Definitions) -> None:
    with pytest.raises(SettingsError, match="A4P_SMTP_FROM"):
        Application(Settings(data_dir=tmp_path, smtp_server="127.0.0.1:25"), definitions)
