"""Templates and workbooks: writing the largest template, previewing a filled one, and reading a workbook of 200,000 rows.

The times and the memory of the targets are fixed. The memory is that of the process that reads workbooks.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import openpyxl
import psutil
from xlsxwriter import Workbook

from service.errors import RoundUnknown
from service.loading.load import open_staging
from service.loading.readers import stage_file
from service.loading.readers.columns import KNOWN
from service.loading.readers.row_budget import RowBudget
from service.loading.request import LoadRequest
from service.rounds.template import make_template
from service.warehouse.opening import open_warehouse
from tests.bench.measure import Result, Size, answer, format_megabytes, format_seconds, log, run_child
from tests.published_report import publish_report, read_shipped

CYCLE, REPEATS = 6, 5
TEMPLATE_SECONDS, WORKBOOK_SECONDS, WORKBOOK_BYTES = 0.3, 30.0, 200_000_000
ROWS = 200_000


def measure_templates(size: Size, folder: Path) -> list[Result]:
    """Templates beside their limit of time, previews beside loads, and a workbook beside limits of time and memory."""
    rows = ROWS if size == Size() else ROWS // 10
    results = _measure_rounds(folder)
    file = folder / "sheet.xlsx"
    log(f"writing a sheet of {rows:,} rows")
    _write_sheet(file, rows)
    result = run_child("templates", file, folder / "warehouse")
    log(f"processor time of the process that reads it: {format_seconds(result['processor_seconds'])}")
    name = f"read a sheet of {rows:,} rows"
    return [
        *results,
        _limit_seconds(name, result["seconds"], WORKBOOK_SECONDS),
        Result(
            f"{name}, memory", format_megabytes(WORKBOOK_BYTES), format_megabytes(result["peak_bytes"]),
            result["peak_bytes"] / WORKBOOK_BYTES, 1,
        ),
    ]  # fmt: skip


def _limit_seconds(name: str, seconds: float, limit: float) -> Result:
    return Result(name, format_seconds(limit), format_seconds(seconds), seconds / limit, 1)


def _measure_rounds(folder: Path) -> list[Result]:
    with publish_report(folder / "data", read_shipped()) as application:
        assert application.read_copy is not None
        times: dict[str, list[float]] = {}
        bodies: dict[str, bytes] = {}
        with application.read_copy.open_session() as session:
            for (mission,) in session.execute("select mission from missions").fetchall() * REPEATS:
                started = time.perf_counter()
                try:
                    bodies[mission] = make_template(session, CYCLE, mission)
                except RoundUnknown:
                    continue
                times.setdefault(mission, []).append(time.perf_counter() - started)
        slowest = max(times, key=lambda mission: median(times[mission]))
        previewed, loaded = [], []
        for turn in range(REPEATS):
            file = _fill(bodies[slowest], folder / f"filled-{turn}.xlsx", turn)
            request = LoadRequest(files=(file,), loaded_by="bench")
            works: tuple[tuple[Callable[[LoadRequest], object], list[float]], ...] = (
                (application.loads.preview, previewed),
                (application.loads.load_and_publish, loaded),
            )
            for work, seconds in works:
                started = time.perf_counter()
                work(request)
                seconds.append(time.perf_counter() - started)
    by_preview, by_load = median(previewed), median(loaded)
    return [
        _limit_seconds(f"template of {slowest}", median(times[slowest]), TEMPLATE_SECONDS),
        Result("preview of a template: load", format_seconds(by_load), format_seconds(by_preview), by_preview / by_load, 1.5),
    ]


def _fill(body: bytes, file: Path, turn: int) -> Path:
    """Write a template with a value in each cell."""
    file.write_bytes(body)
    book = openpyxl.load_workbook(file)
    for sheet in book.worksheets[1:-1]:
        columns = {cell.value: cell.column for cell in sheet[1]}
        for row in range(2, sheet.max_row + 1):
            unit = sheet.cell(row, columns["unit"]).value
            filled = {"yes or no": "yes", "percent": 0.1 + turn / 100, "low, medium, high": "low"}.get(unit, 10 + turn)
            sheet.cell(row, columns["value"]).value = filled
    book.save(file)
    return file


def _write_sheet(file: Path, rows: int) -> None:
    """Write a sheet of observations."""
    with Workbook(file, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, KNOWN)
        for number in range(rows):
            day = date(1990, 1, 1) + timedelta(days=number // 10)
            mission = ("UNMISS", "MONUSCO", "UNIFIL", "UNISFA", "UNDOF")[number % 5]
            values = {
                "indicator": "explosive_items_destroyed", "mission": mission, "value": number, "source": "bench", "status": "A",
            }  # fmt: skip
            for column, name in enumerate(KNOWN):
                if name in ("period_start", "period_end"):
                    sheet.write_datetime(number + 1, column, day)
                elif name in values:
                    sheet.write(number + 1, column, values[name])


def read(file: Path, data_dir: Path) -> None:
    """Stage a workbook in a new warehouse, and write the seconds and the peak of memory of the process that reads it."""
    measured: list[int] = []
    warehouse = open_warehouse(data_dir / "warehouse.duckdb", threads=2, memory_limit="1GB")
    try:
        with open_staging(warehouse) as cursor:
            started = time.perf_counter()
            with _measure_children(measured):
                stage_file(cursor, file, file.name, 0, None, RowBudget(ROWS))
            seconds = time.perf_counter() - started
            (rows,) = cursor.execute("select count(*) from staged").fetchone() or (0,)
    finally:
        warehouse.close()
    if rows not in (ROWS, ROWS // 10):
        raise RuntimeError(f"{rows} rows were staged")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer(seconds=seconds, peak_bytes=max(measured, default=0), processor_seconds=used.ru_utime + used.ru_stime)


@contextmanager
def _measure_children(measured: list[int]) -> Iterator[None]:
    """Add the resident bytes of each child process to a list, again and again.

    The peak that the system records for a child includes the memory of this process, from before the child's program started.
    """
    is_over = threading.Event()

    def measure() -> None:
        while not is_over.wait(0.02):
            for child in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    if "xlsx_worker" in " ".join(child.cmdline()):
                        measured.append(child.memory_info().rss)

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    read(*map(Path, sys.argv[1:]))
