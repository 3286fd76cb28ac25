"""Programs do not import optional packages of libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.system.imports import disable_optional_imports


def test_a_disabled_package_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "xml.dom.pulldom", raising=False)
    disable_optional_imports("xml.dom.pulldom")
    with pytest.raises(ImportError):
        import xml.dom.pulldom  # noqa: F401


def test_an_imported_package_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_optional_imports("subprocess")
    assert sys.modules["subprocess"] is subprocess


def test_a_command_that_binds_parameters_does_not_import_pandas(report_dir: Path, tmp_path: Path) -> None:
    options = ["--mission", "UNMISS", "--cycle", "6", "--output", str(tmp_path / "t.xlsx"), "--data-dir", str(report_dir)]
    command = [sys.executable, "-v", "-m", "service.cli", "template", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "import 'duckdb'" in ended.stderr
    assert "import 'pandas'" not in ended.stderr


def test_a_command_that_asks_the_service_does_not_import_the_scheduler() -> None:
    program = "import sys, service.cli, service.commands.jobs; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    imported = set(ended.stdout.split())
    assert "service.client.remote" in imported
    assert not imported & {"apscheduler.schedulers.base", "prometheus_client", "service.application", "service.jobs.runner"}
