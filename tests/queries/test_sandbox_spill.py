"""The maximum disk space of concurrent queries of /api/v1/sql."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report

MEMORY_MB, WORKERS = 128, 2
# Sorts 2 GB of values that do not compress.
SPILLING = """
    select count(*) from (
        select md5(i::varchar) || md5((i + 1)::varchar) as h from range(30000000) as t(i) order by h limit 29000000
    )
"""


def list_folder(folder: Path) -> list[Path]:
    """Return the entries of a folder; none when the service has removed it."""
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def measure_size(file: Path) -> int:
    """Return the bytes of a file on disk; 0 when the service has removed it."""
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def measure_spill(directory: Path) -> dict[str, int]:
    """Return the bytes on disk of each worker's directory."""
    folders = [entry for entry in list_folder(directory) if entry.name.startswith("sql-")]
    return {folder.name: sum(map(measure_size, list_folder(folder))) for folder in folders}


def test_queries_together_spill_at_most_the_documented_amount(definitions: Definitions, tmp_path: Path) -> None:
    limits = {"sql_seconds": 240, "sql_memory_mb": MEMORY_MB, "sql_concurrency": WORKERS}
    with publish_report(tmp_path, definitions, **limits) as application:
        app = make_app(application)
        statuses: list[int] = []

        def query(number: int) -> None:
            # Clients with the same query share its result.
            sql = f"{SPILLING} -- {number}"
            statuses.append(app.test_client().post("/api/v1/sql", json={"sql": sql}).status_code)

        queries = [threading.Thread(target=query, args=[number]) for number in range(WORKERS)]
        for thread in queries:
            thread.start()
        largest: dict[str, int] = {}
        while any(thread.is_alive() for thread in queries):
            for worker, size in measure_spill(tmp_path / "tmp").items():
                largest[worker] = max(size, largest.get(worker, 0))
            time.sleep(0.02)
        for thread in queries:
            thread.join()
    assert statuses == [413] * WORKERS
    assert len(largest) == WORKERS
    # A limit that no query comes near would not be tested.
    assert all((MEMORY_MB << 20) // 2 < size <= MEMORY_MB << 20 for size in largest.values()), largest
    assert measure_spill(tmp_path / "tmp") == {}
