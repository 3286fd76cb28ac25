"""The audit of the pinned packages names the manual step where it has no data."""

from __future__ import annotations

import os
import subprocess
import sys

from service.settings import find_in_tree


def test_without_access_the_audit_checks_nothing_and_names_the_manual_step() -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run([find_in_tree(".ci") / "audit"], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    message = done.stderr.splitlines()[-1]
    assert message.startswith(
        "audit: no package was checked, because pip-audit cannot be installed; run pip-audit 2.10.1 by hand"
    )
    (command,) = [line for line in find_in_tree("docs/contributing.md").read_text().splitlines() if "/pip-audit " in line]
    assert message.endswith(command.split("/bin/")[1])
