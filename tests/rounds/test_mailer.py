"""Messages of the outbox, sent to a real SMTP server: with and without TLS, and when it refuses or does not answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from metrics.notifications import Mail
from service.access.store import AccessStore
from service.rounds.mailer import Mailer
from service.rounds.outbox import Outbox
from tests.access.conftest import SetClock
from tests.stack.test_alerting import find_free_port

SENDER = "a4p@example.org"


class Inbox:
    """A handler of aiosmtpd that accepts mail, unless its recipient is to be refused."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, server: object, session: object, envelope: Any, address: str, options: object) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


Serve = Callable[..., int]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def serve(inbox: Inbox) -> Iterator[Serve]:
    """Starts an SMTP server of the inbox and returns its port."""
    started: list[Controller] = []

    def start(**options: Any) -> int:
        controller = Controller(inbox, hostname="127.0.0.1", port=find_free_port(), **options)
        controller.start()
        started.append(controller)
        return int(controller.port)

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: SetClock) -> Outbox:
    """An outbox with a message to ana and one to bob."""
    store = AccessStore(tmp_path / "access.sqlite", clock)
    outbox = Outbox(store, is_enabled=True)
    with store.write() as connection:
        text = "UNMISS submitted 3 values für cycle 6."
        outbox.add(connection, ["ana@example.org", "bob@example.org"], "Submission 12\r\nBcc: x@y", text, "/submissions/12")
    return outbox


def make_mailer(outbox: Outbox, port: int, **options: Any) -> Mailer:
    mail = Mail(f"127.0.0.1:{port}", SENDER, {}, **{"requires_tls": False, **options})
    return Mailer(outbox, mail, "https://a4p.example.org")


def test_messages_arrive_once_with_a_link(outbox: Outbox, inbox: Inbox, serve: Serve, clock: SetClock) -> None:
    mailer = make_mailer(outbox, serve())
    assert mailer.send_due() == 2
    clock.now += timedelta(days=4)
    assert mailer.send_due() == 0
    assert [recipient for recipient, _ in inbox.mails] == ["ana@example.org", "bob@example.org"]
    mail = inbox.mails[0][1]
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ana@example.org", "Submission 12 Bcc: x@y")
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].startswith("<a4p.1.20261126T080000")
    body = mail.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == (
        "UNMISS submitted 3 values für cycle 6.\n\nPage: https://a4p.example.org/submissions/12\n"
    )


def test_a_server_that_is_away_gets_the_messages_when_it_is_back(
    outbox: Outbox, inbox: Inbox, serve: Serve, clock: SetClock
) -> None:
    assert make_mailer(outbox, find_free_port()).send_due() == 0
    assert outbox.count() == {"waiting": 2, "failed": 0}
    # Only the first was tried: the others would fail too.
    assert [message.attempts for message in outbox.list_newest(5)] == [0, 1]
    assert "cannot be used" in str(outbox.list_newest(5)[1].error)
    clock.now += timedelta(minutes=1)
    assert make_mailer(outbox, serve()).send_due() == 2
    assert [message.error for message in outbox.list_newest(5)] == [None, None]


def test_a_refused_recipient_does_not_hold_up_the_others(outbox: Outbox, inbox: Inbox, serve: Serve) -> None:
    inbox.answers["ana@example.org"] = "550 no such user"
    assert make_mailer(outbox, serve()).send_due() == 1
    assert [recipient for recipient, _ in inbox.mails] == ["bob@example.org"]
    (failed,) = outbox.list_newest(5, "failed")
    assert (failed.recipient, failed.error) == ("ana@example.org", "the mail server refused the recipient: 550 no such user")


def test_a_recipient_that_is_refused_for_now_is_tried_again(
    outbox: Outbox, inbox: Inbox, serve: Serve, clock: SetClock
) -> None:
    inbox.answers["ana@example.org"] = "451 try again later"
    mailer = make_mailer(outbox, serve())
    mailer.send_due()
    inbox.answers.clear()
    clock.now += timedelta(minutes=1)
    mailer.send_due()
    assert sorted(recipient for recipient, _ in inbox.mails) == ["ana@example.org", "bob@example.org"]


def test_nothing_is_sent_without_tls_where_it_is_required(outbox: Outbox, inbox: Inbox, serve: Serve) -> None:
    assert make_mailer(outbox, serve(), requires_tls=True).send_due() == 0
    assert inbox.mails == [] and "STARTTLS" in str(outbox.list_newest(5)[1].error)


def test_mail_is_sent_over_tls_with_a_password(
    outbox: Outbox, inbox: Inbox, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=data == LoginPassword(b"a4p", b"secret"))

    port = serve(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)
    (tmp_path / "password").write_text("secret\n")
    options = {"requires_tls": True, "user": "a4p", "password_file": str(tmp_path / "password")}
    # An unknown certificate is not trusted.
    assert make_mailer(outbox, port, **options).send_due() == 0
    assert "certificate" in str(outbox.list_newest(5)[1].error)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert make_mailer(outbox, port, **options).send_due() == 1
    (tmp_path / "password").unlink()
    assert [recipient for recipient, _ in inbox.mails] == ["bob@example.org"]


def write_certificate(folder: Path) -> Path:
    """Return a file with a certificate of 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file
