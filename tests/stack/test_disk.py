"""A full disk: the last state is served, errors have no trace, and the service recovers by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get, wait_for
from tests.small_disk import MountRefused, fill_disk, mount_disk

# The watch looks every 15 seconds.
RECOVERY_SECONDS = 120
CHECKPOINT = "* * * * *"


@contextmanager
def small_disk(directory: Path, *options: str) -> Iterator[Path]:
    """A small file system in memory. Skips where this user may not mount one; with CI=true that is a failure."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mount_disk(directory, *options))
        except MountRefused as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield disk


def write_value(folder: Path, value: int) -> Path:
    file = folder / f"{value}.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\n"
        f"sofa_incidents_new,UNMISS,2024-05-01,2024-10-31,{value},a test\n"
    )
    return file


def read_metric(url: str, line: str) -> str | None:
    status, _, body = get(f"{url}/metrics")
    assert status == 200
    return next((text.split()[-1] for text in body.decode().splitlines() if text.startswith(line)), None)


def read_unmiss(url: str) -> str | None:
    return read_metric(url, 'a4p_sofa_incidents_new{mission="UNMISS"}')


@pytest.mark.parametrize("spare_bytes", [0, 300_000], ids=["full", "300 kB free"])
def test_on_a_full_disk_loads_fail_and_the_service_continues_and_recovers(tmp_path: Path, spare_bytes: int) -> None:
    with (
        small_disk(tmp_path / "disk", "size=64m") as disk,
        ServiceProcess(copy_report(disk / "data"), A4P_CHECKPOINT_CRON=CHECKPOINT) as service,
    ):
        url = service.wait_until_ready()
        filler = fill_disk(disk, spare_bytes)
        answer = call_a4p("load", str(write_value(tmp_path, 97)), "--data-dir", str(disk / "data"))
        assert "Traceback" not in answer.stderr
        if answer.returncode:
            assert "no space or no inode is left" in answer.stderr
        else:
            assert "warning: the change is recorded" in answer.stderr
        for page in ("/", "/metrics", "/indicators/sofa_incidents_new", "/-/ready"):
            assert get(url + page)[0] == 200, page
        # With some space left the load and the snapshot fit, and the answer says that only the read copy does not.
        assert read_unmiss(url) == ("97" if "recorded and on /metrics" in answer.stderr else "125")
        filler.unlink()
        if answer.returncode:
            assert call_a4p("load", str(write_value(tmp_path, 97)), "--data-dir", str(disk / "data")).returncode == 0
        wait_for(lambda: read_unmiss(url) == "97", RECOVERY_SECONDS, 0.5)
        wait_for(lambda: read_metric(url, 'a4p_job_last_run_success{job="read_copy"}') == "1.0", RECOVERY_SECONDS, 0.5)
        service.kill()
        with ServiceProcess(disk / "data") as again:
            assert read_unmiss(again.wait_until_ready()) == "97"


def test_a_checkpoint_that_ran_out_of_space_does_not_end_the_service(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "size=64m") as disk,
        ServiceProcess(copy_report(disk / "data"), A4P_CHECKPOINT_CRON=CHECKPOINT) as service,
    ):
        url = service.wait_until_ready()
        filler = fill_disk(disk)
        wait_for(lambda: read_metric(url, 'a4p_job_last_run_success{job="checkpoint"}') == "0.0", 70, 0.5)
        assert read_unmiss(url) == "125"
        filler.unlink()
        assert call_a4p("load", str(write_value(tmp_path, 97)), "--data-dir", str(disk / "data")).returncode == 0
        assert read_unmiss(url) == "97"


def test_on_a_disk_without_inodes_the_service_continues_and_recovers(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "size=64m", "nr_inodes=200") as disk,
        ServiceProcess(copy_report(disk / "data")) as service,
    ):
        url = service.wait_until_ready()
        fillers = []
        for number in range(200):
            try:
                filler = disk / f"filler-{number}"
                filler.touch()
                fillers.append(filler)
            except OSError:
                break
        # The audit cannot begin a row, so nothing is loaded.
        refused = call_a4p("load", str(write_value(tmp_path, 97)), "--data-dir", str(disk / "data"))
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert "no space or no inode is left" in refused.stderr
        assert get(f"{url}/")[0] == 200 and read_unmiss(url) == "125"
        for filler in fillers:
            filler.unlink()
        assert call_a4p("load", str(write_value(tmp_path, 97)), "--data-dir", str(disk / "data")).returncode == 0
        assert read_unmiss(url) == "97"
        wait_for(lambda: read_metric(url, 'a4p_job_last_run_success{job="read_copy"}') == "1.0", RECOVERY_SECONDS, 0.5)
        assert read_unmiss(url) == "97"
