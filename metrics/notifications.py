"""Notifications by mail and webhook: routes and receivers added to the shipped configuration of Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from metrics.thresholds import SEVERITIES

HEAD = "# Written by `a4p alertmanager` from prometheus/alertmanager.yml and the settings; change those, not this file.\n"
WEBHOOK = "webhook"
SUBJECT = (
    '{{ if eq .Status "firing" }}{{ .Alerts.Firing | len }} firing{{ else }}resolved{{ end }}: '
    "{{ with .GroupLabels.mission }}{{ . }}, {{ end }}{{ (index .Alerts 0).Annotations.summary }}"
)
# One alert: what it is about, its value and limit, its period and source, and the link to its page.
TEXT = """\
{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}
{{ with .Annotations.description }}{{ . }}
{{ end }}{{ with .Labels.mission }}Mission: {{ . }}
{{ end }}{{ with .Annotations.value }}Value: {{ . }}
{{ end }}{{ with .Annotations.limit }}Limit: {{ . }}
{{ end }}{{ with .Annotations.period_end }}Period: up to {{ . }}
{{ end }}{{ with .Annotations.source }}Source: {{ . }}
{{ end }}{{ with .Annotations.note }}{{ . }}
{{ end }}{{ with .Annotations.link }}Page: {{ . }}
{{ end }}
{{ end }}"""


@dataclass(frozen=True)
class Mail:
    """A mail server, as host:port, and who gets mail for each severity."""

    server: str
    sender: str
    recipients: Mapping[str, Sequence[str]]
    user: str = ""
    password_file: str = ""
    requires_tls: bool = True


@dataclass(frozen=True)
class Notifications:
    """Where alerts are sent besides the service, which records all of them."""

    mail: Mail | None = None
    webhook_url: str = ""
    intervals: Mapping[str, str] = field(default_factory=dict)


def add_notifications(alertmanager: str, notifications: Notifications) -> str:
    """Return the text of alertmanager.yml with a route for each severity that has recipients, and one for a webhook.

    `alertmanager` is the shipped text, in which the service is the only receiver. `intervals` replace members of its route.
    """
    configuration: dict[str, Any] = yaml.safe_load(alertmanager)
    route = configuration["route"]
    route.update(notifications.intervals)
    routes: list[dict[str, Any]] = [{"receiver": route["receiver"], "continue": True}]
    mail = notifications.mail
    for severity in SEVERITIES:
        recipients = mail.recipients.get(severity) if mail else None
        if mail and recipients:
            name = f"mail-{severity}"
            routes.append({"receiver": name, "matchers": [f'severity = "{severity}"'], "continue": True})
            configuration["receivers"].append({"name": name, "email_configs": [_write_mail(mail, recipients)]})
    if notifications.webhook_url:
        routes.append({"receiver": WEBHOOK, "continue": True})
        webhook = {"url": notifications.webhook_url, "send_resolved": True}
        configuration["receivers"].append({"name": WEBHOOK, "webhook_configs": [webhook]})
    if len(routes) > 1:
        route["routes"] = routes
    return HEAD + yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True, width=120)


def _write_mail(mail: Mail, recipients: Sequence[str]) -> dict[str, Any]:
    receiver: dict[str, Any] = {
        "to": ", ".join(recipients),
        "from": mail.sender,
        "smarthost": mail.server,
        "require_tls": mail.requires_tls,
        "send_resolved": True,
        "headers": {"Subject": SUBJECT},
        "text": TEXT,
        # Plain text only: it reads the same everywhere.
        "html": "",
    }
    if mail.user:
        receiver |= {"auth_username": mail.user, "auth_password_file": mail.password_file}
    return receiver
