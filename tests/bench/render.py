"""Rendering: from the table of a snapshot's samples to the text that a scrape sends, each side in a process of its own.

Against prometheus-client's generate_latest with a custom collector that fetches the same rows from the same table. gzip,
which generate_latest does not make, is reported separately. Times are those of the processor. Memory is the peak above what
the process held before it began, for ours with the gzip of both formats.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
from prometheus_client.exposition import generate_latest

from metrics.exposition import Block
from service.settings import read_settings
from service.snapshots.snapshot import assemble_blocks, read_blocks
from service.warehouse.database import Connection
from service.warehouse.definitions import read_definitions
from tests.bench.data import World, write_catalogue
from tests.bench.measure import (
    MemoryWatch,
    Result,
    Size,
    answer,
    find_percentile,
    format_megabytes,
    format_seconds,
    log,
    run_child,
)
from tests.bench.peer import Row, fetch_rows, make_registry, make_samples

REPEATS = 3


def measure_render(size: Size, folder: Path) -> list[Result]:
    """Compare the time and memory of rendering with prometheus-client's, by turns."""
    world = World(size.large_series, 1)
    catalogue = write_catalogue(world, folder / "catalogue")
    samples = folder / "samples.duckdb"
    log(f"making {world.series:,} samples")
    with duckdb.connect(str(samples)) as connection:
        make_samples(connection, world)
    theirs, ours = [], []
    for turn in range(REPEATS):
        theirs.append(run_child("render", "peer", samples))
        ours.append(run_child("render", "ours", samples, catalogue))
        log(
            f"turn {turn + 1} of {REPEATS}: generate_latest {format_seconds(theirs[-1]['text'])}, of it fetching "
            f"{format_seconds(theirs[-1]['fetch'])}; ours {format_seconds(ours[-1]['text'])}, of it querying and fetching "
            f"{format_seconds(ours[-1]['fetch'])}, and gzip of both formats {format_seconds(ours[-1]['gzip'])}"
        )

    def find(results: list[dict[str, float]], key: str) -> float:
        return find_percentile([result[key] for result in results], 0.5)

    generated, text = find(theirs, "text"), find(ours, "text")
    their_memory, memory = find(theirs, "peak_bytes"), find(ours, "peak_bytes")
    name = f"render {world.series:,} series"
    return [
        Result(f"{name}, text: generate_latest", format_seconds(generated), format_seconds(text), text / generated, 0.1),
        Result(f"{name}, gzip of both formats", "", format_seconds(find(ours, "gzip"))),
        Result(
            f"{name}, peak memory: generate_latest",
            format_megabytes(their_memory),
            format_megabytes(memory),
            memory / their_memory,
            1,
        ),
    ]


def _open(samples: Path) -> Connection:
    settings = read_settings()
    connection = duckdb.connect(
        str(samples), read_only=True, config={"threads": settings.threads, "memory_limit": settings.memory_limit}
    )
    # At the first bound parameter of a process DuckDB imports 500 modules, in 0.3 s.
    connection.execute("select $warm", {"warm": True})
    return connection


def render_ours(samples: Path, catalogue: Path) -> None:
    """Render as a snapshot does, and write the seconds of text and gzip and the peak of memory."""
    definitions = read_definitions(catalogue)
    with _open(samples) as connection:
        memory = MemoryWatch()
        started = time.process_time()
        blocks = read_blocks(connection)
        fetched = time.process_time()
        exposition, _ = assemble_blocks(definitions, blocks)
        whole = time.process_time() - started
        peak = memory.read_peak()
    # Blocks are compressed while they are fetched; done once more, the share of that is known.
    plain = exposition.text.chunks
    compressing = time.process_time()
    for chunk in plain:
        Block.make(chunk, 0)
    gzip = time.process_time() - compressing
    answer(text=whole - gzip, fetch=fetched - started - gzip, gzip=gzip, peak_bytes=peak)


def render_peer(samples: Path) -> None:
    """Render with prometheus-client, and write the seconds of it all and of fetching, and the peak of memory."""
    fetch_seconds: list[float] = []

    def fetch() -> list[Row]:
        started = time.process_time()
        rows = fetch_rows(connection)
        fetch_seconds.append(time.process_time() - started)
        return rows

    with _open(samples) as connection:
        registry = make_registry(fetch)
        memory = MemoryWatch()
        started = time.process_time()
        generate_latest(registry)
        answer(text=time.process_time() - started, fetch=sum(fetch_seconds), peak_bytes=memory.read_peak())


if __name__ == "__main__":
    side, *paths = sys.argv[1:]
    if side == "ours":
        render_ours(*map(Path, paths))
    else:
        render_peer(*map(Path, paths))
