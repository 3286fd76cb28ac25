"""A start as root: a warning, or a change to A4P_USER before anything is opened."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import TREE, Settings
from service.system.privileges import drop_privileges, find_user
from tests.service_process import START_SECONDS, ServiceProcess, run_a4p

USER, UID, GID = "nobody", 65534, 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

# Becomes the user, says what it is then, and tries to return.
DROP = """
import os, sys
from pathlib import Path
from service.system.privileges import drop_privileges
from service.settings import Settings
assert drop_privileges(Settings(data_dir=Path(sys.argv[1]), user="nobody", group=sys.argv[2])) is False
print(os.getresuid(), os.getresgid(), os.getgroups())
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm"))])
for attempt in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        attempt()
        print("returned")
    except PermissionError:
        print("refused")
"""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Make directories that every user can enter; a service in this process restricts the mask for all later tests."""
    earlier = os.umask(0o022)
    yield
    os.umask(earlier)


@pytest.fixture
def given_dir() -> Iterator[Path]:
    """A directory whose parents every user can enter, unlike those of `tmp_path`."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def find_closed_folder() -> Path | None:
    """Return the outermost folder above Python or the checkout that other users cannot enter, if there is one."""
    for end in (Path(sys.base_prefix), Path(sys.prefix), TREE):
        for folder in [*reversed(end.parents), end]:
            if not folder.stat().st_mode & 0o001:
                return folder
    return None


def open_to_users(command: list[str]) -> list[str]:
    """Return a command for which Python and the checkout can be read by every user, in a mount namespace where they cannot."""
    closed = find_closed_folder()
    if closed is None:
        return command
    within = [folder for folder in {sys.base_prefix, sys.prefix, str(TREE)} if Path(folder).is_relative_to(closed)]
    quoted = [(shlex.quote(folder), f"/tmp/a4p-mount-{number}-$$") for number, folder in enumerate(sorted(within))]
    steps = ["set -e"]
    steps += [f"mkdir {aside}; mount --bind {folder} {aside}" for folder, aside in quoted]
    steps += [f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(closed))}"]
    steps += [f"mkdir -p {folder}; mount --bind {aside} {folder}; umount {aside}; rmdir {aside}" for folder, aside in quoted]
    return ["unshare", "--mount", "sh", "-c", "; ".join([*steps, 'cd "$0"; exec "$@"']), str(TREE), *command]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = open_to_users([sys.executable, "-c", code, *arguments])
    return subprocess.run(command, capture_output=True, text=True, cwd=TREE, timeout=START_SECONDS)


@root_only
def test_privileges_are_dropped_for_good(given_dir: Path) -> None:
    dropped = run(DROP, str(given_dir / "data"), "")
    assert dropped.returncode == 0, dropped.stderr
    ids, capabilities, *attempts = dropped.stdout.splitlines()
    assert ids == f"{(UID,) * 3} {(GID,) * 3} []"
    assert capabilities == str(["0" * 16] * 2)
    assert attempts == ["refused"] * 4


@root_only
def test_the_shared_group_is_the_only_further_group(given_dir: Path) -> None:
    dropped = run(DROP, str(given_dir / "data"), "daemon")
    assert dropped.stdout.startswith(f"{(UID,) * 3} {(GID,) * 3} [1]\n"), dropped.stderr


@root_only
def test_a_service_started_as_root_runs_as_the_user_with_its_files(given_dir: Path) -> None:
    data_dir = given_dir / "data"
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        assert any(line.startswith("warning: the service runs as root") for line in service.output)
        assert service.stop()[0] == 0
    assert (data_dir / "warehouse.duckdb").stat().st_uid == 0
    (data_dir / "of-root.txt").touch(mode=0o600)
    (data_dir / "warehouse-link.duckdb").symlink_to(data_dir / "of-root.txt")
    given_dir.chmod(0o755)
    for command in ("snapshot", "snapshot"):
        ended = subprocess.run(
            open_to_users([sys.executable, "-m", "service.cli", command]),
            capture_output=True, text=True, cwd=TREE, timeout=START_SECONDS,
            env={**os.environ, "A4P_USER": USER, "A4P_DATA_DIR": str(data_dir)},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
    owners = {file.name: file.lstat().st_uid for file in [data_dir, *data_dir.iterdir(), *(data_dir / "backups").iterdir()]}
    # A file that is not the service's stays as it was, also where a link leads to it.
    assert owners.pop("of-root.txt") == 0
    assert set(owners.values()) == {UID}
    assert len(owners) > 5


@root_only
def test_a_user_that_cannot_read_python_is_an_error_without_a_trace(given_dir: Path) -> None:
    code = DROP.replace(
        "from service.settings import Settings", "from service.settings import Settings; import service.system.privileges"
    )
    closed = given_dir / "closed"
    closed.mkdir(mode=0o700)
    code = code.replace("assert drop", f"service.system.privileges.TREE = Path({str(closed)!r})\nassert drop")
    refused = run(code, str(given_dir / "data"), "")
    assert refused.returncode == 1
    assert f"the user nobody cannot read {closed}/sql; install Python and the service where every user can" in refused.stderr


@root_only
@pytest.mark.parametrize("content", ["photo.jpg", None])
def test_the_owner_of_a_directory_of_other_users_is_not_changed(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / content).touch()
    else:
        tmp_path.chmod(0o1777)
    refused = run_a4p("serve", "--port", "0", A4P_DATA_DIR=str(tmp_path), A4P_USER=USER)
    assert refused.returncode == 1
    assert "contains other files and none of the service, so its owner is not changed to nobody" in refused.stderr
    assert tmp_path.stat().st_uid == 0


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("no-such-user", "unknown user 'no-such-user'; create it with 'useradd --system no-such-user'"),
        ("4294967294", "unknown user '4294967294'"),
        ("root", "'root' is root or in root's group; set it to a separate user"),
        ("0", "'0' is root or in root's group"),
    ],
)
def test_an_invalid_user_is_an_error_without_a_trace(tmp_path: Path, user: str, reason: str) -> None:
    refused = run_a4p("serve", "--port", "0", A4P_DATA_DIR=str(tmp_path / "data"), A4P_USER=user)
    assert refused.returncode == 1
    assert f"setting A4P_USER: {reason}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_only_root_becomes_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    with pytest.raises(SettingsError, match="only root can become 'nobody'; start the service as root or as that user"):
        drop_privileges(Settings(data_dir=tmp_path, user=USER))
    monkeypatch.setattr(os, "geteuid", lambda: find_user(USER).pw_uid)
    assert drop_privileges(Settings(data_dir=tmp_path, user=USER)) is False
