"""State files: complete, of this release, or not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.system import state_file
from service.system.state_file import StateUnusable, read_state, write_state

DESCRIPTION = {"snapshot": 3, "labels": ["UNMISS", "line\nfeed"]}
PARTS = [b"first part", b"", bytes(range(256)) * 20]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "warehouse-test.state"
    write_state(written, DESCRIPTION, PARTS)
    return written


def test_what_is_written_is_read(file: Path) -> None:
    description, parts = read_state(file)
    assert description == DESCRIPTION
    assert [bytes(part) for part in parts] == PARTS
    assert [other.name for other in file.parent.iterdir()] == [file.name]


def test_a_changed_byte_anywhere_is_found(file: Path) -> None:
    content = file.read_bytes()
    places = {*range(0, 300), *range(300, len(content), 97), len(content) - 1}
    for place in sorted(places):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StateUnusable):
            read_state(file)


def test_a_file_that_ends_anywhere_or_goes_on_is_not_used(file: Path) -> None:
    content = file.read_bytes()
    for size in [*range(0, 300), len(content) - 1]:
        file.write_bytes(content[:size])
        with pytest.raises(StateUnusable):
            read_state(file)
    file.write_bytes(content + b"more")
    with pytest.raises(StateUnusable, match="incomplete"):
        read_state(file)


def test_a_file_of_another_release_is_not_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "digest_release", lambda: "another")
    with pytest.raises(StateUnusable, match="another release"):
        read_state(file)


def test_a_missing_file_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="does not exist"):
        read_state(tmp_path / "warehouse-test.state")


def test_a_failed_write_leaves_the_file_unchanged(file: Path) -> None:
    content = file.read_bytes()
    with pytest.raises(TypeError):
        write_state(file, {"time": object()}, PARTS)
    assert file.read_bytes() == content
    assert len(list(file.parent.iterdir())) == 1
