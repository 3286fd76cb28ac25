"""Modes and groups of the files in the data directory, of a new service and of one that was upgraded."""

from __future__ import annotations

import grp
import os
import stat
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from service.settings import Settings, find_in_tree
from service.system.file_access import restrict_backups, restrict_data_directory
from tests.service_process import ServiceProcess, call_a4p, run_a4p

RELEASE = find_in_tree("tests") / "upgrade" / "release-0.1.tar.xz"


def read_modes(data_dir: Path) -> dict[str, int]:
    """Return the modes of the directory and of what lies in it and in backups/."""
    files = [data_dir, *data_dir.iterdir(), *(data_dir / "backups").iterdir()]
    modes = {}
    for file in files:
        with suppress(FileNotFoundError):  # a service replaces files meanwhile
            modes[str(file.relative_to(data_dir))] = stat.S_IMODE(file.stat().st_mode)
    return modes


def check_private(data_dir: Path) -> None:
    modes = read_modes(data_dir)
    assert modes.pop(".") == 0o750
    assert {modes.pop("backups"), modes.pop("tmp")} == {0o700}
    assert {"warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.manifest.json", "a4p.secret", "alerts-token"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes


def choose_group() -> str:
    """Return a group that this user may give its files to and that is not its own."""
    groups = [group for group in os.getgroups() if group != os.getegid()] if os.geteuid() else [65534]
    return grp.getgrgid(groups[0]).gr_name


def test_a_new_data_directory_is_private_for_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with ServiceProcess(tmp_path / "data") as service:
            service.wait_until_ready()
            os.umask(before)
            file = tmp_path / "values.csv"
            file.write_text(
                "indicator,mission,period_start,period_end,value,source\n"
                "sofa_incidents_new,UNMISS,2024-05-01,2024-10-31,97,a test\n"
            )
            assert call_a4p("load", str(file), A4P_DATA_DIR=str(tmp_path / "data")).returncode == 0
            check_private(tmp_path / "data")
    finally:
        os.umask(before)


def test_a_directory_of_the_previous_release_gets_the_modes_at_its_next_start(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with tarfile.open(RELEASE) as archive:
        archive.extractall(data_dir, filter="data")
    data_dir.chmod(0o755)
    notes = data_dir / "notes.txt"
    notes.write_text("of an administrator")
    notes.chmod(0o644)
    (data_dir / "backups").mkdir(mode=0o755, exist_ok=True)
    (data_dir / "warehouse.duckdb").chmod(0o644)
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        assert stat.S_IMODE(notes.stat().st_mode) == 0o644
        notes.unlink()
        check_private(data_dir)


def test_a_load_without_a_service_leaves_private_files(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,97,a test\n"
    )
    assert call_a4p("load", str(file), A4P_DATA_DIR=str(tmp_path / "data")).returncode == 0
    modes = read_modes(tmp_path / "data")
    assert (modes["."], modes["warehouse.duckdb"], modes["warehouse-read.duckdb"]) == (0o750, 0o600, 0o600)


def test_the_group_may_read_the_read_copy_and_the_token_and_nothing_else(tmp_path: Path) -> None:
    group = choose_group()
    data_dir = tmp_path / "data"
    with ServiceProcess(data_dir, A4P_GROUP=group) as service:
        service.wait_until_ready()
        assert call_a4p("snapshot", A4P_DATA_DIR=str(data_dir), A4P_GROUP=group).returncode == 0
        modes = read_modes(data_dir)
        shared = {name for name, mode in modes.items() if mode & 0o040}
        newest = max(name for name in modes if name.startswith("backups/"))
        # The newest backup is a second name of the read copy; its directory is closed to the group.
        assert shared == {".", "warehouse-read.duckdb", "alerts-token", newest}
        assert (modes["."], modes["warehouse-read.duckdb"], modes["alerts-token"]) == (0o750, 0o640, 0o640)
        assert modes["backups"] == 0o700
        for name in (".", "warehouse-read.duckdb", "alerts-token"):
            assert (data_dir / name).group() == group
        assert all(not mode & 0o007 for mode in modes.values())


def test_a_restore_leaves_private_files_and_shares_the_read_copy_with_the_group(tmp_path: Path) -> None:
    group = choose_group()
    data_dir = tmp_path / "data"
    assert call_a4p("snapshot", A4P_DATA_DIR=str(data_dir), A4P_GROUP=group).returncode == 0
    (backup,) = (data_dir / "backups").iterdir()
    restored = call_a4p("restore", str(backup), A4P_DATA_DIR=str(data_dir), A4P_GROUP=group)
    assert restored.returncode == 0, restored.stderr
    modes = read_modes(data_dir)
    assert (modes["warehouse.duckdb"], modes["warehouse-read.duckdb"]) == (0o600, 0o640)
    assert (data_dir / "warehouse-read.duckdb").group() == group


def test_a_backup_can_be_read_by_its_user_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert call_a4p("snapshot", A4P_DATA_DIR=str(data_dir)).returncode == 0
    assert call_a4p("backup", str(tmp_path / "copy.duckdb"), A4P_DATA_DIR=str(data_dir)).returncode == 0
    assert stat.S_IMODE((tmp_path / "copy.duckdb").stat().st_mode) == 0o600


def test_an_unknown_group_is_an_error_without_a_trace(tmp_path: Path) -> None:
    ended = run_a4p("serve", "--port", "0", A4P_DATA_DIR=str(tmp_path / "data"), A4P_GROUP="no-such-group")
    assert ended.returncode == 1
    assert "setting A4P_GROUP: unknown group 'no-such-group'; create it with" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_modes_are_never_widened(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "warehouse.duckdb").touch(mode=0o400)
    before = os.umask(0o022)
    try:
        restrict_data_directory(Settings(data_dir=tmp_path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "warehouse.duckdb").stat().st_mode) == 0o400


def test_a_directory_shared_by_users_is_not_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o1777)
    before = os.umask(0o022)
    try:
        restrict_data_directory(Settings(data_dir=tmp_path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    assert "is shared by users" in caplog.text


def test_a_backup_becomes_private_once_it_is_not_the_read_copy(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    read_copy = tmp_path / "warehouse-read.duckdb"
    names = ["warehouse-20240501T000000.000000Z.duckdb", "warehouse-20240502T000000.000000Z.duckdb"]
    (backups / names[0]).touch()
    read_copy.touch()
    os.link(read_copy, backups / names[1])
    for file in (backups / names[0], read_copy):
        file.chmod(0o640)
    restrict_backups(backups, read_copy)
    assert [stat.S_IMODE((backups / name).stat().st_mode) for name in names] == [0o600, 0o640]
