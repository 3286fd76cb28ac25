"""State files: what a start serves at once, in a file that is used only if it is complete and of this release.

A file is a line with the format, a line of JSON that describes the parts, and the parts. Both the description and every part
have a digest, so that a damaged file is never served.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from service.settings import find_in_tree
from service.system.atomic_file import replace_file

log = logging.getLogger(__name__)

FORMAT = b"a4p state 1\n"
CODE = ("sql", "metrics", "service")
SUFFIXES = (".sql", ".py")
# The description has the names and values of labels. A longer one is a damaged file.
MAX_DESCRIPTION_BYTES = 1 << 30


class StateUnusable(Exception):
    """A state file that is damaged, incomplete, or of another release. The message has the reason."""


@cache
def digest_release() -> str:
    """Return the SHA-256 of the code and SQL of this release, and of the version of DuckDB."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for folder in CODE:
        root = find_in_tree(folder)
        for file in sorted(file for file in root.rglob("*") if file.suffix in SUFFIXES):
            content = file.read_bytes()
            digest.update(f"\0{folder}/{file.relative_to(root)}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def write_state(file: Path, description: Mapping[str, Any], parts: Sequence[bytes | memoryview]) -> None:
    """Replace the file atomically. The description must be JSON. Raises OSError."""
    whole = {
        "release": digest_release(),
        "description": description,
        "parts": [[len(part), hashlib.sha256(part).hexdigest()] for part in parts],
    }
    head = json.dumps(whole).encode()
    with replace_file(file) as unfinished, unfinished.open("wb", buffering=0) as stream:
        stream.write(FORMAT)
        stream.write(f"{len(head)} {hashlib.sha256(head).hexdigest()}\n".encode())
        for part in (head, *parts):
            _write_all(stream.fileno(), memoryview(part))


def store_or_warn(store: Callable[[], None], file: Path) -> None:
    """Run a function that writes a state file. A failure is logged: it delays only the next start."""
    try:
        store()
    except OSError as error:
        log.warning("%s could not be written, so the next start takes longer: %s", file, error)


def read_state(file: Path) -> tuple[dict[str, Any], list[bytearray]]:
    """Return the description and the parts of a file. Raises StateUnusable."""
    try:
        with file.open("rb") as stream:
            if stream.readline(len(FORMAT)) != FORMAT:
                raise StateUnusable("it has another format")
            size, _, digest = stream.readline(100).decode("ascii").rstrip("\n").partition(" ")
            if int(size) > MAX_DESCRIPTION_BYTES:
                raise StateUnusable("its description is damaged")
            head = stream.read(int(size))
            if hashlib.sha256(head).hexdigest() != digest:
                raise StateUnusable("its description is damaged")
            whole = json.loads(head)
            if whole["release"] != digest_release():
                raise StateUnusable("it was written by another release")
            if file.stat().st_size != stream.tell() + sum(size for size, _ in whole["parts"]):
                raise StateUnusable("it is incomplete")
            parts = []
            for part_size, part_digest in whole["parts"]:
                part = bytearray(part_size)
                if stream.readinto(part) != part_size or hashlib.sha256(part).hexdigest() != part_digest:
                    raise StateUnusable("its content is damaged")
                parts.append(part)
            return whole["description"], parts
    except FileNotFoundError:
        raise StateUnusable("it does not exist") from None
    except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise StateUnusable(f"it cannot be read ({error})") from None


def _write_all(descriptor: int, view: memoryview) -> None:
    # One write transfers at most 2 GB (man 2 write).
    while view:
        view = view[os.write(descriptor, view) :]
