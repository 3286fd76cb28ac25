"""Exports loaded into a warehouse that knows the shipped feeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.events.export import Export
from service.events.load import load_events, preview_events
from service.events.report import EventReport
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_feeds
from tests.conftest import STORED_AT, Clock
from tests.events.exports import FATALITY, write_export

LoadExport = Callable[..., EventReport]


@pytest.fixture
def load_export(warehouse: Warehouse, definitions: Definitions, clock: Clock) -> LoadExport:
    """Loads or previews a file for a feed, a minute after the load before."""
    store_feeds(warehouse, definitions.feeds, STORED_AT)

    def load(
        file: Path,
        feed: str = "un_fatalities",
        is_preview: bool = False,
        skips_unreadable: bool = False,
        digest: str | None = None,
    ) -> EventReport:
        export = Export(file, file.name, feed, skips_unreadable, digest)
        if is_preview:
            return preview_events(warehouse, definitions, export, clock=clock)
        return load_events(warehouse, definitions.feeds, export, "the tests", clock=clock)

    return load


@pytest.fixture
def load_rows(load_export: LoadExport, tmp_path: Path) -> LoadExport:
    """Loads fatalities, each the standard one but for what it names."""

    def load(*rows: dict[str, str], **options: Any) -> EventReport:
        return load_export(write_export(tmp_path / "export.csv", FATALITY, *rows), **options)

    return load
