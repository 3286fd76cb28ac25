"""`a4p events` without and with a running service."""

from __future__ import annotations

from pathlib import Path

from tests.events.exports import FATALITY, name_event, write_export
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, run_a4p


def count(data_dir: Path) -> str:
    return call_a4p("sql", "select count(*) as n from events", "--format", "csv", A4P_DATA_DIR=str(data_dir)).stdout.split()[-1]


def test_an_export_is_previewed_and_loaded_without_a_service(tmp_path: Path) -> None:
    data_dir, file = tmp_path / "data", write_export(tmp_path / "export.csv", FATALITY, {}, {"casualty_id": name_event(2)})
    arguments = ("events", "load", str(file), "--feed", "un_fatalities")
    preview = call_a4p(*arguments, "--dry-run", A4P_DATA_DIR=str(data_dir))
    assert preview.returncode == 0, preview.stderr
    assert "would load 2 new events of un_fatalities" in preview.stdout and "Nothing was loaded" in preview.stdout
    assert not (data_dir / "warehouse.duckdb").exists()
    (digest,) = [line.split()[-1] for line in preview.stdout.splitlines() if line.startswith("Digest of the preview: ")]
    refused = call_a4p(*arguments, "--digest", "0" * 64, A4P_DATA_DIR=str(data_dir))
    assert (refused.returncode, "differ from the preview 000000000000" in refused.stderr) == (1, True)
    assert call_a4p(*arguments, "--dry-run", "--digest", digest, A4P_DATA_DIR=str(data_dir)).returncode == 2
    loaded = run_a4p(*arguments, "--by", "mary", "--digest", digest, A4P_DATA_DIR=str(data_dir))
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert "batch 1, 2 new events" in loaded.stdout
    assert count(data_dir) == "2"
    again = call_a4p(*arguments, A4P_DATA_DIR=str(data_dir))
    assert (again.returncode, "nothing new in 2 rows" in again.stdout) == (0, True)


def test_an_export_is_loaded_through_the_running_service(tmp_path: Path) -> None:
    file = write_export(tmp_path / "export.csv", FATALITY, {}, {"casualty_id": name_event(2), "gender": "X"})
    with ServiceProcess(copy_report(tmp_path / "data")) as service:
        service.wait_until_ready()
        refused = call_a4p("events", "load", str(file), "--feed", "un_fatalities", A4P_DATA_DIR=str(tmp_path / "data"))
        assert refused.returncode == 1
        assert "row 3, column gender: 'X' is not a known value" in refused.stderr and "Traceback" not in refused.stderr
        arguments = ("--feed", "un_fatalities", "--skip-unreadable")
        loaded = call_a4p("events", "load", str(file), *arguments, A4P_DATA_DIR=str(tmp_path / "data"))
        assert loaded.returncode == 0, loaded.stderr
        assert "1 new events" in loaded.stdout and "unreadable rows, not loaded: 1" in loaded.stdout
        assert count(tmp_path / "data") == "1"


def test_feeds_are_listed() -> None:
    listed = call_a4p("events", "feeds")
    assert "un_fatalities" in listed.stdout and "sofa_incidents" in listed.stdout
    assert call_a4p("events", "load", "x.csv").returncode == 2
