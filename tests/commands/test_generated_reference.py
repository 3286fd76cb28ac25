"""Generated references of settings and commands."""

from __future__ import annotations

from service.cli import COMMANDS, a4p
from service.commands.reference.commands import render_command_reference
from service.commands.reference.settings import render_settings_reference
from service.settings import Settings


def test_every_setting_has_a_row_with_its_default_and_description() -> None:
    rows = dict(line.strip("|").split("|", 1) for line in render_settings_reference().splitlines() if line.startswith("| `"))
    assert len(rows) == len(Settings.model_fields)
    assert rows[" `A4P_PORT` "].startswith(" `8000` | Port to bind")
    assert rows[" `A4P_THREADS` "].startswith(" number of cores minus 1 |")


def test_every_command_and_subcommand_has_a_section_with_its_examples() -> None:
    text = render_command_reference(a4p)
    for command in COMMANDS:
        assert f"\n## a4p {command}\n" in text
    assert "\n## a4p thresholds set\n" in text
    section = text.split("\n## a4p load\n")[1].split("\n## ")[0]
    assert "Usage: a4p load [OPTIONS] FILES..." in section and "Examples:" in section
