"""Damaged and hostile files in place of a template."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import LoadError
from tests.rounds.staging import Stage
from tests.rounds.workbooks import edit_archive


def keep(name: str, content: bytes) -> bytes:
    return content


def add_macros(file: Path) -> None:
    edit_archive(file, keep, **{"xl/vbaProject.bin": b"x"})


def make_old_workbook(file: Path) -> None:
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))


def add_password(file: Path) -> None:
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le"))


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def add_bomb(file: Path) -> None:
    edit_archive(file, keep, **{"xl/worksheets/sheet99.xml": b" " * (64 << 20)})


def declare_size(file: Path, size: int) -> None:
    """Write another unpacked size of the last sheet into the directory of the archive."""
    content = bytearray(file.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet"))
    content[entry + 24 : entry + 28] = struct.pack("<I", size)
    file.write_bytes(content)


def declare_two_gigabytes(file: Path) -> None:
    declare_size(file, 2_000_000_000)


def hide_bomb(file: Path) -> None:
    add_bomb(file)
    declare_size(file, 1000)


@pytest.mark.parametrize(
    ("damage", "answer"),
    [
        pytest.param(add_macros, "contains macros; save it as .xlsx without macros", id="macros"),
        pytest.param(make_old_workbook, "is an old Excel workbook; save it as .xlsx or CSV", id="xls"),
        pytest.param(add_password, "is protected by a password; save it without one", id="password"),
        pytest.param(truncate, "cannot be read as an Excel workbook", id="truncated"),
        pytest.param(add_bomb, "contains xl/worksheets/sheet99.xml, which unpacks to more than 400 times its size", id="bomb"),
        pytest.param(declare_two_gigabytes, "unpacks to 2.0 GB, more than 1.1 GB; save the sheet as CSV", id="2 GB"),
        pytest.param(hide_bomb, "cannot be read as an Excel workbook (Bad CRC-32", id="bomb of a false size"),
    ],
)
def test_a_damaged_file_is_refused(
    stage_by_process: Stage, templates: dict[str, bytes], tmp_path: Path, damage: Callable[[Path], None], answer: str
) -> None:
    file = tmp_path / "t.xlsx"
    file.write_bytes(templates["UNMISS"])
    damage(file)
    with pytest.raises(LoadError) as caught:
        stage_by_process(file)
    assert str(caught.value).startswith(f"t.xlsx {answer}")
