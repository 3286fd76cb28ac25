"""The a4p command without a running service."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from service.cli import COMMANDS, a4p
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from tests.published_report import copy_empty
from tests.service_process import call_a4p, run_a4p
from tests.shipped import OBSERVATION_FILES, SHIPPED_OBSERVATIONS

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    file = tmp_path / "submission.csv"
    file.write_text(HEADER + "sofa_incidents_new,UNMISS,,2024-05-01,2024-10-31,97,A,UNMISS submission,2,\n")
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(a4p, [command, "--help"], prog_name="a4p")
    assert shown.exit_code == 0
    assert "Examples:\n" in shown.stdout
    assert f"  a4p {command}" in shown.stdout


def test_the_program_lists_its_commands() -> None:
    assert re.findall(r"^  (\w+)  ", run_a4p("--help").stdout, re.MULTILINE) == list(COMMANDS)


def test_wrong_usage_is_exit_code_2() -> None:
    assert run_a4p("load").returncode == 2
    assert call_a4p("lod").returncode == 2


def test_check_counts_the_definitions(definitions: Definitions) -> None:
    checked = run_a4p("check")
    assert checked.returncode == 0, checked.stderr
    catalogue = definitions.catalogue
    counts = rf"{len(catalogue.priorities)} priorities, {len(catalogue.missions)} missions, \d+ cycles"
    assert re.search(counts, checked.stdout)
    assert f"KPIs: {len(definitions.kpis)}" in checked.stdout
    assert f"observations: {SHIPPED_OBSERVATIONS:,} in {len(OBSERVATION_FILES)} files" in checked.stdout


def test_check_reports_errors(tmp_path: Path) -> None:
    checked = call_a4p("check", "--catalogue", str(tmp_path))
    assert checked.returncode == 1
    assert f"{tmp_path}/priorities.yaml: the file is missing" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_load_names_a_file_below_the_current_directory_by_its_relative_path(tmp_path: Path, submission: Path) -> None:
    loaded = call_a4p("load", submission.name, "--data-dir", str(copy_empty(tmp_path / "data")), cwd=submission.parent)
    assert loaded.stdout.startswith(f"{submission.name}: batch "), loaded.stdout + loaded.stderr


def test_a_load_without_a_service_is_in_the_read_copy(tmp_path: Path, submission: Path) -> None:
    loaded = run_a4p("load", str(submission), "--by", "A. Analyst", "--data-dir", str(tmp_path / "data"))
    assert loaded.returncode == 0, loaded.stderr
    report, change, *rest = loaded.stdout.splitlines()
    assert report == f"{submission}: batch 1, 1 new observations, 0 revisions, 0 unchanged"
    assert change.startswith("  sofa_incidents_new UNMISS ")
    assert change.endswith(": 97 (new)")
    assert rest == []
    with duckdb.connect(str(tmp_path / "data" / "warehouse-read.duckdb"), read_only=True) as copy:
        assert copy.execute("select value, status, source, page from observations").fetchall() == [
            (97, "A", "UNMISS submission", "2")
        ]
        assert copy.execute("select loaded_by, file_name from batches").fetchall() == [("A. Analyst", str(submission))]
    again = call_a4p("load", str(submission), "--data-dir", str(tmp_path / "data"))
    assert "no changes (the same file was loaded on" in again.stdout


def test_a_correction_of_the_report_survives_a_restart(tmp_path: Path) -> None:
    data_dir = str(copy_empty(tmp_path / "data"))
    correction = tmp_path / "correction.csv"
    correction.write_text(HEADER + "sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,120,A,UNMISS letter,,corrected\n")
    report = find_in_tree("metrics") / "observations" / "host_country_cooperation.csv"
    assert call_a4p("load", "--status-codes", "sdmx", str(report), "--data-dir", data_dir).returncode == 0
    assert "1 revisions" in call_a4p("load", str(correction), "--data-dir", data_dir).stdout
    assert (
        "1 of its values were corrected since"
        in call_a4p("load", "--status-codes", "sdmx", str(report), "--data-dir", data_dir).stdout
    )
    printed = call_a4p("snapshot", "--as-of", "2024-06-01", "--data-dir", data_dir)
    assert 'a4p_sofa_incidents_new{mission="UNMISS"} 120\n' in printed.stdout


def test_jobs_lists_what_ran(tmp_path: Path) -> None:
    run_a4p("snapshot", "--data-dir", str(tmp_path / "data"))
    listed = run_a4p("jobs", "--data-dir", str(tmp_path / "data"))
    assert listed.returncode == 0, listed.stderr
    assert "snapshot" in listed.stdout
    assert "succeeded" in listed.stdout


def test_jobs_before_the_first_start_reports_it(tmp_path: Path) -> None:
    listed = call_a4p("jobs", "--data-dir", str(tmp_path / "data"))
    assert listed.returncode == 1
    assert "does not exist; start the service once" in listed.stderr


def test_backup_and_restore(tmp_path: Path, submission: Path) -> None:
    data_dir = str(copy_empty(tmp_path / "data"))
    call_a4p("load", str(submission), "--data-dir", data_dir)
    assert run_a4p("backup", str(tmp_path / "b.duckdb"), "--data-dir", data_dir).returncode == 0
    restored = run_a4p("restore", str(tmp_path / "b.duckdb"), "--data-dir", str(tmp_path / "other"))
    assert restored.returncode == 0, restored.stderr
    assert "no changes" in call_a4p("load", str(submission), "--data-dir", str(tmp_path / "other")).stdout


def test_a_backup_without_a_warehouse_is_an_error(tmp_path: Path) -> None:
    refused = call_a4p("backup", str(tmp_path / "b.duckdb"), "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert "there is nothing to back up" in refused.stderr


def test_settings_come_from_a_toml_file(tmp_path: Path, submission: Path) -> None:
    (tmp_path / "a4p.toml").write_text(f'data_dir = "{tmp_path / "elsewhere"}"\n')
    assert call_a4p("load", str(submission), cwd=tmp_path).returncode == 0
    assert (tmp_path / "elsewhere" / "warehouse.duckdb").exists()


def test_an_unknown_setting_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a4p.toml").write_text("prot = 8000\n")
    refused = run_a4p("serve", cwd=tmp_path)
    assert refused.returncode == 1
    assert "setting A4P_PROT" in refused.stderr


def test_generated_files_match_the_definitions() -> None:
    assert run_a4p("generate", "--check").returncode == 0
