"""Mail and webhook notifications: a real Alertmanager with the written configuration, and a real SMTP server."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from metrics.addresses import SHIPPED, Addresses, place_alertmanager
from metrics.notifications import Mail, Notifications, add_notifications
from service.settings import find_in_tree
from tests.service_process import get, wait_for
from tests.stack.test_alerting import PATIENCE_SECONDS, find_free_port, running
from tests.tools import each_generation, find_tool

pytestmark = pytest.mark.stack
BREACH = {
    "labels": {
        "alertname": "A4pSofaIncidentsNewAbove",
        "severity": "critical",
        "mission": "UNMISS",
        "metric": "a4p_sofa_incidents_new",
        "priority": "host_country_cooperation",
    },
    "annotations": {
        "summary": "New SOFA or SOMA incidents: UNMISS is above its limit",
        "description": "The value is 125; the limit of severity critical is above 100.",
        "value": "125",
        "limit": "100",
        "period_end": "2024-04-30",
        "source": "A4P+ report, cycle 5, page 15",
        "link": "http://127.0.0.1:8000/indicators/sofa_incidents_new?mission=UNMISS",
    },
}


class Inbox:
    """Receives mail, as a handler of aiosmtpd, and webhooks."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.webhooks: list[dict[str, Any]] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int, int]]:
    """An inbox, the port of its SMTP server and that of its web server."""
    received = Inbox()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.webhooks.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    mail = Controller(received, hostname="127.0.0.1", port=find_free_port())
    mail.start()
    web = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield received, mail.port, web.server_port
    mail.stop()
    web.shutdown()
    web.server_close()


@each_generation
def test_each_severity_is_mailed_to_its_recipients_and_everything_is_posted_to_the_webhook(
    tmp_path: Path, inbox: tuple[Inbox, int, int], generation: str
) -> None:
    received, mail_port, web_port = inbox
    shipped = (find_in_tree("prometheus") / "alertmanager.yml").read_text()
    token = tmp_path / "token"
    token.write_text("token")
    addresses = Addresses("127.0.0.1:1", "127.0.0.1:1", SHIPPED.alertmanager, SHIPPED.rules, str(token))
    recipients = {"critical": ["desk@example.org", "chief@example.org"], "warning": ["desk@example.org"]}
    notifications = Notifications(
        Mail(f"127.0.0.1:{mail_port}", "a4p@example.org", recipients, requires_tls=False),
        f"http://127.0.0.1:{web_port}/hook",
        {"group_wait": "0s", "group_interval": "1s"},
    )
    (tmp_path / "alertmanager.yml").write_text(add_notifications(place_alertmanager(shipped, addresses), notifications))
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        stack.enter_context(
            running(
                find_tool("prometheus-alertmanager", generation), "--config.file=alertmanager.yml", "--storage.path=storage",
                "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}", cwd=tmp_path,
            )
        )  # fmt: skip
        wait_for(lambda: is_ready(url), PATIENCE_SECONDS)
        information = {**BREACH, "labels": {**BREACH["labels"], "severity": "info", "mission": "UNIFIL"}}
        request = urllib.request.Request(
            f"{url}/api/v2/alerts", json.dumps([BREACH, information]).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).close()
        wait_for(lambda: len(received.mails) == 1 and len(received.webhooks) >= 2, PATIENCE_SECONDS)
    (to, mail), *others = received.mails
    assert not others, "no mail for severity info, which has no recipients"
    assert to == ["desk@example.org", "chief@example.org"]
    assert mail["Subject"] == "1 firing: UNMISS, New SOFA or SOMA incidents: UNMISS is above its limit"
    body = mail.get_body()
    assert body is not None
    text = body.get_content()
    for line in (
        "Mission: UNMISS", "Value: 125", "Limit: 100", "Period: up to 2024-04-30", "Source: A4P+ report, cycle 5, page 15",
        "Page: http://127.0.0.1:8000/indicators/sofa_incidents_new?mission=UNMISS",
    ):  # fmt: skip
        assert line in text
    missions = {alert["labels"]["mission"] for webhook in received.webhooks for alert in webhook["alerts"]}
    assert missions == {"UNMISS", "UNIFIL"}


def is_ready(url: str) -> bool:
    try:
        return get(f"{url}/-/ready")[0] == 200
    except OSError:
        return False


def test_alertmanager_accepts_the_configuration_with_every_setting(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    file = tmp_path / "alertmanager.yml"
    mail = Mail("smtp.example.org:587", "a4p@example.org", {"info": ["a@example.org"]}, "a4p", str(password))
    shipped = (find_in_tree("prometheus") / "alertmanager.yml").read_text()
    file.write_text(add_notifications(shipped, Notifications(mail, "https://chat.example.org/hook")))
    done = subprocess.run([find_tool("amtool"), "check-config", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret" not in file.read_text()
