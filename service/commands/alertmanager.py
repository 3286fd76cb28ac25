"""`a4p alertmanager`: the configuration of Alertmanager with mail and webhook from the settings."""

from __future__ import annotations

from pathlib import Path

import click

from metrics.addresses import SHIPPED, Addresses, place_alertmanager
from metrics.notifications import add_notifications
from service.notifications import read_notifications
from service.settings import find_in_tree, read_settings
from service.system.atomic_file import replace_file


@click.command(
    epilog="""\b
Examples:
  a4p alertmanager
  A4P_SMTP_SERVER=smtp.example.org:587 A4P_SMTP_FROM=a4p@example.org A4P_MAIL_CRITICAL=desk@example.org a4p alertmanager
  a4p alertmanager --service a4p:8000 --token-file /run/a4p/alerts-token --output alertmanager.yml
"""
)
@click.option("--service", default=SHIPPED.service, show_default=True, help="Address of the service for Alertmanager.")
@click.option("--token-file", default=SHIPPED.token_file, show_default=True, help="Path of alerts-token for Alertmanager.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]")
def alertmanager(service: str, token_file: str, output: Path | None) -> None:
    """Write alertmanager.yml: the service records every alert; the settings add mail per severity and a webhook.

    Settings: A4P_SMTP_SERVER, A4P_SMTP_FROM, A4P_SMTP_USER, A4P_SMTP_PASSWORD_FILE, A4P_SMTP_TLS, A4P_MAIL_CRITICAL,
    A4P_MAIL_WARNING, A4P_MAIL_INFO, A4P_WEBHOOK_URL.
    """
    shipped = (find_in_tree("prometheus") / "alertmanager.yml").read_text(encoding="utf-8")
    addresses = Addresses(service, service, SHIPPED.alertmanager, SHIPPED.rules, token_file)
    text = add_notifications(place_alertmanager(shipped, addresses), read_notifications(read_settings()))
    if output is None:
        click.echo(text, nl=False)
        return
    with replace_file(output) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    # Alertmanager runs as another user, and the file holds no secret: passwords are in files of their own.
    output.chmod(0o644)
    click.echo(f"{output}: {text.count('- name:')} receivers")
