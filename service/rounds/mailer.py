"""Sends the messages of the outbox by SMTP."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

from metrics.notifications import Mail
from service.rounds.outbox import Message, Outbox

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20
# Messages of one connection; the others are sent at the next call.
MAX_MESSAGES = 50
TLS_PORT = 465
RETRYABLE = (OSError, smtplib.SMTPException, ValueError)


class Mailer:
    """Sends messages through one mail server. `public_url` is the beginning of links; without it, messages name the path."""

    def __init__(self, outbox: Outbox, mail: Mail, public_url: str) -> None:
        self._outbox = outbox
        self._mail = mail
        self._public_url = public_url

    def send_due(self) -> int:
        """Send the messages whose attempt is due, at most 50; return how many were sent.

        A failure is recorded with the message and logged, not raised. After a failure of the server or the connection, the
        other messages are left for the next call. Raises AccessUnavailable.
        """
        sent = 0
        connection: smtplib.SMTP | None = None
        try:
            for _ in range(MAX_MESSAGES):
                message = self._outbox.take_due()
                if message is None:
                    break
                try:
                    connection = connection or self._connect()
                    connection.send_message(self._write(message), self._mail.sender, [message.recipient])
                except RETRYABLE as error:
                    is_refused = _is_permanent(error)
                    self._record_failure(message, _describe(error), is_refused)
                    if not is_refused:
                        break
                    # The server refused this message; it may accept others.
                    continue
                self._outbox.record_sent(message)
                sent += 1
        finally:
            if connection is not None:
                with suppress(*RETRYABLE):
                    connection.quit()
        return sent

    def _record_failure(self, message: Message, reason: str, is_permanent: bool) -> None:
        is_given_up = self._outbox.record_failure(message, reason, is_permanent)
        outcome = "given up" if is_given_up else "sent again later"
        log.warning("message %d to %s was not sent: %s; %s", message.message_id, message.recipient, reason, outcome)

    def _connect(self) -> smtplib.SMTP:
        host, _, port = self._mail.server.rpartition(":")
        host = host.strip("[]")
        context = ssl.create_default_context()
        if int(port) == TLS_PORT:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, int(port), timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(host, int(port), timeout=TIMEOUT_SECONDS)
        try:
            if self._mail.requires_tls and int(port) != TLS_PORT:
                connection.starttls(context=context)
            if self._mail.user:
                password = Path(self._mail.password_file).read_text(encoding="utf-8").strip()
                connection.login(self._mail.user, password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._mail.sender
        mail["To"] = message.recipient
        mail["Subject"] = message.subject
        mail["Date"] = message.created_at
        # The same for each attempt, so that mail programs recognize a message that arrives twice.
        moment = f"{message.created_at:%Y%m%dT%H%M%S%f}"
        mail["Message-ID"] = f"<a4p.{message.message_id}.{moment}@{self._mail.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        page = f"{self._public_url}{message.path}" if self._public_url else f"{message.path} on the pages of the service"
        mail.set_content(f"{message.text}\n\nPage: {page}\n")
        return mail


def _is_permanent(error: Exception) -> bool:
    """Return whether the server will never accept the message: codes from 500 on for its recipient or its content."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    # An address or a subject that cannot be written in mail. A certificate that is not trusted is a ValueError too.
    return isinstance(error, ValueError) and not isinstance(error, OSError)


def _describe(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        (code, text) = next(iter(error.recipients.values()))
        return f"the mail server refused the recipient: {code} {text.decode(errors='replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        # Text in some errors of the library itself.
        reason = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
        return f"the mail server answered {error.smtp_code} {reason}"
    return f"the mail server cannot be used: {error}" if isinstance(error, OSError) else str(error)
