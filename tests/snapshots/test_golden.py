"""The bytes of /metrics for the report. `make golden` rewrites the file, and reviews read the difference."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.application import Application
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import read_definitions

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2024, 9, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("text_format", ["text", "openmetrics"])
def test_the_metrics_of_the_report_equal_the_golden_file(
    tmp_path: Path, text_format: str, request: pytest.FixtureRequest
) -> None:
    application = Application(Settings(data_dir=tmp_path, threads=1), read_definitions(find_in_tree("metrics")), lambda: NOW)
    try:
        application.loads.load_shipped()
        application.refresh()
        rendered = b"".join(getattr(application.exposition, text_format).chunks).decode()
    finally:
        application.close()
    file = GOLDEN / f"report.{text_format}"
    if request.config.getoption("--rewrite-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(rendered)
    assert rendered == file.read_text(), "run 'make golden' and read the difference"
