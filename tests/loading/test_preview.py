"""Previews (`a4p load --dry-run`): the result of a load without the load, with and without a service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from service.alerting.thresholds import read_threshold, set_threshold
from service.application import Application
from service.commands.load import load as load_command
from service.errors import LoadError, PreviewOutdated
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import Rows, WriteCsv
from tests.published_report import copy_report, publish_report
from tests.service_process import ServiceProcess, call_a4p

CYCLE_6 = {"period_start": "2024-05-01", "period_end": "2024-10-31"}


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    """The report, loaded, with a snapshot."""
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


def dump_whole(warehouse: Warehouse) -> dict[str, Rows]:
    """Return every row of every table."""
    with warehouse.cursor() as cursor:
        tables = cursor.execute(
            "select table_name from duckdb_tables() where schema_name = 'store' and not temporary order by all"
        ).fetchall()
        return {name: cursor.execute(f"select * from store.{name} order by all").fetchall() for (name,) in tables}


def test_a_preview_changes_nothing(application: Application, write_csv: WriteCsv) -> None:
    before = dump_whole(application.warehouse)
    file = write_csv("next.csv", {**CYCLE_6, "value": "131"}, {"mission": "UNMISS", "value": "77"})
    preview = application.loads.preview(LoadRequest(files=(file,)))
    assert dump_whole(application.warehouse) == before
    (batch,) = preview.batches
    assert str(batch) == f"{file}: would load 1 new observations, 1 revisions, 0 unchanged"
    assert [change.kind for change in batch.changes] == ["revision", "new"]


def test_a_load_after_a_preview_does_what_the_preview_reported(application: Application, write_csv: WriteCsv) -> None:
    file = write_csv("next.csv", {**CYCLE_6, "value": "131"}, {"mission": "UNMISS", "value": "77"})
    preview = application.loads.preview(LoadRequest(files=(file,)))
    (batch,) = application.loads.load(LoadRequest(files=(file,), loaded_by="the tests"))
    (previewed,) = preview.batches
    assert (batch.changes, batch.sha256, batch.new_observations, batch.revisions) == (
        previewed.changes,
        previewed.sha256,
        previewed.new_observations,
        previewed.revisions,
    )
    application.refresh()
    with application.warehouse.cursor() as cursor:
        (breach,) = cursor.execute(
            "select value from threshold_breaches where metric = 'a4p_sofa_incidents_new' and mission = 'UNMISS'"
        ).fetchall()
    assert breach == (131.0,)


def test_a_preview_lists_breaches_that_would_start_and_clear(application: Application, write_csv: WriteCsv) -> None:
    threshold = read_threshold(
        {"metric": "sofa_incidents_new", "mission": "*", "dimensions": {}, "comparison": "above", "severity": "critical",
         "limit": 130.0, "note": None},
    )  # fmt: skip
    set_threshold(application.warehouse, application.definitions, threshold, "the tests", application.clock)
    started = application.loads.preview(LoadRequest(files=(write_csv("high.csv", {"value": "131"}),)))
    assert [str(breach) for breach in started.started] == ["a4p_sofa_incidents_new UNMISS: 131 is above 130 (critical)"]
    assert started.cleared == ()
    cleared = application.loads.preview(LoadRequest(files=(write_csv("low.csv", {"value": "7"}),)))
    assert cleared.started == ()
    # The report's own value, 125, is above the default threshold.
    assert [str(breach) for breach in cleared.cleared] == ["a4p_sofa_incidents_new UNMISS: 125 is above 50 (warning)"]


def test_a_preview_computes_kpis_before_it_compares_breaches(application: Application, write_csv: WriteCsv) -> None:
    before = dump_whole(application.warehouse)
    file = write_csv("evaluations.csv", {"indicator": "military_unit_evaluations", "mission": "UNMISS", "value": "1"})
    preview = application.loads.preview(LoadRequest(files=(file,)))
    assert [(breach.metric, breach.mission) for breach in preview.started] == [
        ("a4p_military_evaluation_coverage_ratio", "UNMISS")
    ]
    assert dump_whole(application.warehouse) == before


def test_a_preview_of_values_that_no_snapshot_has_computes_their_kpis_first(
    application: Application, write_csv: WriteCsv
) -> None:
    coverage = write_csv("evaluations.csv", {"indicator": "military_unit_evaluations", "mission": "UNMISS", "value": "1"})
    application.loads.load(LoadRequest(files=(coverage,), loaded_by="the tests"))
    # The breach of the coverage would start with the next snapshot in any case.
    preview = application.loads.preview(LoadRequest(files=(write_csv("high.csv", {"mission": "UNDOF", "value": "60"}),)))
    assert [(breach.metric, breach.mission) for breach in preview.started] == [("a4p_sofa_incidents_new", "UNDOF")]
    assert preview.cleared == ()


def test_a_preview_lists_the_findings_of_validation_rules(application: Application, write_csv: WriteCsv) -> None:
    # The report has 585 incidents on record.
    (finding,) = application.loads.preview(LoadRequest(files=(write_csv("high.csv", {"value": "586"}),))).findings
    assert (finding.rule, finding.severity, finding.row) == ("part_above_whole", "high", 2)
    assert application.loads.preview(LoadRequest(files=(write_csv("low.csv", {"value": "585"}),))).findings == ()


def test_a_preview_of_a_bad_file_lists_its_errors(application: Application, write_csv: WriteCsv) -> None:
    with pytest.raises(LoadError, match="UNMSS"):
        application.loads.preview(LoadRequest(files=(write_csv("bad.csv", {"mission": "UNMSS"}),)))


def test_a_preview_of_a_loaded_file_reports_it(application: Application, write_csv: WriteCsv) -> None:
    file = write_csv("next.csv", CYCLE_6)
    application.loads.load(LoadRequest(files=(file,), loaded_by="the tests"))
    preview = application.loads.preview(LoadRequest(files=(file,)))
    assert "the same file was loaded on" in str(preview.batches[0])
    assert (preview.started, preview.cleared) == ((), ())


def test_a_dry_run_reports_the_same_with_and_without_a_service(tmp_path: Path, write_csv: WriteCsv) -> None:
    data_dir = tmp_path / "data"
    file = write_csv("next.csv", {**CYCLE_6, "value": "131", "mission": "UNDOF"}, {"value": "77"})
    with ServiceProcess(copy_report(data_dir)) as service:
        service.wait_until_ready()
        running = call_a4p("load", "--dry-run", str(file), "--data-dir", str(data_dir))
        assert running.returncode == 0, running.stderr
    stopped = call_a4p("load", "--dry-run", str(file), "--data-dir", str(data_dir))
    assert running.stdout == stopped.stdout
    expected = [
        r"  SHA-256 [0-9a-f]{64}",
        r"Findings of validation rules: 1 medium",
        r"  medium: row 2, sofa_incidents_new UNDOF cycle 6: sofa_incidents_total is not reported, .*",
        r"Breaches that would start: 1",
        r"  a4p_sofa_incidents_new UNDOF: 131 ",
    ]
    assert re.search(r"\n".join(expected), stopped.stdout)
    assert stopped.stdout.endswith("Nothing was loaded (--dry-run). Load with --digest to load exactly this.\n")
    with duckdb.connect(str(data_dir / "warehouse-read.duckdb"), read_only=True) as copy:
        assert copy.execute("select count(*) from batches where file_name like '%next.csv'").fetchall() == [(0,)]


def test_a_dry_run_does_not_make_a_warehouse(tmp_path: Path, write_csv: WriteCsv) -> None:
    shown = call_a4p("load", "--dry-run", str(write_csv("first.csv", {})), "--data-dir", str(tmp_path / "data"))
    assert shown.returncode == 0, shown.stderr
    assert "would load 1 new observations" in shown.stdout
    assert not (tmp_path / "data").exists()


def test_a_load_with_the_digest_of_its_preview_is_made(application: Application, write_csv: WriteCsv) -> None:
    file = write_csv("next.csv", {**CYCLE_6, "value": "131"}, {"mission": "UNMISS", "value": "77"})
    digest = application.loads.preview(LoadRequest(files=(file,))).digest
    assert application.loads.preview(LoadRequest(files=(file,))).digest == digest
    (batch,) = application.loads.load(LoadRequest(files=(file,), loaded_by="the tests", digest=digest))
    assert (batch.new_observations, batch.revisions) == (1, 1)


def test_a_load_is_refused_when_the_file_differs_from_its_preview(application: Application, write_csv: WriteCsv) -> None:
    digest = application.loads.preview(LoadRequest(files=(write_csv("next.csv", {**CYCLE_6, "value": "131"}),))).digest
    before = dump_whole(application.warehouse)
    # The same change with another note: the bytes differ.
    changed = write_csv("next.csv", {**CYCLE_6, "value": "131", "note": "counted again"})
    with pytest.raises(PreviewOutdated, match=f"differs from the preview {digest[:12]}.*Preview the file again"):
        application.loads.load(LoadRequest(files=(changed,), loaded_by="the tests", digest=digest))
    assert dump_whole(application.warehouse) == before


def test_a_load_is_refused_when_a_value_was_corrected_since_its_preview(application: Application, write_csv: WriteCsv) -> None:
    file = write_csv("next.csv", {"mission": "UNMISS", "value": "77"})
    digest = application.loads.preview(LoadRequest(files=(file,))).digest
    application.loads.load(
        LoadRequest(files=(write_csv("other.csv", {"mission": "UNMISS", "value": "78"}),), loaded_by="another")
    )
    with pytest.raises(PreviewOutdated):
        application.loads.load(LoadRequest(files=(file,), loaded_by="the tests", digest=digest))
    # A change elsewhere does not matter.
    digest = application.loads.preview(LoadRequest(files=(file,))).digest
    application.loads.load(
        LoadRequest(files=(write_csv("elsewhere.csv", {**CYCLE_6, "mission": "UNDOF", "value": "3"}),), loaded_by="another")
    )
    assert application.loads.load(LoadRequest(files=(file,), loaded_by="the tests", digest=digest))[0].revisions == 1


def test_a_load_is_refused_when_the_previewed_file_was_loaded_meanwhile(application: Application, write_csv: WriteCsv) -> None:
    file = write_csv("next.csv", {**CYCLE_6, "value": "131"})
    digest = application.loads.preview(LoadRequest(files=(file,))).digest
    application.loads.load(LoadRequest(files=(file,), loaded_by="another"))
    with pytest.raises(PreviewOutdated):
        application.loads.load(LoadRequest(files=(file,), loaded_by="the tests", digest=digest))
    assert (
        application.loads.load(
            LoadRequest(
                files=(file,), loaded_by="the tests", digest=application.loads.preview(LoadRequest(files=(file,))).digest
            )
        )[0].batch_id
        is None
    )


def test_the_command_loads_what_the_dry_run_printed_the_digest_of(tmp_path: Path, write_csv: WriteCsv) -> None:
    file = write_csv("first.csv", {})

    def run(*options: str) -> Result:
        return CliRunner().invoke(load_command, [*options, str(file), "--data-dir", str(tmp_path / "data")])

    (digest,) = re.findall(r"Digest of the preview: ([0-9a-f]{64})\n", run("--dry-run").stdout)
    assert isinstance(run("--digest", "0" * 64).exception, PreviewOutdated)
    loaded = run("--digest", digest.upper())
    assert loaded.exit_code == 0 and "1 new observations" in loaded.stdout
    assert run("--dry-run", "--digest", digest).exit_code == 2
    short = run("--digest", "5e0c")
    assert short.exit_code == 2 and "64 hexadecimal digits" in short.stderr
