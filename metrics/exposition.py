"""The text that Prometheus scrapes: rendered families in both formats, plain and gzip."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter

from metrics.checksum import combine_checksums
from metrics.families import Family

GZIP_WINDOW = 31  # zlib's number for a gzip header and trailer around deflate
DEFLATE_WINDOW = -15  # and for deflate alone
# Deflate, without a name and a time, made on any system.
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_LEVEL = 4  # level 6 makes the bytes 5 % smaller in three times the time
# Of a block of 10,000 series this is a twentieth. A tenth of it costs 1 % more compressed bytes.
LARGE_BLOCK_BYTES = 64 << 10
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Block:
    """Sample lines of one family, in order, that are rendered together; a later snapshot may reuse them.

    A large one is compressed by itself, once for both formats: `fragment` are whole bytes of a deflate stream, and the text is
    not retained. A small one has its text, and is compressed with its neighbours.
    """

    first_line: bytes
    sample_count: int
    size: int
    text: bytes
    fragment: bytes
    checksum: int

    @classmethod
    def make(cls, text: bytes, sample_count: int) -> Block:
        """Return the block of these lines."""
        first_line = text[: text.find(b"\n") + 1]
        if len(text) < LARGE_BLOCK_BYTES:
            return cls(first_line, sample_count, len(text), text, b"", 0)
        return cls(first_line, sample_count, len(text), b"", _compress(text), zlib.crc32(text))


@dataclass(frozen=True)
class Body:
    """The text of a snapshot in one format, to which each scrape adds the service's own metrics.

    `compressed` is the text as the beginning of a gzip stream, up to a whole byte, `size` its bytes before compression, and
    `checksum` its CRC-32. Added text continues the same gzip member, because curl and browsers read only the first one.
    """

    compressed: bytes
    size: int
    checksum: int

    @cached_property
    def chunks(self) -> tuple[bytes, ...]:
        """The plain text in chunks. It is decompressed for the first client that accepts no gzip: Prometheus does."""
        stream = zlib.decompressobj(GZIP_WINDOW)
        chunks = []
        waiting = self.compressed
        while chunk := stream.decompress(waiting, CHUNK_BYTES):
            chunks.append(chunk)
            waiting = stream.unconsumed_tail
        return tuple(chunks)

    def finish_plain(self, tail: bytes) -> list[bytes]:
        """Return the plain text followed by `tail`, in chunks."""
        return [*self.chunks, tail]

    def finish_gzip(self, tail: bytes) -> list[bytes]:
        """Return one gzip member of the text followed by `tail`, in chunks."""
        trailer = struct.pack("<II", zlib.crc32(tail, self.checksum), (self.size + len(tail)) % (1 << 32))
        return [self.compressed, _deflate_end(tail) + trailer]


class _BodyWriter:
    """Joins headers and blocks to a body: large blocks as they are, and what is between them compressed together."""

    def __init__(self) -> None:
        self._fragments = [GZIP_HEADER]
        self._waiting: list[bytes] = []
        self._size = 0
        self._checksum = 0

    def add_text(self, text: bytes) -> None:
        self._waiting.append(text)

    def add_block(self, block: Block) -> None:
        if block.text:
            self._waiting.append(block.text)
        else:
            self._flush()
            self._add(block.fragment, block.size, block.checksum)

    def finish(self) -> Body:
        self._flush()
        return Body(b"".join(self._fragments), self._size, self._checksum)

    def _flush(self) -> None:
        if self._waiting:
            text = b"".join(self._waiting)
            self._waiting = []
            self._add(_compress(text), len(text), zlib.crc32(text))

    def _add(self, fragment: bytes, size: int, checksum: int) -> None:
        self._fragments.append(fragment)
        self._checksum = combine_checksums(self._checksum, checksum, size)
        self._size += size


def _compress(text: bytes) -> bytes:
    """Return the text as whole bytes of a deflate stream that refer to nothing before them."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, DEFLATE_WINDOW)
    return compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)


@lru_cache(maxsize=4)
def _deflate_end(tail: bytes) -> bytes:
    """Return the last blocks of a deflate stream. Cached for scrapes within the second in which the tail is the same."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, DEFLATE_WINDOW)
    return compressor.compress(tail) + compressor.flush()


@dataclass(frozen=True)
class Exposition:
    """A snapshot's text in the Prometheus text format and in OpenMetrics; neither ends with `# EOF` yet."""

    text: Body
    openmetrics: Body


def assemble_exposition(families: Iterable[Family], blocks: Mapping[str, Iterable[Block]]) -> Exposition:
    """Return the exposition of the blocks of each family, in the order of their lines; families without blocks are omitted.

    Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and
    https://prometheus.io/docs/specs/om/open_metrics_spec/.
    """
    text, openmetrics = _BodyWriter(), _BodyWriter()
    for family in families:
        own = sorted(blocks.get(family.name, ()), key=attrgetter("first_line"))
        for writer in (text, openmetrics):
            if own:
                writer.add_text(render_header(family, is_openmetrics=writer is openmetrics))
            for block in own:
                writer.add_block(block)
    return Exposition(text.finish(), openmetrics.finish())


def render_header(family: Family, is_openmetrics: bool) -> bytes:
    """Return the lines that come before the samples of a family."""
    help_text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    lines = [f"# TYPE {family.name} gauge"]
    if is_openmetrics:
        help_text = help_text.replace('"', r"\"")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
    return "\n".join([f"# HELP {family.name} {help_text}", *lines, ""]).encode()
