"""A restart with a small fault: the state of the last run is served until the warehouse can be opened."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get, run_a4p, wait_for
from tests.small_disk import fill_disk
from tests.stack.test_disk import RECOVERY_SECONDS, read_unmiss, small_disk
from tests.tools import find_tool


def make_data_dir(directory: Path) -> None:
    with ServiceProcess(directory) as service:
        service.wait_until_ready()
        service.stop()


def start(directory: Path) -> tuple[ServiceProcess, str, list[str]]:
    """Start a service whose port is known before it is ready; return it, its URL and the lines it prints."""
    from tests.tools import find_free_port

    port = find_free_port()
    service = ServiceProcess(directory, "--port", str(port))
    lines: list[str] = []
    assert service.process.stdout is not None
    stream = service.process.stdout
    threading.Thread(target=lambda: lines.extend(iter(stream.readline, "")), daemon=True).start()
    return service, f"http://127.0.0.1:{port}", lines


def is_served(url: str) -> bool:
    try:
        return get(f"{url}/-/ready")[0] == 200
    except OSError:
        return False


def check_service_and_recovery(
    url: str, lines: list[str], data_dir: Path, repair: list[str] | None, filler: Path | None
) -> None:
    wait_for(lambda: is_served(url))
    wait_for(lambda: any("serving the state of the last run" in line for line in lines))
    assert read_unmiss(url) == "125"
    for page in ("/", "/indicators/sofa_incidents_new", "/api/v1/latest", "/jobs"):
        assert get(url + page)[0] == 200, page
    assert get(f"{url}/api/v1/sql?sql=select+42")[0] == 200
    if repair is not None:
        subprocess.run(repair, check=True)
    if filler is not None:
        filler.unlink()
    wait_for(lambda: any(line.startswith("ready in") for line in lines), RECOVERY_SECONDS)
    file = data_dir.parent.parent / "unmiss.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,97,a test\n"
    )

    def is_loaded() -> bool:
        return call_a4p("load", str(file), "--data-dir", str(data_dir)).returncode == 0 and read_unmiss(url) == "97"

    wait_for(is_loaded, RECOVERY_SECONDS)


def test_a_restart_on_a_read_only_disk_serves_the_state_of_the_last_run_and_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=64m") as disk:
        make_data_dir(disk / "data")
        subprocess.run([find_tool("mount"), "-o", "remount,ro", str(disk)], check=True)
        service, url, lines = start(disk / "data")
        with service:
            check_service_and_recovery(url, lines, disk / "data", [find_tool("mount"), "-o", "remount,rw", str(disk)], None)
            service.kill()


def test_a_restart_on_a_full_disk_serves_the_state_of_the_last_run_and_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=64m") as disk:
        make_data_dir(disk / "data")
        filler = fill_disk(disk)
        service, url, lines = start(disk / "data")
        with service:
            check_service_and_recovery(url, lines, disk / "data", None, filler)
            service.kill()


def test_a_second_start_on_a_locked_warehouse_ends_without_effect_on_the_first(tmp_path: Path) -> None:
    with ServiceProcess(copy_report(tmp_path / "data")) as first:
        url = first.wait_until_ready()
        second = run_a4p("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        assert second.returncode == 1
        assert "is in use by process" in second.stderr
        assert get(f"{url}/api/v1/sql?sql=select+42")[0] == 200
        assert call_a4p("jobs", "--data-dir", str(tmp_path / "data")).returncode == 0
