"""The command of docs/operations.md for copies on another machine."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from service.application import Application
from service.settings import TREE
from service.warehouse.backups.names import list_backups
from service.warehouse.backups.verify import verify_file
from service.warehouse.definitions import Definitions
from tests.conftest import load_value, publish_report
from tests.shipped import SHIPPED_OBSERVATIONS
from tests.tools import find_tool


def read_recipe(application: Application, target: Path) -> list[str]:
    (line,) = re.findall(r"^    (rsync .*)$", (TREE / "docs" / "operations.md").read_text(), re.MULTILINE)
    _, *options, source, _ = shlex.split(line)
    assert source == "data/backups/"
    return [find_tool("rsync"), "--stats", *options, f"{application.settings.backup_dir}/", str(target)]


def test_the_second_copy_sends_only_what_changed(tmp_path: Path, definitions: Definitions) -> None:
    target = tmp_path / "elsewhere"
    with publish_report(tmp_path / "data", definitions) as application:
        command = read_recipe(application, target)
        subprocess.run(command, check=True, capture_output=True)
        load_value(application, tmp_path, 97)
        application.refresh()
        stats = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        sent, matched = (int(number.replace(",", "")) for number in re.findall(r"(?:Literal|Matched) data: ([\d,]+)", stats))
        assert 0 < sent < matched / 4
    (newest, _), *_ = list_backups(application.settings.backup_dir)
    (copied_at, copy), *_ = list_backups(target)
    assert copied_at == newest
    found = verify_file(copy)
    assert found.faults == () and found.observations == SHIPPED_OBSERVATIONS + 1
