"""`a4p export` of SDMX files."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from service.cli import a4p
from tests.sdmx import messages


def run(report_dir: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(a4p, ["export", *arguments, "--data-dir", str(report_dir)])
    return result.exit_code, result.output


def test_observations_are_written_to_a_file(report_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "observations"
    for command, read in (("sdmx-csv", messages.read_csv), ("sdmx-json", messages.read_json)):
        code, output = run(
            report_dir, command, "--key", "*.sofa_incidents_new", "--where", "MISSION=UNMISS", "--output", str(file)
        )
        assert (code, [row["OBS_VALUE"] for row in read(file)]) == (0, ["125"])
        assert output.startswith(str(file))


def test_observations_are_written_to_standard_output(report_dir: Path) -> None:
    code, output = run(report_dir, "sdmx-csv", "--key", "*.sofa_incidents_new.UNMISS")
    assert code == 0
    assert output.startswith("STRUCTURE,STRUCTURE_ID,ACTION,FREQ,INDICATOR,MISSION,")


def test_structures_are_written_as_json_or_xml(report_dir: Path) -> None:
    assert run(report_dir, "sdmx-structure")[1].startswith('{"meta":')
    assert run(report_dir, "sdmx-structure", "--format", "xml")[1].startswith("<?xml")


def test_a_wrong_filter_is_a_usage_error(report_dir: Path) -> None:
    assert run(report_dir, "sdmx-csv", "--key", "*.*.UNMSS")[0] == 2
    code, output = run(report_dir, "sdmx-json", "--where", "MISION=UNMISS")
    assert code == 2
    assert "unknown component 'MISION'. Did you mean MISSION?" in output
