"""Notifications as the settings describe them."""

from __future__ import annotations

from metrics.notifications import Mail, Notifications
from service.errors import SettingsError
from service.settings import Settings


def read_notifications(settings: Settings) -> Notifications:
    """Return where alerts are sent. Raises SettingsError with the setting that is missing."""
    recipients = {
        "critical": settings.mail_critical,
        "warning": settings.mail_warning,
        "info": settings.mail_info,
    }
    if not settings.smtp_server:
        if any(recipients.values()):
            raise SettingsError("setting A4P_SMTP_SERVER: needed to send mail; give host:port, such as smtp.example.org:587")
        return Notifications(webhook_url=settings.webhook_url)
    if not settings.smtp_from:
        raise SettingsError("setting A4P_SMTP_FROM: needed to send mail; give an address, such as a4p@example.org")
    if settings.smtp_user and settings.smtp_password_file is None:
        raise SettingsError("setting A4P_SMTP_PASSWORD_FILE: needed with A4P_SMTP_USER; name a file with the password")
    mail = Mail(
        settings.smtp_server,
        settings.smtp_from,
        recipients,
        settings.smtp_user,
        str(settings.smtp_password_file or ""),
        settings.smtp_tls,
    )
    return Notifications(mail, settings.webhook_url)
