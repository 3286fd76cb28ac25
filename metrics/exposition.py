"""The text that Prometheus scrapes: rendered families in both formats, plain and gzip."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from metrics.families import Family

GZIP_WINDOW = 31  # zlib's number for a gzip header and trailer around deflate
DEFLATE_WINDOW = -15  # and for deflate alone
GZIP_LEVEL = 4  # level 6 makes the bytes 5 % smaller in three times the time


@dataclass(frozen=True)
class Body:
    """The text of a snapshot in one format, to which each scrape adds the service's own metrics.

    `chunks` joined are the plain text. `compressed` is the same text as the beginning of a gzip stream, up to a whole byte, and
    `checksum` its CRC-32. Added text continues the same gzip member, because curl and browsers read only the first one.
    """

    chunks: tuple[bytes, ...]
    compressed: bytes
    checksum: int

    @classmethod
    def prepare(cls, chunks: Iterable[bytes]) -> Body:
        """Return the body of these chunks of text."""
        stored = tuple(chunks)
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        compressed = []
        checksum = 0
        for chunk in stored:
            compressed.append(compressor.compress(chunk))
            checksum = zlib.crc32(chunk, checksum)
        compressed.append(compressor.flush(zlib.Z_SYNC_FLUSH))
        return cls(stored, b"".join(compressed), checksum)

    @property
    def size(self) -> int:
        """The bytes of the plain text."""
        return sum(map(len, self.chunks))

    def finish_plain(self, tail: bytes) -> list[bytes]:
        """Return the plain text followed by `tail`, in chunks."""
        return [*self.chunks, tail]

    def finish_gzip(self, tail: bytes) -> list[bytes]:
        """Return one gzip member of the text followed by `tail`, in chunks."""
        trailer = struct.pack("<II", zlib.crc32(tail, self.checksum), (self.size + len(tail)) % (1 << 32))
        return [self.compressed, _deflate_end(tail) + trailer]


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


def assemble_exposition(families: Iterable[Family], bodies: Mapping[str, bytes]) -> Exposition:
    """Return the exposition of the rendered samples with the header of each family; families without samples are omitted.

    Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and
    https://prometheus.io/docs/specs/om/open_metrics_spec/.
    """
    text: list[bytes] = []
    openmetrics: list[bytes] = []
    for family in families:
        body = bodies.get(family.name)
        if body is None:
            continue
        text += [render_header(family, is_openmetrics=False), body]
        openmetrics += [render_header(family, is_openmetrics=True), body]
    return Exposition(Body.prepare(text), Body.prepare(openmetrics))


def render_header(family: Family, is_openmetrics: bool) -> bytes:
    """Return the lines that come before the samples of a family."""
    help_text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    lines = [f"# TYPE {family.name} gauge"]
    if is_openmetrics:
        help_text = help_text.replace('"', r"\"")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
    return "\n".join([f"# HELP {family.name} {help_text}", *lines, ""]).encode()
