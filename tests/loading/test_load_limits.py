"""Limits of a load: rows, content, memory, temporary files; and its cancellation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from service.application import Application
from service.errors import ClientGone, LoadError
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.settings import TREE, Settings
from service.snapshots.read_copy import ReadCopy
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse
from tests.conftest import Read, WriteCsv
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, wait_for

HEADER = "indicator,mission,period_start,period_end,value,source\n"
ROW = "sofa_incidents_new,UNMISS,2023-11-01,2024-04-30,5,A source\n"
COLUMNS = (
    "'sofa_incidents_new' as indicator, 'UNMISS' as mission, date '2023-11-01' as period_start, "
    "date '2024-04-30' as period_end, 5 as value"
)
# Rows that take some seconds to read.
MANY_ROWS = 4_000_000


def write_rows(file: Path, rows: int) -> Path:
    with file.open("w") as stream:
        stream.write(HEADER)
        for start in range(0, rows, 100_000):
            stream.write(ROW * min(100_000, rows - start))
    return file


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is still read when its load is cancelled."""
    return write_rows(tmp_path_factory.mktemp("large") / "rows.csv", 3 * MANY_ROWS)


def write_parquet(file: Path, columns: str, rows: int) -> Path:
    duckdb.sql(f"copy (select {columns} from range({rows})) to '{file}' (format parquet, compression zstd)")
    return file


def refuse(warehouse: Warehouse, files: list[Path], max_rows: int) -> str:
    with pytest.raises(LoadError) as caught:
        load_files(warehouse, LoadRequest(files=files, loaded_by="the tests", max_rows=max_rows))
    return str(caught.value)


def test_parquet_that_states_too_many_rows_is_refused_without_being_read(warehouse: Warehouse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "bomb.parquet", f"{COLUMNS}, 'A source' as source", 30_000_000)
    assert file.stat().st_size < 1_000_000
    started = time.process_time()
    error = refuse(warehouse, [file], 20_000_000)
    assert f"{file} has 30,000,000 rows; the limit of a load is 20,000,000 rows. " in error
    assert error.endswith("Split the load, or raise the limit with --max-rows or A4P_LOAD_MAX_ROWS")
    assert time.process_time() - started < 5


def test_parquet_that_decompresses_to_too_much_content_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "bomb.parquet", f"{COLUMNS}, repeat('a', 200000) || range as source", 20)
    assert file.stat().st_size < 100_000
    error = refuse(warehouse, [file], 100)
    assert "of content, more than 1.0 MB (1,000 bytes a row); the limit of a load is 100 rows" in error


def test_a_csv_file_too_large_for_the_limit_is_refused_by_its_size(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_text(HEADER + ROW)
    # Sparse: it takes no space, but reading it would take minutes.
    os.truncate(file, 1_000_000_000_000)
    error = refuse(warehouse, [file], 2_000_000)
    assert f"{file} has 1,000.0 GB of content, more than 2.0 GB (1,000 bytes a row)" in error


@pytest.mark.parametrize("line_end", ["\n", "\n\n", "\n,,,,,\n"])
def test_a_csv_file_with_more_rows_than_the_limit_is_refused(
    warehouse: Warehouse, read: Read, tmp_path: Path, line_end: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + ROW.rstrip() + line_end + "".join(ROW.replace("UNMISS", name) for name in ("UNIFIL", "MONUSCO")))
    rows = 4 if ",,," in line_end else 3
    error = refuse(warehouse, [file], rows - 1)
    assert f"{file} has more than {rows - 1} rows; the limit of a load is {rows - 1} rows. " in error
    assert read("select count(*) from observations") == [(0,)]
    (batch,) = load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", max_rows=rows))
    assert batch.new_observations == 3


def test_the_limit_is_for_all_files_of_a_load_together(warehouse: Warehouse, write_csv: WriteCsv, tmp_path: Path) -> None:
    first = write_csv("first.csv", {"mission": "UNMISS"}, {"mission": "UNIFIL"})
    second = write_csv("second.csv", {"mission": "MONUSCO"}, {"mission": "MINUSCA"})
    error = refuse(warehouse, [first, second], 3)
    assert f"{second} has more than 1 rows; the limit of a load is 3 rows, of which earlier files have 2. " in error
    assert len(load_files(warehouse, LoadRequest(files=(first, second), loaded_by="the tests", max_rows=4))) == 2


def test_the_option_and_the_setting_limit_a_load(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + ROW + ROW.replace("UNMISS", "UNIFIL"))
    load = ("load", "--data-dir", str(tmp_path / "data"), str(file))
    by_option = call_a4p(*load, "--max-rows", "1")
    assert by_option.returncode == 1
    assert "has more than 1 rows; the limit of a load is 1 rows" in by_option.stderr
    assert "has more than 1 rows" in call_a4p(*load, A4P_LOAD_MAX_ROWS="1").stderr
    with ServiceProcess(tmp_path / "data", A4P_LOAD_MAX_ROWS="1") as service:
        service.wait_until_ready()
        assert "has more than 1 rows" in call_a4p(*load).stderr
        assert "has more than 1 rows" in call_a4p(*load, "--dry-run").stderr
        assert call_a4p(*load, "--max-rows", "2").returncode == 0


MEASURED_LOAD = """
import sys
from pathlib import Path
from service.warehouse.definitions import read_definitions
from service.errors import LoadError
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.settings import read_settings
from service.warehouse.stored_definitions import store_catalogue
from service.warehouse.database import read_clock
from service.warehouse.opening import open_warehouse
settings = read_settings(data_dir=Path(sys.argv[1]))
warehouse = open_warehouse(settings.warehouse_file, 1, "200MB")
store_catalogue(warehouse, read_definitions(settings.catalogue).catalogue, read_clock())
try:
    load_files(warehouse, LoadRequest(files=[Path(sys.argv[2])], loaded_by="a test"))
except LoadError as error:
    print(error.message)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_many_identical_rows_take_no_more_memory_than_the_limit_and_500_mb(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "identical.parquet", f"{COLUMNS}, 'A source' as source", MANY_ROWS)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED_LOAD, str(tmp_path / "data"), str(file)],
        capture_output=True, text=True, check=True, cwd=TREE,
    )  # fmt: skip
    message, peak_kb = done.stdout.splitlines()
    assert message == f"nothing was loaded: {MANY_ROWS - 1:,} errors"
    assert int(peak_kb) < 700_000


def test_temporary_files_are_limited_and_a_load_beyond_the_limit_changes_nothing(
    definitions: Definitions, tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "rows.csv", 500_000)
    settings = Settings(data_dir=tmp_path / "data", threads=1, memory_limit="40MB", max_temp_size="4MB")  # type: ignore[arg-type]
    application = Application(settings, definitions)
    try:
        with pytest.raises(LoadError, match=r"temporary disk space than DuckDB may use\. Split them, or raise A4P_MEMORY_"):
            application.loads.load(LoadRequest(files=(file,), loaded_by="the tests"))
        with application.warehouse.cursor() as cursor:
            assert cursor.execute("select count(*) from store.observations").fetchone() == (0,)
    finally:
        application.close()


def test_the_read_copy_has_the_limit_of_temporary_files_too(application: Application) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        assert session.execute("select current_setting('max_temp_directory_size')").fetchone() == ("18.6 GiB",)


def test_a_query_of_the_read_copy_ends_at_the_limit_of_temporary_files(application: Application) -> None:
    spilling = "select max(n) from (select row_number() over (order by md5(range::varchar)) as n from range(2_000_000))"
    file = application.settings.read_copy_file
    with ReadCopy(file, threads=1, memory_limit="60MB", max_temp_bytes=1_000_000_000).open_session() as session:
        assert session.execute(spilling).fetchone() == (2_000_000,)
    limited = ReadCopy(file, threads=1, memory_limit="60MB", max_temp_bytes=4_000_000)
    with limited.open_session() as session, pytest.raises(duckdb.OutOfMemoryException):
        session.execute(spilling)


def test_temporary_files_leave_a_tenth_of_the_free_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(tmp_path / "warehouse.duckdb", 1, "1GB")
    try:
        monkeypatch.setattr("service.warehouse.database.measure_free_bytes", lambda _: 10 << 30)
        warehouse.limit_temp_files()
        with warehouse.cursor() as cursor:
            assert cursor.execute("select current_setting('max_temp_directory_size')").fetchone() == ("9.0 GiB",)
    finally:
        warehouse.close()


def start_load(data_dir: Path, file: Path, reader_pid: int | None = None) -> subprocess.Popen[str]:
    """Start `a4p load` and return once it, or the process given, reads the file."""
    loading = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "load", "--data-dir", str(data_dir), str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TREE,
    )  # fmt: skip
    wait_for(lambda: is_open(file, reader_pid or loading.pid), 60)
    return loading


def is_open(file: Path, pid: int) -> bool:
    """Return whether a process has the file open."""
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # the process ended
        return False
    for descriptor in descriptors:
        with suppress(OSError):
            if descriptor.readlink() == file:
                return True
    return False


def test_ctrl_c_cancels_a_load_in_the_service(tmp_path: Path, large_file: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text(HEADER + ROW.replace("2023-11-01,2024-04-30", "2024-05-01,2024-10-31"))
    with ServiceProcess(copy_report(tmp_path / "data")) as service:
        service.wait_until_ready()
        loading = start_load(tmp_path / "data", large_file, service.process.pid)
        loading.send_signal(signal.SIGINT)
        output, error = loading.communicate(timeout=30)
        assert (loading.returncode, output) == (1, "")
        assert error.endswith("a4p: cancelled; nothing was loaded\n")
        assert is_idle(service.process.pid)
        assert "1 new observations" in call_a4p("load", "--data-dir", str(tmp_path / "data"), str(small)).stdout


def test_a_load_ends_when_its_command_is_killed(tmp_path: Path, large_file: Path) -> None:
    with ServiceProcess(copy_report(tmp_path / "data")) as service:
        service.wait_until_ready()
        loading = start_load(tmp_path / "data", large_file, service.process.pid)
        assert not is_idle(service.process.pid)
        loading.kill()
        loading.communicate()
        wait_for(lambda: is_idle(service.process.pid))


def test_ctrl_c_cancels_a_load_without_a_service(tmp_path: Path, large_file: Path) -> None:
    loading = start_load(tmp_path / "data", large_file)
    loading.send_signal(signal.SIGINT)
    _, error = loading.communicate(timeout=30)
    assert loading.returncode == 1
    assert error.endswith("a4p: cancelled; nothing was loaded\n")


def is_idle(pid: int) -> bool:
    """Return whether a process uses less than a tenth of a processor for half a second."""
    before = measure_processor_seconds(pid)
    time.sleep(0.5)
    return measure_processor_seconds(pid) - before < 0.05


def measure_processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_load_cancelled_after_its_commit_is_reported_and_published(
    definitions: Definitions, write_csv: WriteCsv, tmp_path: Path
) -> None:
    application = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    stages: list[str] = []
    try:
        (batch,) = application.loads.load_and_publish(
            LoadRequest(files=(write_csv("values.csv", {}),), loaded_by="the tests"),
            lambda stage, share: stages.append(stage),
            is_cancelled=lambda: "making a snapshot" in stages,
        )
        assert (batch.new_observations, batch.delays) == (1, ())
        assert application.snapshot is not None
    finally:
        application.close()


def test_a_load_cancelled_before_its_commit_changes_nothing(
    definitions: Definitions, write_csv: WriteCsv, tmp_path: Path
) -> None:
    application = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        stages: list[str] = []
        with pytest.raises(ClientGone):
            application.loads.load(
                LoadRequest(files=(write_csv("values.csv", {}),), loaded_by="the tests"),
                lambda stage, share: stages.append(stage),
                is_cancelled=lambda: "appending" in stages,
            )
        with application.warehouse.cursor() as cursor:
            assert cursor.execute("select count(*) from store.batches").fetchone() == (0,)
    finally:
        application.close()
