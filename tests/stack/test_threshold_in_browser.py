"""A threshold from the browser to mail and back: Chromium, Prometheus, Alertmanager, a mail server, and the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, sync_playwright

from metrics.notifications import Mail, Notifications
from service.access.access import Access
from service.access.roles import Grant, Role
from service.settings import Settings
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, wait_for
from tests.stack.test_alerting import HEADER, PATIENCE_SECONDS, Stack
from tests.stack.test_browser import OPTIONS
from tests.stack.test_browser_access import enter
from tests.stack.test_mail import Inbox
from tests.tools import INSTALLED, find_free_port, find_tool
from tests.web.browsing import PASSWORD

pytestmark = pytest.mark.stack


@pytest.fixture
def mail() -> Iterator[tuple[Inbox, int]]:
    """An inbox and the port of its mail server."""
    received = Inbox()
    server = Controller(received, hostname="127.0.0.1", port=find_free_port())
    server.start()
    yield received, server.port
    server.stop()


@pytest.mark.timeout(300)
def test_an_analyst_sets_a_threshold_gets_mail_acknowledges_and_a_correction_resolves(
    tmp_path: Path, mail: tuple[Inbox, int]
) -> None:
    inbox, mail_port = mail
    data_dir = tmp_path / "data"
    copy_report(data_dir)
    access = Access(Settings(data_dir=data_dir), lambda: datetime.now(UTC))
    access.users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
    access.users.add("ana", [Grant(Role.ANALYST)], "boss", PASSWORD)
    recipients = {"critical": ["desk@example.org"]}
    notifications = Notifications(Mail(f"127.0.0.1:{mail_port}", "a4p@example.org", recipients, requires_tls=False))

    def list_subjects() -> list[str]:
        # Other critical thresholds of the report fire too. On a slow machine a mail about a firing alert is repeated.
        return list(
            dict.fromkeys(
                message["Subject"] for _, message in inbox.mails if "New SOFA or SOMA incidents" in message["Subject"]
            )
        )

    with ServiceProcess(data_dir) as service, sync_playwright() as playwright, ExitStack() as stack:
        url = service.wait_until_ready()
        Stack(tmp_path, url, stack, INSTALLED, notifications)
        browser = playwright.chromium.launch(executable_path=find_tool("chromium"), args=OPTIONS)
        stack.callback(browser.close)
        tab = enter(browser, url, "ana")
        set_threshold(tab, url)

        wait_for(lambda: bool(list_subjects()), PATIENCE_SECONDS)
        assert list_subjects() == ["1 firing: UNMISS, New SOFA or SOMA incidents: UNMISS is above its limit"]
        wait_for(lambda: "UNMISS" in read_alerts(tab, url, "Firing"), PATIENCE_SECONDS, 0.5)
        acknowledge(tab)

        correction = tmp_path / "correction.csv"
        correction.write_text(HEADER + "sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,40,A,UNMISS correction,1,\n")
        loaded = call_a4p("load", str(correction), "--by", "clerk", "--data-dir", str(data_dir))
        assert loaded.returncode == 0, loaded.stderr
        wait_for(lambda: len(list_subjects()) == 2, PATIENCE_SECONDS)
        assert list_subjects()[1] == "resolved: UNMISS, New SOFA or SOMA incidents: UNMISS is above its limit"
        wait_for(lambda: "UNMISS" in read_alerts(tab, url, "Resolved"), PATIENCE_SECONDS, 0.5)

        audit = enter(browser, url, "boss")
        audit.goto(f"{url}/admin/audit")
        assert "UNMISS" in audit.inner_text("main")
    entries = [(entry["actor"], entry["action"], entry["result"]) for entry in reversed(access.audit.list_entries())]
    assert entries == [
        ("ana", "sign in", "done"),
        ("ana", "set threshold", "done"),
        ("ana", "acknowledge", "done"),
        ("clerk", "load", "done"),
        ("boss", "sign in", "done"),
    ]
    assert access.audit.verify()[0] == 5


def set_threshold(tab: Page, url: str) -> None:
    tab.goto(f"{url}/thresholds?metric=sofa_incidents_new&limit=100&severity=critical")
    tab.get_by_label("Reason").fill("Ask the host state")
    tab.get_by_role("button", name="Set threshold").click()
    assert "Set: a4p_sofa_incidents_new above 100 (critical)." in tab.get_by_role("status").inner_text()


def read_alerts(tab: Page, url: str, region: str) -> str:
    """Return the text of a region of the page of alerts, critical ones only."""
    tab.goto(f"{url}/alerts?severity=critical")
    found = tab.get_by_role("region", name=region)
    return found.inner_text() if found.count() else ""


def acknowledge(tab: Page) -> None:
    tab.get_by_role("region", name="Firing").get_by_role("link", name="New SOFA or SOMA incidents").first.click()
    tab.get_by_label("Note: what is done about it").fill("Asked the host state")
    tab.get_by_role("button", name="Acknowledge").click()
    assert "Asked the host state" in tab.get_by_role("region", name="Acknowledgements").inner_text()
