"""Notifications as the settings describe them, and the command that writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from metrics.notifications import Notifications, add_notifications
from service.cli import a4p
from service.errors import SettingsError
from service.notifications import read_notifications
from service.settings import Settings, find_in_tree

SHIPPED = (find_in_tree("prometheus") / "alertmanager.yml").read_text()


def test_without_settings_the_service_is_the_only_receiver() -> None:
    assert read_notifications(Settings()) == Notifications()
    assert yaml.safe_load(add_notifications(SHIPPED, Notifications())) == yaml.safe_load(SHIPPED)


def test_the_service_still_receives_every_alert() -> None:
    written = yaml.safe_load(add_notifications(SHIPPED, Notifications(webhook_url="https://chat.example.org/hook")))
    assert written["route"]["routes"] == [
        {"receiver": "a4p", "continue": True},
        {"receiver": "webhook", "continue": True},
    ]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"mail_critical": ("a@example.org",)}, "A4P_SMTP_SERVER"),
        ({"smtp_server": "smtp.example.org:25"}, "A4P_SMTP_FROM"),
        (
            {"smtp_server": "smtp.example.org:25", "smtp_from": "a@example.org", "smtp_user": "a"},
            "A4P_SMTP_PASSWORD_FILE",
        ),
    ],
)
def test_a_missing_setting_is_named(settings: dict[str, object], missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        read_notifications(Settings(**settings))  # type: ignore[arg-type]


def test_the_command_writes_a_file_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    done = CliRunner().invoke(
        a4p,
        ["alertmanager", "--service", "a4p:8000", "--output", str(file)],
        env={
            "A4P_SMTP_SERVER": "smtp.example.org:587",
            "A4P_SMTP_FROM": "a4p@example.org",
            "A4P_MAIL_WARNING": "a@example.org, b@example.org",
        },
    )
    assert done.exit_code == 0, done.output
    receivers = {entry["name"]: entry for entry in yaml.safe_load(file.read_text())["receivers"]}
    assert receivers["a4p"]["webhook_configs"][0]["url"] == "http://a4p:8000/api/v1/alerts"
    assert receivers["mail-warning"]["email_configs"][0]["to"] == "a@example.org, b@example.org"
