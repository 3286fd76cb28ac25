"""Damaged blocks: a warehouse with changed bytes is refused, or `a4p verify` finds it, or every row reads as before."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import duckdb

from service.errors import ServiceError
from service.warehouse.backups.verify import verify_file
from service.warehouse.manifest import check_nothing_lost, find_manifest, list_tables

BLOCK_BYTES = 256 * 1024
SECTOR_BYTES = 4096
HEADER_BYTES = 3 * SECTOR_BYTES

Contents = dict[str, tuple[int, int]]


def read_contents(file: Path) -> Contents:
    """Return the number of rows of each table, and a hash of them."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            table: connection.execute(f'select count(*), coalesce(sum(hash(t)), 0) from store."{table}" as t').fetchall()[0]
            for table in list_tables(connection)
        }


def flip_bits(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 8])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def clear_sector(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(0, len(content), SECTOR_BYTES)
    content[start : start + SECTOR_BYTES] = bytes(len(content[start : start + SECTOR_BYTES]))


def fill_sector(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(0, len(content), SECTOR_BYTES)
    content[start : start + SECTOR_BYTES] = chance.randbytes(len(content[start : start + SECTOR_BYTES]))


def cut_end(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def swap_blocks(content: bytearray, chance: random.Random) -> None:
    """Exchange two blocks: the checksum of each is right."""
    blocks = (len(content) - HEADER_BYTES) // BLOCK_BYTES
    if blocks < 2:
        return flip_bits(content, chance)
    one, other = (HEADER_BYTES + block * BLOCK_BYTES for block in chance.sample(range(blocks), 2))
    saved = content[one : one + BLOCK_BYTES]
    content[one : one + BLOCK_BYTES] = content[other : other + BLOCK_BYTES]
    content[other : other + BLOCK_BYTES] = saved


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (flip_bits, clear_sector, fill_sector, cut_end, swap_blocks)


@dataclass(frozen=True)
class Judgement:
    """How a damaged warehouse was treated: refused, found by verify, or read as before; and the reason given."""

    outcome: str
    reason: str = ""


def judge(pipe: Pipe, file: Path, expected: Contents) -> None:
    """Send how a start and `a4p verify` treat a damaged file. Run in a process of its own: DuckDB may abort it."""
    try:
        check_nothing_lost(file)
        faults = verify_file(file).faults
    except ServiceError as error:
        pipe.send(("judged", Judgement("refused", str(error))))
        return
    if faults:
        pipe.send(("judged", Judgement("found", faults[0])))
        return
    contents = read_contents(file)
    changed = sorted(table for table in expected if contents.get(table) != expected[table])
    pipe.send(("judged", Judgement("served wrong", f"{changed}") if changed else Judgement("unchanged")))


def damage_copy(source: Path, folder: Path, damages_log: bool, chance: random.Random) -> tuple[Path, str]:
    """Copy a warehouse with its log and manifest to `folder`, damage the copy; return it and what was done."""
    folder.mkdir()
    log_file = source.with_name(source.name + ".wal")
    for file in (source, log_file, find_manifest(source)):
        if file.exists():
            shutil.copy(file, folder / file.name)
    copied = folder / source.name
    target = folder / log_file.name if damages_log else copied
    content = bytearray(target.read_bytes())
    damage = chance.choice(DAMAGES)
    damage(content, chance)
    target.write_bytes(content)
    return copied, f"{damage.__name__} of {target.name}"
